package offsets

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"

	"shadoof/storage"
)

const (
	maxObject = 256 << 20 // bytes of any object that this package reads: more is not one of ours
	maxLine   = 64 << 20  // bytes of a record in a pack
	width     = 16        // requests at once
	patience  = 10        // unclear answers in a row, where giving up does no harm
)

// Record reads one slot. The bundles of a record with an attachment are there. It fails with fs.ErrNotExist for a slot after the
// newest that is known, and with ErrDamaged for one before.
func (l *Log) Record(ctx context.Context, v int64) (*Record, error) {
	for again := false; ; again = true {
		r, err := l.readRecord(ctx, v)
		if err == nil || errors.Is(err, fs.ErrNotExist) && v > l.State().V {
			return r, err
		}
		if errors.Is(err, fs.ErrNotExist) {
			err = l.missing(v)
		}
		if again || !errors.Is(err, ErrDamaged) {
			return nil, err
		}
		if err := l.o.Backoff(ctx, 1); err != nil {
			return nil, err
		}
	}
}

func (l *Log) hole(v int64) error {
	return fmt.Errorf("%s is not there, but later records are: the log of %s has a hole, restore it from a backup (nothing but shadoof may touch _shadoof): %w",
		LogName(l.o.Topic, v), l.o.Topic, ErrDamaged)
}

// readRecord reads one slot and its attachment.
func (l *Log) readRecord(ctx context.Context, v int64) (*Record, error) {
	r, err := l.readSlot(ctx, v)
	if err != nil {
		return nil, err
	}
	return r, l.resolve(ctx, r)
}

// readSlot reads one slot.
func (l *Log) readSlot(ctx context.Context, v int64) (*Record, error) {
	name := LogName(l.o.Topic, v)
	data, err := l.get(ctx, name)
	if err != nil {
		return nil, err
	}
	return decodeSlot(name, v, data)
}

func decodeSlot(name string, v int64, data []byte) (*Record, error) {
	r, err := Decode(data)
	if err == nil && r.V != v {
		err = fmt.Errorf("it holds record %d: %w", r.V, ErrDamaged)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return r, nil
}

// resolve reads the bundles of a record out of its attachment, if it has one.
func (l *Log) resolve(ctx context.Context, r *Record) error {
	lift := r.Lift()
	if lift == nil || lift.Attached == nil || lift.Bundles != nil {
		return nil
	}
	name := AttName(l.o.Topic, lift.Attempt)
	data, err := l.get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there, but record %d names it: %w", name, r.V, ErrDamaged)
	}
	if err != nil {
		return err
	}
	if lift.Bundles, err = lift.Attached.open(data); err != nil {
		return fmt.Errorf("%s, named by record %d: %w: %w", name, r.V, err, ErrDamaged)
	}
	return nil
}

// open takes the record's bundles out of the bytes of its attachment.
func (a *Attachment) open(data []byte) ([]Bundle, error) {
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != a.SHA256 {
		return nil, fmt.Errorf("the bytes hash to %x, not to %.64q", sum, a.SHA256)
	}
	var all []Bundle
	if err := strict(data, &all); err != nil {
		return nil, err
	}
	taken := map[int]bool{}
	bundles := make([]Bundle, 0, len(a.Takes))
	for _, i := range a.Takes {
		if i < 0 || i >= len(all) || taken[i] {
			return nil, fmt.Errorf("the record takes bundle %d of %d, or takes it twice", i, len(all))
		}
		taken[i] = true
		bundles = append(bundles, all[i])
	}
	return bundles, nil
}

// get reads an object. One that ends too early is read again: that is a lost connection, never a damaged object.
func (l *Log) get(ctx context.Context, name string) ([]byte, error) {
	for tries := 1; ; tries++ {
		data, err := storage.ReadAll(ctx, l.o.Store, name, maxObject)
		if err == nil || tries == 3 || !errors.Is(err, io.ErrUnexpectedEOF) {
			return data, err
		}
		if err := l.o.Backoff(ctx, tries); err != nil {
			return nil, err
		}
	}
}

// inParallel calls f for 0 to n-1, at most width at once, and returns the error of the lowest number that failed.
func inParallel(n int, f func(i int) error) error {
	errs := make([]error, n)
	turns := make(chan struct{}, width)
	var all sync.WaitGroup
	for i := range n {
		turns <- struct{}{}
		all.Go(func() {
			errs[i] = f(i)
			<-turns
		})
	}
	all.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
