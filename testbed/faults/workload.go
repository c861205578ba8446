package faults

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"

	"shadoof/testbed/faults/history"
	"shadoof/testbed/faults/nemesis"
)

// carryOut runs everything at once for a while, mends all, and brings the work to its end.
func (h *harness) carryOut(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	looking, stopLooking := context.WithCancel(ctx)
	feeding, stopFeeding := context.WithCancel(ctx)
	working, stopWorking := context.WithCancel(ctx)
	var lookers, feeders, workers sync.WaitGroup
	defer func() {
		stopWorking()
		stopFeeding()
		stopLooking()
		workers.Wait()
		feeders.Wait()
		lookers.Wait()
	}()

	lookers.Go(func() { h.lister.run(looking) })
	for i, t := range h.topics.all {
		p := &producer{topics: h.topics, topic: t, rand: h.random(uint64(10 + i)), rate: 120}
		workers.Go(func() { p.run(working) })
		feeders.Go(func() { h.follow(feeding, t) })
	}
	for i := range 3 {
		workers.Go(func() { h.work(working, i) })
	}
	workers.Go(func() { h.collect(working) })
	workers.Go(func() { h.backfill(working) })

	err := h.strike(ctx)
	h.processes.release()
	stopWorking()
	workers.Wait()
	if err != nil {
		return err
	}
	h.rec.Add(history.Event{Who: "harness", What: history.Calm})
	h.finish(ctx)
	h.caughtUp(ctx)
	stopFeeding()
	feeders.Wait()
	stopLooking()
	lookers.Wait()
	return again(ctx, func() error { return h.lister.look(ctx) })
}

func (h *harness) random(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(h.o.Seed, stream)) }

// strike has the nemesis at work for as long as the run is to be.
func (h *harness) strike(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, h.o.For)
	defer cancel()
	all := append(nemesis.Workers(h.processes), nemesis.Clock(h.clock), nemesis.Staged("staged files gone", h.takeStaged))
	all = append(all, nemesis.TopicFaults(h.topics)...)
	d := nemesis.Driver{Seed: h.o.Seed, Faults: append(all, h.o.Faults...), AtOnce: h.o.AtOnce, Shortest: 100 * time.Millisecond, Longest: 1500 * time.Millisecond,
		Log: func(m nemesis.Moment) {
			h.rec.Add(history.Event{At: m.Time, Who: m.Fault, What: history.Struck, Moment: &m})
		}}
	return d.Run(ctx)
}

func (h *harness) takeStaged(ctx context.Context, share func() bool) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, glance)
	defer cancel()
	all, err := h.store.staged(ctx)
	for _, s := range all {
		if err == nil && share() {
			n++
			err = h.store.take(ctx, s)
		}
	}
	return n, err
}

// The points of the protocol at which a process may be killed or made to stand, and how often it may have come there before.
var points = []string{"after-init", "batch", "staged", "before-put", "put-applied", "committed", "mid-publish", "before-marker", "after-marker",
	"repair-staged", "repair-discarded", "repair-appended", "mid-removal", "half-swapped"}

// hooked are settings of the environment for a process of the hooked binary.
func (h *harness) hooked(r *rand.Rand, o *order) {
	o.binary = h.o.Hooked
	o.env = append(o.env, "SHADOOF_CLOCK="+h.clock, "SHADOOF_LOST_AFTER=2s")
	point := fmt.Sprintf("%s:%d", points[r.IntN(len(points))], 1+r.IntN(3))
	switch r.IntN(4) {
	case 0:
		o.env = append(o.env, "SHADOOF_KILL_AT="+point)
		o.causes = append(o.causes, "SIGKILL at "+point)
	case 1:
		o.env = append(o.env, "SHADOOF_STOP_AT="+point)
		o.resume = true
	}
}

// work runs one worker, again and again, as cron does. The first has the release binary, the others are killed and stopped at points
// of the protocol, and their clocks are wrong.
func (h *harness) work(ctx context.Context, i int) {
	r := h.random(uint64(20 + i))
	for ctx.Err() == nil {
		h.topics.wait(ctx)
		if ctx.Err() != nil {
			return
		}
		o := order{who: fmt.Sprintf("worker %d", i+1), binary: h.o.Release, command: []string{"run", "--json"}}
		if i > 0 {
			h.hooked(r, &o)
		}
		h.do(ctx, o)
		rest(ctx, 100*time.Millisecond+time.Duration(r.Int64N(int64(1200*time.Millisecond))))
	}
}

