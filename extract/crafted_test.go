package extract

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/record"
)

// plainBatch holds records with the values at consecutive offsets.
func plainBatch(base int64, values ...string) craftedBatch {
	b := craftedBatch{base: base, last: base + int64(len(values)) - 1, producer: -1, firstTime: 1000, maxTime: 1000}
	for i, v := range values {
		b.records = append(b.records, record.Raw{Offset: base + int64(i), Timestamp: 1000, Value: []byte(v)})
	}
	return b
}

func (b craftedBatch) plain(t testing.TB) []byte { return b.bytes(t, kgo.NoCompression()) }

func TestTimestampsOfAnyMagnitude(t *testing.T) {
	t.Parallel()
	times := []int64{0, -1, 1_700_000_000_000, 1_700_000_000_000_000, 1_700_000_000_000_000_000, math.MaxInt64, math.MinInt64 + 1, math.MinInt64}
	l := &craftedLog{end: int64(len(times))}
	b := craftedBatch{last: int64(len(times)) - 1, producer: -1, firstTime: 5}
	for i, at := range times {
		b.records = append(b.records, record.Raw{Offset: int64(i), Timestamp: at, Value: []byte("x")})
	}
	l.batches = append(l.batches, b.plain(t))
	got := mustRead(t, openKafka(t, l.serve(t, "delete"), nil), "a", Range{Next: l.end})
	var have []int64
	for _, r := range got.Records {
		have = append(have, r.Timestamp)
	}
	if diff := cmp.Diff(times, have); diff != "" {
		t.Errorf("timestamps (-want +got):\n%s", diff)
	}
}

func TestABatchLargerThanTheFetchIsRead(t *testing.T) {
	t.Parallel()
	huge := strings.Repeat("x", 3<<20)
	for name, cut := range map[string]bool{"sent whole": false, "cut": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &craftedLog{end: 4, cut: cut}
			l.batches = [][]byte{plainBatch(0, "a").plain(t), plainBatch(1, huge).plain(t), plainBatch(2, huge[:700<<10], "c").plain(t)}
			got := mustRead(t, openKafka(t, l.serve(t, "delete"), nil), "a", Range{Next: 4})
			if len(got.Records) != 4 || string(got.Records[1].Value) != huge || got.Unexplained != nil {
				t.Errorf("%d records, %+v", len(got.Records), got.Unexplained)
			}
			if last := l.sizes[len(l.sizes)-1]; last != minFetchBytes {
				t.Errorf("the fetches went on with %d bytes", last)
			}
		})
	}
}

func TestEmptyTailOfACompactedTopic(t *testing.T) {
	t.Parallel()
	l := &craftedLog{end: 100, batches: [][]byte{plainBatch(3, "a", "b").plain(t)}}
	k := openKafka(t, l.serve(t, "compact"), nil)
	got := mustRead(t, k, "a", Range{Next: 90})
	wantValues(t, got, "3:a", "4:b")
	if got.Compacted != 88 || got.Unexplained != nil {
		t.Errorf("holes: %+v", got)
	}
	if got := mustRead(t, k, "a", Range{First: 50, Next: 100}); got.Compacted != 50 {
		t.Errorf("holes: %+v", got)
	}
}

func TestEmptyTailOfATopicThatIsNotCompactedIsDoubted(t *testing.T) {
	t.Parallel()
	l := &craftedLog{end: 100, batches: [][]byte{plainBatch(0, "a", "b").plain(t)}}
	k := openKafka(t, l.serve(t, "delete"), nil)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	l.asked = func(n int) {
		if n == 5 { // it had the batch, and was doubted since
			cancel()
		}
	}
	got, err := readRange(ctx, t, k, "a", "", Range{Next: 100})
	if !errors.Is(err, context.Canceled) || !strings.Contains(err.Error(), "no batch although the log goes on") {
		t.Errorf("read to offset 100: %v", err)
	}
	wantValues(t, got, "0:a", "1:b")
}

