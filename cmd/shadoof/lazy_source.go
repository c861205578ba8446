package main

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"shadoof/extract"
)

// A lazySource connects when it is first asked something. A connection that failed is tried again by the next question; whoever asks while
// it is tried shares what comes of it.
type lazySource struct {
	open func(context.Context) (extract.Source, func(), error)

	mu      sync.Mutex // never held while it connects
	real    extract.Source
	end     func()
	opening *opening // nil: nobody connects
}

// An opening is an attempt to connect.
type opening struct {
	over     chan struct{} // closed once what follows is set
	real     extract.Source
	err      error
	deserted bool // it failed because whoever made it gave up, which says nothing to others
}

func (s *lazySource) source(ctx context.Context) (extract.Source, error) {
	for {
		s.mu.Lock()
		real, o, mine := s.real, s.opening, false
		if real == nil && o == nil {
			o, mine = &opening{over: make(chan struct{})}, true
			s.opening = o
		}
		s.mu.Unlock()
		switch {
		case real != nil:
			return real, nil
		case mine:
			s.connect(ctx, o)
			return o.real, o.err
		}
		select {
		case <-o.over:
			if !o.deserted {
				return o.real, o.err
			}
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for the connection to Kafka: %w", ctx.Err())
		}
	}
}

// connect makes the attempt, and lets those know that wait for it.
func (s *lazySource) connect(ctx context.Context, o *opening) {
	defer close(o.over)
	real, end, err := s.open(ctx)
	o.real, o.err, o.deserted = real, err, err != nil && ctx.Err() != nil
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opening = nil
	if err == nil {
		s.real, s.end = real, end
	}
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
