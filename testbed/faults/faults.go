// Package faults runs the real binary against real servers while things break, and judges what came of it: producers, overlapping
// workers, a gc, a backfiller, a lister, readers of the feed, and a nemesis. docs/faults.md says how to run it and how to read a failing run.
package faults

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"shadoof/testbed/faults/checker"
	"shadoof/testbed/faults/history"
	"shadoof/testbed/faults/nemesis"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/s3bed"
)

// Options of a run.
type Options struct {
	Seed   uint64
	For    time.Duration // of faults
	Folder string        // of the run: it is made, and stays
	Log    func(format string, args ...any)

	Brokers     []string
	Replication int16 // of topics; 0 is 1

	Root *product.Root    // as workers reach it
	S3   *s3bed.Server    // of a root in S3
	HDFS *hdfsbed.Cluster // of a root in HDFS

	Release string // the binary as users get it
	Hooked  string // the one that can be killed at points of the protocol, and whose clock can be wrong

	Faults []nemesis.Fault // of servers; those of workers, staged files, clocks and topics are there without asking
	AtOnce int             // faults; 0 is 2
}

// A Result is what came of a run.
type Result struct {
	Options    Options
	History    *history.History
	Violations []checker.Violation
	Took       time.Duration
	Strikes    map[string]int // faults by name
	Commits    int            // versions of the logs that lift
	Records    int            // acknowledged
	Files      int            // visible at the end
	Exits      map[string]int // processes by command and exit status
}

// harness is a run under way.
type harness struct {
	o         Options
	rec       *history.Recorder
	store     store
	topics    *topics
	processes *processes
	lister    *lister
	clock     string // file

	once sync.Once
}

// Run carries out a run and judges it. An error is one of the harness.
func Run(ctx context.Context, o Options) (*Result, error) {
	began := time.Now()
	if o.AtOnce == 0 {
		o.AtOnce = 2
	}
	if o.Log == nil {
		o.Log = func(string, ...any) {}
	}
	h, err := newHarness(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := h.carryOut(ctx); err != nil {
		return nil, errors.Join(err, h.rec.Close())
	}
	hist, err := h.gather(ctx)
	if err := errors.Join(err, h.rec.Close()); err != nil {
		return nil, err
	}
	r := h.judge(hist)
	r.Took = time.Since(began)
	return r, r.write()
}

func newHarness(ctx context.Context, o Options) (*harness, error) {
	if err := os.MkdirAll(filepath.Join(o.Folder, "logs"), 0o755); err != nil {
		return nil, err
	}
	h := &harness{o: o, clock: filepath.Join(o.Folder, "clock")}
	var err error
	if h.rec, err = history.NewRecorder(filepath.Join(o.Folder, "history.jsonl")); err != nil {
		return nil, err
	}
	switch {
	case o.S3 != nil:
		if h.store, err = newS3Store(o.S3, o.Root); err != nil {
			return nil, err
		}
	case o.HDFS != nil:
		h.store = &hdfsStore{o.HDFS.FS(hdfsbed.Superuser), o.Root.Dir()}
	default:
		h.store = &localStore{o.Root.Dir()}
	}
	prefix := produce.Name("faults")
	all := []*topic{{kind: plain, name: prefix + ".plain", partitions: 3}, {kind: transactional, name: prefix + ".transactional", partitions: 2},
		{kind: compacted, name: prefix + ".compacted", partitions: 2}}
	h.topics = newTopics(o.Brokers, max(o.Replication, 1), all, h.rec.Add)
	h.lister = &lister{store: h.store, topics: all, record: h.rec.Add}
	h.processes = &processes{dir: o.Folder, config: filepath.Join(o.Folder, "shadoof.yaml"), env: o.Root.Env(), record: h.rec.Add,
		ends: h.topics.ends, newest: h.lister.newest, live: map[string]*live{}, logs: map[string]*sync.Mutex{}}
	if err := errors.Join(nemesis.SetClock(h.clock, 0), h.configure()); err != nil {
		return nil, err
	}
	for _, t := range all {
		if err := h.topics.create(ctx, t); err != nil {
			return nil, fmt.Errorf("create topic %s: %w", t.name, err)
		}
	}
	return h, nil
}

// orphanAge is how old leftovers are when a gc takes them: young enough to fence workers that only stand still.
const orphanAge = 4 * time.Second

// configure writes the configuration: small files and commits, so that a fault meets something under way.
func (h *harness) configure() error {
	var b strings.Builder
	fmt.Fprintf(&b, "kafka: {brokers: [%q]}\n%sorphan_age: %s\nshutdown_grace: 3s\nmemory: 128MiB\n", strings.Join(h.o.Brokers, `", "`), h.o.Root.YAML(), orphanAge)
	b.WriteString("defaults:\n  value: {format: json, framing: none, schema: body.avsc}\n  commit_every: {bytes: 60KiB}\n  policy: {tombstone: skip}\njobs:\n")
	for _, t := range h.topics.all {
		output := "{target_size: 16KiB}"
		if t.kind == transactional {
			output = "{target_size: 16KiB, format: avro, compression: snappy}"
		}
		fmt.Fprintf(&b, "  - name: %s\n    topics: [%q]\n    output: %s\n", t.kind, strings.ReplaceAll(t.name, ".", `\.`), output)
	}
	config := strings.ReplaceAll(b.String(), `\", \"`, `", "`)
	return errors.Join(os.WriteFile(h.processes.config, []byte(config), 0o644), os.WriteFile(filepath.Join(h.o.Folder, "body.avsc"), []byte(bodySchema), 0o644))
}

// fail keeps the first thing that the harness could not do.
func (h *harness) fail(err error) {
	if err != nil {
		h.once.Do(func() { h.rec.Add(history.Event{Who: "harness", What: history.Harness, Text: err.Error()}) })
	}
}

// judge has the checker look, and counts.
func (h *harness) judge(hist *history.History) *Result {
	r := &Result{Options: h.o, History: hist, Violations: checker.Check(hist), Strikes: map[string]int{}, Exits: map[string]int{}, Files: len(hist.Files)}
	for _, e := range hist.Events {
		switch e.What {
		case history.Struck:
			if e.Moment.What == "begin" {
				r.Strikes[e.Moment.Fault]++
			}
		case history.Produced:
			r.Records += len(e.Records)
		case history.Ended:
			r.Exits[fmt.Sprintf("%s %d", checker.Command(e.Process.Command), e.Process.Code)]++
		}
	}
	for _, records := range hist.Logs {
		for _, rec := range records {
			if rec.Lifts() {
				r.Commits++
			}
		}
	}
	return r
}
