package jobs

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/offsets"
)

// A lastRun is what a topic's log tells of when it was lifted last, by whichever process.
type lastRun struct {
	job, topic string
	version    int64     // of the log; 0: it is empty, or could not be read
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

// lastRuns looks into the logs of all topics. Topics whose logs it could not read come, too, beside an error.
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
		out[i] = lastRun{job: c.job.Name, topic: c.topic}
		g.Go(func() error {
			commit, newest, err := e.openLog(c.topic).LastCommit(ctx)
			if errors.Is(err, offsets.ErrEmpty) {
				return nil
			}
			if err != nil {
				return err
			}
			out[i].version = newest.V
			if commit != nil {
				out[i].run, out[i].time = commit.Run, commit.Time
			}
			return nil
		})
	}
	return out, g.Wait()
}

// reach is an error where Kafka does not answer.
func (e *Env) reach(ctx context.Context) error {
	_, err := e.source.Topics(ctx)
	return err
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
	versions, names := map[string]int64{}, []string{}
	s.mu.Lock()
	for name, t := range s.topics {
		if t.positions != nil {
			versions[name] = t.Version
			names = append(names, name)
		}
	}
	s.mu.Unlock()
	if len(names) == 0 {
		return
	}
	slices.Sort(names)
	asking, cancel = context.WithTimeout(ctx, answerWithin)
	defer cancel()
	ends, err := s.ends(asking, names)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		s.log.Debug("how far the topics are behind is not known", "error", err)
	}
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		if t := s.topics[name]; t != nil && t.positions != nil && t.Version == versions[name] {
			lag, oldest := behind(t.positions, ends[name])
			t.lag(lag, now, oldest)
		}
	}
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

// behind is how many offsets positions are behind ends, and the time of the newest committed record where that is the oldest; -1 where
// an end is not known. A partition that was never read counts from its first run on: nothing says where it begins.
func behind(positions map[int32]position, ends map[int32]int64) (lag int64, oldest time.Time) {
	if ends == nil {
		return -1, time.Time{}
	}
	for p, at := range positions {
		end, ok := ends[p]
		if !ok {
			return -1, time.Time{}
		}
		if at.next >= end {
			continue
		}
		lag += end - at.next
		if !at.time.IsZero() && (oldest.IsZero() || at.time.Before(oldest)) {
			oldest = at.time
		}
	}
	return lag, oldest
}
