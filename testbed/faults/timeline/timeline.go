// Package timeline draws a history for people: a lane for each producer, worker and fault, time from left to right, and violations in red.
package timeline

import (
	"cmp"
	"encoding/xml"
	"fmt"
	"slices"
	"strings"
	"time"

	"shadoof/testbed/faults/checker"
	"shadoof/testbed/faults/history"
)

// The measures of the picture, in pixels.
const (
	left   = 190 // the names of the lanes
	lane   = 20
	top    = 50
	narrow = 1000 // at least so wide
	second = 14   // so wide is a second, where the run is not too long
	widest = 12000
)

const style = `text{font:11px sans-serif;fill:#333} .title{font-size:14px;font-weight:bold} .grid{stroke:#ddd} .lane{fill:#f7f7f7}
.done{fill:#8fbf8f} .failed{fill:#e0b050} .halted{fill:#b060c0} .killed{fill:#888} .other{fill:#9ab}
.fault{fill:#f0a0a0} .note{fill:#555} .commit{fill:#1560c0} .produced{fill:#b5cde6} .aborted{fill:#bbb} .seen{stroke:#1560c0}
.bad{stroke:#e00000;stroke-width:2} .badtext{fill:#e00000;font-weight:bold}`

// Draw is the picture as SVG. It is the same for the same history.
func Draw(title string, h *history.History, found []checker.Violation) string {
	p := &picture{h: h, found: found, rows: map[string]int{}}
	p.measure()
	p.printf(`<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d">`+"\n<style>%s</style>\n", left+p.width+20, p.height(), style)
	p.printf(`<text class="title" x="10" y="18">%s</text>`+"\n", escape(title))
	p.grid()
	for _, e := range h.Events {
		p.event(e)
	}
	p.violations()
	p.printf("</svg>\n")
	return p.b.String()
}

type picture struct {
	h     *history.History
	found []checker.Violation
	b     strings.Builder
	from  time.Time
	to    time.Time
	width int
	lanes []string
	rows  map[string]int
	begun map[int]history.Event
	open  map[int]time.Time // strikes
}

func (p *picture) printf(format string, args ...any) { fmt.Fprintf(&p.b, format, args...) }

// measure finds the lanes, and how long the run was.
func (p *picture) measure() {
	p.begun, p.open = map[int]history.Event{}, map[int]time.Time{}
	kinds := map[string]int{}
	for _, e := range p.h.Events {
		if p.from.IsZero() || e.At.Before(p.from) {
			p.from = e.At
		}
		for _, t := range []time.Time{e.At, e.Until} {
			if t.After(p.to) {
				p.to = t
			}
		}
		if _, ok := kinds[e.Who]; !ok {
			kinds[e.Who] = order(e)
			p.lanes = append(p.lanes, e.Who)
		}
	}
	slices.SortFunc(p.lanes, func(a, b string) int { return cmp.Or(cmp.Compare(kinds[a], kinds[b]), cmp.Compare(a, b)) })
	for i, who := range p.lanes {
		p.rows[who] = i
	}
	p.width = min(max(narrow, int(p.to.Sub(p.from).Seconds()*second)), widest)
}

// order is where a lane stands: producers, processes, what looks on, faults.
func order(e history.Event) int {
	switch {
	case e.What == history.Struck:
		return 4
	case e.Process != nil && strings.HasPrefix(e.Who, "feed"):
		return 3
	case e.Process != nil:
		return 1
	case strings.HasPrefix(e.Who, "producer"), e.Who == "topics":
		return 0
	}
	return 2
}

func (p *picture) height() int {
	return top + lane*(len(p.lanes)+1) + 16*(min(len(p.found), 30)+1)
}

func (p *picture) x(t time.Time) int {
	whole := max(p.to.Sub(p.from), time.Millisecond)
	return left + int(float64(p.width)*float64(t.Sub(p.from))/float64(whole))
}

func (p *picture) y(who string) int { return top + lane*p.rows[who] }

