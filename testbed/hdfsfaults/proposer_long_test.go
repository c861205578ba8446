//go:build long

package hdfsfaults_test

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	mathrand "math/rand/v2"
	"strings"
	"time"

	"shadoof/offsets"
	"shadoof/storage"
)

// The register is the log of a topic with nothing in its records but who wrote them. Racing workers create slots 1, 2, 3, … of it as
// the commit loop does, and tell what they learn of each.

// An entry is the content of a slot.
type entry struct {
	V       int64  `json:"v"`
	ID      string `json:"id"`
	Worker  string `json:"worker"`
	Padding string `json:"padding"`
}

// A verdict is what a worker concluded about a slot.
type verdict struct {
	Worker  string    `json:"worker"`
	V       int64     `json:"v"`
	ID      string    `json:"id"`      // that it proposed
	Owner   string    `json:"owner"`   // id of the record in the slot; "" when it was told to stop before it knew
	Puts    int       `json:"puts"`    // requests to create it
	Unclear int       `json:"unclear"` // of them without an answer
	Resent  bool      `json:"resent"`  // the slot was empty after an unclear answer
	Time    time.Time `json:"time"`
}

// A worker proposes a record of its own for the slot after the last that it sees, again and again, until ctx ends.
type worker struct {
	name  string
	topic string
	store storage.Store
	tell  func(verdict)
}

func (w *worker) run(ctx context.Context) {
	for v := int64(1); ctx.Err() == nil; v++ {
		if w.propose(ctx, v) {
			pause(ctx, time.Duration(mathrand.Int64N(int64(40*time.Millisecond)))) // the others are to catch up, and to contend
			continue
		}
		for {
			if _, err := read(ctx, w.store, offsets.LogName(w.topic, v+1)); err != nil {
				break
			}
			v++
		}
	}
}

// propose says whether the worker's record stands in the slot.
func (w *worker) propose(ctx context.Context, v int64) bool {
	d := verdict{Worker: w.name, V: v, ID: newID()}
	data, _ := json.Marshal(entry{V: v, ID: d.ID, Worker: w.name, Padding: strings.Repeat("x", 2000)})
	defer func() { d.Time = time.Now(); w.tell(d) }()
	name := offsets.LogName(w.topic, v)
	for {
		d.Puts++
		put, _ := w.store.PutNew(ctx, name, data)
		if put == storage.Created {
			d.Owner = d.ID
			return true
		}
		if put == storage.PutUnknown && ctx.Err() == nil {
			d.Unclear++
		}
		for {
			owner, err := w.durable(ctx, name)
			if err == nil {
				d.Owner = owner
				return owner == d.ID
			}
			if ctx.Err() != nil {
				return false
			}
			if errors.Is(err, fs.ErrNotExist) {
				d.Resent = true
				pause(ctx, 20*time.Millisecond)
				break // the same bytes again
			}
			pause(ctx, 50*time.Millisecond)
		}
	}
}

// durable reads who owns a slot for ever.
func (w *worker) durable(ctx context.Context, name string) (owner string, err error) {
	if _, err := read(ctx, w.store, name); err != nil {
		return "", err
	}
	if d, err := w.store.Confirm(ctx, name); d != storage.Durable {
		return "", fmt.Errorf("%v: %w", d, errors.Join(err, errUnclear))
	}
	e, err := read(ctx, w.store, name)
	return e.ID, err
}

var errUnclear = errors.New("not durable")

// read reads a slot once, whole.
func read(ctx context.Context, s storage.Store, name string) (e entry, err error) {
	o, err := s.Open(ctx, name, 0, -1)
	if err != nil {
		return e, err
	}
	defer o.Close()
	b, err := io.ReadAll(o)
	if err != nil {
		return e, err
	}
	if err := json.Unmarshal(b, &e); err != nil || e.ID == "" {
		return e, fmt.Errorf("%s is torn: %q", name, b)
	}
	return e, nil
}

func newID() string {
	var b [8]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// A committer appends records by offsets.Log, as jobs do, until ctx ends.
type committer struct {
	worker
}

func (w *committer) run(ctx context.Context) {
	log := offsets.Open(offsets.Options{Store: w.store, Topic: w.topic, Run: newID(), Writer: offsets.Writer{Host: w.name, Build: "test"}})
	for ctx.Err() == nil {
		attempt := newID()
		r, err := log.Append(ctx, func(s *offsets.State) (offsets.Body, error) {
			return &offsets.Fence{Attempts: []string{attempt}}, nil
		})
		d := verdict{Worker: w.name, ID: attempt, Time: time.Now()}
		switch {
		case err == nil:
			d.V, d.Owner = r.V, attempt
		case errors.Is(err, offsets.ErrUnresolved):
		case errors.Is(err, offsets.ErrDamaged):
			d.V, d.Owner = -1, err.Error()
		default:
			d.V = -2 // nothing of it can stand in the log
		}
		w.tell(d)
		pause(ctx, time.Duration(mathrand.Int64N(int64(20*time.Millisecond))))
	}
}
