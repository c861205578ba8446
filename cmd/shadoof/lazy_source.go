package main

import (
	"context"
	"iter"
	"sync"
	"time"

	"shadoof/extract"
)

// A lazySource connects when it is first asked something. A connection that failed is tried again by the next question.
type lazySource struct {
	open func(context.Context) (extract.Source, func(), error)

	mu   sync.Mutex
	real extract.Source
	end  func()
}

func (s *lazySource) source(ctx context.Context) (extract.Source, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.real == nil {
		real, end, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		s.real, s.end = real, end
	}
	return s.real, nil
}

func (s *lazySource) close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.end != nil {
		s.end()
	}
}

func (s *lazySource) Topics(ctx context.Context) ([]string, error) {
	real, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return real.Topics(ctx)
}

func (s *lazySource) Describe(ctx context.Context, topic string) (*extract.Topic, error) {
	real, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return real.Describe(ctx, topic)
}

func (s *lazySource) Ends(ctx context.Context, topics []string) (map[string]map[int32]int64, error) {
	real, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return real.Ends(ctx, topics)
}

func (s *lazySource) Serves(ctx context.Context, topic *extract.Topic) (bool, error) {
	real, err := s.source(ctx)
	if err != nil {
		return false, err
	}
	return real.Serves(ctx, topic)
}

func (s *lazySource) EpochEnds(ctx context.Context, topic string, epochs map[int32]int32) (map[int32]extract.EpochEnd, error) {
	real, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return real.EpochEnds(ctx, topic, epochs)
}

func (s *lazySource) OffsetsAt(ctx context.Context, topic string, t time.Time) (map[int32]int64, error) {
	real, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return real.OffsetsAt(ctx, topic, t)
}

func (s *lazySource) Mark(ctx context.Context, topic string, partition int32, next int64) (*extract.Mark, error) {
	real, err := s.source(ctx)
	if err != nil {
		return nil, err
	}
	return real.Mark(ctx, topic, partition, next)
}

func (s *lazySource) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	return func(yield func(*extract.Batch, error) bool) {
		real, err := s.source(ctx)
		if err != nil {
			yield(nil, err)
			return
		}
		real.Read(ctx, r)(yield)
	}
}
