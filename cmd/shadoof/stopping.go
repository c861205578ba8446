package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// stopping turns signals into ends of contexts. The first SIGTERM or SIGINT ends soft: nothing more is read. What is staged may
// still be committed until hard ends, shutdown_grace later. A second signal ends the process at once.
type stopping struct {
	soft, hard       context.Context
	endSoft, endHard context.CancelFunc
	signals          chan os.Signal
	done             chan struct{}
	watcher          sync.WaitGroup
	mu               sync.Mutex
	grace            time.Duration
	exit             func(code int)
}

func newStopping(a *app) *stopping {
	s := &stopping{signals: make(chan os.Signal, 2), done: make(chan struct{}), grace: 25 * time.Second, exit: os.Exit}
	s.soft, s.endSoft = context.WithCancel(context.Background())
	s.hard, s.endHard = context.WithCancel(context.Background())
	signal.Notify(s.signals, syscall.SIGTERM, syscall.SIGINT)
	s.watcher.Go(func() { s.watch(a) })
	return s
}

func (s *stopping) watch(a *app) {
	var first os.Signal
	select {
	case <-s.done:
		return
	case first = <-s.signals:
	}
	grace := s.currentGrace()
	if a.acting {
		fmt.Fprintf(&a.logs, "shadoof: %v: stopping; what is staged is committed within %v; a second signal ends everything at once\n", first, grace)
	}
	s.endSoft()
	timer := time.NewTimer(grace)
	defer timer.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-timer.C:
			s.endHard()
		case second := <-s.signals:
			if second == syscall.SIGINT {
				s.exit(exitInterrupted)
			}
			s.exit(exitTerminated)
		}
	}
}

func (s *stopping) setGrace(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.grace = d
}

func (s *stopping) currentGrace() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.grace
}

// close gives the signals back and ends both contexts.
func (s *stopping) close() {
	signal.Stop(s.signals)
	close(s.done)
	s.watcher.Wait()
	s.endSoft()
	s.endHard()
}
