package produce

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/readers"
)

// A Result is what is in a topic.
type Result struct {
	Topic string

	// Records are the ones that a reader of committed records is entitled to. Nil with Spec.DigestOnly.
	Records map[At]Record
	// Digest is of the same records, over partition and offset.
	Digest readers.Digest

	// Ends are the last stable offsets of all partitions, HighWatermarks what their names say. They differ where a transaction is open.
	Ends           map[int32]int64
	HighWatermarks map[int32]int64
}

// At is where a record is.
type At struct {
	Partition int32
	Offset    int64
}

func (a At) String() string { return fmt.Sprintf("%d@%d", a.Partition, a.Offset) }

// A Record is a record of the topic.
type Record struct {
	Timestamp int64 // milliseconds
	Key       []byte
	Value     []byte // nil for a tombstone
	Headers   []kgo.RecordHeader
}

func (r Record) equal(o Record) bool {
	return r.Timestamp == o.Timestamp && bytes.Equal(r.Key, o.Key) && (r.Value == nil) == (o.Value == nil) && bytes.Equal(r.Value, o.Value) &&
		slices.EqualFunc(r.Headers, o.Headers, func(a, b kgo.RecordHeader) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) })
}

// Offsets are the places of Records, by partition and offset.
func (r *Result) Offsets() []At {
	return slices.SortedFunc(maps.Keys(r.Records), func(a, b At) int {
		return cmp.Or(cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
}

// Holes is the share of offsets below Ends that have no record for the reader.
func (r *Result) Holes() float64 {
	var offsets int64
	for _, end := range r.Ends {
		offsets += end
	}
	if offsets == 0 {
		return 0
	}
	return 1 - float64(r.Digest.Rows())/float64(offsets)
}

// tally gathers records into the two forms that a Result has.
type tally struct {
	records map[At]Record
	digest  readers.Digest
}

func newTally(digestOnly bool) *tally {
	t := &tally{digest: make(readers.Digest)}
	if !digestOnly {
		t.records = make(map[At]Record)
	}
	return t
}

func (t *tally) add(r *kgo.Record) {
	t.digest.Add(r.Partition, r.Offset)
	if t.records != nil {
		t.records[At{r.Partition, r.Offset}] = Record{Timestamp: r.Timestamp.UnixMilli(), Key: r.Key, Value: r.Value, Headers: r.Headers}
	}
}

// merge adds what the other has.
func (t *tally) merge(o *tally) {
	for p, d := range o.digest {
		t.digest[p] = t.digest[p].Plus(d)
	}
	maps.Copy(t.records, o.records)
}

// difference explains how two tallies differ, or is nil.
func (t *tally) difference(produced *tally) error {
	for at, want := range produced.records {
		got, ok := t.records[at]
		if !ok {
			return fmt.Errorf("record %s was produced and not consumed: %s", at, want.Value)
		}
		if !got.equal(want) {
			return fmt.Errorf("record %s was produced as %v and consumed as %v", at, want, got)
		}
	}
	for at, got := range t.records {
		if _, ok := produced.records[at]; !ok {
			return fmt.Errorf("record %s was consumed and must not be: %s", at, got.Value)
		}
	}
	if !maps.Equal(t.digest, produced.digest) {
		return fmt.Errorf("produced %v, consumed %v", produced.digest, t.digest)
	}
	return nil
}
