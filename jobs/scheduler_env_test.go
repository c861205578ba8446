package jobs

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/internal/admin"
	"shadoof/offsets"
)

// serving starts a process that runs the jobs of a world by its bubble's clock, and returns what ends it.
func (w *world) serving(t *testing.T, now func() time.Time) (*Scheduler, func()) {
	t.Helper()
	return w.servingAs(t, now, func(*schedulerParts) {})
}

// servingAs is serving by a scheduler of which something was changed.
func (w *world) servingAs(t *testing.T, now func() time.Time, change func(*schedulerParts)) (*Scheduler, func()) {
	t.Helper()
	e := w.process(w.store)
	e.now = now
	s, err := NewScheduler(e, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	change(&s.schedulerParts)
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, context.Background()) }()
	synctest.Wait()
	return s, func() {
		t.Helper()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// newestRecord is the newest of the log of orders.
func newestRecord(t *testing.T, w *world) *offsets.Record {
	t.Helper()
	l := w.process(w.store).openLog("orders")
	s, err := l.Load(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r, err := l.Record(context.Background(), s.V)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// A process lifts by the schedule, says how things stand, and the one after it knows what was done.
func TestServingATopic(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(testConfig + "    schedule: \"@hourly\"\n    catch_up: 45m\n    retry: {times: 0}\n")
		topic := twoHours(w)
		ahead := time.Until(day.Add(5*time.Hour + 30*time.Minute)) // 18:30
		now := func() time.Time { return time.Now().Add(ahead).Round(0) }

		s, stop := w.serving(t, now)
		first := newestRecord(t, w)
		st := s.Status()
		job := st.Jobs[0]
		if job.Last == nil || job.Last.Why != byCatchUp || job.Last.Outcome != "done" || job.Last.Rows != 25 || job.Last.ID != first.Run || job.Last.Topics != 1 {
			t.Errorf("the run that was made up: %+v, and the newest record is of run %s", job.Last, first.Run)
		}
		if want := day.Add(6 * time.Hour); !job.Next.Equal(want) || st.NotReady != "" {
			t.Errorf("next %s, want %s; %q", job.Next, want, st.NotReady)
		}
		if diff := cmp.Diff(&admin.Commit{Time: first.Time, Run: first.Run, Topic: "orders"}, job.Commit); diff != "" {
			t.Error(diff)
		}
		want := []admin.Topic{{Name: "orders", Job: "tests", Version: first.V, Committed: first.Time}}
		if diff := cmp.Diff(want, st.Topics); diff != "" {
			t.Error(diff)
		}

		// What comes in is seen within a minute, and that nothing can be seen, too.
		w.source.mu.Lock()
		topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
		w.source.mu.Unlock()
		time.Sleep(lagEvery)
		synctest.Wait()
		if got := s.Status().Topics[0]; got.Lag != 9 || got.LagSeconds < 3600 {
			t.Errorf("lag %d, %gs", got.Lag, got.LagSeconds)
		}
		before := s.Status().Topics[0].LagSeconds
		time.Sleep(10 * time.Second)
		if got := s.Status().Topics[0].LagSeconds - before; got != 10 {
			t.Errorf("the lag grew by %g s in 10 s", got)
		}
		w.source.mu.Lock()
		w.source.deaf = true
		w.source.mu.Unlock()
		time.Sleep(lagEvery)
		synctest.Wait()
		if got := s.Status().Topics[0]; got.Lag != -1 || got.LagSeconds != -1 {
			t.Errorf("of a cluster that does not answer: lag %d, %gs", got.Lag, got.LagSeconds)
		}
		time.Sleep(30 * time.Minute) // past 19:00
		synctest.Wait()
		if got := s.Status().Jobs[0].Last; got.Outcome != "failed" || !strings.Contains(got.Error, "does not answer") {
			t.Errorf("%+v", got)
		}
		w.source.mu.Lock()
		w.source.deaf = false
		w.source.mu.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		second := newestRecord(t, w)
		if got := s.Status().Jobs[0].Last; got.Outcome != "done" || got.Rows != 9 || got.ID != second.Run || second.Run == first.Run {
			t.Errorf("%+v, and the newest record is of run %s", got, second.Run)
		}
		stop()
		w.checkExact("after two runs")

		// A fence is no run, and hides none.
		l := w.process(w.store).openLog("orders")
		if _, err := l.Append(context.Background(), func(*offsets.State) (offsets.Body, error) {
			return &offsets.Fence{Attempts: []string{"0123456789abcdef"}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		s, stop = w.serving(t, now) // 20:02
		st = s.Status()
		if diff := cmp.Diff([]admin.Topic{{Name: "orders", Job: "tests", Version: second.V + 1, Committed: second.Time, Lag: -1, LagSeconds: -1}}, st.Topics); diff != "" {
			t.Error(diff)
		}
		if got := st.Jobs[0]; got.Last != nil || !got.Since.IsZero() || !got.Next.Equal(day.Add(8*time.Hour)) {
			t.Errorf("a process after a run: %+v", got)
		}
		if diff := cmp.Diff(&admin.Commit{Time: second.Time, Run: second.Run, Topic: "orders"}, st.Jobs[0].Commit); diff != "" {
			t.Errorf("of a process after a run: %s", diff)
		}
		stop()

		// Nothing came in, so that the run at 21:00 left nothing: one is made up at 21:40, and none at 21:45.
		ahead += day.Add(8*time.Hour + 40*time.Minute).Sub(now())
		s, stop = w.serving(t, now)
		if got := s.Status().Jobs[0].Last; got == nil || got.Why != byCatchUp || got.Commits != 0 || got.Exit != ExitDone {
			t.Errorf("a process that was not there at the hour: %+v", got)
		}
		stop()
		ahead += day.Add(8*time.Hour + 45*time.Minute).Sub(now())
		s, stop = w.serving(t, now)
		if got := s.Status().Jobs[0]; got.Last != nil || got.Missed != 0 {
			t.Errorf("a process that begins when it is too late: %+v", got)
		}
		stop()
		w.checkExact("in the end")
	})
}

// How far a topic is behind is said only where all its ends are known, and counts what may be read. What is wrong with one hides no other.
func TestLagIsSaidWhereItIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "[orders]", `["orders.*"]`, 1) + "    schedule: \"@daily\"\n")
		topic := twoHours(w)
		w.source.create("orders-deleted", strings.Repeat("cd", 16), 1).add(0, 3, day, time.Minute)
		w.source.create("orders-leaderless", strings.Repeat("ef", 16), 3).add(0, 3, day, time.Minute)
		ahead := time.Until(day)
		s, stop := w.serving(t, func() time.Time { return time.Now().Add(ahead).Round(0) })
		w.source.mu.Lock()
		topic.add(0, 5, day, time.Minute)
		topic.add(1, 4, day, time.Minute)
		topic.parts[1].open = 3
		w.source.topics["orders-leaderless"].add(0, 2, day, time.Minute)
		w.source.fail[2] = errors.New("no leader")
		delete(w.source.topics, "orders-deleted")
		w.source.mu.Unlock()
		time.Sleep(lagEvery)
		synctest.Wait()
		got := map[string]int64{}
		for _, t := range s.Status().Topics {
			got[t.Name] = t.Lag
		}
		if diff := cmp.Diff(map[string]int64{"orders": 6, "orders-deleted": -1, "orders-leaderless": -1}, got); diff != "" {
			t.Error(diff)
		}
		stop()
	})
}

