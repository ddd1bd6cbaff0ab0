package source

import "bytes"

// keyKind is what an object's first key lets one expect of the object.
type keyKind uint8

const (
	keyPlain   keyKind = iota // a document
	keyWrapper                // perhaps an object around an array of documents
	keyAction                 // perhaps an action line of the _bulk format
)

// firstKey looks at the first key of the object that b begins with.
func firstKey(b []byte) (keyKind, verdict) {
	i := skipSpace(b, 1)
	if i >= len(b) {
		return keyPlain, more
	}
	if b[i] != '"' {
		return keyPlain, done
	}
	rest := b[i+1 : min(len(b), i+40)]
	n := bytes.IndexByte(rest, '"')
	if n < 0 {
		if len(b) < i+40 {
			return keyPlain, more
		}
		return keyPlain, done
	}
	return kindOfKey(rest[:n]), done
}

// kindOfKey is the table of first keys. Elasticsearch's responses (search,
// scroll, multi and async search, EQL), CloudTrail's and Microsoft's APIs,
// and the arrays that exports commonly use.
func kindOfKey(key []byte) keyKind {
	switch string(key) {
	case "index", "create", "update", "delete":
		return keyAction
	case "took", "_scroll_id", "pit_id", "timed_out", "terminated_early", "num_reduce_phases",
		"_shards", "_clusters", "hits", "responses", "response", "is_partial", "is_running", "id",
		"join_keys", "total", "count", "size", "from", "page", "status", "meta", "metadata",
		"@odata.context", "@odata.count", "@odata.nextLink", "Stats", "Schema", "schema",
		"Records", "records", "Events", "events", "value", "Results", "results", "data",
		"items", "logs":
		return keyWrapper
	}
	return keyPlain
}

// holdsDocuments says whether an array under key is one of documents. within
// says that the key stands in Elasticsearch's "hits".
func holdsDocuments(key []byte, within bool) bool {
	if within {
		switch string(key) {
		case "hits", "events", "sequences":
			return true
		}
		return false
	}
	switch string(key) {
	case "Records", "records", "Events", "events", "value", "Results", "results", "data",
		"items", "logs", "responses":
		return true
	}
	return false
}

// wrapper tells whether the object that b begins with is one around an array
// of documents. If so (done), the array's elements begin at b[n:], and levels
// objects are open around it. more means that b ended too soon to tell.
func wrapper(b []byte) (n, levels int, v verdict) {
	hits := 0 // the level of Elasticsearch's "hits", 0 if not within
	levels = 1
	i := skipSpace(b, 1)
	for i < len(b) {
		switch b[i] {
		case ',':
			i = skipSpace(b, i+1)
			continue
		case '}':
			levels--
			if levels == 0 {
				return 0, 0, bad
			}
			if levels < hits {
				hits = 0
			}
			i = skipSpace(b, i+1)
			continue
		case '"':
		default:
			return 0, 0, bad
		}
		key, at, v := member(b, i)
		if v != done {
			return 0, 0, v
		}
		switch {
		case b[at] == '[' && holdsDocuments(key, hits > 0):
			first := skipSpace(b, at+1)
			if first >= len(b) {
				return 0, 0, more
			}
			if b[first] == '{' || b[first] == ']' {
				return at + 1, levels, done
			}
		case b[at] == '{' && hits == 0 && (string(key) == "hits" || string(key) == "response"):
			levels++
			if string(key) == "hits" {
				hits = levels
			}
			i = skipSpace(b, at+1)
			continue
		}
		if i, v = valueEnd(b, at); v != done {
			return 0, 0, v
		}
		i = skipSpace(b, i)
	}
	return 0, 0, more
}

// member reads a key at b[i] and returns where its value begins.
func member(b []byte, i int) (key []byte, at int, v verdict) {
	s := skipper{str: 1}
	n, v := s.text(b[i+1:])
	if v != done {
		return nil, 0, v
	}
	key = b[i+1 : i+n]
	at = skipSpace(b, i+1+n)
	if at >= len(b) {
		return nil, 0, more
	}
	if b[at] != ':' {
		return nil, 0, bad
	}
	at = skipSpace(b, at+1)
	if at >= len(b) {
		return nil, 0, more
	}
	return key, at, done
}

// valueEnd passes over the value at b[i].
func valueEnd(b []byte, i int) (int, verdict) {
	switch class[b[i]] {
	case clOpen:
		var s skipper
		s.reset()
		n, v := s.scan(b[i:])
		return i + n, v
	case clQuote:
		s := skipper{str: 1}
		n, v := s.text(b[i+1:])
		return i + 1 + n, v
	case clScalar:
		for ; i < len(b); i++ {
			if class[b[i]] != clScalar {
				return i, done
			}
		}
		return i, more
	}
	return i, bad
}

// action reads an action line of the _bulk format: an object of one key,
// whose value holds nothing but what the format allows.
func action(b []byte) (index, id []byte, ok bool) {
	i := skipSpace(b, 1)
	verb, at, v := member(b, i)
	if v != done || b[at] != '{' || kindOfKey(verb) != keyAction {
		return nil, nil, false
	}
	i = skipSpace(b, at+1)
	for i < len(b) && b[i] != '}' {
		if b[i] == ',' {
			i = skipSpace(b, i+1)
			continue
		}
		if b[i] != '"' {
			return nil, nil, false
		}
		key, at, v := member(b, i)
		if v != done || !actionKey(key) {
			return nil, nil, false
		}
		end, v := valueEnd(b, at)
		if v != done {
			return nil, nil, false
		}
		switch string(key) {
		case "_index":
			index = unquote(b[at:end])
		case "_id":
			id = unquote(b[at:end])
		}
		i = skipSpace(b, end)
	}
	if i = skipSpace(b, i+1); i >= len(b) || b[i] != '}' {
		return nil, nil, false
	}
	return index, id, skipSpace(b, i+1) == len(b)
}

func actionKey(key []byte) bool {
	switch string(key) {
	case "_index", "_id", "_type", "routing", "_routing", "version", "version_type", "op_type",
		"pipeline", "if_seq_no", "if_primary_term", "require_alias", "require_data_stream",
		"dynamic_templates", "list_executed_pipelines", "retry_on_conflict", "parent",
		"_version", "_version_type", "_parent", "_retry_on_conflict", "_source":
		return true
	}
	return false
}

// unquote takes a value's quotes off. Escapes stay: names of indices hold none.
func unquote(b []byte) []byte {
	if len(b) >= 2 && b[0] == '"' {
		return b[1 : len(b)-1]
	}
	return b
}