// do runs a process, and answers it if a person must decide.
func (h *harness) do(ctx context.Context, o order) *history.Process {
	p, err := h.processes.run(ctx, o)
	if err != nil {
		h.fail(err)
		rest(ctx, time.Second)
		return &history.Process{Code: -1}
	}
	if p.Code == 4 && o.command[0] != "resolve" {
		for _, advice := range p.Advice {
			h.do(ctx, order{who: o.who, binary: h.o.Release, command: decision(advice)})
		}
	}
	return p
}

func (h *harness) collect(ctx context.Context) {
	r := h.random(30)
	for rest(ctx, 3*time.Second+time.Duration(r.Int64N(int64(5*time.Second)))) {
		o := order{who: "gc", binary: h.o.Release, command: []string{"gc", "--json"}}
		if r.IntN(3) == 0 {
			o.binary, o.env, o.causes = h.o.Hooked, []string{"SHADOOF_KILL_AT=fenced"}, []string{"SIGKILL at fenced"}
		}
		h.do(ctx, o)
	}
}

// backfill passes over records and lifts them later, and lifts again what was lifted.
func (h *harness) backfill(ctx context.Context) {
	r := h.random(31)
	for rest(ctx, time.Second+time.Duration(r.Int64N(int64(3*time.Second)))) {
		h.topics.wait(ctx)
		t := h.topics.all[r.IntN(len(h.topics.all))]
		partition := r.Int32N(t.partitions)
		end := h.topics.ends(ctx)[t.name][partition]
		o := order{who: "backfiller", binary: h.o.Release}
		switch r.IntN(4) {
		case 0:
			if end == 0 {
				continue
			}
			o.command = []string{"offsets", "skip", "--json", "--topic", t.name, "--partition", fmt.Sprint(partition), "--to", fmt.Sprint(end), "--reason", "to be filled later"}
		case 1:
			o.command = []string{"backfill", "--json", "--topic", t.name, "--from", "earliest"}
		default:
			if end < 100 {
				continue
			}
			from := max(0, end-100-r.Int64N(1500))
			swap := []string{"hide-first", "show-first"}[r.IntN(2)]
			o.command = []string{"backfill", "--json", "--topic", t.name, "--from", fmt.Sprint(from), "--to", fmt.Sprint(from + 100), "--partition", fmt.Sprint(partition), "--replace", "--swap", swap}
			if t.kind == compacted {
				o.command = append(o.command, "--allow-fewer")
			}
		}
		if r.IntN(3) == 0 {
			h.hooked(r, &o)
		}
		h.do(ctx, o)
	}
}

// follow reads the feed of a topic, and goes on where it was when the reader ended.
func (h *harness) follow(ctx context.Context, t *topic) {
	var since int64
	for {
		newest, err := h.lister.newest(ctx)
		if err == nil && newest[t.name] > 0 {
			break
		}
		if !rest(ctx, time.Second) {
			return
		}
	}
	for ctx.Err() == nil {
		if err := h.feedOnce(ctx, t, &since); err != nil {
			h.fail(err)
		}
		rest(ctx, 500*time.Millisecond)
	}
}

func (h *harness) feedOnce(ctx context.Context, t *topic, since *int64) error {
	who := "feed " + t.kind
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	var reader sync.WaitGroup
	reader.Go(func() {
		defer read.Close()
		lines := bufio.NewReaderSize(read, 1<<20)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return // what came without a newline was cut off
			}
			var v struct{ V int64 }
			if err := json.Unmarshal(line, &v); err != nil {
				h.fail(fmt.Errorf("%s: %w in %s", who, err, line))
				return
			}
			h.rec.Add(history.Event{Who: who, What: history.Fed, Topic: t.name, Feed: bytes.TrimSpace(line)})
			*since = v.V
		}
	})
	o := order{who: who, binary: h.o.Release, stdout: write, command: []string{"commits", "feed", "--topic", t.name, "--since", fmt.Sprint(*since), "--follow"}}
	_, err = h.processes.follow(ctx, o)
	write.Close()
	reader.Wait()
	return err
}
