package local

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/config"
	"shadoof/jobs"
	"shadoof/offsets"
	"shadoof/record"
	"shadoof/storage"
	"shadoof/writers"
)

const lakeConfig = `
kafka: {brokers: ["127.0.0.1:9092"]}
store: {url: "file:///nowhere/data/lake"}
memory: 64MiB
jobs:
  - name: tests
    topics: [orders]
    value: {format: string}
    partition: {min: 2015-01-01}
    output: {target_size: 1MiB}
`

// day is when the tests take place.
var day = time.Date(2026, 11, 20, 13, 0, 0, 0, time.UTC)

// A machine has a disk, and processes run on it.
type machine struct {
	disk    *platter
	cluster *cluster
	cfg     *config.Config

	mu     sync.Mutex
	now    time.Time
	chance *rand.Rand
}

func newMachine(t *testing.T, seed uint64) *machine {
	t.Helper()
	cfg, err := config.Parse("shadoof.yaml", []byte(lakeConfig), func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	m := &machine{cfg: cfg, now: day.Add(5 * time.Hour), chance: rand.New(rand.NewPCG(seed, 3))}
	m.cluster = (&cluster{topic: "orders", times: make([][]time.Time, 2)}).more(9, day.Add(50*time.Minute), 3*time.Minute)
	m.disk = newPlatter(m.clock)
	mkdirs(m.disk, lake, true)
	return m
}

// with is the same machine as it is now, with another disk.
func (m *machine) with(disk *platter) *machine {
	m.mu.Lock()
	defer m.mu.Unlock()
	other := &machine{disk: disk, cluster: m.cluster, cfg: m.cfg, now: m.now, chance: rand.New(rand.NewPCG(m.chance.Uint64(), 3))}
	disk.clock = other.clock
	return other
}

func (m *machine) clock() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(time.Millisecond)
	return m.now
}

func (m *machine) wait(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.now = m.now.Add(d)
}

// below is a number from 0 to n-1.
func (m *machine) below(n int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.chance.IntN(n)
}

// Read makes the machine the source of ids.
func (m *machine) Read(p []byte) (int, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range p {
		p[i] = byte(m.chance.Uint32())
	}
	return len(p), nil
}

// process is a new process on this machine.
func (m *machine) process() (*jobs.Env, *Store, error) {
	s, err := open(lake, m.disk)
	if err != nil {
		return nil, nil, err
	}
	return jobs.New(m.cfg, jobs.Deps{
		Store: s, Endpoint: lake, Source: m.cluster, Now: m.clock, Rand: m, Log: slog.New(slog.DiscardHandler), Writer: offsets.Writer{Host: "test", Build: "test"},
		Drivers: jobs.Drivers{
			Schema:  func(config.Value, string) (string, string, error) { return "", "", nil },
			Decoder: func(*jobs.Settings, jobs.FindSchema) (record.Decoder, error) { return record.NewStringDecoder(), nil },
			Format:  func(jobs.OutputSettings) (writers.Format, error) { return lines{}, nil },
			Reader:  func(string) (writers.Reader, error) { return lines{}, nil },
			Probe:   func(context.Context, storage.Store) error { return nil },
		},
		Pause: func(ctx context.Context, _ int) error { m.wait(time.Second); return ctx.Err() },
		Lost:  3 * time.Second,
	}), s, nil
}

// run is a run that must succeed: a power cut leaves nothing that stands in the way.
func (m *machine) run(ctx context.Context) error {
	e, _, err := m.process()
	if err != nil {
		return err
	}
	report, err := e.Run(ctx, jobs.RunOptions{})
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	for _, t := range report.Topics {
		if t.Err != nil {
			return fmt.Errorf("run: %w", t.Err)
		}
	}
	if code := report.ExitCode(); code != jobs.ExitDone {
		return fmt.Errorf("run exits %d", code)
	}
	return nil
}

