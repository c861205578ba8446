package jobs

import (
	"context"
	"errors"
	"fmt"
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
		return fmt.Errorf("list topics: %w", err)
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
		return nil, fmt.Errorf("list topics: %w", err)
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

// watchLag keeps up how far the topics are behind, until ctx ends.
func (s *Scheduler) watchLag(ctx context.Context) {
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

// refreshLag asks for the ends of all topics whose positions are known. When Kafka does not answer for one, none is known.
func (s *Scheduler) refreshLag(ctx context.Context) {
	type known struct {
		topic     string
		version   int64
		positions map[int32]position
	}
	var list []known
	s.mu.Lock()
	for name, t := range s.topics {
		if t.positions != nil {
			list = append(list, known{name, t.Version, t.positions})
		}
	}
	s.mu.Unlock()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(liftsAtOnce)
	for _, k := range list {
		g.Go(func() error {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			ends, err := s.ends(ctx, k.topic)
			if err != nil && !errors.Is(err, extract.ErrNoTopic) {
				return err
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			if t := s.topics[k.topic]; t != nil && t.Version == k.version {
				lag, oldest := behind(k.positions, ends)
				t.lag(lag, s.now(), oldest)
			}
			return nil
		})
	}
	err := g.Wait()
	if err == nil || errors.Is(err, context.Canceled) {
		return
	}
	s.log.Debug("how far the topics are behind is not known", "error", err)
	s.mu.Lock()
	defer s.mu.Unlock()
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