// Topics that a job no longer has are not shown any more.
func TestTopicsThatAreGoneAreForgotten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "[orders]", `["orders.*"]`, 1) + "    schedule: \"@hourly\"\n")
		twoHours(w)
		w.source.create("orders-old", strings.Repeat("cd", 16), 1).add(0, 3, day, time.Minute)
		ahead := time.Until(day)
		var gone []string // written by the loop, and read when it is over
		s, stop := w.servingAs(t, func() time.Time { return time.Now().Add(ahead).Round(0) }, func(p *schedulerParts) {
			p.gone = func(job, topic string) { gone = append(gone, job+" "+topic) }
		})
		names := func() (out []string) {
			for _, t := range s.Status().Topics {
				out = append(out, t.Name)
			}
			return out
		}
		if diff := cmp.Diff([]string{"orders", "orders-old"}, names()); diff != "" {
			t.Error(diff)
		}
		w.source.mu.Lock()
		delete(w.source.topics, "orders-old")
		w.source.mu.Unlock()
		time.Sleep(time.Hour)
		synctest.Wait()
		if diff := cmp.Diff([]string{"orders"}, names()); diff != "" {
			t.Error(diff)
		}
		stop()
		if diff := cmp.Diff([]string{"tests orders-old"}, gone); diff != "" {
			t.Errorf("who counts was told of %s", diff)
		}
	})
}