// check says what is not as it must be after a run: every record that was not dropped is visible once, and nothing else is.
func (m *machine) check(ctx context.Context, dropped bool) error {
	e, s, err := m.process()
	if err != nil {
		return err
	}
	seen, total := map[row]int{}, 0
	for entry, err := range s.List(ctx, storage.Query{Prefix: "orders/"}) {
		if err != nil {
			return err
		}
		text, err := storage.ReadAll(ctx, s, entry.Name, 1<<20)
		if err != nil {
			return err
		}
		found, err := parseLines(string(text))
		if err != nil {
			return fmt.Errorf("%s is visible and not whole: %w", entry.Name, err)
		}
		for _, r := range found {
			if seen[r]++; seen[r] > 1 {
				return fmt.Errorf("partition %d, offset %d is visible twice", r.partition, r.offset)
			}
			total++
		}
	}
	want := 0
	for _, times := range m.cluster.times {
		want += len(times)
	}
	if total > want || total < want && !dropped {
		return fmt.Errorf("%d records are visible of %d", total, want)
	}
	report, err := e.Verify(ctx, jobs.Selection{}, true)
	if err != nil {
		return fmt.Errorf("verify: %w", err)
	}
	for _, t := range report.Topics {
		if len(t.Differences)+len(t.Pending) > 0 {
			return fmt.Errorf("verify: differences %q, pending %v", t.Differences, t.Pending)
		}
	}
	return m.checkGathered(ctx, e, s)
}

// checkGathered says what is left behind when all is over.
func (m *machine) checkGathered(ctx context.Context, e *jobs.Env, s *Store) error {
	m.wait(48 * time.Hour)
	if _, err := e.GC(ctx, jobs.Selection{}, false); err != nil {
		return fmt.Errorf("gc: %w", err)
	}
	left, err := storage.Entries(ctx, s, storage.Query{Staged: true, Staging: "_shadoof/"})
	if len(left) > 0 {
		return fmt.Errorf("still staged after a gc: %v", left)
	}
	return err
}

// A course is what is done on a machine whose power fails.
type course struct {
	name    string
	prepare func(ctx context.Context, m *machine) error
	act     func(ctx context.Context, m *machine, e *jobs.Env) error
	dropped bool // records may be gone
}

func ran(ctx context.Context, m *machine) error { return m.run(ctx) }

func ranAndMore(ctx context.Context, m *machine) error {
	err := m.run(ctx)
	m.cluster = m.cluster.more(5, day.Add(90*time.Minute), 10*time.Minute)
	return err
}

func runs(ctx context.Context, m *machine, _ *jobs.Env) error { return m.run(ctx) }

func replaces(swap string) func(context.Context, *machine, *jobs.Env) error {
	return func(ctx context.Context, _ *machine, e *jobs.Env) error {
		report, err := e.Backfill(ctx, jobs.BackfillRequest{Topic: "orders", From: "earliest", Replace: true, Swap: swap})
		if err == nil && report.ExitCode() != jobs.ExitDone {
			err = report.Result.Err
		}
		return err
	}
}

var decision = offsets.Decision{By: "test", Reason: "power"}

func courses() []course {
	return []course{
		{name: "first run", prepare: func(context.Context, *machine) error { return nil }, act: runs},
		{name: "plain run", prepare: ranAndMore, act: runs},
		{name: "gc", prepare: func(ctx context.Context, m *machine) error {
			// What a process leaves that is killed before its commit.
			if err := ranAndMore(ctx, m); err != nil {
				return err
			}
			disk := m.disk.fork()
			var once sync.Once
			m.disk.before = func(what string) {
				if strings.HasPrefix(what, "link ") && strings.Contains(what, "/log/") {
					once.Do(func() { disk = m.disk.fork() })
				}
			}
			err := m.run(ctx)
			m.disk = disk
			m.wait(48 * time.Hour)
			return err
		}, act: func(ctx context.Context, _ *machine, e *jobs.Env) error {
			report, err := e.GC(ctx, jobs.Selection{}, false)
			if err == nil && (len(report.Topics) != 1 || len(report.Topics[0].Discarded) == 0) {
				err = errors.New("gc found nothing")
			}
			return err
		}},
		{name: "drop", dropped: true, prepare: ran, act: func(ctx context.Context, _ *machine, e *jobs.Env) error {
			report, err := e.DropFiles(ctx, jobs.DropRequest{Topic: "orders", Before: day.Add(time.Hour), Decision: decision})
			if err == nil && report.Files == 0 {
				err = errors.New("nothing was dropped")
			}
			return err
		}},
		{name: "replace, hide first", prepare: ran, act: replaces(offsets.HideFirst)},
		{name: "replace, show first", prepare: ran, act: replaces(offsets.ShowFirst)},
	}
}

