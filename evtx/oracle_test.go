package evtx

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// flat is an event as a list of name=value lines, in a form in which ours and
// libevtx's can be compared.
type flat []string

// TestAgainstLibevtx compares record counts and every value with libevtx's
// tool evtxexport, which Debian has in libevtx-utils.
func TestAgainstLibevtx(t *testing.T) {
	tool, err := exec.LookPath("evtxexport")
	if err != nil {
		t.Skip("no oracle: evtxexport (libevtx-utils) is not installed")
	}
	files, records, whole := 0, 0, 0
	for _, path := range corpus(t, "evtx") {
		theirs, complete := libevtx(t, tool, path)
		ours := flatRecords(t, path)
		files++
		records += len(ours)
		name := filepath.Base(path)
		switch {
		case complete && len(ours) != len(theirs) && len(ours) != len(theirs)+knownExtra[name]:
			t.Errorf("%s: %d records, libevtx has %d", path, len(ours), len(theirs))
			continue
		case !complete && len(ours) < len(theirs):
			t.Errorf("%s: %d records, libevtx has %d before it fails", path, len(ours), len(theirs))
			continue
		}
		bad := 0
		for i := range theirs {
			if d := diffFlat(dropRendering(ours[i], theirs[i]), theirs[i]); d != "" {
				if bad++; bad <= 3 {
					t.Errorf("%s: record %d of %d:\n%s", path, i, len(theirs), d)
				}
			}
		}
		if bad == 0 && complete {
			whole++
		}
	}
	t.Logf("%d files, %d records; %d files equal to libevtx in every value", files, records, whole)
}

// knownExtra names files of which libevtx leaves out records without saying so.
var knownExtra = map[string]int{
	// The sixth record does not end with its size; the rest of the chunk is gone.
	"Microsoft-Windows-HelloForBusiness%4Operational.evtx": 1,
}

// dropRendering takes RenderingInfo out of ours where libevtx has none: it
// leaves it out.
func dropRendering(ours, theirs flat) flat {
	is := func(s string) bool { return strings.HasPrefix(s, "RenderingInfo/") || strings.HasPrefix(s, "keyword=") }
	if slices.ContainsFunc(theirs, is) {
		return ours
	}
	return slices.DeleteFunc(slices.Clone(ours), is)
}

func diffFlat(ours, theirs flat) string {
	var b strings.Builder
	for i := 0; i < max(len(ours), len(theirs)) && b.Len() < 600; i++ {
		o, t := "(none)", "(none)"
		if i < len(ours) {
			o = ours[i]
		}
		if i < len(theirs) {
			t = theirs[i]
		}
		if o != t {
			fmt.Fprintf(&b, "  ours   %q\n  theirs %q\n", o, t)
		}
	}
	return b.String()
}

// flatRecords gives the live records of a file as we read them.
func flatRecords(t *testing.T, path string) []flat {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Errorf("open: %v", err)
		return nil
	}
	defer f.Close()
	var out []flat
	for r, err := range f.Records(Options{}) {
		if err != nil {
			t.Logf("%s: %v", filepath.Base(path), err)
		}
		if r != nil {
			out = append(out, flatten(r))
		}
	}
	return out
}

func flatten(r *Record) flat {
	var out flat
	for f, v := range r.Fields {
		if !v.IsEmpty() {
			out = append(out, Field(f).String()+"="+same(v.String()))
		}
	}
	for _, v := range r.RenderedKeywords {
		out = append(out, "keyword="+same(v.String()))
	}
	for _, part := range [...]struct {
		name  string
		pairs []Pair
	}{{"data", r.Data}, {"user", r.UserData}, {"other", r.Other}} {
		for _, p := range part.pairs {
			text := p.Value.String()
			if n, ok := p.Value.Uint(); ok && p.Value.Type() == TypeSize {
				text = strconv.FormatUint(n, 10) // as libevtx; Windows writes 0x…
			}
			out = append(out, part.name+":"+p.Name+"="+same(text))
		}
	}
	return out
}

var (
	guidText  = regexp.MustCompile(`^\{[0-9A-Fa-f-]{36}\}$`)
	hexText   = regexp.MustCompile(`^0x0*([0-9a-fA-F]+)$`)
	timeText  = regexp.MustCompile(`^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)\.(\d*?)0*Z$`)
	floatText = regexp.MustCompile(`^-?\d+\.\d+$`)
)

// same removes the differences of form: case of GUIDs, leading zeros of
// hexadecimal numbers, trailing zeros of times, white space at the ends.
func same(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0xfffd {
			return -1
		}
		return r
	}, s)
	switch {
	case guidText.MatchString(s):
		return strings.ToLower(s)
	case hexText.MatchString(s):
		return strings.ToLower(hexText.ReplaceAllString(s, "0x$1"))
	case timeText.MatchString(s):
		return timeText.ReplaceAllString(s, "$1.${2}Z")
	case floatText.MatchString(s):
		return strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return strings.TrimSpace(s)
}

