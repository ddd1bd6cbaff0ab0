package alert

import (
	"encoding/json"
	"fmt"
	"strings"
)

// View is a whole ECS event, looked at by dotted field names.
type View map[string]any

// NewView reads an event's JSON. What cannot be read gives an empty view.
func NewView(raw json.RawMessage) View {
	var v View
	if err := json.Unmarshal(raw, &v); err != nil {
		return View{}
	}
	return v
}

// Text returns a field's value as text, the first of several, "" if there is
// none. The field may stand nested or dotted.
func (v View) Text(field string) string {
	if x, ok := v.find(field); ok {
		return text(x)
	}
	return ""
}

// Texts returns all of a field's values as text.
func (v View) Texts(field string) []string {
	x, _ := v.find(field)
	list, ok := x.([]any)
	if !ok {
		list = []any{x}
	}
	var out []string
	for _, item := range list {
		if s := text(item); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// First returns the first of the fields that has a value.
func (v View) First(fields ...string) string {
	for _, f := range fields {
		if s := v.Text(f); s != "" {
			return s
		}
	}
	return ""
}

func (v View) find(field string) (any, bool) {
	if x, ok := v[field]; ok {
		return x, true
	}
	for i := 0; i < len(field); i++ {
		if field[i] != '.' {
			continue
		}
		if inner, ok := v[field[:i]].(map[string]any); ok {
			if x, ok := View(inner).find(field[i+1:]); ok {
				return x, true
			}
		}
	}
	return nil, false
}

func text(x any) string {
	switch x := x.(type) {
	case nil:
		return ""
	case string:
		return x
	case float64:
		return strings.TrimSuffix(fmt.Sprintf("%.3f", x), ".000")
	case []any:
		if len(x) > 0 {
			return text(x[0])
		}
		return ""
	case bool:
		return fmt.Sprint(x)
	}
	return ""
}

// Has reports whether one of a field's values is the text.
func (v View) Has(field, value string) bool {
	x, _ := v.find(field)
	if list, ok := x.([]any); ok {
		for _, item := range list {
			if text(item) == value {
				return true
			}
		}
		return false
	}
	return text(x) == value
}

// Endpoint is address:port, the address alone, or the name.
func (v View) Endpoint(side string) string {
	host := v.First(side+".ip", side+".address", side+".domain")
	port := v.Text(side + ".port")
	switch {
	case host == "":
		return ""
	case port == "":
		return host
	case strings.Contains(host, ":"):
		return "[" + host + "]:" + port
	}
	return host + ":" + port
}

// Describe says in one line what an event tells: who did what to what.
func (v View) Describe() string {
	code := v.Text("event.code")
	process := v.First("process.name", "process.executable")
	switch {
	case v.Has("event.category", "network") && v.Endpoint("source") != "" && v.Text("file.name") == "":
		return fmt.Sprintf("%s → %s  %s", v.Endpoint("source"), v.Endpoint("destination"), process)
	case v.Has("event.category", "process") && v.Has("event.type", "start") && process != "":
		parent := v.First("process.parent.name", "process.parent.executable", "process.parent.pid")
		return strings.TrimSpace(fmt.Sprintf("%s → %s  %s", parent, process,
			v.First("process.command_line", "process.executable")))
	case code == "7045" || code == "4697":
		return fmt.Sprintf("service %q installed: %s", v.First("service.name", "winlog.event_data.ServiceName"),
			v.First("winlog.event_data.ServiceFileName", "winlog.event_data.ImagePath"))
	case v.Text("registry.path") != "":
		return fmt.Sprintf("%s set %s = %s", process, v.Text("registry.path"), v.First("registry.data.strings", "winlog.event_data.Details"))
	case v.Text("file.name") != "":
		return fmt.Sprintf("%s %s  %s", v.First("user.name", "process.name"), v.First("file.path", "file.name"),
			v.Endpoint("source"))
	case v.Has("event.category", "authentication"):
		return fmt.Sprintf("%s %s  from %s", v.First("event.action"), v.Text("user.name"), v.Endpoint("source"))
	}
	return strings.TrimSpace(v.First("event.action", "event.provider") + " " + process)
}
