// Package checker judges a history of a run under faults. It knows the product's promises and its format from the documents, and
// shares no code with it.
package checker

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"shadoof/testbed/faults/history"
)

// A Violation is a promise that was broken.
type Violation struct {
	Rule string    `json:"rule"`
	Who  string    `json:"who,omitempty"` // the lane that shows it: a worker, the lister
	At   time.Time `json:"at,omitzero"`   // when it was seen
	Text string    `json:"text"`
}

func (v Violation) String() string {
	s := v.Rule + ": " + v.Text
	if v.Who != "" {
		s += " (" + v.Who
		if !v.At.IsZero() {
			s += ", " + v.At.UTC().Format("15:04:05.000")
		}
		s += ")"
	}
	return s
}

// The rules.
const (
	RuleLog        = "the log is a chain that adds up"
	RuleRegister   = "commits of a partition are a compare-and-swap register"
	RuleOnce       = "a record is in one row at most"
	RuleLost       = "a record is committed, or its absence is explained"
	RuleStranger   = "a row is a record that was produced, as it was produced"
	RuleAborted    = "aborted records never appear"
	RuleSums       = "rows + quarantined + gaps = offsets"
	RuleVisible    = "the files at the end are the live files of the log"
	RuleEarly      = "no file is visible before its record"
	RuleVanished   = "no file vanishes without a record"
	RuleChanged    = "no file changes"
	RuleBack       = "no file comes back"
	RuleExit       = "exit codes are as documented"
	RuleFeed       = "the feed has the live files"
	RuleStaged     = "nothing staged is left after gc"
	RuleHung       = "a process comes to its end"
	RuleUnexpected = "the harness works"
)

// Check judges a history. The violations come in the order in which they were seen; those without a time last.
func Check(h *history.History) []Violation {
	c := &check{h: h, logs: map[string]*log{}}
	for topic, records := range h.Logs {
		c.logs[topic] = c.fold(topic, records)
	}
	for _, e := range h.Events {
		if e.What == history.Struck && e.Moment.What == "begin" && (strings.Contains(e.Moment.Fault, "name node") || strings.Contains(e.Moment.Fault, "fail-over")) {
			c.deaths = append(c.deaths, e.At)
		}
	}
	for _, e := range h.Events {
		if e.What == history.LogListed && !c.shaky(e) {
			c.looked = append(c.looked, e)
		}
	}
	slices.SortStableFunc(c.looked, func(a, b history.Event) int { return a.At.Compare(b.At) })
	c.produced()
	for _, topic := range c.topics() {
		c.register(topic)
		c.sums(topic)
		c.rows(topic)
		c.feed(topic)
	}
	c.files()
	c.listings()
	c.exits()
	for _, name := range h.Staged {
		c.violate(RuleStaged, "", time.Time{}, "%s", name)
	}
	for _, e := range h.Events {
		if e.What == history.Harness {
			c.violate(RuleUnexpected, e.Who, e.At, "%s", e.Text)
		}
	}
	slices.SortStableFunc(c.found, func(a, b Violation) int {
		return cmp.Or(cmp.Compare(untimed(a), untimed(b)), a.At.Compare(b.At))
	})
	return c.found
}

func untimed(v Violation) int {
	if v.At.IsZero() {
		return 1
	}
	return 0
}

// check is one judgement.
type check struct {
	h      *history.History
	looked []history.Event // the listings of the log
	deaths []time.Time     // of NameNodes
	logs   map[string]*log
	sent   map[string]*sent // by topic
	found  []Violation
	said   map[string]int
}

// most is how often one rule is told of one topic or process: the rest is counted.
const most = 20

func (c *check) violate(rule, who string, at time.Time, format string, args ...any) {
	if c.said == nil {
		c.said = map[string]int{}
	}
	c.said[rule]++
	if n := c.said[rule]; n > most {
		if n == most+1 {
			c.found = append(c.found, Violation{Rule: rule, Text: "and more of the same"})
		}
		return
	}
	c.found = append(c.found, Violation{Rule: rule, Who: who, At: at, Text: fmt.Sprintf(format, args...)})
}

func (c *check) topics() []string {
	var out []string
	for topic := range c.h.Topics {
		out = append(out, topic)
	}
	slices.Sort(out)
	return out
}
