// Package contract checks that a store keeps the promises on which exactly-once commits rest.
//
// Tests run it on every driver, doctor runs it on the store of a user, and a job runs its short form at the first use of a store.
// A check that finds a promise broken answers with an error that wraps storage.ErrUnfit; a check that could not be carried out
// answers with the store's own error.
package contract

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"shadoof/storage"
)

// Options say how hard to look. The zero value is the full suite.
type Options struct {
	Racers int // that create the same object at once, each over a store opened for it; the default is 32
	Rounds int // of such races; the default is 20

	// Prefix is below which every probe makes a folder of its own, with a random name; the default is "_shadoof/probe/".
	Prefix string

	// MaxSkew is how far the store's clock may be from ours; the default is 5 minutes.
	MaxSkew time.Duration

	// Now is our clock; the default is time.Now.
	Now func() time.Time
}

func (o *Options) setDefaults() {
	if o.Racers <= 0 {
		o.Racers = 32
	}
	if o.Rounds <= 0 {
		o.Rounds = 20
	}
	if o.Prefix == "" {
		o.Prefix = "_shadoof/probe/"
	}
	if o.MaxSkew <= 0 {
		o.MaxSkew = 5 * time.Minute
	}
	if o.Now == nil {
		o.Now = time.Now
	}
}

// A Result is what one check found.
type Result struct {
	Name   string        // the promise, as a sentence
	Err    error         // nil if it was kept; wraps storage.ErrUnfit if it was broken
	Detail string        // what else is worth knowing: figures, or what could not be looked at and why
	Took   time.Duration //
}

// A check looks at one promise. Its objects lie below t.dir.
type check struct {
	name  string
	short bool // part of Probe
	run   func(ctx context.Context, t *trial) error
}

var checks = []check{
	{"permissions suffice", false, permissions},
	{"a second create is refused and changes nothing", true, secondCreate},
	{"of many that create at once one wins", true, race},
	{"a name can be created again after a delete", false, recreate},
	{"a read that found nothing does not hide a later create", true, readAfterMiss},
	{"a listing shows at once what was created", true, listing},
	{"ranges are read exactly", false, ranges},
	{"unusual names come back as they were given", false, unusualNames},
	{"what was created is confirmed", true, confirmed},
	{"a staged file is invisible until it is published", true, stagedInvisible},
	{"publishing twice is publishing once", true, publishTwice},
	{"nothing is published after a discard", true, publishAfterDiscard},
	{"a deleted object is not published again", true, publishAfterDelete},
	{"a token publishes no other file", false, tokenOfAnother},
	{"a discard after publishing changes nothing", true, discardAfterPublish},
	{"an object of an earlier token is recognised", false, earlierToken},
	{"publish and discard exclude each other", false, publishRacesDiscard},
	{"leftovers can be found and discarded", false, leftovers},
	{"clocks agree", false, clocks},
}

// Check runs all checks, one after the other, and removes what they made. It opens a store for itself and one for each racer.
// A failure to open makes the only result. When ctx ends, what was not looked at yet has its error.
func Check(ctx context.Context, open func() (storage.Store, error), o Options) []Result {
	o.setDefaults()
	start := time.Now()
	stores := make([]storage.Store, o.Racers)
	for i := range stores {
		s, err := open()
		if err != nil {
			return []Result{{Name: "the store can be opened", Err: err, Took: time.Since(start)}}
		}
		stores[i] = s
	}
	dir := o.Prefix + random(8)
	results := make([]Result, 0, len(checks))
	for i, c := range checks {
		if ctx.Err() != nil {
			results = append(results, skipped(ctx, checks[i:])...)
			break
		}
		t := newTrial(stores, fmt.Sprintf("%s/%02d", dir, i), o)
		results = append(results, t.judge(ctx, c))
	}
	removeFolders(ctx, stores[0], dir)
	return results
}

// Probe runs the checks without which nothing may be committed, all at once and in small, over one store: some hundred and fifty
// small requests. Its error wraps storage.ErrUnfit if a promise was broken, and tells each of them. Otherwise it is one of those that
// kept the checks from looking: they mostly have one reason.
func Probe(ctx context.Context, s storage.Store) error {
	o := Options{Racers: 8, Rounds: 2}
	o.setDefaults()
	stores := make([]storage.Store, o.Racers)
	for i := range stores {
		stores[i] = s
	}
	dir := o.Prefix + random(8)
	errs := make([]error, len(checks))
	var running sync.WaitGroup
	for i, c := range checks {
		if c.short {
			t := newTrial(stores, fmt.Sprintf("%s/%02d", dir, i), o)
			running.Go(func() { errs[i] = t.judge(ctx, c).Err })
		}
	}
	running.Wait()
	removeFolders(ctx, s, dir)
	return errors.Join(tell(errs)...)
}

// tell picks the errors that say something of their own.
func tell(errs []error) (some []error) {
	for _, err := range errs {
		if errors.Is(err, storage.ErrUnfit) {
			some = append(some, err)
		}
	}
	if i := slices.IndexFunc(errs, func(err error) bool { return err != nil }); len(some) == 0 && i >= 0 {
		some = errs[i : i+1]
	}
	return some
}

// Broken returns the results whose promise was broken or could not be looked at.
func Broken(results []Result) (broken []Result) {
	for _, r := range results {
		if r.Err != nil {
			broken = append(broken, r)
		}
	}
	return broken
}

func random(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
