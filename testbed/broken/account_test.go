package broken_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// A version is a record of a topic's log, as `commits show` prints it.
type version struct {
	V          int64    `json:"v"`
	Type       string   `json:"type"`
	Published  bool     `json:"published"`
	Bundles    []bundle `json:"bundles"`
	Remove     []ref    `json:"remove"`
	Partitions []struct {
		Partition int32 `json:"partition"`
		Start     int64 `json:"start"`
	} `json:"partitions"`
}

type ref struct {
	V      int64 `json:"v"`
	Bundle int   `json:"bundle"`
}

type bundle struct {
	Segments []struct {
		Partition int32          `json:"partition"`
		From      int64          `json:"from"`
		To        int64          `json:"to"`
		Gaps      map[string]any `json:"gaps"`
	} `json:"segments"`
	Files []file `json:"files"`
}

type file struct {
	Key    string `json:"key"`
	Kind   string `json:"kind"`
	Rows   int64  `json:"rows"`
	Ranges []struct {
		Partition int32 `json:"partition"`
		First     int64 `json:"first"`
		Last      int64 `json:"last"`
		Rows      int64 `json:"rows"`
	} `json:"ranges"`
	Reasons map[string]int64 `json:"reasons"`
}

// versions reads the whole log, of which everything is published.
func versions(t *testing.T, j *product.Job) []version {
	t.Helper()
	log := versionsAsTheyAre(t, j)
	for _, v := range log {
		if !v.Published {
			t.Errorf("version %d is not published", v.V)
		}
	}
	return log
}

// versionsAsTheyAre may be unpublished.
func versionsAsTheyAre(t *testing.T, j *product.Job) (out []version) {
	t.Helper()
	for v := range strings.Lines(j.Must(t, 0, "commits", "list", "--topic", j.Topic, "--json").Stdout) {
		var listed struct{ V int64 }
		if err := json.Unmarshal([]byte(v), &listed); err != nil {
			t.Fatal(err)
		}
		var full version
		j.Must(t, 0, "commits", "show", fmt.Sprint(listed.V), "--topic", j.Topic, "--json").JSON(t, &full)
		out = append(out, full)
	}
	return out
}

// live are the bundles that no replace has removed.
func live(versions []version) map[ref]bundle {
	out := map[ref]bundle{}
	for _, v := range versions {
		for _, r := range v.Remove {
			delete(out, r)
		}
		for i, b := range v.Bundles {
			out[ref{v.V, i}] = b
		}
	}
	return out
}

// counts is what there is of a range of offsets.
type counts struct {
	Rows        int64
	Quarantined int64
	Gaps        int64
}

// checkAccount compares the log with what was produced: for each partition of each bundle rows + quarantined + gaps are its offsets, each
// of them as many as they have to be, and the bundles are all offsets, each once.
func checkAccount(t *testing.T, j *product.Job, tp *topic) {
	t.Helper()
	log := versions(t, j)
	bundles := live(log)
	next := map[int32]int64{}
	for _, p := range log[0].Partitions {
		next[p.Partition] = p.Start
	}
	covered := map[int32]int64{}
	data := []string{}
	for at, b := range bundles {
		wantReasons, gotReasons := map[string]int64{}, map[string]int64{}
		for _, f := range b.Files {
			for r, n := range f.Reasons {
				gotReasons[r] += n
			}
			if f.Kind == "data" {
				data = append(data, f.Key)
			}
		}
		for _, s := range b.Segments {
			covered[s.Partition] += s.To - s.From
			want, reasons := tp.counts(s.Partition, s.From, s.To)
			for r, n := range reasons {
				wantReasons[r] += n
			}
			got := counts{Gaps: gapsOf(t, s.Gaps)}
			for _, f := range b.Files {
				if n := f.rowsOf(s.Partition, s.From, s.To); f.Kind == "data" {
					got.Rows += n
				} else {
					got.Quarantined += n
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("version %d, bundle %d, partition %d, [%d,%d): -want +got\n%s", at.V, at.Bundle, s.Partition, s.From, s.To, diff)
			}
		}
		if diff := cmp.Diff(wantReasons, gotReasons); diff != "" {
			t.Errorf("version %d, bundle %d: records in quarantine by reason: -want +got\n%s", at.V, at.Bundle, diff)
		}
	}
	if diff := cmp.Diff(tp.Ends, covered); diff != "" {
		t.Errorf("offsets that the bundles cover: -ends +got\n%s", diff)
	}
	checkFiles(t, j, data)
	j.Must(t, 0, "verify", "--deep")
}

// checkFiles compares what `files` lists, and what lies in the topic's folder, with the log.
func checkFiles(t *testing.T, j *product.Job, data []string) {
	t.Helper()
	listed := []string{}
	for l := range strings.Lines(j.Must(t, 0, "files", "--topic", j.Topic, "--json").Stdout) {
		var f file
		if err := json.Unmarshal([]byte(l), &f); err != nil {
			t.Fatal(err)
		}
		if f.Kind == "data" {
			listed = append(listed, f.Key)
		}
	}
	slices.Sort(data)
	slices.Sort(listed)
	keys := j.Root.Keys(t, j.Topic+"/")
	slices.Sort(keys)
	if diff := cmp.Diff(data, listed); diff != "" {
		t.Errorf("files in the log and `files`: -log +files\n%s", diff)
	}
	if diff := cmp.Diff(data, keys); diff != "" {
		t.Errorf("files in the log and in the folder: -log +folder\n%s", diff)
	}
}

func (f *file) rowsOf(partition int32, from, to int64) (n int64) {
	for _, r := range f.Ranges {
		if r.Partition != partition || r.First < from || r.Last >= to {
			continue
		}
		if len(f.Ranges) == 1 {
			return f.Rows
		}
		n += r.Rows
	}
	return n
}

func gapsOf(t *testing.T, gaps map[string]any) (n int64) {
	for _, v := range gaps {
		count, ok := v.(float64)
		if !ok {
			t.Errorf("gaps %v, want none with ranges", gaps)
		}
		n += int64(count)
	}
	return n
}

// counts is what was produced.
func (tp *topic) counts(partition int32, from, to int64) (c counts, reasons map[string]int64) {
	reasons = map[string]int64{}
	for offset := from; offset < to; offset++ {
		o, ok := tp.made[produce.At{Partition: partition, Offset: offset}]
		switch {
		case !ok || o.reason == skipped:
			c.Gaps++
		case o.reason == "":
			c.Rows++
		default:
			c.Quarantined++
			reasons[o.reason]++
		}
	}
	return c, reasons
}

// skipped is the reason of what becomes a gap.
const skipped = "skipped"

// places are where records are that fulfil a condition, in order.
func (tp *topic) places(is func(outcome) bool) (out []produce.At) {
	for _, at := range tp.Offsets() {
		if is(tp.made[at]) {
			out = append(out, at)
		}
	}
	return out
}

// checkRows reads the folder of the topic.
func checkRows(t *testing.T, j *product.Job, tp *topic, by ...string) {
	t.Helper()
	var want []string
	for _, at := range tp.places(func(o outcome) bool { return o.reason == "" }) {
		want = append(want, tp.made[at].line)
	}
	folder := j.Root.Folder(t, j.Topic)
	if tp.f.by != nil {
		by = tp.f.by
	}
	for _, reader := range by {
		got, err := servers.Readers(t).Rows(t.Context(), readers.Query{Reader: reader, Folder: folder, Evolved: tp.evolved})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Errorf("%s reads %d rows, want %d", reader, len(got), len(want))
		}
		if n := min(len(got), len(want)); !slices.Equal(want[:n], got[:n]) {
			t.Errorf("%s: -want +got\n%.3000s", reader, cmp.Diff(want[:n], got[:n]))
		}
	}
}