func TestHoleIsUnexplainedWhenThePolicyIsUnknown(t *testing.T) {
	t.Parallel()
	l := &craftedLog{end: 10, batches: [][]byte{plainBatch(1, "a").plain(t), plainBatch(5, "b", "c", "d", "e", "f").plain(t)}}
	c := l.serve(t, "compact")
	c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	got := mustRead(t, openKafka(t, c, nil), "a", Range{Next: 10})
	if diff := cmp.Diff([]Range{{First: 0, Next: 1}, {First: 2, Next: 5}}, got.Unexplained); diff != "" || got.Compacted != 0 {
		t.Errorf("unexplained (-want +got):\n%s", diff)
	}
}

func TestBatchWithoutRecordsIsCompacted(t *testing.T) {
	t.Parallel()
	l := &craftedLog{end: 8, batches: [][]byte{
		plainBatch(0, "a").plain(t),
		craftedBatch{base: 1, last: 4, producer: 7, attrs: transactionBit}.plain(t),
		craftedBatch{base: 5, last: 5, producer: 7, attrs: transactionBit | controlBit}.plain(t),
		plainBatch(6, "b", "c").plain(t),
	}}
	got := mustRead(t, openKafka(t, l.serve(t, "delete"), nil), "a", Range{Next: 8})
	wantValues(t, got, "0:a", "6:b", "7:c")
	if got.Compacted != 5 || got.Control != 0 || got.Unexplained != nil {
		t.Errorf("holes: %+v", got)
	}
}

func TestDivergingEpochIsTruncation(t *testing.T) {
	t.Parallel()
	c := startClusterWithFetch(t, "delete", func(req *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition) {
		q := req.Topics[0].Partitions[0]
		if q.FetchOffset == 0 {
			b := plainBatch(0, "a", "b", "c")
			b.epoch = 4
			p.RecordBatches = b.plain(t)
			return
		}
		if q.LastFetchedEpoch != 4 {
			t.Errorf("fetch from %d says last epoch %d, want 4", q.FetchOffset, q.LastFetchedEpoch)
		}
		p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = 3, 2
	})
	_, err := readRange(t.Context(), t, openKafka(t, c, nil), "a", "", Range{Next: 10})
	var cut *TruncatedError
	if !errors.As(err, &cut) || cut.Position != 3 || cut.End > 2 {
		t.Errorf("read: %v", err)
	}
}

// A leader with a longer log of an older epoch has not ended below the position, and still is another log.
func TestALongerLogOfAnOlderEpochIsAnotherOne(t *testing.T) {
	t.Parallel()
	c := startClusterWithFetch(t, "delete", func(_ *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition) {
		p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = 2, 9
	})
	for _, err := range openKafka(t, c, nil).Read(t.Context(), ReadRequest{Topic: "a", Ranges: []Range{{First: 3, Next: 6}}, Epochs: map[int32]int32{0: 4}}) {
		if cut := (*TruncatedError)(nil); !errors.As(err, &cut) || !strings.Contains(err.Error(), "knows nothing of what was read below offset 3") {
			t.Errorf("read: %v", err)
		}
	}
}

// What was read before the range, by somebody else or in another attempt, was cut back and written anew.
func TestDivergingEpochBeforeTheRangeIsTruncation(t *testing.T) {
	t.Parallel()
	c := startClusterWithFetch(t, "delete", func(req *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition) {
		if q := req.Topics[0].Partitions[0]; q.LastFetchedEpoch == 4 {
			p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = 4, 2
			return
		}
		b := plainBatch(3, "a", "b", "c")
		b.epoch = 5
		p.RecordBatches = b.plain(t)
	})
	for epoch, want := range map[int32]bool{4: true, 5: false} {
		var err error
		for _, e := range openKafka(t, c, nil).Read(t.Context(), ReadRequest{Topic: "a", Ranges: []Range{{First: 3, Next: 6}}, Epochs: map[int32]int32{0: epoch}}) {
			err = errors.Join(err, e)
		}
		var cut *TruncatedError
		if got := errors.As(err, &cut); got != want || got && (cut.Position != 3 || cut.End != 2) {
			t.Errorf("after epoch %d: %v", epoch, err)
		}
	}
}

