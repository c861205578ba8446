package jobs

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"shadoof/extract"
	"shadoof/storage/memory"
)

// A scheduler lets calls of many processes happen one after the other. Each call to the store, to the cluster and to the clock waits until
// it is chosen; while it is carried out, and until every goroutine waits again, nothing else happens.
type scheduler struct {
	mu     sync.Mutex
	parked []*call
	steps  int
}

// A call is one that waits to be chosen.
type call struct {
	p        *process
	by       string // which of the process's goroutines calls
	op, name string
	lingered bool // whether it is the moment to stand still was asked
	go_      chan memory.Verdict
}

func (c *call) compare(d *call) int {
	return cmp.Or(cmp.Compare(c.p.number, d.p.number), strings.Compare(c.by, d.by), strings.Compare(c.op, d.op), strings.Compare(c.name, d.name))
}

// changes says whether the call may change what the store holds.
func (c *call) changes() bool {
	switch c.op {
	case "clock", "pause", "topics", "describe", "epoch-end", "offsets-at", "mark", "read":
		return false
	}
	return memory.Op(c.op).Mutates()
}

// next waits until nobody runs, and returns the calls that wait, in an order that is the same in every run of a seed. Calls that cannot
// be told apart are one: they go together.
func (s *scheduler) next() [][]*call {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortFunc(s.parked, (*call).compare)
	var out [][]*call
	for _, c := range s.parked {
		if n := len(out); n > 0 && out[n-1][0].compare(c) == 0 {
			out[n-1] = append(out[n-1], c)
			continue
		}
		out = append(out, []*call{c})
	}
	return out
}

// let carries out calls.
func (s *scheduler) let(calls []*call, v memory.Verdict) {
	s.mu.Lock()
	s.steps++
	s.parked = slices.DeleteFunc(s.parked, func(c *call) bool { return slices.Contains(calls, c) })
	s.mu.Unlock()
	for _, c := range calls {
		c.go_ <- v
	}
	synctest.Wait()
}

// A process is a worker of the simulation: one command, from its start to its end or its death.
type process struct {
	s      *scheduler
	number int
	what   string
	env    *Env
	done   func(err error) // judges how it ended, if it did
	stop   context.CancelFunc
	cancel context.CancelFunc
	skew   time.Duration // of its clock
	asleep int           // the step at which it goes on
	blind  bool          // it stands still since it could not learn whether a record is durable
	told   bool          // to stop
	guest  bool          // nobody takes its place
	slow   bool          // others may act between its looks at the clock and what it does next

	// Guarded by s.mu.
	dead  bool
	ended bool
	err   error
	names map[uint64]string // of goroutines
	ids   map[string]uint64 // how many ids each of them has drawn
}

// call waits for its turn. Calls of the dead fail at once.
func (p *process) call(op, name string) memory.Verdict {
	id := goroutine()
	p.s.mu.Lock()
	if p.dead {
		p.s.mu.Unlock()
		return memory.Lose
	}
	by, known := p.names[id]
	if !known && name != "" {
		by = op + " " + name
		p.names[id] = by
	}
	c := &call{p: p, by: by, op: op, name: name, go_: make(chan memory.Verdict, 1)}
	p.s.parked = append(p.s.parked, c)
	p.s.mu.Unlock()
	return <-c.go_
}

// goroutine is the number of the calling goroutine. A process's goroutines have no names of their own, so they get those of their first
// calls: what they do must not depend on which of them the runtime lets run first.
func goroutine() uint64 {
	var b [40]byte
	fields := bytes.Fields(b[:runtime.Stack(b[:], false)])
	n, _ := strconv.ParseUint(string(fields[1]), 10, 64)
	return n
}

// kill ends a process at once: nothing of what it does from here on has any effect.
func (p *process) kill() {
	p.s.mu.Lock()
	p.dead = true
	var calls []*call
	p.s.parked = slices.DeleteFunc(p.s.parked, func(c *call) bool {
		if c.p == p {
			calls = append(calls, c)
		}
		return c.p == p
	})
	p.s.mu.Unlock()
	p.cancel()
	for _, c := range calls {
		c.go_ <- memory.Lose
	}
	synctest.Wait()
}

func (p *process) isDead() bool {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	return p.dead
}

// Read draws an id: the same in every run of a seed, whoever draws at the same time.
func (p *process) Read(b []byte) (int, error) {
	p.s.mu.Lock()
	defer p.s.mu.Unlock()
	by := p.names[goroutine()]
	p.ids[by]++
	x := uint64(p.number)*0x9e3779b97f4a7c15 + p.ids[by]
	for _, c := range []byte(by) {
		x = (x ^ uint64(c)) * 0x100000001b3
	}
	for i := range b {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		b[i] = byte(x >> 32)
	}
	return len(b), nil
}

// pause waits as often as it takes, and no longer: when it is chosen time goes by.
func (p *process) pause(ctx context.Context, _ int) error {
	if p.call("pause", "") == memory.Lose {
		return context.Canceled
	}
	return ctx.Err()
}

// errAway is what a cluster answers that does not.
var errAway = errors.New("the broker does not answer")

// A stepwise is the cluster as a process sees it.
type stepwise struct {
	*memSource
	p *process
}

func (s stepwise) ask(op, name string) error {
	if s.p.call(op, name) != memory.Proceed {
		return errAway
	}
	return nil
}

func (s stepwise) Topics(ctx context.Context) ([]string, error) {
	if err := s.ask("topics", "all"); err != nil {
		return nil, err
	}
	return s.memSource.Topics(ctx)
}

func (s stepwise) Describe(ctx context.Context, topic string) (*extract.Topic, error) {
	if err := s.ask("describe", topic); err != nil {
		return nil, err
	}
	return s.memSource.Describe(ctx, topic)
}

func (s stepwise) EpochEnds(ctx context.Context, topic string, epochs map[int32]int32) (map[int32]extract.EpochEnd, error) {
	if err := s.ask("epoch-ends", topic); err != nil {
		return nil, err
	}
	return s.memSource.EpochEnds(ctx, topic, epochs)
}

func (s stepwise) OffsetsAt(ctx context.Context, topic string, at time.Time) (map[int32]int64, error) {
	if err := s.ask("offsets-at", topic); err != nil {
		return nil, err
	}
	return s.memSource.OffsetsAt(ctx, topic, at)
}

func (s stepwise) Mark(ctx context.Context, topic string, partition int32, next int64) (*extract.Mark, error) {
	if err := s.ask("mark", topic); err != nil {
		return nil, err
	}
	return s.memSource.Mark(ctx, topic, partition, next)
}

// Read fails for one range, or for all of them.
func (s stepwise) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	return func(yield func(*extract.Batch, error) bool) {
		failed := map[int32]bool{}
		for b, err := range s.memSource.Read(ctx, r) {
			if b != nil && failed[b.Partition] {
				continue
			}
			if err == nil {
				switch s.p.call("read", fmt.Sprint(r.Ranges[0], " at ", b.Partition, " ", b.First)) {
				case memory.Proceed:
				case memory.LoseReply: // the range ends
					failed[b.Partition] = true
					b, err = &extract.Batch{Partition: b.Partition, First: b.First, Next: b.First}, errAway
				default: // everything ends
					yield(nil, errAway)
					return
				}
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

var _ io.Reader = (*process)(nil)