// quarantineFolder is a copy of the quarantine files where the copy of a bucket has them: readers pass over names with _ below a folder.
func quarantineFolder(t *testing.T, j *product.Job) string {
	t.Helper()
	name := "_shadoof/topics/" + j.Topic + "/quarantine"
	folder := j.Root.Folder(t, name)
	if bucket, prefix := j.Root.Bucket(); bucket != "" {
		folder = filepath.Join(folder, prefix, name)
	}
	return folder
}

// A quarantined record, as readers of its files see it.
type quarantined struct {
	Partition int32   `json:"_kafka_partition"`
	Offset    int64   `json:"_kafka_offset"`
	Timestamp int64   `json:"_kafka_timestamp"`
	Key       *string `json:"key"`
	Value     *string `json:"value"`
	Reason    string  `json:"reason"`
	Detail    string  `json:"detail"`
}

// checkQuarantine reads the quarantine files: each record that is broken is there, for its reason, with the bytes that Kafka has.
func checkQuarantine(t *testing.T, j *product.Job, tp *topic) {
	t.Helper()
	want := tp.places(func(o outcome) bool { return o.reason != "" && o.reason != skipped })
	var lines []string
	if len(want) > 0 {
		folder := quarantineFolder(t, j)
		columns := []string{"_kafka_partition", "_kafka_offset", "_kafka_timestamp", "key", "value", "reason", "detail"}
		var err error
		if lines, err = servers.Readers(t).Rows(t.Context(), readers.Query{Reader: readers.PyArrow, Folder: folder, Columns: columns}); err != nil {
			t.Fatal(err)
		}
	}
	got := map[produce.At]quarantined{}
	for _, l := range lines {
		var q quarantined
		if err := json.Unmarshal([]byte(l), &q); err != nil {
			t.Fatal(err)
		}
		at := produce.At{Partition: q.Partition, Offset: q.Offset}
		if _, ok := got[at]; ok {
			t.Errorf("%s is twice in quarantine", at)
		}
		got[at] = q
	}
	wrong := 0
	for _, at := range want {
		q, ok := got[at]
		delete(got, at)
		if o := tp.made[at]; !ok || q.Reason != o.reason || !strings.Contains(q.Detail, o.detail) {
			if wrong++; wrong < 60 {
				t.Errorf("%s (%s): in quarantine %t, %s: %.200s; want %s with %q", at, o.kind, ok, q.Reason, q.Detail, o.reason, o.detail)
			}
		}
		if r := tp.Records[at]; ok && !q.is(r) {
			t.Errorf("%s: other bytes than in Kafka", at)
		}
	}
	for _, at := range slices.SortedFunc(maps.Keys(got), func(a, b produce.At) int { return int(a.Offset - b.Offset) }) {
		t.Errorf("%s (%s) is in quarantine and must not be: %s: %.200s", at, tp.made[at].kind, got[at].Reason, got[at].Detail)
	}
}

func (q quarantined) is(r produce.Record) bool {
	same := func(text *string, b []byte) bool {
		if text == nil || b == nil {
			return text == nil && b == nil
		}
		return *text == base64.StdEncoding.EncodeToString(b)
	}
	return same(q.Key, r.Key) && same(q.Value, r.Value) && q.Timestamp == r.Timestamp*1e6
}

// checkAll is all of it.
func checkAll(t *testing.T, j *product.Job, tp *topic, by ...string) {
	t.Helper()
	checkQuarantine(t, j, tp)
	checkRows(t, j, tp, by...)
	checkAccount(t, j, tp)
}
