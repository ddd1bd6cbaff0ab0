package source

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"
)

func event(n int) string {
	return fmt.Sprintf("<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System><EventID>%d</EventID></System>\n<EventData><Data Name=\"x\">&lt;/Event&gt;</Data></EventData></Event>", n)
}

func TestXML(t *testing.T) {
	f := func(name, in string, want ...string) {
		t.Helper()
		for _, size := range sizes {
			g := text(t, Options{BlockSize: size}, in)
			if g.err != nil || !slices.Equal(append(g.docs, g.problems...), want) || g.sum.SkippedCount > 0 {
				t.Errorf("%s, blocks of %d: %v\ngot  %q %q\nwant %q\n%+v", name, size, g.err, g.docs, g.problems, want, g.sum.Skipped)
			}
		}
	}
	f("one after another", event(1)+event(2)+"\n"+event(3)+"\n", "1: "+event(1), "2: "+event(2), "4: "+event(3))
	f("in a root", "<?xml version=\"1.0\" encoding=\"utf-8\"?>\r\n<Events>"+event(1)+"\n<!-- </Event> -->"+event(2)+"</Events>\n", "2: "+event(1), "4: "+event(2))
	f("with a prefix", strings.ReplaceAll(strings.ReplaceAll(event(1), "<Event ", "<e:Event "), "</Event>", "</e:Event>"), "1: "+strings.ReplaceAll(strings.ReplaceAll(event(1), "<Event ", "<e:Event "), "</Event>", "</e:Event>"))
	f("evtx_dump", "Record 1\n<?xml version=\"1.0\"?>\n"+event(1)+"\nRecord 2\n<?xml version=\"1.0\"?>\n"+event(2)+"\n", "3: "+event(1), "7: "+event(2))
	f("no event", "<Events></Events>")
	f("cut off", event(1)+"\n"+event(2)[:90], "1: "+event(1), "3: the event is cut off")
	f("one broken", event(1)+"\n<Event a='><x/></Event>\n"+event(3), "1: "+event(1), "4: "+event(3), "3: the event is cut off")
	f("UTF-16", "\xFF\xFE"+utf16s(binary.LittleEndian, event(1)+"\r\n"+event(2)), "1: "+event(1), "3: "+event(2))
	f("gzip", gzipped(event(1)), "1: "+event(1))
}

func TestLongEvent(t *testing.T) {
	long := strings.Replace(event(2), "&lt;", strings.Repeat("y", 9000), 1)
	for _, size := range sizes {
		g := text(t, Options{BlockSize: size, MaxDocument: 1000}, event(1)+long+event(3))
		if !slices.Contains(g.docs, "1: "+event(1)) || !slices.Contains(g.docs, "3: "+event(3)) || len(g.docs) != 2 || len(g.problems) != 1 {
			t.Errorf("blocks of %d: %.200q %q", size, g.docs, g.problems)
		}
	}
}
