package extract

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/record"
)

// why says what stands at an offset of a randomLog.
type why byte

const (
	nothing     why = iota // no batch covers it
	kept                   // a record that everybody reads
	rolledBack             // a record of an aborted transaction
	control                // a marker
	compactedIn            // inside a batch, without a record
)

// A randomLog is a log together with what is known about each of its offsets.
type randomLog struct {
	craftedLog
	at      []why
	records map[int64]record.Raw
}

// newRandomLog writes batches of three producers, in and out of transactions, and lets a cleaner loose on them afterwards.
func newRandomLog(t testing.TB, rng *rand.Rand, clean bool) *randomLog {
	l := &randomLog{records: map[int64]record.Raw{}}
	l.rng = rng
	codecs := []kgo.CompressionCodec{kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()}

	batches, aborted := l.write(rng)
	l.at = make([]why, l.end)
	for i, b := range batches {
		isControl := b.attrs&controlBit != 0
		if clean && !isControl && rng.IntN(4) == 0 {
			continue // gone, with its header
		}
		if clean && !isControl && rng.IntN(3) == 0 {
			b.records = thinned(rng, b.records)
		}
		for o := b.base; o <= b.last; o++ {
			l.at[o] = compactedIn
		}
		for _, r := range b.records {
			switch {
			case isControl:
				l.at[r.Offset] = control
			case aborted[i]:
				l.at[r.Offset] = rolledBack
			default:
				l.at[r.Offset] = kept
			}
			if b.attrs&appendTimeBit != 0 {
				r.Timestamp = b.maxTime
			}
			l.records[r.Offset] = r
		}
		l.batches = append(l.batches, b.bytes(t, codecs[rng.IntN(len(codecs))]))
	}
	return l
}

func thinned(rng *rand.Rand, records []record.Raw) []record.Raw {
	var left []record.Raw
	for _, r := range records {
		if rng.IntN(2) == 0 {
			left = append(left, r)
		}
	}
	return left
}

// write makes the batches as producers sent them, and says which were aborted.
func (l *randomLog) write(rng *rand.Rand) (batches []craftedBatch, aborted map[int]bool) {
	open := map[int64][]int{} // by producer, the batches of its transaction
	aborted = map[int]bool{}
	epoch := int32(rng.IntN(3))
	end := func(producer int64, commit bool) {
		batches = append(batches, craftedBatch{
			base: l.end, last: l.end, epoch: epoch, attrs: transactionBit | controlBit, producer: producer,
			records: []record.Raw{marker(l.end, commit)},
		})
		if !commit {
			for _, i := range open[producer] {
				aborted[i] = true
			}
			l.aborted = append(l.aborted, abortedTransaction{producer, batches[open[producer][0]].base, l.end})
		}
		delete(open, producer)
		l.end++
	}
	for range 5 + rng.IntN(40) {
		if rng.IntN(10) == 0 {
			epoch++
		}
		producer := int64(rng.IntN(3))
		if open[producer] != nil && rng.IntN(3) == 0 {
			end(producer, rng.IntN(2) == 0)
			continue
		}
		b := craftedBatch{base: l.end, epoch: epoch, producer: producer, firstTime: rng.Int64N(1 << 50)}
		if rng.IntN(4) == 0 {
			b.attrs |= appendTimeBit
		}
		for range 1 + rng.IntN(6) {
			b.records = append(b.records, randomRecord(rng, &b, l.end))
			l.end++
		}
		b.last = l.end - 1
		if rng.IntN(2) == 0 || open[producer] != nil {
			b.attrs |= transactionBit
			open[producer] = append(open[producer], len(batches))
		}
		batches = append(batches, b)
	}
	for producer := range int64(3) {
		if open[producer] != nil {
			end(producer, rng.IntN(2) == 0)
		}
	}
	return batches, aborted
}

