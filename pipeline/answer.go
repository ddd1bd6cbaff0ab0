package pipeline

import (
	"slices"
	"time"

	"github.com/tocsin-project/tocsin/alert"
	"github.com/tocsin-project/tocsin/triage"
)

// answer answers the Response questions of an alert whose events and context
// are written out, and keeps of the context what the answers rest on.
func (r *Result) answer(a *alert.Alert, f *Finding) {
	in := triage.Input{
		Alert: a, Strategy: f.Rule.Strategy, Lang: r.scan.Lang, Admins: r.scan.Admins,
		Placed: time.Unix(0, f.placed).UTC(),
		Host:   r.arrivals(hostKey(f)), All: r.arrivals(""),
	}
	if rater := r.scan.Rater; rater != nil {
		in.Ordinary = func(address string) triage.Ordinary {
			s := rater.Source(address)
			return triage.Ordinary{Programs: s.Programs(), Hosts: s.Hosts(), First: s.First, Last: s.Last, Held: s.Held}
		}
	}
	for i := range f.context {
		g, c := &f.context[i], &r.scan.Engine.Contexts[f.Rule.Contexts[i]]
		asked := triage.Asked{
			Query: c.Source, Shipped: c.Shipped, Category: c.Category, Codes: c.Codes, CodesOnly: c.CodesOnly,
			Asked: g.asked, Total: g.total, Seen: g.seen,
		}
		for _, st := range g.steps {
			asked.Found = append(asked.Found, triage.Found{ID: st.id, At: time.Unix(0, st.time).UTC()})
		}
		in.Asked = append(in.Asked, asked)
	}
	answers := triage.Answer(&in)
	a.Triage = append(a.Triage, answers...)
	used := map[string]bool{}
	for i := range a.Triage {
		for _, id := range a.Triage[i].Evidence {
			used[id] = true
		}
	}
	own := map[string]bool{}
	for i := range a.Events {
		own[a.Events[i].ID] = true
	}
	a.Context = slices.DeleteFunc(a.Context, func(e alert.Event) bool { return !used[e.ID] || own[e.ID] })
}

// arrivals lists what arrives from a host, named as hostOf does, or from all
// with "". Lists are made once.
func (r *Result) arrivals(host string) []triage.Arrival {
	if list, ok := r.arrived[host]; ok || r.Census == nil {
		return list
	}
	type source struct{ channel, code string }
	at := map[source]int{}
	var list []triage.Arrival
	for _, h := range r.Census.Hosts {
		if host != "" && hostOf(h.Name, h.ID) != host {
			continue
		}
		for s, n := range h.Sources {
			key := source{s.Channel, s.Code}
			i, ok := at[key]
			if !ok {
				i = len(list)
				at[key] = i
				list = append(list, triage.Arrival{Channel: s.Channel, Code: s.Code})
			}
			list[i].Events += n.Events
			list[i].Hosts++
		}
	}
	if r.arrived == nil {
		r.arrived = map[string][]triage.Arrival{}
	}
	r.arrived[host] = list
	return list
}