// What a process that died left of a run is made up at the next start, for the topics that it left and for no other.
func TestServingMakesUpForWhatARunLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: [orders, refunds]", 1) + "    schedule: \"@hourly\"\n    catch_up: 45m\n")
		orders := twoHours(w)
		refunds := w.source.create("refunds", strings.Repeat("cd", 16), 1)
		refunds.add(0, 7, day, time.Minute)
		ahead := time.Until(day.Add(5*time.Hour + 30*time.Minute)) // 18:30
		now := func() time.Time { return time.Now().Add(ahead).Round(0) }
		e := w.process(w.store)
		e.now = now
		if r, err := e.Run(t.Context(), RunOptions{Selection: Selection{Topics: []string{"orders"}}}); err != nil || r.ExitCode() != ExitDone {
			t.Fatal(r, err)
		}
		orders.add(0, 9, day.Add(3*time.Hour), time.Minute)

		s, stop := w.serving(t, now)
		st := s.Status()
		if last := st.Jobs[0].Last; last == nil || last.Why != byCatchUp || last.Rows != 7 || last.Topics != 1 {
			t.Errorf("made up: %+v, want 7 rows of one topic", last)
		}
		var names []string
		for _, topic := range st.Topics {
			names = append(names, topic.Name)
		}
		if diff := cmp.Diff([]string{"orders", "refunds"}, names); diff != "" {
			t.Errorf("topics that are shown: %s", diff)
		}
		stop()
	})
}

// A topic that is deleted between the look at the logs and the run that makes up for it keeps no other from being made up for.
func TestServingMakesUpForTopicsOfWhichOneIsGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "topics: [orders]", "topics: ['(orders|refunds|returns)']", 1) + "    schedule: \"@hourly\"\n    catch_up: 45m\n")
		twoHours(w)
		w.source.create("refunds", strings.Repeat("cd", 16), 1).add(0, 7, day, time.Minute)
		w.source.create("returns", strings.Repeat("ef", 16), 1).add(0, 5, day, time.Minute)
		ahead := time.Until(day.Add(5*time.Hour + 30*time.Minute)) // 18:30
		now := func() time.Time { return time.Now().Add(ahead).Round(0) }
		e := w.process(w.store)
		e.now = now
		if r, err := e.Run(t.Context(), RunOptions{Selection: Selection{Topics: []string{"orders"}}}); err != nil || r.ExitCode() != ExitDone {
			t.Fatal(r, err)
		}
		s, stop := w.servingAs(t, now, func(p *schedulerParts) {
			look := p.lastRuns
			p.lastRuns = func(ctx context.Context) ([]lastRun, error) {
				defer func() {
					w.source.mu.Lock()
					defer w.source.mu.Unlock()
					delete(w.source.topics, "refunds")
				}()
				return look(ctx)
			}
		})
		if last := s.Status().Jobs[0].Last; last == nil || last.Why != byCatchUp || last.Outcome != "done" || last.Rows != 5 || last.Topics != 1 {
			t.Errorf("made up: %+v, want 5 rows of one topic", last)
		}
		stop()
	})
}

// When the newest commit was made is not known where another process made it, and stays known where the log grew by other records.
func TestTheTimeOfANewestCommitIsNotThatOfAnOlderOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(testConfig + "    schedule: \"@hourly\"\n")
		topic := twoHours(w)
		ahead := time.Until(day.Add(5*time.Hour + 30*time.Minute)) // 18:30
		now := func() time.Time { return time.Now().Add(ahead).Round(0) }
		s, stop := w.serving(t, now)
		next := func(what string, version int64, known bool) {
			t.Helper()
			time.Sleep(time.Hour)
			synctest.Wait()
			if got := s.Status().Topics[0]; got.Version != version || got.Committed.IsZero() == known {
				t.Errorf("%s: %+v, want version %d, and the time known: %t", what, got, version, known)
			}
		}
		first := newestRecord(t, w).V
		next("nothing came", first, true)
		l := w.process(w.store).openLog("orders")
		if _, err := l.Append(t.Context(), func(*offsets.State) (offsets.Body, error) {
			return &offsets.Fence{Attempts: []string{"0123456789abcdef"}}, nil
		}); err != nil {
			t.Fatal(err)
		}
		next("a fence", first+1, true)
		w.source.mu.Lock()
		topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
		w.source.mu.Unlock()
		e := w.process(w.store)
		e.now = now
		if r, err := e.Run(t.Context(), RunOptions{}); err != nil || r.ExitCode() != ExitDone {
			t.Fatal(r, err)
		}
		next("another process lifted", first+2, false)
		next("nothing came since", first+2, false)
		w.source.mu.Lock()
		topic.add(0, 9, day.Add(4*time.Hour), time.Minute)
		w.source.mu.Unlock()
		next("this one lifts again", first+3, true)
		stop()
	})
}