// A blackout is a course that fails at some of its changes, and so does what recovers from it.
type blackout struct {
	t      *testing.T
	course course
	every  int // one in so many changes is tried
	cuts   int
	found  string

	mu sync.Mutex // held by who looks
}

// watch lets the power fail before some of the changes that follow, depth times one after the other.
func (b *blackout) watch(ctx context.Context, m *machine, depth int, history string) {
	m.disk.before = func(what string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		if b.found == "" && m.below(b.every) == 0 {
			b.fail(ctx, m, depth, history+"\nbefore "+what)
		}
	}
}

// fail cuts the power, or kills all that runs, and lets a new process do its work.
func (b *blackout) fail(ctx context.Context, m *machine, depth int, history string) {
	b.cuts++
	var after *machine
	if m.below(4) == 0 {
		after, history = m.with(m.disk.fork()), history+": killed"
	} else {
		c := chance{uint64(m.below(1 << 30)), loss(m.below(int(losses)))}
		after, history = m.with(m.disk.cut(c.loss, c.source())), history+": power cut, "+c.String()
	}
	found := after.disk.tree()
	if depth > 0 {
		deeper := &blackout{t: b.t, course: b.course, every: 40}
		deeper.watch(ctx, after, depth-1, history)
		defer func() {
			b.cuts += deeper.cuts
			if b.found == "" {
				b.found = deeper.found
			}
		}()
	}
	err := after.run(ctx)
	after.disk.before = nil
	if err == nil {
		err = after.check(ctx, b.course.dropped)
	}
	if err != nil && b.found == "" {
		b.found = fmt.Sprintf("%s\n%v\nfound:\n%s\nin the end:\n%s", history, err, found, after.disk.tree())
	}
}

// play goes through a course on a machine of a seed, and says what was wrong first, and how often the power was cut.
func (c course) play(t *testing.T, seed uint64, every int, pretends func() bool) (found string, cuts int) {
	m := newMachine(t, seed)
	if err := c.prepare(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	m.disk.pretends = pretends
	b := &blackout{t: t, course: c, every: every}
	b.watch(t.Context(), m, 2, fmt.Sprintf("%s, seed %d", c.name, seed))
	e, _, err := m.process()
	if err == nil {
		err = c.act(t.Context(), m, e)
	}
	m.disk.before = nil
	if err == nil {
		err = m.run(t.Context())
	}
	if err == nil && b.found == "" {
		err = m.check(t.Context(), c.dropped)
	}
	if err != nil {
		t.Fatalf("%s, seed %d, without a power cut: %v", c.name, seed, err)
	}
	return b.found, b.cuts
}

// TestJobsSurvivePowerCuts cuts the power while jobs run over this driver: after each a fresh process makes all of it good.
func TestJobsSurvivePowerCuts(t *testing.T) {
	t.Parallel()
	for _, c := range courses() {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			start, all := time.Now(), 0
			for seed := range uint64(max(1, many(5))) {
				found, cuts := c.play(t, seed, 4, nil)
				if all += cuts; found != "" {
					t.Fatal(found)
				}
			}
			t.Logf("%d power cuts in %s", all, time.Since(start).Round(time.Millisecond))
		})
	}
}

// TestThePowerCutsOfJobsFindMissingFsyncs shows that the one above can fail.
func TestThePowerCutsOfJobsFindMissingFsyncs(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("the race detector finds nothing here, and takes minutes: make test runs it without")
	}
	for _, without := range []string{"Sync in writeFile", "syncDir in putNamed", "syncDir in settle"} {
		t.Run(without, func(t *testing.T) {
			t.Parallel()
			all := 0
			for seed := range uint64(300) {
				c := courses()[seed%2]
				found, cuts := c.play(t, seed, 2, func() bool { return strings.HasPrefix(site(), without) })
				if all += cuts; found != "" {
					t.Logf("after %d power cuts: %s", all, found)
					return
				}
			}
			t.Errorf("%d power cuts did no harm", all)
		})
	}
}
