package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
	"shadoof/internal/admin"
	"shadoof/offsets"
)

// A began is a run that a scheduler started.
type began struct {
	Job  string
	Why  string
	At   time.Time // by the clock on the wall
	Slot time.Time // its time by the schedule; zero where it was asked for
}

// A theatre is a scheduler whose runs do nothing but take time, by a clock on the wall that can be set. It is for a bubble of synctest.
type theatre struct {
	t     *testing.T
	s     *Scheduler
	list  []*config.Job
	takes func(job string) time.Duration
	fails func(o RunOptions) (*RunReport, error)
	last  []lastRun
	learn time.Duration // that the process takes for what it learns at its start

	stop, halt context.CancelFunc
	done       chan error

	mu    sync.Mutex
	ahead time.Duration // of the wall clock, before the one of the bubble
	runs  []began
	most  map[string]int // runs of a job side by side, at most
	under map[string]int
	idles int
}

// newTheatre makes one whose clock shows a moment.
func newTheatre(t *testing.T, shows time.Time, jobs ...*config.Job) *theatre {
	h := &theatre{t: t, list: jobs, ahead: time.Until(shows), most: map[string]int{}, under: map[string]int{}}
	h.takes = func(string) time.Duration { return time.Second }
	h.fails = func(RunOptions) (*RunReport, error) { return &RunReport{}, nil }
	return h
}

func (h *theatre) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return time.Now().Add(h.ahead).Round(0)
}

// set puts the clock forward, or back.
func (h *theatre) set(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ahead += d
}

// Handle hears of runs that begin.
func (h *theatre) Handle(_ context.Context, r slog.Record) error {
	if r.Message != "run begins" {
		return nil
	}
	b := began{At: h.now()}
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "job":
			b.Job = a.Value.String()
		case "why":
			b.Why = a.Value.String()
		case "due":
			b.Slot = a.Value.Time().UTC()
		}
		return true
	})
	h.mu.Lock()
	defer h.mu.Unlock()
	b.At = b.At.UTC()
	h.runs = append(h.runs, b)
	return nil
}

func (h *theatre) Enabled(context.Context, slog.Level) bool { return true }
func (h *theatre) WithAttrs([]slog.Attr) slog.Handler       { return h }
func (h *theatre) WithGroup(string) slog.Handler            { return h }

// run takes its time, or less when it is told to stop.
func (h *theatre) run(ctx context.Context, o RunOptions) (*RunReport, error) {
	name := o.Jobs[0]
	h.mu.Lock()
	h.under[name]++
	h.most[name] = max(h.most[name], h.under[name])
	h.mu.Unlock()
	defer func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.under[name]--
	}()
	timer := time.NewTimer(h.takes(name))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
	return h.fails(o)
}

// begin starts a process with a scheduler.
func (h *theatre) begin() {
	h.t.Helper()
	ids := 0
	s, err := newScheduler(h.list, schedulerParts{
		now: h.now, run: h.run,
		lastRuns: func(context.Context) ([]lastRun, error) {
			time.Sleep(h.learn)
			return h.last, nil
		},
		answers: func(context.Context) error { return nil },
		ends:    func(context.Context, []string) (map[string]map[int32]int64, error) { return nil, nil },
		newID:   func() string { ids++; return fmt.Sprint(ids) },
		idle: func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.idles++
		},
		log: slog.New(h), used: func() int64 { return 0 }, grace: 25 * time.Second,
	})
	if err != nil {
		h.t.Fatal(err)
	}
	soft, stop := context.WithCancel(context.Background())
	hard, halt := context.WithCancel(context.Background())
	h.s, h.stop, h.halt, h.done = s, stop, halt, make(chan error, 1)
	go func() { h.done <- s.Run(soft, hard) }()
	synctest.Wait()
}

// end ends the process.
func (h *theatre) end() error {
	h.stop()
	err := <-h.done
	h.halt()
	return err
}

func (h *theatre) started() []began {
	h.mu.Lock()
	defer h.mu.Unlock()
	return append([]began(nil), h.runs...)
}

func (h *theatre) jobStatus(name string) admin.Job {
	for _, j := range h.s.Status().Jobs {
		if j.Name == name {
			return j
		}
	}
	return admin.Job{}
}

