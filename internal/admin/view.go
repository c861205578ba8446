package admin

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"shadoof/internal/ui"
)

// A view is a Status in the words and the order of the page.
type view struct {
	Status
	verdict  string
	fine     bool
	problems []problem
	refresh  int // seconds; 0: the page is as old as it is
}

// A problem is something that is not as it should be.
type problem struct {
	kind   string // halted, failed, waiting
	what   string // a topic or a job
	text   string
	advice string
}

func newView(s Status) view {
	v := view{Status: s}
	if s.NotReady != "" {
		v.problems = append(v.problems, problem{kind: "not ready", what: "this process", text: s.NotReady})
	}
	v.Topics = slices.Clone(s.Topics)
	slices.SortStableFunc(v.Topics, func(a, b Topic) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), -cmp.Compare(a.LagSeconds, b.LagSeconds), -cmp.Compare(a.Lag, b.Lag), cmp.Compare(a.Name, b.Name))
	})
	explained := map[string]bool{}
	halted, failed, jobs := 0, 0, 0
	for _, t := range v.Topics {
		switch {
		case t.Halted:
			halted++
			explained[t.Job] = true
			v.problems = append(v.problems, problem{"halted", t.Name, cmp.Or(t.Problem, "a person must decide"),
				cmp.Or(t.Advice, "`shadoof plan --topic "+t.Name+"` says more, `shadoof help resolve` what can be decided")})
		case t.Problem != "":
			failed++
			explained[t.Job] = true
			v.problems = append(v.problems, problem{"failed", t.Name, t.Problem, cmp.Or(t.Advice, again(s.Now, jobOf(s, t)))})
		}
	}
	for _, j := range s.Jobs {
		if j.Last != nil && j.Last.Exit != 0 && !explained[j.Name] {
			jobs++
			v.problems = append(v.problems, problem{"failed", "job " + j.Name, cmp.Or(j.Last.Error, "the last run ended as "+j.Last.Outcome), again(s.Now, j)})
		}
	}
	var parts []string
	for _, p := range []struct {
		n         int
		what, did string
	}{{halted, "topic", "halted"}, {failed, "topic", "failed"}, {jobs, "job", "failed"}} {
		if p.n > 0 {
			parts = append(parts, ui.Plural(p.n, p.what)+" "+p.did)
		}
	}
	if s.NotReady != "" {
		parts = append([]string{"Not ready"}, parts...)
	}
	v.verdict = strings.Join(parts, ", ")
	if v.fine = len(v.problems) == 0; v.fine {
		v.verdict = "Nothing is wrong"
	}
	return v
}

// jobOf is the job of a topic.
func jobOf(s Status, t Topic) Job {
	for _, j := range s.Jobs {
		if j.Name == t.Job {
			return j
		}
	}
	return Job{Name: t.Job}
}

// again says who tries again, and when.
func again(now time.Time, j Job) string {
	command := "`shadoof run --job " + j.Name + "`"
	switch {
	case !j.Since.IsZero():
		return "a run is under way, which tries again"
	case j.Retry != nil:
		return "it is tried again " + since(now, j.Retry.At) + "; " + command + " does so now"
	case j.Next.IsZero():
		return command + " tries again"
	}
	return "the next run tries again, " + since(now, j.Next) + "; " + command + " does so now"
}

// rank puts what needs somebody first.
func rank(t Topic) int {
	switch {
	case t.Halted:
		return 0
	case t.Problem != "":
		return 1
	}
	return 2
}

func (t Topic) state() string {
	if t.Version == 0 && t.Lag < 0 && rank(t) == 2 {
		return "new"
	}
	return [...]string{"halted", "failed", "ok"}[rank(t)]
}

func (t Topic) lag() string {
	if t.Lag < 0 {
		return "not known yet"
	}
	return ui.Count(t.Lag)
}

func (t Topic) lagTime() string {
	switch {
	case t.LagSeconds < 0:
		return "–"
	case t.LagSeconds == 0:
		return "0 s"
	}
	return ui.Duration(time.Duration(t.LagSeconds * float64(time.Second)))
}

func (j Job) zone() *time.Location {
	if z, err := time.LoadLocation(j.Timezone); err == nil {
		return z
	}
	return time.UTC
}

// mark is a sign beside a word of state: no meaning is in a colour alone.
func mark(state string) string {
	switch state {
	case "done", "ok":
		return "✓"
	case "halted":
		return "■"
	case "running":
		return "▶"
	case "new":
		return "○"
	}
	return "▲"
}

// class is the colour of a state.
func class(state string) string {
	switch state {
	case "done", "ok":
		return "ok"
	case "halted", "usage":
		return "bad"
	case "running", "new":
		return "info"
	}
	return "warn"
}

func percent(part, whole int64) int64 {
	if whole <= 0 {
		return 0
	}
	return part * 100 / whole
}
