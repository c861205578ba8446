package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/extract"
	"shadoof/offsets"
)

// A lastRun is what a topic's log tells of when it was lifted last, by whichever process.
type lastRun struct {
	job, topic string
	version    int64     // of the log
	run        string    // whose commit it was
	time       time.Time // of the commit; zero: none is near the end of the log
}

// CheckClaims says whether two jobs claim one topic of the cluster, or one folder: then nothing can run.
func (e *Env) CheckClaims(ctx context.Context) error {
	names, err := e.source.Topics(ctx)
	if err != nil {
		return err
	}
	if _, err := resolveClaims(e.cfg.Jobs, names); err != nil {
		return usage(err)
	}
	return nil
}

// lastRuns looks into the logs of all topics. What it found comes also with an error.
func (e *Env) lastRuns(ctx context.Context) ([]lastRun, error) {
	names, err := e.source.Topics(ctx)
	if err != nil {
		return nil, err
	}
	claims, err := resolveClaims(e.cfg.Jobs, names)
	if err != nil {
		return nil, usage(err)
	}
	out := make([]lastRun, len(claims))
	var g errgroup.Group
	g.SetLimit(e.publishers)
	for i, c := range claims {
		g.Go(func() error {
			commit, newest, err := e.openLog(c.topic).LastCommit(ctx)
			if errors.Is(err, offsets.ErrEmpty) {
				return nil
			}
			if err != nil {
				return err
			}
			out[i] = lastRun{job: c.job.Name, topic: c.topic, version: newest.V}
			if commit != nil {
				out[i].run, out[i].time = commit.Run, commit.Time
			}
			return nil
		})
	}
	err = g.Wait()
	return slices.DeleteFunc(out, func(l lastRun) bool { return l.version == 0 }), err
}

// reach is an error where Kafka does not answer.
func (e *Env) reach(ctx context.Context) error {
	_, err := e.source.Topics(ctx)
	return err
}

// endsOf is where the partitions of a topic can be read to now. Partitions that do not answer are left out.
func (e *Env) endsOf(ctx context.Context, topic string) (map[int32]int64, error) {
	desc, err := e.source.Describe(ctx, topic)
	if err != nil {
		return nil, err
	}
	ends := make(map[int32]int64, len(desc.Partitions))
	for _, p := range desc.Partitions {
		if p.Err == nil {
			ends[p.Partition] = p.End(e.readCommitted)
		}
	}
	return ends, nil
}

// lagEvery is how often the ends of topics are asked for. Where they are committed to is known from this process's runs: commits of
// others show when the topic is lifted next.
const lagEvery = time.Minute

// watchLag keeps up whether Kafka answers, and how far the topics are behind, until ctx ends.
func (s *Scheduler) watchLag(ctx context.Context) {
	s.refreshLag(ctx) // nothing has positions yet: it only says whether Kafka is there
	ticker := time.NewTicker(lagEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			s.refreshLag(ctx)
		}
	}
}

// answerWithin is how long Kafka may take for an answer before it is said that it does not. Runs wait for as long as it takes.
const answerWithin = 20 * time.Second

// refreshLag asks whether Kafka is there, and for the ends of all topics whose positions are known. What it does not say in time is not
// known any more.
func (s *Scheduler) refreshLag(ctx context.Context) {
	type known struct {
		topic     string
		version   int64
		positions map[int32]position
	}
	asking, cancel := context.WithTimeout(ctx, answerWithin)
	err := s.answers(asking)
	cancel()
	if ctx.Err() != nil {
		return
	}
	s.heard(err)
	if err != nil {
		return
	}
	var list []known
	s.mu.Lock()
	for name, t := range s.topics {
		if t.positions != nil {
			list = append(list, known{name, t.Version, t.positions})
		}
	}
	s.mu.Unlock()
	round, cancel := context.WithTimeout(ctx, lagEvery)
	defer cancel()
	var g errgroup.Group
	g.SetLimit(liftsAtOnce)
	for _, k := range list {
		g.Go(func() error {
			asking, cancel := context.WithTimeout(round, answerWithin)
			defer cancel()
			ends, err := s.ends(asking, k.topic)
			if ctx.Err() != nil {
				return nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			t := s.topics[k.topic]
			switch {
			case t == nil || t.Version != k.version:
			case err != nil && !errors.Is(err, extract.ErrNoTopic):
				s.log.Debug("how far the topic is behind is not known", "topic", k.topic, "error", err)
				t.lag(-1, time.Time{}, time.Time{})
			default:
				lag, oldest := behind(k.positions, ends)
				t.lag(lag, s.now(), oldest)
			}
			return nil
		})
	}
	_ = g.Wait() // none of them fails
}

// heard takes in whether Kafka answers. While it does not, what was known of its ends says nothing.
func (s *Scheduler) heard(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil && s.silent != "":
		s.log.Info("kafka answers again")
	case err != nil && s.silent == "":
		s.log.Warn("kafka does not answer: until it does nothing can be lifted", "error", err)
	}
	if s.silent = ""; err == nil {
		return
	}
	s.silent = "kafka does not answer: until it does nothing can be lifted: " + err.Error()
	for _, t := range s.topics {
		t.lag(-1, time.Time{}, time.Time{})
	}
}

// behind is how many offsets positions are behind ends, and the time of the newest committed record where that is the oldest. A
// partition that was never read counts from its first run on: nothing says where it begins.
func behind(positions map[int32]position, ends map[int32]int64) (lag int64, oldest time.Time) {
	for p, end := range ends {
		at, ok := positions[p]
		if !ok || at.next >= end {
			continue
		}
		lag += end - at.next
		if !at.time.IsZero() && (oldest.IsZero() || at.time.Before(oldest)) {
			oldest = at.time
		}
	}
	return lag, oldest
}
