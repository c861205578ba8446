package main

import (
	"context"
	"log/slog"
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
	exit             func(code int) // ends the process

	mu    sync.Mutex
	grace time.Duration
	log   *slog.Logger
}

func newStopping(exit func(code int)) *stopping {
	s := &stopping{signals: make(chan os.Signal, 2), done: make(chan struct{}), exit: exit, grace: 25 * time.Second, log: slog.New(slog.DiscardHandler)}
	s.soft, s.endSoft = context.WithCancel(context.Background())
	s.hard, s.endHard = context.WithCancel(context.Background())
	s.watcher.Go(s.watch)
	return s
}

// listen has the process's signals delivered to s. stop gives them back.
func (s *stopping) listen() (stop func()) {
	signal.Notify(s.signals, syscall.SIGTERM, syscall.SIGINT)
	return func() { signal.Stop(s.signals) }
}

func (s *stopping) watch() {
	var first os.Signal
	select {
	case <-s.done:
		return
	case first = <-s.signals:
	}
	s.mu.Lock()
	grace, log := s.grace, s.log
	s.mu.Unlock()
	log.Warn("stopping: what is staged is committed if time allows; a second signal ends everything at once", "signal", first.String(), "shutdown_grace", grace.String())
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

func (s *stopping) setLog(log *slog.Logger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = log
}

// close ends both contexts.
func (s *stopping) close() {
	close(s.done)
	s.watcher.Wait()
	s.endSoft()
	s.endHard()
}
