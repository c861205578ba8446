package jobs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
	"shadoof/internal/admin"
	"shadoof/offsets"
)

// A failing theatre has a run each day at 12:00, and lists what it did.
func newFailing(t *testing.T, retry config.Retry, ends func(n int, topics []string) (*RunReport, error)) (*theatre, func() []string) {
	job := &config.Job{Name: "job", Schedule: "0 12 * * *", Timezone: time.UTC, CatchUp: 24 * time.Hour, Retry: retry}
	h := newTheatre(t, day.Add(-time.Hour-time.Second), job) // 11:59:59
	h.last = []lastRun{{job: "job", topic: "t", version: 3, time: day.Add(-25 * time.Hour)}}
	n, asked := 0, []string{}
	h.fails = func(o RunOptions) (*RunReport, error) {
		n++
		asked = append(asked, strings.Join(o.Topics, " "))
		return ends(n, o.Topics)
	}
	return h, func() (out []string) {
		for i, r := range h.started() {
			line := r.Why + " " + r.At.Format(time.TimeOnly)
			if i < len(asked) && asked[i] != "" {
				line += " of " + asked[i]
			}
			out = append(out, line)
		}
		return out
	}
}

// reportOf is what a run came to that did this to its topics.
func reportOf(topics map[string]error) *RunReport {
	r := &RunReport{}
	for _, name := range []string{"a", "b", "c"} {
		if err, ok := topics[name]; ok {
			t := &TopicReport{Job: "job", Topic: name, Err: err}
			if err != nil {
				t.Error = err.Error()
			}
			r.Topics = append(r.Topics, t)
		}
	}
	return r
}

var errStoreAway = errors.New("the store is away")

