package checker

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"shadoof/testbed/faults/history"
)

// documented are the exit statuses of commands, as their help and docs/operations.md have them.
var documented = map[string][]int{
	"run":      {0, 1, 3, 4, 5},
	"backfill": {0, 1, 2, 3, 4, 5}, // 2: Kafka has nothing of it
	"gc":       {0, 1, 3, 4, 5},
	"feed":     {0, 1},
	"skip":     {0, 1, 2, 4, 5}, // 2: there is nothing to skip
	"resolve":  {0, 1, 2, 4, 5}, // 2: there is nothing of that kind to resolve
	"verify":   {0, 1},
}

// stage is a stretch of time in which something was broken.
type stage struct{ from, to time.Time }

// after is for how long what was broken may still be felt: connections, metadata, retries.
const after = 20 * time.Second

// exits judges how processes ended.
func (c *check) exits() {
	stages, calm := c.stages()
	starts := map[int]history.Event{}
	for _, e := range c.h.Events {
		switch e.What {
		case history.Begun:
			starts[e.Process.N] = e
		case history.Ended:
			begun := starts[e.Process.N]
			for _, wrong := range c.exit(begun, e, stages, calm) {
				rule := RuleExit
				if e.Process.Hung {
					rule = RuleHung
				}
				c.violate(rule, e.Who, e.At, "process %d (%s), exit %d: %s; see %s", e.Process.N, strings.Join(e.Process.Command, " "), e.Process.Code, wrong, e.Process.Output)
			}
		}
	}
}

// stages are when something was broken, and calm is when the last of it was mended; zero where that never came.
func (c *check) stages() (out []stage, calm time.Time) {
	open := map[int]time.Time{}
	for _, e := range c.h.Events {
		switch {
		case e.What == history.Calm:
			calm = e.At
		case e.What == history.Struck && e.Moment.What == "begin":
			open[e.Moment.Strike] = e.At
		case e.What == history.Struck && e.Moment.What == "end":
			out = append(out, stage{open[e.Moment.Strike], e.At.Add(after)})
			delete(open, e.Moment.Strike)
		}
	}
	for _, from := range open {
		out = append(out, stage{from, time.Unix(1<<40, 0)})
	}
	return out, calm
}

func (c *check) exit(begun, ended history.Event, stages []stage, calm time.Time) (wrong []string) {
	p := ended.Process
	name := Command(p.Command)
	switch {
	case p.Hung:
		return []string{"it did not come to its end in time"}
	case p.Panic:
		return []string{"it panicked"}
	case p.Code == -1 && len(p.Signals) > 0:
		return nil
	case p.Code == 130 || p.Code == 143:
		if len(p.Signals) < 2 {
			wrong = append(wrong, "that is for a second signal")
		}
		return wrong
	case !slices.Contains(documented[name], p.Code):
		return []string{"that is no exit status of this command here: " + p.Reason}
	}
	broken := slices.ContainsFunc(stages, func(s stage) bool { return s.from.Before(ended.At) && s.to.After(begun.At) })
	if !calm.IsZero() && begun.At.After(calm) {
		broken = false
	}
	switch {
	case p.Code == 0 && name == "run":
		wrong = append(wrong, c.done(begun, ended)...)
	case p.Code == 1:
		if !broken && len(p.Signals) == 0 {
			wrong = append(wrong, "nothing was broken: "+p.Reason)
		}
		if name == "run" {
			wrong = append(wrong, c.nothingCommitted(p)...)
		}
	case p.Code == 3 && !broken && len(p.Signals) == 0:
		wrong = append(wrong, "nothing was broken: "+p.Reason)
	case p.Code == 4:
		wrong = append(wrong, c.halted(ended)...)
	case p.Code == 5 && len(p.Signals) == 0:
		wrong = append(wrong, "nobody told it to stop")
	}
	return wrong
}

