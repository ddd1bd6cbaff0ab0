package strategies_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tocsin-project/tocsin/ecs"
	"github.com/tocsin-project/tocsin/engine"
	"github.com/tocsin-project/tocsin/event"
	"github.com/tocsin-project/tocsin/sequence"
	"github.com/tocsin-project/tocsin/strategy"
)

// TestFlagshipEqualsTheUsersRule holds the flagship's main rule to the rule of
// the document it rephrases: the same matches on 10,000 random histories whose
// events lie about the borders of every predicate.
func TestFlagshipEqualsTheUsersRule(t *testing.T) {
	seed := "../../shared/seed/remotely-started-services-via-rpc.md"
	if _, err := os.Stat(seed); err != nil {
		t.Skip("the document to compare with is not here:", err)
	}
	theirs, problems := strategy.Load([]string{seed})
	for _, p := range problems {
		t.Fatal(p)
	}
	i := slices.IndexFunc(load(t), func(s *strategy.Strategy) bool { return s.ID == "remotely-started-services-via-rpc" })
	ours := load(t)[i]
	a, b := newSide(t, ours), newSide(t, theirs[0])
	rng := rand.New(rand.NewPCG(20, 26))
	images := append(flagshipImages(t, theirs[0]), flagshipImages(t, ours)...)
	matched := 0
	for n := range 10_000 {
		docs := history(rng, images)
		got, want := a.matches(t, docs), b.matches(t, docs)
		if !slices.Equal(got, want) {
			t.Fatalf("history %d:\n%s\nflagship %v\nuser's   %v", n, strings.Join(docs, "\n"), got, want)
		}
		matched += len(want)
	}
	if matched < 1000 {
		t.Errorf("%d matches in all: the histories miss the rule", matched)
	}
	t.Logf("%d matches", matched)
}

// side is one document's main rule, ready to run.
type side struct {
	e    *engine.Engine
	dec  *ecs.Decoder
	ev   *event.Event
	m    *engine.Matcher
	rule int32
}

func newSide(t *testing.T, s *strategy.Strategy) *side {
	t.Helper()
	e := compile(t, s)
	rule := slices.IndexFunc(e.Rules, func(r engine.Rule) bool { return r.Source.Variant == "" })
	return &side{e, ecs.NewDecoder(e.Schema(), ecs.Options{}), event.New(e.Schema()), e.Matcher(), int32(rule)}
}

// matches returns the matches as lists of the events' places in the history.
func (s *side) matches(t *testing.T, docs []string) []string {
	t.Helper()
	hits := map[string][]sequence.Hit{}
	for i, doc := range docs {
		if err := s.dec.JSON([]byte(doc), s.ev); err != nil {
			t.Fatalf("%v: %s", err, doc)
		}
		for _, h := range s.m.Match(s.ev) {
			if h.Rule == s.rule {
				key := strings.Clone(h.Key)
				hits[key] = append(hits[key], sequence.Hit{Stage: h.Stage, Key: key, Time: s.ev.Time, Tie: fmt.Sprintf("%03d", i)})
			}
		}
	}
	var out []string
	for _, hs := range hits {
		slices.SortFunc(hs, func(a, b sequence.Hit) int { return a.Compare(&b) })
		for _, m := range sequence.Join(s.e.Rules[s.rule].Spec, hs) {
			out = append(out, m.Hits[0].Tie+"-"+m.Hits[1].Tie)
		}
	}
	slices.Sort(out)
	return out
}

