package jobs

import (
	"cmp"
	"context"
	"math"
	"slices"

	"shadoof/extract"
	"shadoof/offsets"
)

// A yield is what offsets of a topic became, by its last commit.
type yield struct {
	offsets int64 // that it covered
	bytes   int64 // of its files
	files   int64
	largest int64 // bytes of the files in its largest bucket
}

func yieldOf(l *offsets.Lift) yield {
	y := yield{}
	if l == nil {
		return y
	}
	buckets := map[string]int64{}
	for _, b := range l.Bundles {
		for _, s := range b.Segments {
			y.offsets += s.To - s.From
		}
		for _, f := range b.Files {
			y.bytes += f.Bytes
			y.files++
			buckets[f.Bucket] += f.Bytes
			y.largest = max(y.largest, buckets[f.Bucket])
		}
	}
	return y
}

// What is assumed of a topic without a commit.
const (
	guessedBytes   = 100 // of a file for each offset
	guessedBuckets = 24
)

// enough is when files of a run, taken together, are so many bytes that they may be divided for the sake of speed alone: with fewer,
// one lifter is done within seconds.
const enough = 512 << 20

// expect says how many bytes of files so many offsets become, and how many of them lie in one bucket.
func (y yield) expect(offsets int64) (bytes, bucket int64) {
	if y.offsets == 0 || y.bytes == 0 {
		bytes = offsets * guessedBytes
		return bytes, bytes / guessedBuckets
	}
	bytes = y.bytesOf(offsets)
	return bytes, min(bytes, y.largest)
}

// bytesOf is 0 when nothing is known.
func (y yield) bytesOf(offsets int64) int64 {
	if y.offsets == 0 {
		return 0
	}
	return int64(float64(y.bytes) / float64(y.offsets) * float64(offsets))
}

// bundles says into how many bundles to divide what becomes so many bytes, with so many in one bucket. Each bundle has a file of its
// own in each bucket: so many that those files have half their target size at least; or as many as the work is worth.
func bundles(bytes, bucket, target int64, most int) int {
	bySize := bucket / max(1, target/2)
	byWork := bytes / enough
	return int(min(max(1, bySize, byWork), int64(most)))
}

// divide puts ranges together into bundles of about the same number of offsets. Ranges come longest first.
func divide(ranges []extract.Range, into int) [][]extract.Range {
	parts := make([][]extract.Range, min(into, len(ranges)))
	sums := make([]int64, len(parts))
	for _, r := range ranges {
		least := 0
		for i, sum := range sums {
			if sum < sums[least] {
				least = i
			}
		}
		parts[least] = append(parts[least], r)
		sums[least] += r.Len()
	}
	return parts
}

// divide chooses the bundles of an attempt.
func (w *worker) divide(ranges []extract.Range, y yield) [][]extract.Range {
	bytes, bucket := y.expect(left(ranges))
	bytes = min(bytes, w.job.CommitEvery.Bytes) // the attempt ends there at the latest
	if most := w.limits.max.Bytes; most > 0 {
		bytes = min(bytes, most)
	}
	return divide(ranges, bundles(bytes, bucket, w.set.Output.TargetSize, w.env.parallel))
}

// lastRecords are looked through for the newest commit where it only serves an estimate.
const lastRecords = 10

// lastLift is the newest lift among so many records of the log; nil when there is none. It is among the last few nearly always.
func (w *worker) lastLift(ctx context.Context, records int64) (*offsets.Lift, error) {
	l, all := w.log.LastLift()
	if l != nil || all {
		return l, nil
	}
	newest := w.log.State().V
	for v := newest; v > max(0, newest-records); v-- {
		r, err := w.log.Record(ctx, v)
		if err != nil {
			return nil, err
		}
		if l := r.Lift(); l != nil {
			return l, nil
		}
	}
	return nil, nil
}

func longestFirst(ranges []extract.Range) {
	slices.SortFunc(ranges, func(a, b extract.Range) int {
		return cmp.Or(cmp.Compare(b.Len(), a.Len()), cmp.Compare(a.Partition, b.Partition))
	})
}

// oldestFirst orders what is read at the same time, and among that the partitions, by the newest record that was committed of each: those
// that a run does not come to are the first in the next one. Of what has none nothing is known, so it comes first.
func oldestFirst(parts [][]extract.Range, s *offsets.State) {
	committed := func(r extract.Range) int64 {
		if m := s.Partitions[r.Partition].Mark; m != nil {
			return m.Timestamp
		}
		return math.MinInt64
	}
	for _, part := range parts {
		slices.SortStableFunc(part, func(a, b extract.Range) int { return cmp.Compare(committed(a), committed(b)) })
	}
	slices.SortStableFunc(parts, func(a, b []extract.Range) int { return cmp.Compare(committed(a[0]), committed(b[0])) })
}

// ranges is how many there are.
func ranges(parts [][]extract.Range) (n int) {
	for _, part := range parts {
		n += len(part)
	}
	return n
}

func sortBundles(b []offsets.Bundle) {
	for _, bundle := range b {
		slices.SortFunc(bundle.Segments, func(a, b offsets.Segment) int { return cmp.Compare(a.Partition, b.Partition) })
	}
	slices.SortFunc(b, func(a, b offsets.Bundle) int { return cmp.Compare(a.Segments[0].Partition, b.Segments[0].Partition) })
}
