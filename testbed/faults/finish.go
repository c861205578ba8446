package faults

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"time"

	"shadoof/testbed/faults/history"
)

// finish brings the work to its end, with nothing broken and nobody beside.
func (h *harness) finish(ctx context.Context) {
	h.settled(ctx)
	h.lift(ctx)
	for _, t := range h.topics.all {
		o := order{who: "finisher", binary: h.o.Release, command: []string{"backfill", "--json", "--topic", t.name, "--from", "earliest"}}
		if p := h.do(ctx, o); p.Code == 4 {
			h.do(ctx, o)
		}
	}
	rest(ctx, orphanAge+2*time.Second) // stores tell times in whole seconds
	for range 2 {
		h.do(ctx, order{who: "finisher", binary: h.o.Release, command: []string{"gc", "--json"}})
	}
	h.do(ctx, order{who: "finisher", binary: h.o.Release, command: []string{"verify", "--deep"}})
}

// lift runs until everything is lifted. Once all is mended a run may find what only a person can decide, and nothing else.
func (h *harness) lift(ctx context.Context) {
	for range 6 {
		o := order{who: "finisher", binary: h.o.Hooked, env: []string{"SHADOOF_LOST_AFTER=2s"}, command: []string{"run", "--json"}}
		if p := h.do(ctx, o); p.Code != 4 {
			return
		}
	}
	h.fail(fmt.Errorf("six runs, each followed by the decisions that it advised, did not come to their end"))
}

// settled waits until no transaction is open: their ends are answered before that.
func (h *harness) settled(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	h.fail(again(ctx, func() error { return h.topics.settled(ctx) }))
}

// caughtUp waits until the readers of the feed have everything.
func (h *harness) caughtUp(ctx context.Context) {
	newest, err := h.lister.newest(ctx)
	if err != nil {
		h.fail(err)
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for h.behind(newest) && rest(ctx, 200*time.Millisecond) {
	}
}

func (h *harness) behind(newest map[string]int64) bool {
	lines := map[string]int64{}
	for _, e := range h.rec.Events() {
		if e.What == history.Fed {
			lines[e.Topic]++
		}
	}
	for topic, v := range newest {
		if lines[topic] < v {
			return true
		}
	}
	return false
}

// follow runs a process until ctx is done, and then stops it by a signal.
func (ps *processes) follow(ctx context.Context, o order) (*history.Process, error) {
	ended := make(chan struct{})
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-ended:
			return
		case <-ctx.Done():
		}
		for again := true; again; {
			ps.Signal(o.who, syscall.SIGCONT)
			ps.Signal(o.who, syscall.SIGTERM)
			select {
			case <-ended:
				again = false
			case <-time.After(20 * time.Second):
			}
		}
	}()
	o.forever = true
	p, err := ps.run(context.WithoutCancel(ctx), o)
	close(ended)
	<-done
	return p, err
}

// gather reads everything that there is at the end.
func (h *harness) gather(ctx context.Context) (*history.History, error) {
	hist := &history.History{Logs: map[string][]*history.Record{}, Files: map[string]*history.File{}, Topics: map[string]history.Topic{}}
	for _, t := range h.topics.all {
		hist.Topics[t.name] = history.Topic{Folder: t.name, Compacted: t.kind == compacted}
		records, err := h.readLog(ctx, t.name)
		if err != nil {
			return nil, err
		}
		hist.Logs[t.name] = records
		for _, folder := range []string{t.name, "_shadoof/topics/" + t.name + "/quarantine"} {
			all, err := h.store.list(ctx, folder)
			if err != nil {
				return nil, err
			}
			for _, o := range all {
				content, err := h.store.read(ctx, o.Key)
				if err != nil {
					return nil, fmt.Errorf("read %s: %w", o.Key, err)
				}
				hist.Files[o.Key] = readFile(o.Key, content)
			}
		}
	}
	staged, err := h.store.staged(ctx)
	for _, s := range staged {
		hist.Staged = append(hist.Staged, s.String())
	}
	hist.Events = h.rec.Events()
	return hist, err
}

func (h *harness) readLog(ctx context.Context, topic string) (out []*history.Record, err error) {
	all, err := h.store.list(ctx, logOf(topic))
	if err != nil {
		return nil, err
	}
	for _, o := range all { // in the order of their names
		if version(o.Key) == 0 {
			continue
		}
		line, err := h.store.read(ctx, o.Key)
		if err != nil {
			return nil, err
		}
		r, err := history.ParseRecord(line)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", o.Key, err)
		}
		if r.Attached != nil {
			att, err := h.store.read(ctx, "_shadoof/topics/"+topic+"/att/"+r.Attempt+".json")
			if err == nil {
				err = r.Attach(att)
			}
			if err != nil {
				r.Damage = strings.TrimSpace(r.Damage + " " + err.Error())
			}
		}
		out = append(out, r)
	}
	return out, nil
}