func TestWhatFailedIsTriedAgain(t *testing.T) {
	t.Parallel()
	lost := halt(errors.New("records were lost"))
	for name, c := range map[string]struct {
		retry config.Retry
		ends  func(n int, topics []string) (*RunReport, error)
		want  []string
		last  string // outcome
		error string
	}{
		"the store is back after five minutes": {
			retry: config.Retry{Times: 5, Wait: time.Minute},
			ends: func(n int, _ []string) (*RunReport, error) {
				if n < 4 {
					return nil, errStoreAway
				}
				return reportOf(map[string]error{"a": nil}), nil
			},
			want: []string{"schedule 12:00:00", "retry 12:01:01", "retry 12:03:02", "retry 12:07:03"}, last: "done",
		},
		"no more often than it may": {
			retry: config.Retry{Times: 3, Wait: time.Minute},
			ends:  func(int, []string) (*RunReport, error) { return nil, errStoreAway },
			want:  []string{"schedule 12:00:00", "retry 12:01:01", "retry 12:03:02", "retry 12:07:03"}, last: "failed", error: errStoreAway.Error(),
		},
		"waits do not grow for ever": {
			retry: config.Retry{Times: 4, Wait: 40 * time.Minute},
			ends:  func(int, []string) (*RunReport, error) { return nil, errStoreAway },
			want:  []string{"schedule 12:00:00", "retry 12:40:01", "retry 13:40:02", "retry 14:40:03", "retry 15:40:04"}, last: "failed", error: errStoreAway.Error(),
		},
		"not at all": {ends: func(int, []string) (*RunReport, error) { return nil, errStoreAway }, want: []string{"schedule 12:00:00"}, last: "failed", error: errStoreAway.Error()},
		"the configuration is wrong": {
			retry: config.Retry{Times: 5, Wait: time.Minute},
			ends:  func(int, []string) (*RunReport, error) { return nil, usage(errors.New("two jobs")) }, want: []string{"schedule 12:00:00"}, last: "usage", error: "two jobs",
		},
		"a person must decide": {
			retry: config.Retry{Times: 5, Wait: time.Minute},
			ends:  func(int, []string) (*RunReport, error) { return reportOf(map[string]error{"a": lost}), nil }, want: []string{"schedule 12:00:00"}, last: "halted", error: lost.Error(),
		},
		"nobody knows what became of a commit": {
			retry: config.Retry{Times: 5, Wait: time.Minute},
			ends: func(n int, _ []string) (*RunReport, error) {
				if n == 1 {
					return reportOf(map[string]error{"a": offsets.ErrUnresolved}), nil
				}
				return reportOf(map[string]error{"a": nil}), nil
			},
			want: []string{"schedule 12:00:00", "retry 12:01:01"}, last: "done",
		},
		"only the topics that failed": {
			retry: config.Retry{Times: 5, Wait: time.Minute},
			ends: func(n int, _ []string) (*RunReport, error) {
				switch n {
				case 1:
					return reportOf(map[string]error{"a": errStoreAway, "b": nil, "c": partial(errStoreAway)}), nil
				case 2:
					return reportOf(map[string]error{"a": nil, "c": errStoreAway}), nil
				}
				return reportOf(map[string]error{"c": nil}), nil
			},
			want: []string{"schedule 12:00:00", "retry 12:01:01 of a c", "retry 12:03:02 of c"}, last: "done",
		},
		"a topic that halts keeps no other from it, and is not forgotten": {
			retry: config.Retry{Times: 5, Wait: time.Minute},
			ends: func(n int, _ []string) (*RunReport, error) {
				switch n {
				case 1:
					return reportOf(map[string]error{"a": errStoreAway, "b": lost}), nil
				case 2:
					return reportOf(map[string]error{"a": errStoreAway}), nil
				}
				return reportOf(map[string]error{"a": nil}), nil
			},
			want: []string{"schedule 12:00:00", "retry 12:01:01 of a", "retry 12:03:02 of a"}, last: "halted", error: lost.Error(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				h, did := newFailing(t, c.retry, c.ends)
				h.begin()
				time.Sleep(23 * time.Hour)
				synctest.Wait()
				if diff := cmp.Diff(c.want, did()); diff != "" {
					t.Error(diff)
				}
				j := h.jobStatus("job")
				if j.Last == nil || j.Last.Outcome != c.last || j.Last.Error != c.error || j.Retry != nil || j.Retries != int64(len(c.want)-1) || j.Skipped+j.Missed != 0 {
					t.Errorf("in the end: %+v, last %+v", j, j.Last)
				}
				if (c.last == "done") == j.Success.IsZero() {
					t.Errorf("last done %s", j.Success)
				}
				if err := h.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// What is planned shows; and a run that somebody asks for takes its place, as does the next by the schedule.
func TestARetryThatIsPlannedShows(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h, did := newFailing(t, config.Retry{Times: 2, Wait: 10 * time.Minute}, func(int, []string) (*RunReport, error) {
			return reportOf(map[string]error{"a": nil, "b": errStoreAway}), nil
		})
		h.begin()
		time.Sleep(time.Minute)
		synctest.Wait()
		want := &admin.Retry{At: day.Add(-time.Hour + 10*time.Minute + time.Second), Number: 1, Of: 2, Topics: 1}
		if diff := cmp.Diff(want, h.jobStatus("job").Retry); diff != "" {
			t.Error(diff)
		}
		if err := h.s.RunNow("job"); err != nil {
			t.Error(err)
		}
		time.Sleep(15 * time.Minute)
		synctest.Wait()
		if diff := cmp.Diff([]string{"schedule 12:00:00", "asked 12:00:59", "retry 12:11:00 of b"}, did()); diff != "" {
			t.Error(diff)
		}
		if err := h.end(); err != nil { // while one waits
			t.Error(err)
		}
		if j := h.jobStatus("job"); len(h.started()) != 3 || j.Retry == nil {
			t.Errorf("%+v", j)
		}
	})
}

// No retry begins once the next run is due; one that is under way then is ended for it, and the run begins when it is over.
func TestARetryDoesNotRunPastTheNextRun(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		stubborn time.Duration // that a run takes after it was told to stop
		wait     time.Duration
		want     []string
		skipped  int64
	}{
		"in time":              {wait: 4 * time.Minute, want: []string{"schedule 12:00:00", "retry 12:09:00", "schedule 12:10:00", "schedule 12:20:00"}},
		"it takes its time":    {wait: 4 * time.Minute, stubborn: 20 * time.Second, want: []string{"schedule 12:00:00", "retry 12:09:00", "schedule 12:10:20", "schedule 12:20:00"}},
		"it would be too late": {wait: 5 * time.Minute, want: []string{"schedule 12:00:00", "schedule 12:10:00", "schedule 12:20:00"}},
		"two runs pass":        {wait: 4 * time.Minute, stubborn: 15 * time.Minute, want: []string{"schedule 12:00:00", "retry 12:09:00", "schedule 12:25:00"}, skipped: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				n := 0
				h, did := newFailing(t, config.Retry{Times: 1, Wait: c.wait}, func(int, []string) (*RunReport, error) {
					if n++; n == 2 && len(c.want) > 3 || n == 2 && c.skipped > 0 {
						time.Sleep(c.stubborn)
					}
					if n == 1 {
						return nil, errStoreAway
					}
					return &RunReport{}, nil
				})
				h.list[0].Schedule = "*/10 * * * *"
				h.last[0].time = day.Add(-70 * time.Minute)
				h.takes = func(string) time.Duration { return 5 * time.Minute }
				h.begin()
				time.Sleep(26 * time.Minute)
				synctest.Wait()
				if diff := cmp.Diff(c.want, did()); diff != "" {
					t.Error(diff)
				}
				if j := h.jobStatus("job"); j.Skipped != c.skipped || j.Missed != 0 || h.most["job"] != 1 {
					t.Errorf("%+v, %d side by side", j, h.most["job"])
				}
				if err := h.end(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// The clock is put forward or back while a retry waits: it is neither forgotten nor late, and belongs to no run that is over.
func TestARetryOnAClockThatIsSet(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration][]string{
		-30 * time.Minute: {"schedule 12:00:00", "retry 11:45:01"}, // ten minutes after the clock was read again
		-5 * time.Hour:    {"schedule 12:00:00", "retry 07:15:01", "schedule 12:00:00", "retry 12:10:01"},
		5 * time.Minute:   {"schedule 12:00:00", "retry 12:10:01"},
		3 * time.Hour:     {"schedule 12:00:00", "retry 15:05:01"},
		26 * time.Hour:    {"schedule 12:00:00", "catch_up 14:05:01", "retry 14:15:02"},
	} {
		synctest.Test(t, func(t *testing.T) {
			h, did := newFailing(t, config.Retry{Times: 1, Wait: 10 * time.Minute}, func(int, []string) (*RunReport, error) { return nil, errStoreAway })
			h.begin()
			time.Sleep(5*time.Minute + time.Second)
			h.set(d)
			time.Sleep(6 * time.Hour)
			synctest.Wait()
			if diff := cmp.Diff(want, did()); diff != "" {
				t.Errorf("by %s: %s", d, diff)
			}
			if err := h.end(); err != nil {
				t.Error(err)
			}
		})
	}
}

// A process that ends while a retry waits leaves it to the next: what committed nothing since the run was due is made up for.
func TestARestartBetweenRetries(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(testConfig + "    schedule: \"@daily\"\n    retry: {wait: 30m}\n")
		twoHours(w)
		ahead := time.Until(day.Add(11*time.Hour - time.Minute)) // 23:59
		now := func() time.Time { return time.Now().Add(ahead).Round(0) }
		w.source.deaf = true
		s, stop := w.serving(t, now)
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if j := s.Status().Jobs[0]; j.Last == nil || j.Last.Outcome != "failed" || j.Retry == nil {
			t.Fatalf("%+v", j)
		}
		stop()
		w.source.mu.Lock()
		w.source.deaf = false
		w.source.mu.Unlock()
		s, stop = w.serving(t, now)
		if j := s.Status().Jobs[0]; j.Last == nil || j.Last.Why != byCatchUp || j.Last.Outcome != "done" || j.Last.Rows != 25 {
			t.Errorf("the next process: %+v", j.Last)
		}
		stop()
		w.checkExact("in the end")
	})
}

// A topic that could not be written is tried again by itself, and what its first run left is there once.
func TestARetryOfARealRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders, refunds]", 1) + "    schedule: \"@daily\"\n")
		twoHours(w)
		w.source.create("refunds", strings.Repeat("cd", 16), 1).add(0, 7, day, time.Minute)
		w.source.fail[1] = fmt.Errorf("no leader")               // of orders: refunds has one partition
		ahead := time.Until(day.Add(11*time.Hour - time.Minute)) // 23:59
		s, stop := w.serving(t, func() time.Time { return time.Now().Add(ahead).Round(0) })
		time.Sleep(90 * time.Second)
		synctest.Wait()
		if j := s.Status().Jobs[0]; j.Last == nil || j.Last.Outcome != "partial" || j.Retry == nil || j.Retry.Topics != 1 {
			t.Fatalf("%+v", j)
		}
		w.source.mu.Lock()
		delete(w.source.fail, 1)
		w.source.mu.Unlock()
		time.Sleep(time.Minute)
		synctest.Wait()
		j := s.Status().Jobs[0]
		if j.Last == nil || j.Last.Why != byRetry || j.Last.Topics != 1 || j.Last.Outcome != "done" || j.Retry != nil || len(s.Status().Topics) != 2 {
			t.Errorf("%+v, last %+v", j, j.Last)
		}
		stop()
		w.checkExact("in the end")
	})
}

