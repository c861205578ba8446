package jobs

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"shadoof/internal/admin"
)

// A watchedTopic is where a topic stands, as far as the scheduler was told.
type watchedTopic struct {
	admin.Topic
	positions map[int32]position // nil: not known
	oldest    time.Time          // newest committed record of the partition where that is the oldest, of those with a lag; zero: not known
}

// watchedProgress tells a scheduler of topics, besides whom it is for.
type watchedProgress struct {
	Progress
	s *Scheduler
}

func (p watchedProgress) End(r *TopicReport) {
	p.s.topicEnded(r)
	p.Progress.End(r)
}

// Status is this moment of the process. It asks neither Kafka nor the store, and never waits for a run.
func (s *Scheduler) Status() admin.Status {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	out := s.status
	out.Started, out.Now, out.Ticked, out.NotReady = s.started, now, s.ticked, cmp.Or(s.notReady, s.silent)
	out.Memory.Used = s.used()
	out.Jobs = make([]admin.Job, len(s.jobs))
	for i, j := range s.jobs {
		out.Jobs[i] = admin.Job{
			Name: j.job.Name, Schedule: j.job.Schedule, Timezone: j.job.Timezone.String(), Next: j.next, Since: j.since, Success: j.success, Skipped: j.skipped, Missed: j.missed,
		}
		out.Jobs[i].Retries = j.retries
		if r := j.again; r != nil {
			out.Jobs[i].Retry = &admin.Retry{At: r.at, Number: r.number, Of: j.job.Retry.Times, Topics: len(r.topics)}
		}
		if j.last != nil {
			last := *j.last
			out.Jobs[i].Last = &last
		}
		if j.commit != nil {
			commit := *j.commit
			out.Jobs[i].Commit = &commit
		}
	}
	out.Topics = make([]admin.Topic, 0, len(s.topics))
	for _, t := range s.topics {
		shown := t.Topic
		if shown.Lag > 0 && !t.oldest.IsZero() {
			shown.LagSeconds = max(0, now.Sub(t.oldest).Seconds())
		}
		out.Topics = append(out.Topics, shown)
	}
	slices.SortFunc(out.Topics, func(a, b admin.Topic) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// topicLocked is what is known of a topic; the mutex is held.
func (s *Scheduler) topicLocked(job, name string) *watchedTopic {
	t := s.topics[name]
	if t == nil {
		t = &watchedTopic{Topic: admin.Topic{Name: name, Lag: -1, LagSeconds: -1}}
		s.topics[name] = t
	}
	t.Job = job
	return t
}

// topicEnded takes in what a run did to a topic.
func (s *Scheduler) topicEnded(r *TopicReport) {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.topicLocked(r.Job, r.Topic)
	t.Problem, t.Halted, t.Advice = r.Error, r.Outcome == Halted, r.Advice
	if r.Version == 0 && r.Err != nil {
		return // the log could not be read: what was known before is the best there is
	}
	if !r.Committed.IsZero() || t.passedBy(r) {
		t.Committed = r.Committed
	}
	t.Version, t.Unpublished, t.positions = r.Version, r.Unpublished, r.positions
	t.lag(r.Lag, now, time.Time{})
	if r.Lag > 0 && r.LagSeconds >= 0 {
		t.oldest = now.Add(-time.Duration(r.LagSeconds * float64(time.Second)))
	}
}

// passedBy says whether others committed to the topic since it was last heard of, by the report of a run that committed nothing.
func (t *watchedTopic) passedBy(r *TopicReport) bool {
	if t.positions == nil {
		return r.FromVersion != t.Version
	}
	return !maps.EqualFunc(t.positions, r.positions, func(a, b position) bool { return a.next == b.next })
}

// lag sets how far a topic is behind; -1 is not known.
func (t *watchedTopic) lag(offsets int64, now, oldest time.Time) {
	t.Lag, t.oldest = offsets, oldest
	switch {
	case offsets == 0:
		t.LagSeconds = 0
	case offsets < 0 || oldest.IsZero():
		t.LagSeconds = -1
	default:
		t.LagSeconds = max(0, now.Sub(oldest).Seconds())
	}
}

// committed takes in a commit, if it is newer than what is known; the mutex is held.
func (j *scheduledJob) committed(c admin.Commit) {
	if !c.Time.IsZero() && (j.commit == nil || c.Time.After(j.commit.Time)) {
		j.commit = &c
	}
}

// seen takes in what a topic's log says of runs before this process; the mutex is held.
func (s *Scheduler) seen(l lastRun) {
	if l.version == 0 {
		return
	}
	t := s.topicLocked(l.job, l.topic)
	if t.Version == 0 {
		t.Version, t.Committed = l.version, l.time
	}
}

// forget drops the topics that a run of their job no longer had, and returns them; the mutex is held.
func (s *Scheduler) forget(job string, r *RunReport) (gone []string) {
	if r == nil {
		return nil
	}
	has := map[string]bool{}
	for _, t := range r.Topics {
		has[t.Topic] = true
	}
	for name, t := range s.topics {
		if t.Job == job && !has[name] {
			gone = append(gone, name)
			delete(s.topics, name)
		}
	}
	return gone
}