func randomRecord(rng *rand.Rand, b *craftedBatch, offset int64) record.Raw {
	r := record.Raw{Offset: offset, Timestamp: rng.Int64N(1 << 52), Value: make([]byte, rng.IntN(300))}
	for i := range r.Value {
		r.Value[i] = byte('a' + rng.IntN(3))
	}
	if rng.IntN(5) == 0 {
		r.Value = nil
	}
	if rng.IntN(2) == 0 {
		r.Key = fmt.Appendf(nil, "key %d", rng.IntN(10))
	}
	for range rng.IntN(3) {
		r.Headers = append(r.Headers, record.Header{Key: fmt.Sprintf("h%d", rng.IntN(400)), Value: []byte{byte(offset)}})
	}
	b.maxTime = max(b.maxTime, r.Timestamp)
	return r
}

// expect says what a reader of the range must find.
func (l *randomLog) expect(r Range, readCommitted, compact bool) reading {
	var want reading
	for o := r.First; o < r.Next; o++ {
		switch l.at[o] {
		case nothing:
			if compact {
				want.Compacted++
			} else if n := len(want.Unexplained); n > 0 && want.Unexplained[n-1].Next == o {
				want.Unexplained[n-1].Next++
			} else {
				want.Unexplained = append(want.Unexplained, Range{First: o, Next: o + 1})
			}
		case compactedIn:
			want.Compacted++
		case control:
			want.Control++
		case rolledBack:
			if readCommitted {
				want.Aborted++
				continue
			}
			want.Records = append(want.Records, l.records[o])
		case kept:
			want.Records = append(want.Records, l.records[o])
		}
	}
	return want
}

// joined merges holes that touch, as batches that follow one another may yield them.
func joined(holes []Range) []Range {
	var out []Range
	for _, h := range holes {
		if n := len(out); n > 0 && out[n-1].Next == h.First {
			out[n-1].Next = h.Next
			continue
		}
		out = append(out, h)
	}
	return out
}

func TestRandomLogsAreAccountedForOffsetByOffset(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	for i := range uint64(12) {
		t.Run(fmt.Sprintf("seed %d", seed+i), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed+i, 0))
			compact, clean := rng.IntN(2) == 0, rng.IntN(3) > 0
			l := newRandomLog(t, rng, clean)
			l.limit = 200 + rng.IntN(2000)
			agreesWithClient(t, l)
			policy := "delete"
			if compact {
				policy = "compact,delete"
			}
			c := l.serve(t, policy)
			for _, readCommitted := range []bool{true, false} {
				k := openKafka(t, c, func(o *Options) { o.ReadCommitted = readCommitted })
				for range 8 {
					first := rng.Int64N(l.lastBatchEnd())
					r := Range{First: first, Next: first + 1 + rng.Int64N(l.lastBatchEnd()-first)}
					got := mustRead(t, k, "a", r)
					got.Batches, got.Unexplained = 0, joined(got.Unexplained)
					if diff := cmp.Diff(l.expect(r, readCommitted, compact), got); diff != "" {
						t.Fatalf("range %s, committed %v, compact %v (-want +got):\n%s", r, readCommitted, compact, diff)
					}
				}
			}
		})
	}
}

// lastBatchEnd is where the last batch ends: beyond it, a broker's answers are empty, which takes time to believe.
func (l *randomLog) lastBatchEnd() int64 {
	h, err := readHeader(l.batches[len(l.batches)-1])
	if err != nil {
		panic(err)
	}
	return h.last + 1
}

// agreesWithClient compares what is expected of the whole log with what the client library makes of it.
func agreesWithClient(t *testing.T, l *randomLog) {
	t.Helper()
	var all []byte
	for _, b := range l.batches {
		all = append(all, b...)
	}
	rp := kmsg.NewFetchResponseTopicPartition()
	rp.RecordBatches = all
	for _, a := range l.aborted {
		rp.AbortedTransactions = append(rp.AbortedTransactions, kmsg.FetchResponseTopicPartitionAbortedTransaction{ProducerID: a.producer, FirstOffset: a.first})
	}
	p, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{IsolationLevel: kgo.ReadCommitted()}, &rp, kgo.DefaultDecompressor(), nil)
	if p.Err != nil {
		t.Fatal(p.Err)
	}
	var want, got []int64
	for _, r := range l.expect(Range{Next: l.end}, true, true).Records {
		want = append(want, r.Offset)
	}
	for _, r := range p.Records {
		got = append(got, r.Offset)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the test's log (-model +client library):\n%s", diff)
	}
}