func jobOf(name, schedule string, zone *time.Location) *config.Job {
	return &config.Job{Name: name, Schedule: schedule, Timezone: zone, CatchUp: 24 * time.Hour}
}

// A year in virtual time, through all changes of the clocks of five zones: each minute of the wall clock that a schedule names is run once,
// at its moment.
func TestAYearOfServing(t *testing.T) {
	t.Parallel()
	if raced {
		t.Skip("HISTORIES of the Makefile runs it without the race detector; the wild clocks run with it")
	}
	names := []string{"Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata"}
	schedules := []string{"7 * * * *", "30 2 * * *", "0,15,45 1-3 * * *", "@daily", "0 2 1,15 * sun"}
	from := time.Date(2025, 12, 31, 23, 59, 30, 0, time.UTC)
	to := from.AddDate(1, 0, 1)
	want := map[string][]time.Time{}
	var list []*config.Job
	for _, name := range names {
		zone := zoneOf(t, name)
		for i, runs := range oracleRuns(zone, schedules, from, to) {
			want[name+" "+schedules[i]] = runs
			list = append(list, jobOf(name+" "+schedules[i], schedules[i], zone))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		h := newTheatre(t, from, list...)
		for _, j := range list { // all ran just now
			h.last = append(h.last, lastRun{job: j.Name, topic: j.Name, version: 1, time: from})
		}
		h.begin()
		time.Sleep(to.Sub(from))
		synctest.Wait()
		got := map[string][]time.Time{}
		for _, r := range h.started() {
			if r.Why != byScheduleRun {
				t.Errorf("%+v", r)
			}
			got[r.Job] = append(got[r.Job], r.At)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("oracle (-) and runs (+):\n%s", diff)
		}
		if err := h.end(); err != nil {
			t.Error(err)
		}
	})
}

