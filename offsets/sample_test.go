package offsets

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"shadoof/storage"
	"shadoof/storage/memory"
)

const topic = "orders"

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// equate compares states and records, for which nil and empty are the same.
var equate = cmpopts.EquateEmpty()

// open returns a log whose ids come from a seed and whose clock stands still, and which never waits.
func open(store storage.Store, seed int64) *Log {
	return Open(Options{
		Store: store, Topic: topic, Run: fmt.Sprintf("%016x", seed), Writer: Writer{Host: "w1", Build: "test"},
		Now: func() time.Time { return noon }, Rand: rand.New(rand.NewSource(seed)), Backoff: noWait,
	})
}

func noWait(ctx context.Context, _ int) error { return ctx.Err() }

// logged makes the warnings of a log part of the test's output.
func logged(t *testing.T, l *Log) *Log {
	l.o.Logger = slog.New(slog.NewTextHandler(testWriter{t}, nil))
	return l
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Log(strings.TrimSpace(string(p)))
	return len(p), nil
}

func attemptName(n int) string { return fmt.Sprintf("%016x", 0xa000+n) }

// file holds the rows [from, to) of a partition.
func file(attempt string, seq int, partition int32, from, to int64) File {
	key := fmt.Sprintf("orders/dt=2026-11-20/hr=12/orders-p%05d-%020d-%s-%03d.parquet", partition, from, attempt, seq)
	return File{
		Key: key, Kind: KindData, Bytes: 1000 + to - from, Rows: to - from,
		Ranges: []FileRange{{partition, from, to - 1, 0}}, Digest: fmt.Sprintf("%032x", from), MinTime: noon.UnixMilli(), MaxTime: noon.UnixMilli() + to,
		Bucket: "dt=2026-11-20/hr=12", Schema: "0123456789abcdef", Token: json.RawMessage(fmt.Sprintf(`{"path":"staging/%s/%03d"}`, attempt, seq)),
	}
}

// bundle is one segment with one file for all of its rows.
func bundle(attempt string, partition int32, from, to int64) Bundle {
	b := Bundle{Segments: []Segment{{Partition: partition, From: from, To: to, Epoch: 3, Mark: &Mark{to - 1, noon.UnixMilli(), uint32(to)}, MaxTime: noon.UnixMilli()}}}
	if to > from {
		b.Files = []File{file(attempt, 0, partition, from, to)}
	}
	return b
}

func lift(attempt string, bundles ...Bundle) Lift {
	return Lift{Incarnation: 1, Attempt: attempt, Settings: strings.Repeat("5e", 32), Clock: noon, Bundles: bundles}
}

func startsOf(partitions int) *Init {
	b := &Init{Cluster: "cluster-1", Incarnation: 1, TopicID: strings.Repeat("7", 32)}
	for p := range partitions {
		b.Partitions = append(b.Partitions, PartitionStart{Partition: int32(p), Start: 100, Epoch: 2})
	}
	return b
}

// chain makes the records of a log out of bodies.
func chain(bodies ...Body) []*Record {
	var records []*Record
	prev := ""
	for i, b := range bodies {
		v := int64(i + 1)
		format, level := needs(b)
		r := &Record{Body: b, Header: Header{
			Format: format, Level: level, V: v, ID: fmt.Sprintf("%032x", 0x1d0000+v), Prev: prev,
			Time: noon.Add(time.Duration(v) * time.Minute), Run: "00000000000000aa", Writer: Writer{"w1", "test"}, Type: b.RecordType(),
		}}
		prev = r.ID
		records = append(records, r)
	}
	return records
}

// after folds bodies that must be valid.
func after(t *testing.T, bodies ...Body) *State {
	t.Helper()
	s := NewState()
	for _, r := range chain(bodies...) {
		var err error
		if s, err = Fold(s, r); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// write puts the records into their slots.
func write(t *testing.T, store storage.Store, records []*Record) {
	t.Helper()
	for _, r := range records {
		data, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if answer, err := store.PutNew(t.Context(), LogName(topic, r.V), data); answer != storage.Created {
			t.Fatalf("put record %d: %s, %v", r.V, answer, err)
		}
	}
}

// propose returns a decide for Append that commits the next n offsets of partition 0.
func propose(attempt string, n int64) func(*State) (Body, error) {
	return func(s *State) (Body, error) {
		from := s.Partitions[0].Next
		return &Commit{lift(attempt, bundle(attempt, 0, from, from+n))}, nil
	}
}

// started returns a memory store with a log of one record, the init of two partitions.
func started(t *testing.T, o memory.Options) *memory.Store {
	t.Helper()
	store := memory.New(o)
	write(t, store, chain(startsOf(2)))
	return store
}

// recordsIn reads the whole log of a store, by a client without faults.
func recordsIn(t *testing.T, store *memory.Store) []*Record {
	t.Helper()
	l := open(store.Attach(memory.Options{}), 99)
	s, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	audit := NewAudit()
	var all []*Record
	for r, err := range l.Slots(t.Context(), 1, s.V) {
		if err != nil {
			t.Fatal(err)
		}
		if err := audit.Apply(r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	same(t, "audit and load", s, audit.State())
	return all
}

func same(t *testing.T, what string, want, got any) {
	t.Helper()
	if d := cmp.Diff(want, got, equate); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}