// flagshipImages are programs in and about the excluded paths.
func flagshipImages(t *testing.T, s *strategy.Strategy) []string {
	t.Helper()
	out := []string{`C:\Windows\System32\cmd.exe`, `C:\Windows\Temp\a.exe`, `C:\PROGRA~1\x\a.exe`, `\Device\HarddiskVolume2\Program Files\a.exe`,
		`C:/Program Files/a.exe`, `C:\Windows\System32\msiexec.exe`, `c:\windows\system32\MSIEXEC.EXE`, `C:\Windows\SysWOW64\msiexec.exe`, ``}
	for _, line := range strings.Split(s.Rules[0].Query, "\n") {
		for rest := line; ; {
			_, after, ok := strings.Cut(rest, `"?:`)
			if !ok {
				break
			}
			pattern, tail, _ := strings.Cut(after, `"`)
			rest = tail
			path := `C:` + strings.ReplaceAll(strings.ReplaceAll(pattern, `\\`, `\`), "*", "x")
			out = append(out, path, strings.ToUpper(path), `D`+path[1:], path+".bak", strings.Replace(path, `\`, `\\`, 1), filepath.ToSlash(path), `CC`+path[1:])
		}
	}
	if len(out) < 26*7 {
		t.Fatalf("%d images found in the rule", len(out))
	}
	return out
}

// history is a few events of two hosts within some seconds.
func history(rng *rand.Rand, images []string) []string {
	one := func(s ...string) string { return s[rng.IntN(len(s))] }
	often := func(usual string, other ...string) string { // each odd value is rare, so that whole matches happen
		if rng.IntN(12) > 0 {
			return usual
		}
		return one(other...)
	}
	at := 0
	var docs []string
	for range 2 + rng.IntN(8) {
		at += []int{0, 1, 300, 999, 1000, 1001, 2500}[rng.IntN(7)]
		common := fmt.Sprintf(`"@timestamp":"2026-03-02T09:00:%02d.%03dZ","host":{"id":%q%s}`, at/1000, at%1000,
			one("a", "a", "b"), often(`,"os":{"type":"windows"}`, `,"os":{"type":"Windows"}`, `,"os":{"type":"linux"}`, ``))
		if rng.IntN(2) == 0 {
			docs = append(docs, fmt.Sprintf(`{%s,"event":{"category":%s,"type":["start"]},"process":{"entity_id":%q%s},"network":{"direction":%s,"transport":%s},"source":{"ip":%s,"port":%s},"destination":{"port":%s}}`,
				common, often(`["network"]`, `["network","process"]`, `"Network"`), one("p1", "p1", "p2"),
				often(`,"name":"services.exe"`, `,"name":"SERVICES.EXE"`, `,"name":"svchost.exe"`, ``),
				often(`"ingress"`, `"incoming"`, `"Incoming"`, `"egress"`, `["egress","ingress"]`), often(`"tcp"`, `"TCP"`, `"udp"`),
				often(`"10.1.2.3"`, `"127.0.0.1"`, `"::1"`, `"0:0:0:0:0:0:0:1"`, `"127.0.0.2"`, `"::ffff:127.0.0.1"`, `"fe80::1"`, `["10.1.2.3","127.0.0.1"]`, `null`),
				often(`50000`, `49151`, `49152`, `65535`, `"49152"`, `[80,49200]`, `null`), often(`49664`, `49151`, `49152`, `135`, `null`)))
			continue
		}
		image, args := one(images...), often(`["a"]`, `["msiexec.exe","/V"]`, `["/v"]`, `"/V"`, `["/Vx"]`, `[]`)
		if rng.IntN(3) > 0 {
			image = `C:\Windows\Temp\a.exe`
		} else if strings.Contains(strings.ToLower(image), "msiexec") {
			args = one(`["msiexec.exe","/V"]`, `["/v"]`, `"/V"`, `["/Vx"]`, `[]`)
		}
		docs = append(docs, fmt.Sprintf(`{%s,"event":{"category":["process"],"type":%s},"process":{"executable":%q,"args":%s,"parent":{"entity_id":%q%s}}}`,
			common, often(`["start"]`, `"start"`, `["end"]`, `["start","info"]`, `"Start"`), image, args, one("p1", "p1", "p2"),
			often(`,"name":"services.exe"`, `,"name":"Services.exe"`, `,"name":"explorer.exe"`, ``)))
	}
	return docs
}
