package jobs

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/extract"
)

// overtaken is a source that is slow once: after it was asked about the topic, and before its answer arrives, others do something.
type overtaken struct {
	extract.Source
	once sync.Once
	then func()
}

func (o *overtaken) Describe(ctx context.Context, topic string) (*extract.Topic, error) {
	d, err := o.Source.Describe(ctx, topic)
	o.once.Do(o.then)
	return d, err
}

// overtake runs a worker, while others do something between its question about the topic and the answer.
func (w *world) overtake(then func()) *RunReport {
	w.t.Helper()
	e := w.process(w.store)
	e.source = &overtaken{Source: e.source, then: then}
	return w.run(e)
}

// checkIncarnation wants the newest record's topic to be the n-th.
func (w *world) checkIncarnation(n int, topicID string) {
	w.t.Helper()
	l := w.process(w.store).openLogFor("test", "orders")
	s, err := l.Load(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	if s.Incarnation != n || s.TopicID != topicID {
		w.t.Errorf("the log is at incarnation %d of topic %s, want %d of %s", s.Incarnation, s.TopicID, n, topicID)
	}
}

// Two workers meet a new topic, and the faster one has committed more than there was when the slower one asked.
func TestALogThatIsAheadOfWhatTheClusterSaidIsNotTruncated(t *testing.T) {
	t.Parallel()
	for _, policy := range []string{"truncated: halt", "truncated: record"} {
		t.Run(policy, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			topic := twoHours(w)
			w.policy(policy)
			r := w.overtake(func() {
				topic.add(0, 30, day.Add(4*time.Hour), time.Second)
				w.runClean()
			})
			if r.ExitCode() != ExitDone {
				t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
			}
			w.runClean()
			w.checkIncarnation(1, topic.id)
			w.checkExact("after the worker that was overtaken")
		})
	}
}

// A topic is recreated and read anew after a slower worker asked about the old one.
func TestAnotherWorkersNewTopicIsNotTakenForAnOlderOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	twoHours(w)
	w.policy("topic_recreated: record, lost_records: record, truncated: record")
	fresh := strings.Repeat("cd", 16)
	r := w.overtake(func() {
		w.runClean()
		w.source.create("orders", fresh, 2).add(0, 40, day.Add(4*time.Hour), time.Second)
		w.runClean()
	})
	if r.ExitCode() != ExitDone {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	w.runClean()
	w.checkIncarnation(2, fresh)
	w.checkVerified("after the worker that was overtaken")
}

// outdated is a source whose first answer about the topic is an old one.
type outdated struct {
	extract.Source
	once sync.Once
	old  *extract.Topic
}

func (s *outdated) Describe(ctx context.Context, topic string) (d *extract.Topic, err error) {
	s.once.Do(func() { d = s.old })
	if d != nil {
		return d, nil
	}
	return s.Source.Describe(ctx, topic)
}

// Two workers find no log. The slower one has asked about the topic before it was recreated, and is first with its record: what the other
// one has seen is not the topic of the log.
func TestAnotherWorkersFirstRecordMayBeOfAnotherTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := twoHours(w)
	old, err := w.source.Describe(t.Context(), "orders")
	if err != nil {
		t.Fatal(err)
	}
	fresh := strings.Repeat("cd", 16)
	w.source.create("orders", fresh, 2).add(0, 60, day.Add(4*time.Hour), time.Second)
	r := w.overtake(func() {
		e := w.process(w.store)
		e.source = &outdated{Source: e.source, old: old}
		w.run(e)
		w.checkIncarnation(1, topic.id)
	})
	if r.ExitCode() != ExitHalted || !strings.Contains(reportText(r), "was recreated") {
		t.Errorf("exit %d: %s", r.ExitCode(), reportText(r))
	}
	if n := len(w.visible("orders")); n != 0 {
		t.Errorf("%d rows of another topic stand under the offsets of the one in the log", n)
	}
	w.resolve(Resolution{AcceptRecreated: true})
	w.runClean()
	w.checkIncarnation(2, fresh)
	w.checkVerified("after the resolve")
}