// grid draws the lanes, and times.
func (p *picture) grid() {
	for i, who := range p.lanes {
		if i%2 == 0 {
			p.printf(`<rect class="lane" x="0" y="%d" width="%d" height="%d"/>`+"\n", top+lane*i, left+p.width+20, lane)
		}
		p.printf(`<text x="10" y="%d">%s</text>`+"\n", top+lane*i+14, escape(who))
	}
	every := time.Second
	for _, d := range []time.Duration{5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute} {
		if p.to.Sub(p.from)/every > 40 {
			every = d
		}
	}
	for t := p.from.Truncate(every).Add(every); t.Before(p.to); t = t.Add(every) {
		p.printf(`<line class="grid" x1="%d" y1="%d" x2="%d" y2="%d"/><text x="%d" y="%d">%s</text>`+"\n", p.x(t), top, p.x(t), top+lane*len(p.lanes), p.x(t)-20, top-6, t.UTC().Format("15:04:05"))
	}
}

// bar is a stretch of time, with what it is when the pointer rests on it.
func (p *picture) bar(class, who string, from, to time.Time, text string) {
	p.printf(`<rect class="%s" x="%d" y="%d" width="%d" height="%d"><title>%s</title></rect>`+"\n", class, p.x(from), p.y(who)+3, max(p.x(to)-p.x(from), 2), lane-6, escape(text))
}

func (p *picture) event(e history.Event) {
	switch e.What {
	case history.Produced:
		p.bar("produced", e.Who, e.At, e.Until, fmt.Sprintf("%d records of %s", len(e.Records), e.Topic))
	case history.Created, history.Deleted, history.Trimmed:
		p.bar("note", e.Who, e.At, e.At, fmt.Sprintf("%s: %s", e.What, e.Topic))
	case history.Begun:
		p.begun[e.Process.N] = e
	case history.Ended:
		p.ended(e)
	case history.Listed:
		p.bar("commit", e.Who, e.At, e.Until, fmt.Sprintf("%d files appeared, %d are gone", len(e.Appeared), len(e.Gone)))
	case history.Struck:
		p.struck(e)
	}
}

func (p *picture) ended(e history.Event) {
	begun, ok := p.begun[e.Process.N]
	if !ok {
		return
	}
	class := map[int]string{0: "done", 1: "failed", 3: "failed", 5: "failed", 4: "halted", -1: "killed"}[e.Process.Code]
	text := fmt.Sprintf("process %d: %s, exit %d %v\n%s", e.Process.N, strings.Join(e.Process.Command, " "), e.Process.Code, e.Process.Signals, e.Process.Reason)
	p.bar(cmp.Or(class, "other"), e.Who, begun.At, e.At, text)
	if len(e.Process.Versions) > 0 {
		p.printf(`<circle class="commit" cx="%d" cy="%d" r="3"><title>committed: %s</title></circle>`+"\n", p.x(e.At), p.y(e.Who)+lane/2, escape(fmt.Sprint(e.Process.Versions)))
	}
}

func (p *picture) struck(e history.Event) {
	m := e.Moment
	switch m.What {
	case "begin":
		p.open[m.Strike] = e.At
	case "note":
		p.bar("note", e.Who, e.At, e.At, m.Text)
	case "end":
		p.bar("fault", e.Who, p.open[m.Strike], e.At, fmt.Sprintf("%s, strike %d %s", m.Fault, m.Strike, m.Text))
		delete(p.open, m.Strike)
	}
}

// violations marks when something was seen, and says what below the lanes.
func (p *picture) violations() {
	bottom := top + lane*len(p.lanes)
	for i, v := range p.found {
		if i == 30 {
			break
		}
		y := bottom + 30 + 16*i
		if !v.At.IsZero() {
			x := p.x(v.At)
			p.printf(`<line class="bad" x1="%d" y1="%d" x2="%d" y2="%d"/>`+"\n", x, top, x, bottom)
			if row, ok := p.rows[v.Who]; ok {
				p.printf(`<rect class="bad" fill="none" x="%d" y="%d" width="8" height="%d"/>`+"\n", x-4, top+lane*row+1, lane-2)
			}
		}
		p.printf(`<text class="badtext" x="10" y="%d">%s</text>`+"\n", y, escape(v.String()))
	}
}

func escape(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		return ""
	}
	return b.String()
}