// A topic that is deleted before it is tried again is no mistake of the configuration, and what else is to be tried again is.
func TestARetryOfATopicThatIsGone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		gone   []string
		topics int
	}{
		{[]string{"orders"}, 1},
		{[]string{"orders", "refunds"}, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: ['(orders|refunds|returns)']", 1) + "    schedule: \"@daily\"\n")
			twoHours(w)
			w.source.create("refunds", strings.Repeat("cd", 16), 2).add(0, 7, day, time.Minute)
			w.source.create("returns", strings.Repeat("ef", 16), 1).add(0, 7, day, time.Minute)
			w.source.topics["refunds"].add(1, 7, day, time.Minute)
			w.source.fail[1] = fmt.Errorf("no leader")               // returns has one partition
			ahead := time.Until(day.Add(11*time.Hour - time.Minute)) // 23:59
			s, stop := w.serving(t, func() time.Time { return time.Now().Add(ahead).Round(0) })
			time.Sleep(90 * time.Second)
			synctest.Wait()
			if j := s.Status().Jobs[0]; j.Last == nil || j.Last.Outcome != "partial" || j.Retry == nil || j.Retry.Topics != 2 {
				t.Fatalf("%+v", j)
			}
			w.source.mu.Lock()
			delete(w.source.fail, 1)
			for _, topic := range c.gone {
				delete(w.source.topics, topic)
			}
			w.source.mu.Unlock()
			time.Sleep(time.Minute)
			synctest.Wait()
			j := s.Status().Jobs[0]
			if j.Last == nil || j.Last.Why != byRetry || j.Last.Topics != c.topics || j.Last.Outcome != "done" || j.Retry != nil {
				t.Errorf("without %v: %+v, last %+v", c.gone, j, j.Last)
			}
			stop()
		})
	}
}
