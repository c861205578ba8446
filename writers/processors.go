package writers

import (
	"context"
	"errors"
	"io"
	"runtime"
	"time"
)

// processors bound what is encoded at the same time, over all sets of a process.
type processors struct {
	all    chan struct{} // one for each processor
	beside chan struct{} // one less: as long as a set has nothing better to do than to encode, it does so itself
}

func newProcessors() processors {
	n := runtime.GOMAXPROCS(0)
	return processors{make(chan struct{}, n), make(chan struct{}, n-1)}
}

var errStopped = errors.New("the set of files was aborted")

// acquire waits for a processor. Whoever was told to stop gets none, though one is free: what is staged can still be dropped then.
func (p processors) acquire(ctx context.Context, stop <-chan struct{}) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	select {
	case p.all <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-stop:
		return errStopped
	}
}

func (p processors) release() { <-p.all }

// tryBeside says whether a row group may be encoded beside what its set does.
func (p processors) tryBeside() bool {
	select {
	case p.beside <- struct{}{}:
		return true
	default:
		return false
	}
}

func (p processors) releaseBeside() { <-p.beside }

// patience is how long a write may take before it is taken for one that waits for the store, and no processor.
const patience = 2 * time.Millisecond

// A lender writes for an encoding that has a processor, and lends it to others while the store makes it wait.
type lender struct {
	w       io.Writer
	p       processors
	working bool // an encoding has a processor, and is what writes
	timer   *time.Timer
	lent    chan struct{}
}

func (l *lender) Write(b []byte) (int, error) {
	if !l.working {
		return l.w.Write(b)
	}
	if l.timer == nil {
		l.lent = make(chan struct{}, 1)
		l.timer = time.AfterFunc(patience, func() {
			l.p.release()
			l.lent <- struct{}{}
		})
	} else {
		l.timer.Reset(patience)
	}
	n, err := l.w.Write(b)
	if !l.timer.Stop() {
		<-l.lent
		l.p.all <- struct{}{} // whoever has it encodes, and comes to an end
	}
	return n, err
}
