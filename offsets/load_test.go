package offsets

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
	"testing"

	"shadoof/storage"
	"shadoof/storage/memory"
)

// commits is a log of n records: an init and commits of ten rows.
func commits(n int) []*Record {
	bodies := []Body{startsOf(2)}
	for i := 1; i < n; i++ {
		a, from := attemptName(i), int64(100+10*(i-1))
		bodies = append(bodies, &Commit{lift(a, bundle(a, 0, from, from+10))})
	}
	return chain(bodies...)
}

// withLog returns a store with a log of n records, the markers of which are there up to the version marked.
func withLog(t *testing.T, n, marked int) *memory.Store {
	t.Helper()
	store := memory.New(memory.Options{})
	write(t, store, commits(n))
	for v := 2; v <= marked; v++ {
		if _, err := store.PutNew(t.Context(), PubName(topic, int64(v)), nil); err != nil {
			t.Fatal(err)
		}
	}
	return store
}

// checkpointed loads the log and writes what caches are due.
func checkpointed(t *testing.T, store storage.Store) {
	t.Helper()
	l := logged(t, open(store, 50))
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestALongHistoryIsCheapToOpen(t *testing.T) {
	t.Parallel()
	const n = 20_199 // one before a checkpoint is due: the dearest moment
	store := withLog(t, n, n-3)
	checkpointed(t, store.Attach(memory.Options{}))

	client := store.Attach(memory.Options{})
	l := logged(t, open(client, 1))
	s, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "unmarked", []int64{n - 2, n - 1, n}, l.Unmarked())
	if _, err := l.PutSettings(t.Context(), []byte("other settings")); err != nil {
		t.Fatal(err)
	}
	r, err := l.Append(t.Context(), propose("00000000000000ff", 10))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "slot", s.V+1, r.V)
	if c := client.Counts(); c.Reads() > 120 || c.Lists() > 3 || c[memory.OpPutNew] != 2 {
		t.Errorf("reads %d, lists %d, puts %d; want at most 120, 3, 2", c.Reads(), c.Lists(), c[memory.OpPutNew])
	}
	client.Reset()
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := client.Counts(); c.Reads() > 120 || c[memory.OpPutNew] != 2 {
		t.Errorf("a checkpoint: reads %d, puts %d", c.Reads(), c[memory.OpPutNew])
	}

	client = store.Attach(memory.Options{})
	l = open(client, 2)
	if s, err = l.Load(t.Context()); err != nil || s.V != n+1 {
		t.Fatal(s, err)
	}
	same(t, "unmarked after the next checkpoint", []int64{n - 2, n - 1, n, n + 1}, l.Unmarked())
	if c := client.Counts(); c.Reads() > 2 || c.Lists() > 3 {
		t.Errorf("right after a checkpoint: reads %d, lists %d", c.Reads(), c.Lists())
	}

	client.Reset()
	audit := NewAudit()
	for r, err := range l.Records(t.Context(), 1, s.V) {
		if err != nil {
			t.Fatal(err)
		}
		if err := audit.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "audit", s, audit.State())
	if c := client.Counts(); c.Reads() != 203 || c.Lists() != 1 {
		t.Errorf("the whole history: reads %d, lists %d", c.Reads(), c.Lists())
	}
}