// What a job does at the moments that matter, by the minute.
func TestRunsThatAreMissedSkippedOrRepeated(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC)
	type what struct {
		after time.Duration // of the bubble's clock, which no step moves
		do    func(h *theatre)
	}
	set := func(d time.Duration) func(*theatre) { return func(h *theatre) { h.set(d) } }
	for name, c := range map[string]struct {
		schedule string
		catchUp  time.Duration
		jitter   time.Duration
		takes    time.Duration
		last     time.Time
		play     []what
		want     []string // why, when it began, and for when
		skipped  int64
		missed   int64
	}{
		"nothing is known: one run is made up": {
			schedule: "@hourly", catchUp: 24 * time.Hour, play: []what{{2 * time.Hour, nil}},
			want: []string{"catch_up 12:30:00 for 12:00", "schedule 13:00:00 for 13:00", "schedule 14:00:00 for 14:00"},
		},
		"a restart after the run": {
			schedule: "@hourly", catchUp: 24 * time.Hour, last: noon.Add(time.Second), play: []what{{time.Hour, nil}}, want: []string{"schedule 13:00:00 for 13:00"},
		},
		"a restart that missed runs makes up one": {
			schedule: "@hourly", catchUp: 24 * time.Hour, last: noon.Add(-5 * time.Hour), play: []what{{time.Hour, nil}}, want: []string{"catch_up 12:30:00 for 12:00", "schedule 13:00:00 for 13:00"},
		},
		"missed by less than catch_up": {
			schedule: "0 12 * * *", catchUp: 30*time.Minute + time.Second, last: noon.Add(-24 * time.Hour), want: []string{"catch_up 12:30:00 for 12:00"},
		},
		"missed by catch_up": {schedule: "0 12 * * *", catchUp: 30 * time.Minute, last: noon.Add(-24 * time.Hour)},
		"catch_up of zero":   {schedule: "@hourly", play: []what{{time.Hour, nil}}, want: []string{"schedule 13:00:00 for 13:00"}},
		"a sleep of hours makes up one run": {
			schedule: "@hourly", catchUp: 24 * time.Hour, last: noon, play: []what{{time.Minute, set(5 * time.Hour)}, {time.Hour, nil}},
			want: []string{"catch_up 17:31:30 for 17:00", "schedule 18:00:00 for 18:00"}, missed: 4,
		},
		"a sleep that ends within the catch_up": {
			schedule: "@hourly", catchUp: 16*time.Minute + 31*time.Second, last: noon, play: []what{{time.Minute, set(45 * time.Minute)}, {time.Minute, nil}}, want: []string{"catch_up 13:16:30 for 13:00"},
		},
		"a sleep that ends when it is too late": {
			schedule: "@hourly", catchUp: 16*time.Minute + 30*time.Second, last: noon, play: []what{{time.Minute, set(45 * time.Minute)}, {time.Minute, nil}}, missed: 1,
		},
		"late by less than a minute is on time": {
			schedule: "@hourly", last: noon, play: []what{{time.Minute, set(29*time.Minute + 29*time.Second)}, {time.Minute, nil}}, want: []string{"schedule 13:00:59 for 13:00"},
		},
		"late by a minute is missed": {
			schedule: "@hourly", last: noon, play: []what{{time.Minute, set(29*time.Minute + 30*time.Second)}, {time.Minute, nil}}, missed: 1,
		},
		"a clock that is put back a little repeats nothing": {
			schedule: "@hourly", catchUp: 24 * time.Hour, last: noon, play: []what{{time.Hour, set(-45 * time.Minute)}, {80 * time.Minute, nil}},
			want: []string{"schedule 13:00:00 for 13:00", "schedule 14:00:00 for 14:00"},
		},
		"a clock that is put back far is believed, whenever the run before was": {
			schedule: "0 13 * * *", catchUp: 24 * time.Hour, last: noon, play: []what{{24 * time.Hour, set(-25 * time.Hour)}, {2 * time.Hour, nil}},
			want: []string{"schedule 13:00:00 for 13:00", "schedule 13:00:00 for 13:00"},
		},
		"a clock that was wrong by years is believed again": {
			schedule: "@hourly", catchUp: 24 * time.Hour, last: noon, play: []what{{time.Minute, set(10000 * time.Hour)}, {time.Minute, set(-10000 * time.Hour)}, {time.Hour, nil}},
			want: []string{"catch_up 04:31:30 for 04:00", "schedule 13:00:00 for 13:00"}, missed: 9999,
		},
		"a run that takes long": {
			schedule: "*/10 * * * *", catchUp: 24 * time.Hour, last: noon.Add(30 * time.Minute), takes: 25 * time.Minute, play: []what{{time.Hour, nil}},
			want: []string{"schedule 12:40:00 for 12:40", "schedule 13:10:00 for 13:10"}, skipped: 4,
		},
		"a run that takes nearly as long as it may": {
			schedule: "*/10 * * * *", catchUp: 24 * time.Hour, last: noon.Add(30 * time.Minute), takes: 10*time.Minute - time.Second, play: []what{{25 * time.Minute, nil}},
			want: []string{"schedule 12:40:00 for 12:40", "schedule 12:50:00 for 12:50"},
		},
		"asked for, and in the way": {
			schedule: "@hourly", catchUp: 24 * time.Hour, last: noon.Add(30 * time.Minute), takes: 45 * time.Minute,
			play: []what{{20 * time.Minute, func(h *theatre) { _ = h.s.RunNow("job") }}, {2 * time.Hour, nil}}, want: []string{"asked 12:50:00", "schedule 14:00:00 for 14:00"}, skipped: 1,
		},
		"@every": {schedule: "@every 25m", catchUp: 24 * time.Hour, last: noon.Add(30 * time.Minute), play: []what{{time.Hour, nil}}, want: []string{"schedule 12:55:00 for 12:55", "schedule 13:20:00 for 13:20"}},
		"asked for, without a schedule": {
			play: []what{{time.Hour, func(h *theatre) { _ = h.s.RunNow("job") }}, {time.Hour, nil}}, want: []string{"asked 13:30:00"},
		},
		"jitter": {
			schedule: "@hourly", jitter: 10 * time.Minute, last: noon, play: []what{{3 * time.Hour, nil}}, want: []string{"schedule 13:05:09 for 13:00", "schedule 14:04:44 for 14:00", "schedule 15:09:11 for 15:00"},
		},
		"jitter that a restart falls into": {
			schedule: "30 * * * *", jitter: 59 * time.Minute, last: noon, catchUp: time.Minute, play: []what{{time.Hour, nil}}, want: []string{"schedule 13:27:15 for 12:30"},
		},
		"more jitter than there is room": {
			schedule: "*/10 * * * *", jitter: time.Hour, last: noon.Add(30 * time.Minute), play: []what{{30 * time.Minute, nil}},
			want: []string{"schedule 12:37:15 for 12:30", "schedule 12:45:19 for 12:40", "schedule 12:51:05 for 12:50"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				job := &config.Job{Name: "job", Schedule: c.schedule, Timezone: time.UTC, CatchUp: c.catchUp, Jitter: c.jitter}
				h := newTheatre(t, noon.Add(30*time.Minute), job)
				if c.takes > 0 {
					h.takes = func(string) time.Duration { return c.takes }
				}
				if !c.last.IsZero() {
					h.last = []lastRun{{job: "job", topic: "t", version: 3, time: c.last}}
				}
				h.begin()
				for _, p := range c.play {
					time.Sleep(p.after)
					synctest.Wait()
					if p.do != nil {
						p.do(h)
						synctest.Wait()
					}
				}
				time.Sleep(reread + time.Second)
				synctest.Wait()
				var got []string
				for _, r := range h.started() {
					line := r.Why + " " + r.At.Format(time.TimeOnly)
					if !r.Slot.IsZero() {
						line += " for " + r.Slot.Format("15:04")
					}
					got = append(got, line)
				}
				if diff := cmp.Diff(c.want, got); diff != "" {
					t.Error(diff)
				}
				if j := h.jobStatus("job"); j.Skipped != c.skipped || j.Missed != c.missed {
					t.Errorf("skipped %d and missed %d, want %d and %d", j.Skipped, j.Missed, c.skipped, c.missed)
				}
				if err := h.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// In whatever way clocks jump, machines sleep, and runs drag on: no job runs beside itself, no run by the schedule begins twice or too
// early, none begins that is too old, and each that was due is begun, left out, or missed, and counted as that.
func TestSchedulesOnAWildClock(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		synctest.Test(t, func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 2))
			schedules := []string{"*/10 * * * *", "7 * * * *", "30 2 * * *", "@every 17m", "*/3 1-4 * * *"}
			job := jobOf("job", schedules[r.IntN(len(schedules))], zoneOf(t, oddZones[r.IntN(len(oddZones))]))
			job.CatchUp = []time.Duration{0, 20 * time.Minute, 3 * time.Hour, 24 * time.Hour}[r.IntN(4)]
			job.Jitter = []time.Duration{0, 0, time.Minute, 2 * time.Hour}[r.IntN(4)]
			starts := []time.Time{time.Date(2026, 3, 28, 20, 0, 0, 0, time.UTC), time.Date(2026, 10, 24, 18, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 6, 0, 0, 0, time.UTC)}
			from := starts[r.IntN(len(starts))].Add(time.Duration(r.IntN(3600)) * time.Second)
			h := newTheatre(t, from, job)
			took := rand.New(rand.NewPCG(seed, 3)) // no two runs are side by side, or the race detector says so
			h.takes = func(string) time.Duration { return time.Duration(took.IntN(1+took.IntN(3600))) * time.Second }
			h.last = []lastRun{{job: "job", topic: "t", version: 1, time: from}}
			job.Retry = config.Retry{Times: r.IntN(4), Wait: time.Duration(1+r.IntN(20)) * time.Minute}
			h.fails = func(RunOptions) (*RunReport, error) {
				if took.IntN(2) == 0 {
					return nil, errors.New("the store is away")
				}
				return &RunReport{}, nil
			}
			h.begin()
			newest, wild := from, false // the latest that the clock ever showed
			for range 30 {
				time.Sleep(time.Duration(r.IntN(90)) * time.Minute / 2)
				synctest.Wait()
				if newest.Before(h.now()) {
					newest = h.now()
				}
				switch r.IntN(6) {
				case 0:
					h.set(time.Duration(r.IntN(8*60)) * time.Minute)
				case 1:
					h.set(-time.Duration(r.IntN(80)) * time.Minute)
				case 2:
					h.set(time.Duration(r.IntN(60)-30) * time.Second)
				}
				wild = wild || newest.Sub(h.now()) >= believed
				time.Sleep(reread) // the clock is read again
				synctest.Wait()
				if newest.Before(h.now()) {
					newest = h.now()
				}
			}
			time.Sleep(2 * time.Hour) // what is under way ends
			synctest.Wait()
			if newest.Before(h.now()) {
				newest = h.now()
			}
			schedule := scheduleOf(t, job.Schedule, job.Timezone)
			table := timetable{job: job.Name, schedule: schedule, jitter: job.Jitter}
			j := h.jobStatus("job")
			if err := h.end(); err != nil {
				t.Errorf("seed %d: %v", seed, err)
			}
			if h.most["job"] > 1 {
				t.Errorf("seed %d: %d runs side by side", seed, h.most["job"])
			}
			slots, scheduled, tries := map[time.Time]bool{}, int64(0), 0
			for _, b := range h.started() {
				if b.Why == byRetry {
					if tries++; tries > job.Retry.Times {
						t.Errorf("seed %d: %d retries of one run: %+v", seed, tries, b)
					}
					continue
				}
				scheduled++
				tries = 0
				late := b.At.Sub(b.Slot)
				switch {
				case slots[b.Slot] && !wild:
					t.Errorf("seed %d: twice: %+v", seed, b)
				case !schedule.Next(b.Slot.Add(-time.Nanosecond)).Equal(b.Slot):
					t.Errorf("seed %d: not by the schedule: %+v", seed, b)
				case b.At.Before(table.delayed(b.Slot)):
					t.Errorf("seed %d: too early: %+v", seed, b)
				case b.Why == byCatchUp && late >= job.CatchUp:
					t.Errorf("seed %d: too late, %s: %+v", seed, late, b)
				case b.Why == byScheduleRun && b.At.Sub(table.delayed(b.Slot)) >= onTime:
					t.Errorf("seed %d: not on time, %s: %+v", seed, late, b)
				}
				slots[b.Slot] = true
			}
			passed := schedule.Count(table.upTo(from), table.upTo(newest), 1<<40)
			if sum := scheduled + j.Skipped + j.Missed; sum != passed && !wild {
				t.Errorf("seed %d: %q in %s: %d begun, %d left out, %d missed, and %d were due by %s", seed, job.Schedule, job.Timezone, scheduled, j.Skipped, j.Missed, passed, newest)
			}
		})
	}
}

func TestRunsThatAreAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTheatre(t, day, jobOf("a", "@yearly", time.UTC), jobOf("b", "", time.UTC))
		h.list[0].CatchUp = 0
		h.takes = func(string) time.Duration { return time.Minute }
		h.begin()
		errs := []error{h.s.RunNow("a"), h.s.RunNow("b"), h.s.RunNow("a"), h.s.RunNow("c")}
		if diff := cmp.Diff([]error{nil, nil, ErrRunning, ErrNoJob}, errs, cmp.Comparer(errors.Is)); diff != "" {
			t.Error(diff)
		}
		if j := h.jobStatus("a"); !j.Since.Equal(day) || j.Last != nil {
			t.Errorf("while it runs: %+v", j)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		want := admin.Job{Name: "a", Schedule: "@yearly", Timezone: "UTC", Next: time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC), Success: day.Add(time.Minute),
			Last: &admin.Run{ID: "1", Why: "asked", Began: day, Ended: day.Add(time.Minute), Outcome: "done"}}
		if diff := cmp.Diff(want, h.jobStatus("a")); diff != "" {
			t.Error(diff)
		}
		if h.idles != 1 {
			t.Errorf("idle %d times", h.idles)
		}
		if err := h.s.RunNow("a"); err != nil {
			t.Error(err)
		}
		if err := h.end(); err != nil {
			t.Error(err)
		}
		if err := h.s.RunNow("a"); !errors.Is(err, ErrStopping) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// Whatever goes on, the clock is read, and who watches is told so.
