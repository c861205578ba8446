package local

import (
	"context"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"shadoof/extract"
	"shadoof/record"
	"shadoof/writers"
)

// cluster is as much of a Kafka as a run needs: one topic, whose partitions hold a record at each offset.
type cluster struct {
	topic string
	times [][]time.Time // of the records, by partition
}

const topicID = "abababababababababababababababab"

// more is the cluster after n more records in each partition, a step of time apart.
func (c *cluster) more(n int, from time.Time, step time.Duration) *cluster {
	next := &cluster{topic: c.topic, times: make([][]time.Time, len(c.times))}
	for p, times := range c.times {
		next.times[p] = append(next.times[p], times...)
		for i := range n {
			next.times[p] = append(next.times[p], from.Add(time.Duration(i)*step))
		}
	}
	return next
}

func (c *cluster) Topics(context.Context) ([]string, error) { return []string{c.topic}, nil }

func (c *cluster) Describe(context.Context, string) (*extract.Topic, error) {
	d := &extract.Topic{Cluster: "cluster", Name: c.topic, ID: topicID}
	for p, times := range c.times {
		end := int64(len(times))
		d.Partitions = append(d.Partitions, extract.Partition{Partition: int32(p), LastStable: end, HighWatermark: end})
	}
	return d, nil
}

func (c *cluster) Ends(context.Context, []string) (map[string]map[int32]int64, error) {
	ends := map[int32]int64{}
	for p, times := range c.times {
		ends[int32(p)] = int64(len(times))
	}
	return map[string]map[int32]int64{c.topic: ends}, nil
}

func (c *cluster) Serves(context.Context, *extract.Topic) (bool, error) { return true, nil }

func (c *cluster) EpochEnds(_ context.Context, _ string, epochs map[int32]int32) (map[int32]extract.EpochEnd, error) {
	ends := map[int32]extract.EpochEnd{}
	for p := range epochs {
		ends[p] = extract.EpochEnd{Epoch: -1, End: -1}
	}
	return ends, nil
}

func (c *cluster) OffsetsAt(_ context.Context, _ string, at time.Time) (map[int32]int64, error) {
	offsets := map[int32]int64{}
	for p, times := range c.times {
		o := 0
		for o < len(times) && times[o].Before(at) {
			o++
		}
		offsets[int32(p)] = int64(o)
	}
	return offsets, nil
}

func (c *cluster) Mark(_ context.Context, _ string, partition int32, next int64) (*extract.Mark, error) {
	if next <= 0 || next > int64(len(c.times[partition])) {
		return nil, nil
	}
	return c.mark(partition, next-1), nil
}

func (c *cluster) mark(partition int32, offset int64) *extract.Mark {
	return &extract.Mark{Offset: offset, Timestamp: c.times[partition][offset].UnixMilli(), CRC: uint32(offset)}
}

func (c *cluster) Read(ctx context.Context, r extract.ReadRequest) iter.Seq2[*extract.Batch, error] {
	return func(yield func(*extract.Batch, error) bool) {
		for _, rng := range r.Ranges {
			for at := rng.First; at < rng.Next; {
				b := &extract.Batch{Partition: rng.Partition, First: at, Next: min(at+7, rng.Next)}
				for ; at < b.Next; at++ {
					ms := c.times[rng.Partition][at].UnixMilli()
					b.Records = append(b.Records, record.Raw{Partition: rng.Partition, Offset: at, Timestamp: ms, Key: []byte("k"), Value: []byte("v")})
					b.MaxTime, b.Mark = max(b.MaxTime, ms), c.mark(rng.Partition, at)
				}
				if !yield(b, ctx.Err()) {
					return
				}
			}
		}
	}
}

// lines are files of a line for each row: partition and offset.
type lines struct{}

func (lines) Extension() string { return ".parquet" }

func (lines) NewEncoder(w io.Writer, _ *record.Schema, _ map[string]string) (writers.Encoder, error) {
	return &lineEncoder{w: w}, nil
}

type lineEncoder struct {
	w io.Writer
	n int64
}

func (e *lineEncoder) print(format string, args ...any) error {
	n, err := fmt.Fprintf(e.w, format, args...)
	e.n += int64(n)
	return err
}

func (e *lineEncoder) WriteRows(c *record.Columns) error {
	var partitions, offsets *record.Column
	for i := range c.Leaves {
		switch c.Leaves[i].Path[0] {
		case record.PartitionColumn:
			partitions = &c.Leaves[i]
		case record.OffsetColumn:
			offsets = &c.Leaves[i]
		}
	}
	for i := range offsets.Int64s {
		if err := e.print("%d %d\n", partitions.Int32s[i], offsets.Int64s[i]); err != nil {
			return err
		}
	}
	return nil
}

func (e *lineEncoder) Close() error    { return e.print("end\n") }
func (e *lineEncoder) Written() int64  { return e.n }
func (e *lineEncoder) Buffered() int64 { return 0 }

func (lines) Identity(_ context.Context, r io.ReaderAt, size int64) (writers.Identity, error) {
	id := writers.Identity{HasKafkaColumns: true}
	b := make([]byte, size)
	if _, err := r.ReadAt(b, 0); err != nil && err != io.EOF {
		return id, err
	}
	found, err := parseLines(string(b))
	for _, row := range found {
		id.Add(row.partition, row.offset)
		id.Rows++
	}
	return id, err
}

type row struct {
	partition int32
	offset    int64
}

// parseLines returns the rows of a file that is whole.
func parseLines(text string) (found []row, err error) {
	text, whole := strings.CutSuffix(text, "end\n")
	if !whole {
		return nil, io.ErrUnexpectedEOF
	}
	for line := range strings.Lines(text) {
		var r row
		if _, err := fmt.Sscan(line, &r.partition, &r.offset); err != nil {
			return nil, fmt.Errorf("%q: %w", line, err)
		}
		found = append(found, r)
	}
	return found, nil
}