func TestLoadOfNothing(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	l := open(store, 1)
	if _, err := l.Load(t.Context()); !errors.Is(err, ErrEmpty) || errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	for _, name := range []string{SettingsName(topic, "ab"), Dir(topic) + "x/log/y", Dir(topic) + "/staging/x"} {
		if _, err := store.PutNew(t.Context(), name, []byte("{}")); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := l.Traces(t.Context()); err != nil || len(found) > 0 {
		t.Error(found, err)
	}
	for _, name := range []string{PubName(topic, 3), AttName(topic, attemptName(1)), CkptName(topic, 100), PackName(topic, 100), QuarantineDir(topic) + "/dt=x/f.parquet", Dir(topic) + "/log/notes.txt"} {
		store := memory.New(memory.Options{})
		if _, err := store.PutNew(t.Context(), name, []byte("{}")); err != nil {
			t.Fatal(err)
		}
		found, err := open(store, 1).Traces(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		same(t, "traces", []string{name}, found)
	}
}

func TestLoadFindsDamage(t *testing.T) {
	t.Parallel()
	slot := func(v int64) string { return LogName(topic, v) }
	other := memory.New(memory.Options{})
	fork := commits(30)
	for _, r := range fork {
		r.ID = strings.Replace(r.ID, "1d0", "2d0", 1)
		r.Prev = strings.Replace(r.Prev, "1d0", "2d0", 1)
	}
	write(t, other, fork)
	for name, c := range map[string]struct {
		damage func(*memory.Store)
		want   string
	}{
		"a hole":          {func(s *memory.Store) { s.Tamper(slot(20), nil) }, "has a hole"},
		"no first record": {func(s *memory.Store) { s.Tamper(slot(1), nil) }, "has a hole"},
		"an edit": {func(s *memory.Store) {
			s.Tamper(slot(20), bytes.Replace(s.Bytes(slot(20)), []byte("w1"), []byte("w2"), 1))
		}, "hash"},
		"two swapped": {func(s *memory.Store) {
			a, b := s.Bytes(slot(20)), s.Bytes(slot(21))
			s.Tamper(slot(20), b)
			s.Tamper(slot(21), a)
		}, "holds record 21"},
		"one of another log": {func(s *memory.Store) { s.Tamper(slot(20), other.Bytes(slot(20))) }, "written for another log"},
		"an end that was lost": {func(s *memory.Store) {
			if _, err := s.PutNew(t.Context(), PubName(topic, 32), nil); err != nil {
				t.Fatal(err)
			}
		}, "ends with record 30"},
		"a newer level":     {func(s *memory.Store) { s.Tamper(slot(30), reseal(s.Bytes(slot(30)), `"level":1`, `"level":7`)) }, "newer shadoof"},
		"an invalid record": {func(s *memory.Store) { s.Tamper(slot(30), reseal(s.Bytes(slot(30)), `"from":380`, `"from":370`)) }, "but 380 is next"},
		"an empty record":   {func(s *memory.Store) { s.Tamper(slot(30), []byte{}) }, "do not end in a sha256"},
	} {
		store := withLog(t, 30, 30)
		c.damage(store)
		l := open(store, 1)
		if _, err := l.Load(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: load: %v", name, err)
		}
		var failed error
		for _, err := range l.Records(t.Context(), 1, 30) {
			failed = err
		}
		if name == "an end that was lost" {
			continue // the records that are there are right
		}
		if _, err := FoldAll(open(store, 1).Slots(t.Context(), 1, 30)); !errors.Is(err, ErrDamaged) || failed == nil && name != "an invalid record" {
			t.Errorf("%s: records: %v, all: %v", name, failed, err)
		}
	}
}

func TestDamageAfterTheFirstLoadIsFoundByExtend(t *testing.T) {
	t.Parallel()
	store := withLog(t, 5, 5)
	l := open(store.Attach(memory.Options{}), 1)
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	bad := commits(7)[5]
	bad.Prev = strings.Repeat("0", 32)
	write(t, store, []*Record{bad})
	if _, err := l.Extend(t.Context()); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	if _, err := l.Append(t.Context(), propose(attemptName(99), 1)); !errors.Is(err, ErrDamaged) {
		t.Error(err)
	}
	same(t, "state", int64(5), l.State().V)
}

// What looks like damage once, and not again, is none.
func TestLoadReadsOnceMoreBeforeItSpeaksOfDamage(t *testing.T) {
	t.Parallel()
	store := withLog(t, 30, 30)
	var mu sync.Mutex
	missed := map[string]bool{}
	once := &answering{Store: store.Attach(memory.Options{}), open: func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		if strings.HasSuffix(name, "20.json") && !missed[name] {
			missed[name] = true
			return fmt.Errorf("not yet: %w", fs.ErrNotExist)
		}
		return nil
	}}
	s, err := open(once, 1).Load(t.Context())
	if err != nil || s.V != 30 {
		t.Error(s, err)
	}
	tries := 0
	short := &answering{Store: store.Attach(memory.Options{}), open: func(name string) error {
		mu.Lock()
		defer mu.Unlock()
		if tries++; strings.HasSuffix(name, "20.json") && tries < 40 {
			return fmt.Errorf("connection lost: %w", io.ErrUnexpectedEOF)
		}
		return nil
	}}
	if s, err := open(short, 1).Load(t.Context()); err == nil || errors.Is(err, ErrDamaged) {
		t.Errorf("short reads: %v, %v", s, err)
	}
}

// A log that is shorter than its checkpoint was cut off: that is no fresh start.
func TestALogShorterThanItsCheckpointIsDamaged(t *testing.T) {
	t.Parallel()
	for _, keep := range []int64{0, 150, 199} {
		store := withLog(t, 250, 250)
		checkpointed(t, store.Attach(memory.Options{}))
		for v := keep + 1; v <= 250; v++ {
			store.Tamper(LogName(topic, v), nil)
		}
		if _, err := open(store, 1).Load(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "was deleted") {
			t.Errorf("%d records kept: %v", keep, err)
		}
	}
}

func TestCheckpointsAndPacksAreOnlyCaches(t *testing.T) {
	t.Parallel()
	ckpt, pack := func(v int64) string { return CkptName(topic, v) }, func(v int64) string { return PackName(topic, v) }
	foreign := memory.New(memory.Options{})
	fork := commits(250)
	for _, r := range fork {
		r.ID = strings.Replace(r.ID, "1d0", "2d0", 1)
		r.Prev = strings.Replace(r.Prev, "1d0", "2d0", 1)
	}
	write(t, foreign, fork)
	checkpointed(t, foreign)
	cut := func(name string) func(*memory.Store) {
		return func(s *memory.Store) { s.Tamper(name, s.Bytes(name)[:50]) }
	}
	for name, damage := range map[string]func(*memory.Store){
		"intact":              func(*memory.Store) {},
		"no checkpoints":      func(s *memory.Store) { s.Tamper(ckpt(100), nil); s.Tamper(ckpt(200), nil) },
		"no packs":            func(s *memory.Store) { s.Tamper(pack(100), nil); s.Tamper(pack(200), nil) },
		"a torn checkpoint":   cut(ckpt(200)),
		"a torn pack":         cut(pack(200)),
		"an empty checkpoint": func(s *memory.Store) { s.Tamper(ckpt(200), []byte{}) },
		"an edited checkpoint": func(s *memory.Store) {
			s.Tamper(ckpt(200), bytes.Replace(s.Bytes(ckpt(200)), []byte(`"next":`), []byte(`"next":9`), 1))
		},
		"another log's": func(s *memory.Store) {
			s.Tamper(ckpt(200), foreign.Bytes(ckpt(200)))
			s.Tamper(pack(200), foreign.Bytes(pack(200)))
		},
		"a checkpoint elsewhere": func(s *memory.Store) { s.Tamper(ckpt(200), s.Bytes(ckpt(100))) },
		"a pack elsewhere":       func(s *memory.Store) { s.Tamper(pack(200), s.Bytes(pack(100))) },
		"a newer checkpoint":     func(s *memory.Store) { s.Tamper(ckpt(200), reseal(s.Bytes(ckpt(200)), `"format":1`, `"format":2`)) },
		"names that are not ours": func(s *memory.Store) {
			s.Tamper(Dir(topic)+"/ckpt/0", []byte("x"))
			s.Tamper(Dir(topic)+"/pack/readme", []byte("x"))
			s.Tamper(Dir(topic)+"/log/readme", []byte("x"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := withLog(t, 120, 120)
			checkpointed(t, store)
			write(t, store, commits(250)[120:])
			checkpointed(t, store)
			want, err := FoldAll(open(store, 1).Slots(t.Context(), 1, 250))
			if err != nil {
				t.Fatal(err)
			}
			damage(store)
			l := logged(t, open(store, 1))
			s, err := l.Load(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			same(t, "state", want, s)
			if u := l.Unmarked(); len(u) != 130 || u[0] != 121 {
				t.Errorf("unmarked: %v", u)
			}
			for _, r := range [][2]int64{{1, 250}, {99, 101}, {90, 230}, {101, 200}, {150, 250}, {250, 250}} {
				next := r[0]
				for got, err := range l.Records(t.Context(), r[0], r[1]) {
					if err != nil {
						t.Fatal(err)
					}
					if got.V != next {
						t.Fatalf("record %d in the place of %d", got.V, next)
					}
					next++
				}
				if next != r[1]+1 {
					t.Errorf("records %v end before %d", r, next)
				}
			}
			checkpointed(t, store) // and this, too, is harmless
		})
	}
}

func TestPacksAreTheRecordsVerbatim(t *testing.T) {
	t.Parallel()
	store := withLog(t, 205, 205)
	checkpointed(t, store)
	client := store.Attach(memory.Options{})
	l := open(client, 1)
	if err := func() error { _, err := l.Load(t.Context()); return err }(); err != nil {
		t.Fatal(err)
	}
	client.Reset()
	n := 0
	for range l.Records(t.Context(), 1, 205) {
		n++
	}
	same(t, "records", 205, n)
	same(t, "reads", 1+2+5, client.Counts().Reads())
	for range l.Records(t.Context(), 3, 2) {
		t.Error("a record of an empty range")
	}
	client.Reset()
	for range l.Records(t.Context(), 1, 205) {
		break
	}
	same(t, "reads before a break", 2, client.Counts().Reads())
}

func TestRacingCheckpointsAreTheSame(t *testing.T) {
	t.Parallel()
	store := withLog(t, 320, 300)
	var written [][]byte
	for seed := range int64(2) {
		s := store.Clone(memory.Options{})
		l := open(s, seed)
		if _, err := l.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := l.Checkpoint(t.Context()); err != nil {
			t.Fatal(err)
		}
		same(t, "puts", 4, s.Counts()[memory.OpPutNew])
		written = append(written, append(s.Bytes(CkptName(topic, 300)), s.Bytes(PackName(topic, 200))...))
	}
	if !bytes.Equal(written[0], written[1]) || len(written[0]) < 1000 {
		t.Error("two processes wrote different caches")
	}
}

// A phantom that is gone by the time its slot is confirmed, which is before it is read, is never folded.
func TestLoadSeesThroughAPhantom(t *testing.T) {
	t.Parallel()
	base := withLog(t, 99, 99)
	ghost := base.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict { return memory.Unsettle }})
	data, err := Encode(commits(100)[99])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = ghost.PutNew(t.Context(), LogName(topic, 100), data)
	l := open(&answering{Store: base, conf: func(name string) (storage.Durability, error) {
		base.Crash()
		return base.Confirm(t.Context(), name)
	}}, 1)
	if s, err := l.Load(t.Context()); err != nil || s.V != 99 {
		t.Fatal(s, err)
	}
}

func TestACheckpointHoldsNoRecordThatMayVanish(t *testing.T) {
	t.Parallel()
	base := withLog(t, 99, 99)
	ghost := base.Attach(memory.Options{Hook: func(memory.Call) memory.Verdict { return memory.Unsettle }})
	data, err := Encode(commits(100)[99])
	if err != nil {
		t.Fatal(err)
	}
	_, _ = ghost.PutNew(t.Context(), LogName(topic, 100), data)
	asked := 0
	l := open(&answering{Store: base, conf: func(name string) (storage.Durability, error) {
		if asked++; asked == 1 {
			return storage.DurabilityUnknown, errors.New("busy") // when it is loaded
		}
		base.Crash()
		return base.Confirm(t.Context(), name)
	}}, 1)
	if s, err := l.Load(t.Context()); err != nil || s.V != 100 {
		t.Fatal(s, err)
	}
	if err := l.Checkpoint(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range base.Objects() {
		if strings.Contains(name, "/ckpt/") || strings.Contains(name, "/pack/") {
			t.Errorf("%s was written", name)
		}
	}
}

func TestRecordOfOneSlot(t *testing.T) {
	t.Parallel()
	store := withLog(t, 5, 5)
	l := open(store, 1)
	if _, err := l.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	r, err := l.Record(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "record", commits(5)[2], r)
	if _, err := l.Record(t.Context(), 6); !errors.Is(err, fs.ErrNotExist) || errors.Is(err, ErrDamaged) {
		t.Errorf("after the newest: %v", err)
	}
	store.Tamper(LogName(topic, 3), nil)
	if _, err := l.Record(t.Context(), 3); !errors.Is(err, ErrDamaged) {
		t.Errorf("a hole: %v", err)
	}
}

func FuzzDecodeCheckpoint(f *testing.F) {
	s := NewState()
	for _, r := range chain(everyType()...) {
		var err error
		if s, err = Fold(s, r); err != nil {
			f.Fatal(err)
		}
		data, err := (&checkpoint{Format: Format, State: s, PublishedThrough: 1, Unpublished: []int64{}}).encode()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-len(sealBefore)-64-len(sealAfter)])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decodeCheckpoint(seal(bytes.Clone(data)))
		if err != nil {
			return
		}
		again, err := c.encode()
		if err != nil {
			t.Fatal(err)
		}
		c2, err := decodeCheckpoint(again)
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		same(t, "decoded again", c, c2)
		l := Open(Options{Topic: topic})
		l.known = newKnown(c)
		for p, ps := range c.State.Partitions {
			at := ps.Next
			for _, r := range c.State.Uncovered(p, Range{0, at}) {
				if c.State.Covers(p, r) {
					t.Fatalf("%v is covered and not", r)
				}
			}
		}
		l.Marked(3)
		c.State.Live(3, 0, "x")
	})
}

func FuzzDecodePack(f *testing.F) {
	store := memory.New(memory.Options{})
	for _, r := range commits(100) {
		data, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		if _, err := store.PutNew(f.Context(), LogName(topic, r.V), data); err != nil {
			f.Fatal(err)
		}
	}
	l := open(store, 1)
	if err := l.writePack(f.Context(), 100); err != nil {
		f.Fatal(err)
	}
	f.Add(store.Bytes(PackName(topic, 100)), int64(100), int64(1))
	f.Add(store.Bytes(PackName(topic, 100)), int64(100), int64(57))
	f.Fuzz(func(t *testing.T, data []byte, v, from int64) {
		records, err := decodePack(data, v, from)
		if err != nil {
			return
		}
		for i, r := range records {
			if r.V != max(from, v-packSize+1)+int64(i) || r.V > v {
				t.Fatalf("record %d at %d of a pack up to %d, read from %d", r.V, i, v, from)
			}
		}
	})
}