func TestCorruptAnswers(t *testing.T) {
	t.Parallel()
	good := func() []byte { return plainBatch(0, "aaaa", "bbbb").plain(t) }
	for name, b := range map[string][]byte{
		"flipped bit":                func() []byte { b := good(); b[len(b)-3] ^= 4; return b }(),
		"unknown format":             func() []byte { b := good(); b[16] = 3; return b }(),
		"negative length":            func() []byte { b := good(); b[8] = 0xff; return b }(),
		"more records than there":    func() []byte { b := good(); b[26] = 9; b[60] = 3; return sealBatch(b) }(),
		"fewer records than there":   func() []byte { b := good(); b[60] = 1; return sealBatch(b) }(),
		"records, but no bytes":      rawBatch(plainBatch(0, "a"), 0, nil, 1),
		"more records than offsets":  func() []byte { b := good(); b[26] = 0; return sealBatch(b) }(),
		"codec that does not exist":  func() []byte { b := good(); b[22] = 7; return sealBatch(b) }(),
		"not compressed as it says":  func() []byte { b := good(); b[22] = 4; return sealBatch(b) }(),
		"ends before the last began": append(plainBatch(0, "a", "b", "c").plain(t), plainBatch(1, "x", "y", "z").plain(t)...),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := startClusterWithFetch(t, "delete", func(_ *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = b })
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			_, err := readRange(ctx, t, openKafka(t, c, nil), "a", "", Range{Next: 4})
			if err == nil || ctx.Err() != nil || !strings.Contains(err.Error(), "a/0[0,4)") {
				t.Errorf("read: %v", err)
			}
		})
	}
}

func TestMessagesOfOldFormats(t *testing.T) {
	t.Parallel()
	v0 := func(offset int64, value string) []byte {
		m := kmsg.MessageV0{Offset: offset, Magic: 0, Key: []byte("k"), Value: []byte(value)}
		return sealMessage(m.AppendTo(nil))
	}
	v1 := func(offset, at int64, attrs int8, value string) []byte {
		m := kmsg.MessageV1{Offset: offset, Magic: 1, Attributes: attrs, Timestamp: at, Value: []byte(value)}
		return sealMessage(m.AppendTo(nil))
	}
	inner := append(v1(0, 7001, 0, "d"), v1(2, 7002, 0, "e")...) // relative to the set's first offset, one was compacted away
	packed, _ := compressor(t, kgo.GzipCompression()).Compress(new(bytes.Buffer), inner)
	l := &craftedLog{end: 8, batches: [][]byte{
		v0(0, "a"), v0(1, "b"), v1(3, 5000, 0, "c"), v1(6, 7002, 1, string(packed)), plainBatch(7, "f").plain(t),
	}}
	k := openKafka(t, l.serve(t, "compact"), nil)
	got := mustRead(t, k, "a", Range{Next: 8})
	wantValues(t, got, "0:a", "1:b", "3:c", "4:d", "6:e", "7:f")
	if got.Compacted != 2 {
		t.Errorf("holes: %+v", got)
	}
	var times []int64
	for _, r := range got.Records {
		times = append(times, r.Timestamp)
	}
	if diff := cmp.Diff([]int64{-1, -1, 5000, 7001, 7002, 1000}, times); diff != "" {
		t.Errorf("timestamps (-want +got):\n%s", diff)
	}
	got = mustRead(t, k, "a", Range{First: 1, Next: 5})
	wantValues(t, got, "1:b", "3:c", "4:d")
}

// sealMessage sets length and checksum of a message of magic 0 or 1.
func sealMessage(b []byte) []byte {
	binary.BigEndian.PutUint32(b[8:], uint32(len(b)-frameBytes))
	binary.BigEndian.PutUint32(b[12:], crc32.ChecksumIEEE(b[16:]))
	return b
}