// libevtx gives the records of a file as libevtx writes them; complete is
// false if it stopped early.
func libevtx(t *testing.T, tool, path string) (out []flat, complete bool) {
	t.Helper()
	cmd := exec.Command(tool, "-f", "xml", path)
	text, err := cmd.Output()
	complete = err == nil
	for {
		i := bytes.Index(text, []byte("<Event "))
		if i < 0 {
			return out, complete
		}
		text = text[i:]
		end := bytes.Index(text, []byte("\n</Event>"))
		if end < 0 {
			return out, complete
		}
		end += len("\n</Event>")
		out = append(out, flattenXML(t, text[:end]))
		text = text[end:]
	}
}

// flattenXML is a second, slow way from the XML of an event to a flat.
func flattenXML(t *testing.T, doc []byte) flat {
	doc = bytes.Map(func(r rune) rune {
		if r < 0x20 && r != '\n' && r != '\t' || r == 0xfffe || r == 0xffff {
			return -1
		}
		return r
	}, doc)
	root, err := readTree(doc)
	if err != nil {
		t.Errorf("oracle's XML: %v\n%.300s", err, doc)
		return nil
	}
	w := treeWalk{fields: map[string]string{}}
	for _, c := range root.children {
		w.section(c)
	}
	var out flat
	for f := range NumFields {
		if s, ok := w.fields[f.String()]; ok && s != "" {
			out = append(out, f.String()+"="+same(s))
		}
	}
	return append(append(append(append(out, w.keywords...), w.data...), w.user...), w.other...)
}

type tree struct {
	start    int64 // of the content
	inner    string
	name     string
	attrs    []xml.Attr
	children []*tree
	text     string
}

func readTree(doc []byte) (*tree, error) {
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.Strict = false
	var stack []*tree
	for {
		at := d.InputOffset()
		tok, err := d.RawToken()
		if err == io.EOF {
			return nil, io.ErrUnexpectedEOF
		}
		if err != nil {
			return nil, err
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			n := &tree{name: rawName(tok.Name), attrs: tok.Attr, start: d.InputOffset()}
			if len(stack) > 0 {
				p := stack[len(stack)-1]
				p.children = append(p.children, n)
			}
			stack = append(stack, n)
		case xml.EndElement:
			top := stack[len(stack)-1]
			top.inner = string(doc[top.start:max(at, top.start)])
			if len(stack) == 1 {
				return stack[0], nil
			}
			stack = stack[:len(stack)-1]
		case xml.CharData:
			if len(stack) > 0 {
				stack[len(stack)-1].text += string(tok)
			}
		}
	}
}

func rawName(n xml.Name) string {
	if n.Space != "" {
		return n.Space + ":" + n.Local
	}
	return n.Local
}

type treeWalk struct {
	fields                      map[string]string
	keywords, data, user, other flat
}

func (w *treeWalk) section(n *tree) {
	for _, a := range n.attrs {
		w.attr(&w.other, "other:", n.name, a)
	}
	switch n.name {
	case "System", "RenderingInfo":
		for _, c := range n.children {
			path := n.name + "/" + c.name
			for _, a := range c.attrs {
				w.attr(&w.other, "other:", path, a)
			}
			if path == "RenderingInfo/Keywords" {
				for _, k := range c.children {
					w.keywords = append(w.keywords, "keyword="+same(k.text))
				}
				continue
			}
			if _, ok := fieldAt(path); ok {
				w.fields[path] = c.text
			}
		}
	case "EventData":
		for _, c := range n.children {
			w.leaf(&w.data, "data:", "", c)
		}
	case "UserData":
		for _, c := range n.children {
			w.leaf(&w.user, "user:", "", c)
		}
	default:
		w.leaf(&w.other, "other:", "", n)
	}
}

func (w *treeWalk) attr(to *flat, list, path string, a xml.Attr) {
	name := rawName(a.Name)
	if name == "xmlns" || strings.HasPrefix(name, "xmlns:") || a.Value == "" {
		return
	}
	full := path + "/@" + name
	if _, ok := fieldAt(full); ok {
		w.fields[full] = a.Value
		return
	}
	*to = append(*to, list+full+"="+same(a.Value))
}

func (w *treeWalk) leaf(to *flat, list, path string, n *tree) {
	name, attrs := n.name, 0
	if n.name == "Data" && list == "data:" && path == "" {
		name = ""
	}
	for _, a := range n.attrs {
		if n.name == "Data" && a.Name.Local == "Name" {
			name = a.Value
		}
	}
	if path != "" {
		name = path + "/" + name
	}
	for _, a := range n.attrs {
		if n.name == "Data" && a.Name.Local == "Name" {
			continue
		}
		if !declares(rawName(a.Name)) {
			attrs++
		}
		if n.name == "Data" && list == "data:" && path == "" {
			w.attr(&w.other, "other:", "EventData/Data", a)
		} else {
			w.attr(to, list, name, a)
		}
	}
	if n.name == "Data" && len(n.children) > 0 {
		// libevtx does not escape text that looks like XML.
		*to = append(*to, list+name+"="+same(n.inner))
		return
	}
	for _, c := range n.children {
		w.leaf(to, list, name, c)
	}
	if len(n.children) == 0 && (attrs == 0 || n.text != "") {
		*to = append(*to, list+name+"="+same(n.text))
	}
}
