package baseline

import (
	"cmp"
	"slices"
	"time"
)

// Row is what is known of one program, source and account.
type Row struct {
	Program   string    `json:"program"`
	Product   string    `json:"product"` // by the catalogue; "" if unknown
	Service   string    `json:"service"`
	Signature Signature `json:"signature"`
	Signer    string    `json:"signer"`
	Source    string    `json:"source"`
	Account   string    `json:"account"`
	Hosts     int       `json:"hosts"`
	Days      int       `json:"days"`   // different days
	Starts    int       `json:"starts"` // at most one a host and day; alerts are counted each
	First     time.Time `json:"first"`
	Last      time.Time `json:"last"`
	// State is ordinary; young (quiet, but not for long enough to count); held
	// (alerted, nobody closed it); benign or malicious (closed so).
	State  string   `json:"state"`
	Alerts []string `json:"alerts,omitempty"` // ids of incidents that alerted, the newest; at most maxShown
}

// maxShown bounds the incidents that a row names.
const maxShown = 20

// The states of a row.
const (
	StateOrdinary  = "ordinary"
	StateYoung     = "young"
	StateHeld      = "held"
	StateBenign    = "benign"
	StateMalicious = "malicious"
)

// Rows lists what was learnt, what was seen on most hosts first.
func (b *Baseline) Rows(c *Catalogue) []Row {
	var out []Row
	for k, st := range b.starts {
		r := Row{Program: k.program, Service: st.service, Signature: st.signature, Signer: st.signer, Source: k.source, Account: k.account,
			Hosts: len(st.seen), Days: len(st.days()), First: st.first, Last: st.last, State: StateYoung}
		for _, days := range st.seen {
			r.Starts += len(days)
		}
		if st.mature() {
			r.State = StateOrdinary
		}
		out = append(out, r)
	}
	out = append(out, b.heldRows()...)
	for i := range out {
		r := &out[i]
		if p := c.Find(r.Program, r.Signature, r.Signer); p != nil {
			r.Product = p.Product
		}
	}
	slices.SortFunc(out, func(x, y Row) int {
		return cmp.Or(cmp.Compare(y.Hosts, x.Hosts), cmp.Compare(x.Program, y.Program), cmp.Compare(x.Source, y.Source),
			cmp.Compare(x.Account, y.Account), cmp.Compare(x.State, y.State))
	})
	return out
}

// heldRows groups what alerted by program, source, account and verdict.
func (b *Baseline) heldRows() []Row {
	type group struct {
		key
		state string
	}
	at := map[group]int{}
	var out []Row
	hosts, days := []map[string]bool{}, []map[int32]bool{}
	for _, h := range b.Held() {
		g := group{h.key(), h.state()}
		i, ok := at[g]
		if !ok {
			i = len(out)
			at[g] = i
			out = append(out, Row{Program: g.program, Service: h.Service, Signature: h.Signature, Signer: h.Signer,
				Source: g.source, Account: g.account, First: h.At, State: g.state})
			hosts, days = append(hosts, map[string]bool{}), append(days, map[int32]bool{})
		}
		r := &out[i]
		hosts[i][h.Host], days[i][dayOf(h.At)] = true, true
		r.Hosts, r.Days, r.Last = len(hosts[i]), len(days[i]), h.At
		r.Starts++
		if r.Alerts = append(r.Alerts, h.Incident); len(r.Alerts) > maxShown {
			r.Alerts = r.Alerts[1:]
		}
	}
	return out
}

func (h *Held) state() string {
	switch {
	case h.Verdict == nil:
		return StateHeld
	case h.Verdict.Benign:
		return StateBenign
	}
	return StateMalicious
}

// days are the different days on which it was seen, ascending.
func (st *start) days() []int32 {
	var out []int32
	for _, days := range st.seen {
		out = append(out, days...)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