func TestTheClockIsReadAlsoWhenMuchHappens(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTheatre(t, day, jobOf("a", "@daily", time.UTC), jobOf("b", "", time.UTC))
		h.last = []lastRun{{job: "a", topic: "a", version: 1, time: day}}
		h.begin()
		for n := range 60 {
			if err := h.s.RunNow("b"); err != nil {
				t.Fatal(err)
			}
			if n == 30 {
				h.set(24 * time.Hour)
			}
			time.Sleep(10 * time.Second)
			synctest.Wait()
			if s := h.s.Status(); s.Now.Sub(s.Ticked) > reread {
				t.Fatalf("the clock was not read for %s", s.Now.Sub(s.Ticked))
			}
		}
		if j := h.jobStatus("a"); j.Last == nil || j.Last.Began.Sub(day.Add(24*time.Hour+5*time.Minute)) > 10*time.Second {
			t.Errorf("%+v", j.Last)
		}
		if err := h.end(); err != nil {
			t.Error(err)
		}
	})
}

// Runs that are told to stop end in their own time, and what they end with counts.
func TestAStopWaitsForRuns(t *testing.T) {
	t.Parallel()
	for code, c := range map[int]struct {
		err  error
		want int
	}{
		ExitFailed:  {context.Canceled, ExitDone},
		ExitUnknown: {offsets.ErrUnresolved, ExitUnknown},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newTheatre(t, day, jobOf("a", "@hourly", time.UTC))
			h.takes = func(string) time.Duration { return time.Hour }
			h.fails = func(RunOptions) (*RunReport, error) {
				time.Sleep(20 * time.Second) // what was staged is committed
				return &RunReport{Topics: []*TopicReport{{Job: "a", Topic: "t", Err: c.err, Error: c.err.Error()}}}, nil
			}
			h.begin()
			at := time.Now()
			err := h.end()
			if took := time.Since(at); took != 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if got := ExitCode(err); got != c.want {
				t.Errorf("exit %d, want %d: %v", got, c.want, err)
			}
			if last := h.jobStatus("a").Last; last == nil || last.Exit != code || last.Outcome != admin.Outcomes[code] || last.Error != c.err.Error() {
				t.Errorf("%+v", last)
			}
			if s := h.s.Status(); s.NotReady == "" {
				t.Error("it is ready when it is over")
			}
		})
	}
}