// Command is the word that says what a process was to do.
func Command(words []string) string {
	if len(words) > 1 && (words[0] == "commits" || words[0] == "offsets") {
		return words[1]
	}
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// done holds an exit 0 against what it promises: every partition is at or past the end that stood at the start.
func (c *check) done(begun, ended history.Event) (wrong []string) {
	for topic, ends := range begun.Process.Ends {
		l, v := c.logs[topic], ended.Process.Newest[topic]
		if l == nil || c.recreated(topic, begun.At, ended.At) || slices.Contains(ended.Process.Command, "--topic") && !slices.Contains(ended.Process.Command, topic) {
			continue
		}
		if v < 1 || v > int64(len(l.next)) {
			for _, end := range ends {
				if end > 0 && ended.Process.Newest != nil {
					wrong = append(wrong, fmt.Sprintf("%s has records, and its log none", topic))
					break
				}
			}
			continue
		}
		for partition, end := range ends {
			if next, ok := l.next[v-1][at{l.current[v-1], partition}]; (!ok && end > 0) || next < end {
				wrong = append(wrong, fmt.Sprintf("%s/%d ended at %d when it began, and at its end the log is at %d", topic, partition, end, next))
			}
		}
	}
	return wrong
}

// recreated tells whether a topic went away or became another one near a stretch of time.
func (c *check) recreated(topic string, from, to time.Time) bool {
	for _, e := range c.h.Events {
		late := e.Until
		if late.IsZero() {
			late = e.At
		}
		if e.Topic == topic && (e.What == history.Deleted || e.What == history.Created && e.Generation > 1) && e.At.Before(to) && late.After(from.Add(-after)) {
			return true
		}
	}
	return false
}

// nothingCommitted holds an exit 1 against what it promises.
func (c *check) nothingCommitted(p *history.Process) (wrong []string) {
	if p.Run == "" {
		return nil
	}
	for topic, l := range c.logs {
		for _, r := range l.records {
			if r.Run == p.Run && r.Lifts() {
				wrong = append(wrong, fmt.Sprintf("it committed version %d of %s", r.V, topic))
			}
		}
	}
	return wrong
}

// halted holds an exit 4 against what it promises: the message says what to decide, and there is a reason.
func (c *check) halted(ended history.Event) (wrong []string) {
	p := ended.Process
	if len(p.Advice) == 0 && !c.saidWhy(ended) {
		return []string{"no message says what to do: " + p.Reason}
	}
	for _, advice := range p.Advice {
		if !c.grounds(advice, ended.At) {
			wrong = append(wrong, "there is no reason for: "+advice)
		}
	}
	return wrong
}

// saidWhy tells whether a backfill was left alone for what the harness did to the topic: there is nothing to decide then, but to do it
// otherwise, or not at all.
func (c *check) saidWhy(ended history.Event) bool {
	p := ended.Process
	if Command(p.Command) != "backfill" {
		return false
	}
	happened := func(kinds ...history.Kind) bool {
		return slices.ContainsFunc(c.h.Events, func(e history.Event) bool {
			return slices.Contains(kinds, e.What) && slices.Contains(p.Command, e.Topic) && !e.At.After(ended.At)
		})
	}
	switch {
	case strings.Contains(p.Reason, "--allow-fewer"), strings.Contains(p.Reason, "retention was faster: `shadoof backfill "):
		return happened(history.Trimmed)
	case strings.Contains(p.Reason, "begin anew"):
		return happened(history.Deleted)
	}
	return false
}

// grounds tells whether something happened that a decision could be about.
func (c *check) grounds(advice string, by time.Time) bool {
	if strings.HasPrefix(advice, "shadoof run ") {
		return true // that says what to decide, and is judged itself
	}
	for _, e := range c.h.Events {
		if e.At.After(by) || e.Topic != "" && !strings.Contains(advice, "--topic "+e.Topic+" ") {
			continue
		}
		switch {
		case strings.Contains(advice, "--accept-recreated") && e.What == history.Created && e.Generation > 1,
			strings.Contains(advice, "--accept-recreated") && e.What == history.Deleted,
			strings.Contains(advice, "--accept-loss") && e.What == history.Trimmed,
			strings.Contains(advice, "--drop") && (e.What == history.Trimmed || e.What == history.Deleted),
			strings.Contains(advice, "--accept-truncation") && e.What == history.Struck && strings.Contains(e.Moment.Fault, "unclean"):
			return true
		}
	}
	return false
}
