package jobs

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
)

// A mutedSource can be made to answer nothing for as long as somebody waits, or to refuse one topic.
type mutedSource struct {
	*memSource
	all   atomic.Bool
	topic atomic.Pointer[string] // refused, as to a principal that may not see it
}

func (s *mutedSource) Topics(ctx context.Context) ([]string, error) {
	if s.all.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return s.memSource.Topics(ctx)
}

func (s *mutedSource) Ends(ctx context.Context, topics []string) (map[string]map[int32]int64, error) {
	if s.all.Load() {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	ends, err := s.memSource.Ends(ctx, topics)
	if t := s.topic.Load(); t != nil {
		delete(ends, *t)
	}
	return ends, err
}

// While Kafka does not answer, the process says so, and does not go on showing what it knew; a topic that is refused hides no other.
func TestKafkaFallsSilent(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(testConfig, "[orders]", `["orders.*"]`, 1) + "    schedule: \"@daily\"\n")
		twoHours(w)
		w.source.create("orders-old", strings.Repeat("cd", 16), 1).add(0, 3, day, time.Minute)
		source := &mutedSource{memSource: w.source}
		e := w.process(w.store)
		e.source = source
		ahead := time.Until(day.Add(5 * time.Hour))
		e.now = func() time.Time { return time.Now().Add(ahead).Round(0) }
		s, err := NewScheduler(e, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- s.Run(ctx, t.Context()) }()
		looks := func(when string, ready bool, orders, old int64) {
			t.Helper()
			synctest.Wait()
			st := s.Status()
			if got := st.NotReady == ""; got != ready || !ready && !strings.Contains(st.NotReady, "kafka does not answer") {
				t.Errorf("%s: not ready: %q", when, st.NotReady)
			}
			if len(st.Topics) != 2 || st.Topics[0].Lag != orders || st.Topics[1].Lag != old {
				t.Errorf("%s: %+v, want lags %d and %d", when, st.Topics, orders, old)
			}
		}
		looks("at first", true, 0, 0)
		source.all.Store(true)
		time.Sleep(lagEvery + answerWithin)
		looks("while nothing answers", false, -1, -1)
		source.all.Store(false)
		time.Sleep(lagEvery)
		looks("when it is back", true, 0, 0)
		name := "orders-old"
		source.topic.Store(&name)
		time.Sleep(lagEvery)
		looks("while one topic is refused", true, 0, -1)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// What is shown of a damaged log, or of an unfit store, is what helps, not the command that decides other things; and it goes with it.
func TestAdviceThatHelps(t *testing.T) {
	t.Parallel()
	s, err := newScheduler(nil, schedulerParts{now: time.Now, used: func() int64 { return 0 }})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("log/7.json: no such record: %w", offsets.ErrDamaged), "put back"},
		{halt(fmt.Errorf("probe: %w", storage.ErrUnfit)), "shadoof doctor --topic orders"},
		{halt(errors.New("`shadoof resolve --topic orders --accept-loss` goes on")), ""},
		{nil, ""},
	} {
		s.topicEnded(&TopicReport{Topic: "orders", Err: c.err, Advice: Advice("orders", c.err)})
		if got := s.Status().Topics[0].Advice; !strings.Contains(got, c.want) || c.want == "" && got != "" {
			t.Errorf("of %v: %q, want %q", c.err, got, c.want)
		}
	}
}