// A topic that halts does not hide that nobody knows what became of another's commit.
func TestAStopTellsOfAnUnknownCommitBesideATopicThatHalts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newTheatre(t, day, jobOf("a", "@hourly", time.UTC))
		h.fails = func(RunOptions) (*RunReport, error) {
			return reportOf(map[string]error{"a": halt(errors.New("records were lost")), "b": errors.Join(halt(errors.New("records were lost")), offsets.ErrUnresolved), "c": nil}), nil
		}
		h.takes = func(string) time.Duration { return time.Hour }
		h.begin()
		if err := h.end(); ExitCode(err) != ExitUnknown {
			t.Errorf("exit %d: %v", ExitCode(err), err)
		}
		if last := h.jobStatus("a").Last; last == nil || last.Exit != ExitHalted {
			t.Errorf("%+v", last)
		}
	})
}

// No more jobs run than may, those that wait keep the order in which they were due, and what waits when the process stops never begins.
func TestJobsWaitForTheirTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var list []*config.Job
		for n := range jobsAtOnce + 5 {
			list = append(list, jobOf(fmt.Sprintf("j%02d", n), "0 14 * * *", time.UTC))
		}
		h := newTheatre(t, day, list...)
		h.takes = func(string) time.Duration { return time.Hour }
		h.last = nil
		for _, j := range list {
			h.last = append(h.last, lastRun{job: j.Name, topic: j.Name, version: 1, time: day})
		}
		h.begin()
		time.Sleep(time.Hour + time.Minute)
		synctest.Wait()
		running := 0
		for _, n := range h.under {
			running += n
		}
		if running != jobsAtOnce {
			t.Errorf("%d jobs run", running)
		}
		if err := h.end(); err != nil {
			t.Error(err)
		}
		over := 0
		for _, j := range h.s.Status().Jobs {
			if j.Last != nil {
				over++
			}
		}
		if over != jobsAtOnce {
			t.Errorf("%d jobs have run", over)
		}
	})
}
