// Package nemesis breaks things while workers lift: a driver picks faults by a seed, begins and ends them, and says when.
package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// A Fault is one way in which something fails, and the way back. Faults are values: a kind of fault that can strike several things is
// several of them.
type Fault struct {
	Name string // what breaks, then how: "s3 kill", "broker 2 pause"

	// On is what breaks. Two faults on the same thing are never under way at once.
	On string

	// Shortest and Longest bound how long it lasts: from the return of Begin to the call of end.
	Shortest, Longest time.Duration

	// Begin breaks something and returns once it is broken. r is of this one strike; what it draws and what it finds it tells to note,
	// for the history. end mends it, and returns once it is mended; nil where nothing is to be mended. An error of either is one of the
	// harness, not of the product, and ends the run.
	Begin func(ctx context.Context, r *rand.Rand, note func(format string, args ...any)) (end func(context.Context) error, err error)
}

// A Moment is one that belongs in the history.
type Moment struct {
	Time   time.Time
	Strike int    // counts the strikes of a driver, from 1
	Fault  string // its name
	What   string // begin, broken, note, mend, end
	Text   string // of a note
}

// A Driver strikes until it is told to stop. It is used once.
type Driver struct {
	Seed   uint64
	Faults []Fault

	// AtOnce is how many faults may be under way at the same time; 0 is 1. Each of so many hands strikes, rests, and strikes again.
	AtOnce int

	// Shortest and Longest bound the rest of a hand between two strikes.
	Shortest, Longest time.Duration

	// Log takes moments, one at a time.
	Log func(Moment)

	mu      sync.Mutex
	deck    []int // what is still to come of this round: each fault strikes once in a round
	round   uint64
	broken  map[string]bool // by On
	strikes int
	err     error
}

// mending is how long the way back of one fault may take.
const mending = 3 * time.Minute

// Run strikes until ctx is done, then ends what is under way, and returns once all is mended. The error is the first of a fault.
func (d *Driver) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	d.broken = map[string]bool{}
	var hands sync.WaitGroup
	for hand := range max(d.AtOnce, 1) {
		r := rand.New(rand.NewPCG(d.Seed, uint64(hand)+1))
		hands.Go(func() {
			for rest(ctx, between(r, d.Shortest, d.Longest)) {
				if err := d.strike(ctx); err != nil {
					d.mu.Lock()
					if d.err == nil {
						d.err = err
					}
					d.mu.Unlock()
					cancel()
				}
			}
		})
	}
	hands.Wait()
	return d.err
}

// strike begins the next fault, waits, and ends it.
func (d *Driver) strike(ctx context.Context) error {
	f, n := d.next()
	if f == nil {
		return nil // everything that is still to come of this round is broken already
	}
	defer func() {
		d.mu.Lock()
		delete(d.broken, f.On)
		d.mu.Unlock()
	}()
	// How a strike goes depends on the seed and its number, not on which hand does it.
	r := rand.New(rand.NewPCG(d.Seed, uint64(n)<<16))
	d.log(n, f, "begin", "")
	lasting, stop := context.WithTimeout(context.WithoutCancel(ctx), mending)
	end, err := f.Begin(lasting, r, func(format string, args ...any) { d.log(n, f, "note", fmt.Sprintf(format, args...)) })
	stop()
	if err != nil {
		d.log(n, f, "end", err.Error())
		return fmt.Errorf("fault %q, strike %d: %w", f.Name, n, err)
	}
	d.log(n, f, "broken", "")
	if end != nil {
		rest(ctx, between(r, f.Shortest, f.Longest))
		d.log(n, f, "mend", "")
		lasting, stop := context.WithTimeout(context.WithoutCancel(ctx), mending)
		defer stop()
		if err := end(lasting); err != nil {
			d.log(n, f, "end", err.Error())
			return fmt.Errorf("end of fault %q, strike %d: %w", f.Name, n, err)
		}
	}
	d.log(n, f, "end", "")
	return nil
}

// next takes a fault from the deck whose thing is whole.
func (d *Driver) next() (*Fault, int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.deck) == 0 {
		d.round++
		d.deck = rand.New(rand.NewPCG(d.Seed, d.round<<32)).Perm(len(d.Faults))
	}
	for i, at := range d.deck {
		f := &d.Faults[at]
		if d.broken[f.On] {
			continue
		}
		d.deck = slices.Delete(d.deck, i, i+1)
		d.broken[f.On] = true
		d.strikes++
		return f, d.strikes
	}
	return nil, 0
}

func (d *Driver) log(n int, f *Fault, what, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.Log(Moment{Time: time.Now(), Strike: n, Fault: f.Name, What: what, Text: text})
}

func between(r *rand.Rand, shortest, longest time.Duration) time.Duration {
	if longest <= shortest {
		return shortest
	}
	return shortest + time.Duration(r.Int64N(int64(longest-shortest)+1))
}

// rest waits; it is false once ctx is done.
func rest(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}
