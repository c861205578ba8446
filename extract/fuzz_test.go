package extract

import (
	"context"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// offline makes an unpacker that needs no cluster.
func offline(r Range) *unpacker {
	k := &Kafka{buffers: &bufferPool{}}
	k.decompressor, k.legacy = kgo.DefaultDecompressor(k.buffers), kgo.DefaultDecompressor()
	return newUnpacker(k, "a", r, &cleanup{asked: true})
}

// unpackAll yields all batches of an answer.
func unpackAll(u *unpacker, a *answer, yield func(*Batch)) error {
	s := &slot{buffers: u.k.buffers, memory: unlimited{}}
	defer s.release()
	u.at = a.from
	for u.load(a); u.answer != nil; {
		if err := u.next(context.Background(), s); err != nil {
			return err
		}
		if s.batch.Next > s.batch.First {
			yield(&s.batch)
		}
	}
	return nil
}

// FuzzAnswer: whatever a broker sends is read or refused, each offset is accounted for once, and nothing is left out that
// the client library reads.
func FuzzAnswer(f *testing.F) {
	for seed := range uint64(6) {
		l := newRandomLog(f, rand.New(rand.NewPCG(seed, 0)), seed%2 == 0)
		var all []byte
		for _, b := range l.batches {
			all = append(all, b...)
		}
		f.Add(all, int64(0), l.end, false)
		f.Add(all[:len(all)*2/3], l.end/3, l.end*2/3, true)
	}
	f.Fuzz(func(t *testing.T, b []byte, want, end int64, fixed bool) {
		if want < 0 || end <= want {
			return
		}
		if fixed {
			b = withChecksums(b)
		}
		s, err := scan(b, want)
		if err != nil || s.next <= want {
			return
		}
		u := offline(Range{First: want, Next: end})
		var got []int64
		at := want
		a := &answer{from: want, next: min(s.next, end), batches: s.whole}
		err = unpackAll(u, a, func(b *Batch) {
			if b.First != at || b.accounted() != b.Next-b.First {
				t.Fatalf("batch [%d,%d) after %d accounts for %d", b.First, b.Next, at, b.accounted())
			}
			at = b.Next
			for _, r := range b.Records {
				got = append(got, r.Offset)
			}
		})
		if err != nil {
			return
		}
		if at != a.next {
			t.Fatalf("answer to %d was read to %d", a.next, at)
		}
		// The client library leaves out the rest of a batch in which it stumbles, so it may have less, but never more.
		rp := kmsg.NewFetchResponseTopicPartition()
		rp.RecordBatches = s.whole
		p, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Offset: want}, &rp, kgo.DefaultDecompressor(), nil)
		for _, r := range p.Records {
			if r.Offset < a.next && !slices.Contains(got, r.Offset) {
				t.Fatalf("offset %d was not read", r.Offset)
			}
		}
	})
}

// withChecksums makes every checksum right, so that changed bytes get past it.
func withChecksums(b []byte) []byte {
	b = append([]byte{}, b...)
	for rest := b; ; {
		n, _, err := frame(rest)
		if err != nil || n == 0 {
			return b
		}
		if rest[16] == 2 && n >= batchHeaderBytes {
			sealBatch(rest[:n])
		}
		rest = rest[n:]
	}
}
