package offsets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"shadoof/storage/memory"
)

// What a build writes is canonical: to read it and to write it again gives the same bytes, and the same hash.
func TestRecordsAreCanonical(t *testing.T) {
	t.Parallel()
	for _, r := range chain(everyType()...) {
		data, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Decode(data)
		if err != nil {
			t.Fatal(err)
		}
		if b, err := Encode(again); err != nil || !bytes.Equal(b, data) {
			t.Errorf("%s: %v\n%s%s", r.Type, err, data, b)
		}
	}
}

// Each byte of each kind of object is flipped in turn, in each of its bits.
func TestAFlippedBitIsAlwaysFound(t *testing.T) {
	t.Parallel()
	flipped := func(t *testing.T, what string, data []byte, read func([]byte) error) {
		t.Helper()
		if err := read(data); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		for i := range data {
			for bit := range 8 {
				b := bytes.Clone(data)
				if b[i] ^= 1 << bit; read(b) == nil {
					t.Errorf("%s: bit %d of byte %d (%q) is flipped, and nobody sees it", what, bit, i, data[i])
				}
			}
		}
		for n := range data {
			if read(data[:n]) == nil {
				t.Errorf("%s: %d bytes of %d are taken for the whole", what, n, len(data))
			}
		}
	}
	s := NewState()
	for _, r := range chain(everyType()...) {
		data, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		flipped(t, string(r.Type), data, func(b []byte) error {
			_, err := Decode(b)
			if err != nil && !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: %v", r.Type, err)
			}
			return err
		})
		if s, err = Fold(s, r); err != nil {
			t.Fatal(err)
		}
	}
	ckpt, err := (&checkpoint{Format: Format, State: s, PublishedThrough: 1, Unpublished: []int64{}}).encode()
	if err != nil {
		t.Fatal(err)
	}
	flipped(t, "checkpoint", ckpt, func(b []byte) error {
		_, err := decodeCheckpoint(b)
		return err
	})
	bundles := []byte(`[{"segments":[{"partition":0,"from":100,"to":110,"epoch":3}]}]` + "\n")
	sum := sha256.Sum256(bundles)
	a := Attachment{SHA256: hex.EncodeToString(sum[:]), Takes: []int{0}}
	flipped(t, "attachment", bundles, func(b []byte) error {
		_, err := a.open(b)
		return err
	})
}

// A pack is compressed: a bit that is flipped in it may change nothing that is read. What is read is the log, or an error.
func TestAPackWithAFlippedBitIsTheLogOrAnError(t *testing.T) {
	t.Parallel()
	store := memory.New(memory.Options{})
	var want [][]byte
	for _, r := range commits(100) {
		data, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, data)
		if _, err := store.PutNew(t.Context(), LogName(topic, r.V), data); err != nil {
			t.Fatal(err)
		}
	}
	if err := open(store, 1).writePack(t.Context(), 100); err != nil {
		t.Fatal(err)
	}
	data := store.Bytes(PackName(topic, 100))
	for i := 0; i < len(data); i += 1 + len(data)/500 {
		b := bytes.Clone(data)
		b[i] ^= 1 << (i % 8)
		records, err := decodePack(b, 100, 1)
		if err != nil {
			continue
		}
		for n, r := range records {
			if got, err := Encode(r); err != nil || !bytes.Equal(got, want[n]) {
				t.Fatalf("byte %d is flipped, and record %d is another one: %v\n%s%s", i, n+1, err, want[n], got)
			}
		}
	}
}

func FuzzAttachment(f *testing.F) {
	f.Add([]byte(`[{"segments":[{"partition":0,"from":100,"to":110,"epoch":3}]}]`+"\n"), 0, 1)
	f.Fuzz(func(t *testing.T, data []byte, first, second int) {
		sum := sha256.Sum256(data)
		a := Attachment{SHA256: hex.EncodeToString(sum[:]), Takes: []int{first, second}}
		bundles, err := a.open(data)
		if err != nil {
			return
		}
		l := lift(attemptName(1), bundles...)
		l.Attached = &a
		s := &State{V: 1, ID: strings.Repeat("0", 32), Incarnation: 1, Partitions: map[int32]PartitionState{0: {Next: 100}}}
		r := chain(startsOf(1), &Commit{l})[1]
		r.Prev = s.ID
		if n, err := Fold(s, r); err == nil {
			if err := n.check(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// Names of what lies below _shadoof: a number that a name stands for gives that name again.
func FuzzNames(f *testing.F) {
	for _, name := range []string{LogName(topic, 1), PubName(topic, 9e18), CkptName(topic, 100), PackName(topic, 100), Dir(topic) + "/log/+0000000000000000001.json"} {
		f.Add(topic, name)
	}
	f.Fuzz(func(t *testing.T, topic, name string) {
		for _, c := range []struct {
			parse func(topic, name string) (int64, bool)
			name  func(topic string, v int64) string
		}{{ParseLogName, LogName}, {ParsePubName, PubName}, {ParseCkptName, CkptName}, {ParsePackName, PackName}} {
			if v, ok := c.parse(topic, name); ok && (v < 1 || c.name(topic, v) != name) {
				t.Fatalf("%q is %d, whose name is %q", name, v, c.name(topic, v))
			}
		}
	})
}
