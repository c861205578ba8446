package main

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/extract"
)

// kafkaOf answers Topics; its other methods are not called.
type kafkaOf struct {
	extract.Source
	topics []string
}

func (k kafkaOf) Topics(context.Context) ([]string, error) { return k.topics, nil }

func TestKafkaIsConnectedToWhenItIsAsked(t *testing.T) {
	t.Parallel()
	opened, closed := 0, 0
	down := errors.New("down")
	s := &lazySource{open: func(context.Context) (extract.Source, func(), error) {
		opened++
		if opened == 1 {
			return nil, nil, down
		}
		return kafkaOf{topics: []string{"a"}}, func() { closed++ }, nil
	}}
	s.close()
	if opened != 0 {
		t.Fatal("it was connected to before it was asked")
	}
	if _, err := s.Topics(t.Context()); !errors.Is(err, down) {
		t.Errorf("got %v", err)
	}
	for range 2 {
		if topics, err := s.Topics(t.Context()); err != nil || len(topics) != 1 {
			t.Errorf("got %v, %v", topics, err)
		}
	}
	s.close()
	if opened != 2 || closed != 1 {
		t.Errorf("it was connected to %d times and closed %d times", opened, closed)
	}
}

func TestAReadThatCannotConnectYieldsTheErrorOnce(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	s := &lazySource{open: func(context.Context) (extract.Source, func(), error) { return nil, nil, down }}
	n := 0
	for b, err := range s.Read(t.Context(), extract.ReadRequest{}) {
		n++
		if b != nil || !errors.Is(err, down) {
			t.Errorf("got %v, %v", b, err)
		}
	}
	if n != 1 {
		t.Errorf("%d errors", n)
	}
}

// Whoever asks while a connection is tried waits for that attempt alone, and no longer than it may.
func TestAConnectionThatIsTriedIsShared(t *testing.T) {
	t.Parallel()
	const patience = 15 * time.Second
	for name, c := range map[string]struct {
		first time.Duration // that the first to ask waits; the others wait for a minute, and the last for a second
		fails bool
		took  time.Duration // by the others
		tries int
	}{
		"it succeeds":                  {first: time.Minute, took: patience, tries: 1},
		"it fails":                     {first: time.Minute, fails: true, took: patience, tries: 1},
		"the first to ask gives it up": {first: 2 * time.Second, took: 2*time.Second + patience, tries: 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				down, tries := errors.New("down"), 0
				s := &lazySource{open: func(ctx context.Context) (extract.Source, func(), error) {
					tries++
					select {
					case <-ctx.Done():
						return nil, nil, ctx.Err()
					case <-time.After(patience):
					}
					if c.fails {
						return nil, nil, down
					}
					return kafkaOf{topics: []string{"a"}}, func() {}, nil
				}}
				began := time.Now()
				var under sync.WaitGroup
				asks := func(patience, took time.Duration, want error) {
					under.Go(func() {
						ctx, cancel := context.WithTimeout(t.Context(), patience)
						defer cancel()
						if _, err := s.Topics(ctx); !errors.Is(err, want) || time.Since(began) != took {
							t.Errorf("who waits for %s: %v after %s, want %v after %s", patience, err, time.Since(began), want, took)
						}
					})
					synctest.Wait()
				}
				var want error
				if c.fails {
					want = down
				}
				if c.first < patience {
					asks(c.first, c.first, context.DeadlineExceeded)
				} else {
					asks(c.first, patience, want)
				}
				for range 14 {
					asks(time.Minute, c.took, want)
				}
				asks(time.Second, time.Second, context.DeadlineExceeded)
				under.Wait()
				if tries != c.tries {
					t.Errorf("%d tries, want %d", tries, c.tries)
				}
			})
		})
	}
}
