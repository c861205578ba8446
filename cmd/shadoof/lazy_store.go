package main

import (
	"context"
	"iter"
	"sync"

	"shadoof/storage"
)

// A lazyStore is opened when it is first used: for commands that need it only sometimes.
type lazyStore struct {
	open func(context.Context) (storage.Store, error)

	mu   sync.Mutex
	real storage.Store
}

func (s *lazyStore) store(ctx context.Context) (storage.Store, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.real == nil {
		real, err := s.open(ctx)
		if err != nil {
			return nil, err
		}
		s.real = real
	}
	return s.real, nil
}

func (s *lazyStore) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	real, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return real.Stage(ctx, r)
}

func (s *lazyStore) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	real, err := s.store(ctx)
	if err != nil {
		return storage.PublishUnclear, err
	}
	return real.Publish(ctx, key, pairs)
}

func (s *lazyStore) Discard(ctx context.Context, key string, staged storage.Staged) (storage.Discarding, error) {
	real, err := s.store(ctx)
	if err != nil {
		return storage.DiscardUnclear, err
	}
	return real.Discard(ctx, key, staged)
}

func (s *lazyStore) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	real, err := s.store(ctx)
	if err != nil {
		return storage.Refused, err
	}
	return real.PutNew(ctx, name, data)
}

func (s *lazyStore) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	real, err := s.store(ctx)
	if err != nil {
		return nil, err
	}
	return real.Open(ctx, name, from, n)
}

func (s *lazyStore) List(ctx context.Context, q storage.Query) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		real, err := s.store(ctx)
		if err != nil {
			yield(storage.Entry{}, err)
			return
		}
		real.List(ctx, q)(yield)
	}
}

func (s *lazyStore) Delete(ctx context.Context, name string) error {
	real, err := s.store(ctx)
	if err != nil {
		return err
	}
	return real.Delete(ctx, name)
}

func (s *lazyStore) Confirm(ctx context.Context, name string) (storage.Durability, error) {
	real, err := s.store(ctx)
	if err != nil {
		return storage.DurabilityUnknown, err
	}
	return real.Confirm(ctx, name)
}
