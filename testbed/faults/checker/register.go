package checker

import (
	"fmt"
	"strconv"
	"time"

	"github.com/anishathalye/porcupine"

	"shadoof/testbed/faults/history"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// step is an operation on the position of a partition: a compare-and-swap that succeeded, or a look.
type step struct {
	swap     bool
	from, to int64
}

// nowhere is the position of a partition that is not in the log yet.
const nowhere = -1

var register = porcupine.Model{
	Init: func() any { return int64(nowhere) },
	Step: func(state, input, output any) (bool, any) {
		s := input.(step)
		if s.swap {
			return state.(int64) == s.from, s.to
		}
		return state.(int64) == output.(int64), state
	},
	DescribeOperation: func(input, output any) string {
		if s := input.(step); s.swap {
			return fmt.Sprintf("%d -> %d", s.from, s.to)
		}
		return fmt.Sprintf("reads %d", output)
	},
}

// register judges commits and looks at the log as operations on one register for each partition of each incarnation. A commit took
// place between the start of its process and the first time that anybody saw it.
func (c *check) register(topic string) {
	l := c.logs[topic]
	if l == nil || len(l.records) == 0 {
		return
	}
	begun := c.begun()
	epoch := c.h.Events[0].At
	ops := map[at][]porcupine.Operation{}
	client := 0
	swap := func(r *history.Record, where at, from, to int64) {
		call, late := epoch, c.seenOf(topic, r.V)
		if t, ok := begun[r.Run]; ok {
			call = t
		}
		client++
		ops[where] = append(ops[where], porcupine.Operation{ClientId: client, Input: step{true, from, to}, Call: call.Sub(epoch).Nanoseconds(), Return: max(late.Sub(epoch), call.Sub(epoch)).Nanoseconds()})
	}
	for _, r := range l.records {
		switch r.Type {
		case "init", "incarnate":
			for _, p := range r.Partitions {
				swap(r, at{r.Incarnation, p.Partition}, nowhere, p.Start)
			}
		case "skip":
			swap(r, at{r.Incarnation, r.Partition}, r.From, r.To)
		case "commit":
			for _, b := range r.Bundles {
				for _, s := range b.Segments {
					swap(r, at{r.Incarnation, s.Partition}, s.From, s.To)
				}
			}
		}
	}
	c.looks(topic, l, epoch, ops)
	for where, of := range ops {
		switch porcupine.CheckOperationsTimeout(register, of, 30*time.Second) {
		case porcupine.Illegal:
			c.violate(RuleRegister, "", time.Time{}, "%s: partition %d, incarnation %d: %d operations have no order that explains them", topic, where.partition, where.incarnation, len(of))
		case porcupine.Unknown:
			c.violate(RuleUnexpected, "", time.Time{}, "%s: partition %d, incarnation %d: %d operations were too many to judge", topic, where.partition, where.incarnation, len(of))
		}
	}
}

// looks adds what listings of the log showed: the first and the last look at each position.
func (c *check) looks(topic string, l *log, epoch time.Time, ops map[at][]porcupine.Operation) {
	type seen struct {
		position int64
		pending  *porcupine.Operation
	}
	last := map[at]*seen{}
	for _, e := range c.looked {
		v, ok := e.Newest[topic]
		if !ok || v < 1 || v > int64(len(l.next)) {
			continue
		}
		for where := range ops {
			position, ok := l.next[v-1][where]
			if !ok {
				position = nowhere
			}
			op := porcupine.Operation{ClientId: 0, Input: step{}, Output: position, Call: e.At.Sub(epoch).Nanoseconds(), Return: e.Until.Sub(epoch).Nanoseconds()}
			s := last[where]
			if s != nil && s.position == position {
				s.pending = &op
				continue
			}
			if s != nil && s.pending != nil {
				ops[where] = append(ops[where], *s.pending)
			}
			ops[where] = append(ops[where], op)
			last[where] = &seen{position, nil}
		}
	}
}

// begun says when processes began, by the ids of their runs.
func (c *check) begun() map[string]time.Time {
	begun, starts := map[string]time.Time{}, map[int]time.Time{}
	for _, e := range c.h.Events {
		switch {
		case e.What == history.Begun:
			starts[e.Process.N] = e.At
		case e.What == history.Ended && e.Process.Run != "":
			if t, ok := starts[e.Process.N]; ok {
				begun[e.Process.Run] = t
			}
		}
	}
	return begun
}

// seenOf is when somebody had seen a version of the log, at the latest; the end of the history where nobody looked again.
func (c *check) seenOf(topic string, v int64) time.Time {
	for _, e := range c.looked {
		if e.Newest[topic] >= v {
			return e.Until
		}
	}
	return c.h.Events[len(c.h.Events)-1].At
}
