package jobs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/extract"
	"shadoof/offsets"
)

func TestBundlesAreAsManyAsFilesOfGoodSizeAllow(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	hourly := yield{offsets: 1000, bytes: 100_000, files: 2, largest: 90_000} // 100 bytes each, nearly all in one bucket
	for name, c := range map[string]struct {
		yield   yield
		offsets int64
		target  int64
		most    int
		want    int
	}{
		"a new topic with little":                           {yield{}, 1_000_000, 256 * mib, 8, 1},
		"a new topic with 24 large buckets":                 {yield{}, 24 * 4_000_000, 256 * mib, 64, 17},
		"little, known":                                     {hourly, 1000, 256 * mib, 8, 1},
		"a bucket of a gigabyte":                            {yield{offsets: 10, bytes: 1 << 30, files: 1, largest: 1 << 30}, 10, 256 * mib, 64, 8},
		"a bucket of a gigabyte, on few processors":         {yield{offsets: 10, bytes: 1 << 30, files: 1, largest: 1 << 30}, 10, 256 * mib, 4, 4},
		"many small buckets, so many that the work is much": {yield{offsets: 1000, bytes: 100_000, files: 1000, largest: 200}, 30_000_000, 256 * mib, 64, 5},
		"small target":                                      {hourly, 1000, 1, 3, 3},
	} {
		bytes, bucket := c.yield.expect(c.offsets)
		if got := bundles(bytes, bucket, c.target, c.most); got != c.want {
			t.Errorf("%s: %d bundles, want %d", name, got, c.want)
		}
	}
}

func TestBundlesGetEquallyMuch(t *testing.T) {
	t.Parallel()
	r := func(partition int32, n int64) extract.Range { return extract.Range{Partition: partition, Next: n} }
	got := divide([]extract.Range{r(3, 50), r(0, 40), r(1, 30), r(2, 20), r(4, 1)}, 2)
	want := [][]extract.Range{{r(3, 50), r(2, 20), r(4, 1)}, {r(0, 40), r(1, 30)}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := divide([]extract.Range{r(0, 1)}, 9); len(got) != 1 {
		t.Errorf("one range became %v", got)
	}
}

func TestAYieldKnowsItsLargestBucket(t *testing.T) {
	t.Parallel()
	file := func(bucket string, bytes int64) offsets.File { return offsets.File{Bucket: bucket, Bytes: bytes} }
	got := yieldOf(&offsets.Lift{Bundles: []offsets.Bundle{
		{Segments: []offsets.Segment{{From: 5, To: 10}, {Partition: 1, From: 0, To: 7}}, Files: []offsets.File{file("a", 10), file("b", 25)}},
		{Segments: []offsets.Segment{{Partition: 2, From: 0, To: 8}}, Files: []offsets.File{file("a", 20)}},
	}})
	if want := (yield{offsets: 20, bytes: 55, files: 3, largest: 30}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// Two bundles of an attempt may begin at the same offset of their partitions, in the same bucket.
func TestFilesOfTwoBundlesHaveTheirOwnNames(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	topic := w.source.create("orders", strings.Repeat("ab", 16), 6)
	for p := range 6 {
		topic.add(p, 100, day, time.Second)
	}
	w.configure(strings.Replace(testConfig, "target_size: 1MiB", "target_size: 1KiB", 1)) // so that there are several bundles
	e := w.process(w.store)
	e.parallel = 4
	r := w.run(e)
	if got := r.Topics[0]; r.ExitCode() != ExitDone || got.Rows != 600 {
		t.Fatal(reportText(r))
	}
	w.checkVerified("after the run")
}
