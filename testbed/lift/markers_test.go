package lift_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// completing asks for markers. What is idle is so after a second, since tests wait for it.
const completing = "complete: {marker: _SUCCESS, lateness: 10m, idle: 1s}\n"

// hours is a topic of yesterday, to which a test adds records of the times that it wants.
type hours struct {
	t       *testing.T
	topic   string
	plain   *kgo.Client
	open    *kgo.Client // for transactions
	day     time.Time
	records []sent
	brokers []string
}

// A sent record, as readers must find it.
type sent struct {
	at          time.Time
	partition   int32
	offset, seq int64
}

// digest is what readers must find of the records from an hour such as 07 on.
func (h *hours) digest(hour int) readers.Digest {
	d := readers.Digest{}
	for _, r := range h.records {
		if r.at.Hour() >= hour {
			d.Add(r.partition, r.offset, r.seq)
		}
	}
	return d
}

func newHours(t *testing.T, partitions int32) *hours {
	t.Helper()
	h := &hours{t: t, topic: produce.Name("hours"), day: time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, -1), brokers: servers.Kafka(t).Brokers()}
	client := func(opts ...kgo.Opt) *kgo.Client {
		c, err := kgo.NewClient(append(opts, kgo.SeedBrokers(h.brokers...), kgo.DefaultProduceTopic(h.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.UnknownTopicRetries(30))...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		return c
	}
	h.plain, h.open = client(), client(kgo.TransactionalID(h.topic))
	if _, err := kadm.NewClient(h.plain).CreateTopic(bounded(t), partitions, 1, nil, h.topic); err != nil {
		t.Fatal(err)
	}
	return h
}

// add adds n records to a partition, one a minute from a time such as 07:00 on. Those of an open transaction count when it was ended.
func (h *hours) add(by *kgo.Client, partition int32, n int, from string) {
	h.t.Helper()
	at, err := time.Parse("15:04", from)
	if err != nil {
		h.t.Fatal(err)
	}
	var records []*kgo.Record
	for i := range n {
		ts := h.day.Add(time.Duration(at.Hour())*time.Hour + time.Duration(at.Minute()+i)*time.Minute)
		value, err := json.Marshal(produce.Body{Seq: int64(len(h.records) + i), Partition: partition, Time: ts.UnixMilli(), Fate: produce.Plain})
		if err != nil {
			h.t.Fatal(err)
		}
		records = append(records, &kgo.Record{Partition: partition, Timestamp: ts, Value: value})
	}
	if err := by.ProduceSync(bounded(h.t), records...).FirstErr(); err != nil {
		h.t.Fatal(err)
	}
	for _, r := range records {
		h.records = append(h.records, sent{r.Timestamp, partition, r.Offset, int64(len(h.records))})
	}
}

func (h *hours) begin() {
	if err := h.open.BeginTransaction(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *hours) commit() {
	if err := h.open.EndTransaction(bounded(h.t), kgo.TryCommit); err != nil {
		h.t.Fatal(err)
	}
}

// folder of an hour such as 07.
func (h *hours) folder(hour string) string {
	return h.topic + "/dt=" + h.day.Format(time.DateOnly) + "/hr=" + hour
}

// hour is a line of `shadoof hours --json`.
type hour struct {
	Bucket   string
	Rows     int64
	Late     int64
	Complete bool
	Why      string
	Waiting  []struct {
		Partition int32
		Open      int64
	}
}

func hoursOf(t *testing.T, j *product.Job) (out []hour) {
	t.Helper()
	for line := range strings.Lines(j.Must(t, 0, "hours", "--topic", j.Topic, "--all", "--json").Stdout) {
		var h hour
		product.Outcome{Stdout: line}.JSON(t, &h)
		out = append(out, h)
	}
	return out
}

// said is each hour in short: its number, its rows and late rows, whether it is complete.
func said(list []hour) (out []string) {
	for _, h := range list {
		out = append(out, fmt.Sprintf("%s %d %d %t", h.Bucket[len(h.Bucket)-2:], h.Rows, h.Late, h.Complete))
	}
	return out
}

// marked are the hours that have a marker.
func marked(t *testing.T, j *product.Job) (out []string) {
	t.Helper()
	for _, key := range j.Root.Keys(t, j.Topic+"/") {
		if folder, ok := strings.CutSuffix(key, "/_SUCCESS"); ok {
			out = append(out, folder[len(folder)-2:])
		}
	}
	slices.Sort(out)
	return out
}

func wantMarked(t *testing.T, j *product.Job, what string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, marked(t, j)); diff != "" {
		t.Errorf("%s: markers -want +got\n%s", what, diff)
	}
}

// runUntil runs until the hours have markers: partitions must have stood for a second.
func runUntil(t *testing.T, j *product.Job, want ...string) {
	t.Helper()
	for range 30 {
		j.Must(t, 0, "run")
		if slices.Equal(marked(t, j), want) {
			return
		}
		pause(t)
	}
	t.Fatalf("marked are %q, want %q\n%s", marked(t, j), want, j.Must(t, 0, "hours", "--topic", j.Topic).Stdout)
}

// TestMarkers has one partition that runs ahead, one that stands, one that is empty, and one behind an open transaction. A folder is
// marked when all have passed it, and what comes later is late.
func TestMarkers(t *testing.T) {
	t.Parallel()
	for name, root := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHours(t, 4)
			j := product.NewJob(t, h.brokers, root(t), h.topic, smallGlobal, completing)
			l := product.Watch(t, j)
			h.add(h.plain, 0, 240, "07:00")
			h.add(h.plain, 1, 10, "07:05")
			h.add(h.plain, 3, 20, "07:00")
			h.begin()
			h.add(h.open, 3, 60, "07:30")
			j.Must(t, 0, "run")
			for tries := 0; ; tries++ {
				waiting := hoursOf(t, j)[0].Waiting
				if len(waiting) == 1 && waiting[0].Partition == 3 && waiting[0].Open > 0 {
					break
				}
				if tries == 30 {
					t.Fatalf("waiting: %+v", waiting)
				}
				pause(t)
			}
			j.Must(t, 0, "run")
			wantMarked(t, j, "partition 3 stands at 07:20")

			h.commit()
			h.begin()
			h.add(h.open, 3, 1, "09:30")
			runUntil(t, j, "07") // partition 3 stands at 08:29
			h.add(h.plain, 0, 3, "07:10")
			h.add(h.plain, 1, 2, "08:45")
			j.Must(t, 0, "run")
			wantMarked(t, j, "what is late changes nothing", "07")
			if diff := cmp.Diff([]string{"07 123 3 true", "08 92 0 false", "09 60 0 false", "10 60 0 false"}, said(hoursOf(t, j))); diff != "" {
				t.Errorf("hours: -want +got\n%s", diff)
			}

			h.commit()
			runUntil(t, j, "07", "08", "09", "10")
			h.add(h.plain, 2, 1, "08:00") // the empty one was taken for idle
			j.Must(t, 0, "run")
			if diff := cmp.Diff([]string{"07 123 3 true", "08 93 1 true", "09 61 0 true", "10 60 0 true"}, said(hoursOf(t, j))); diff != "" {
				t.Errorf("hours: -want +got\n%s", diff)
			}
			l.End()
			for _, hour := range []string{"07", "08", "09", "10"} {
				if l.Judged(h.folder(hour)) == 0 {
					t.Errorf("the lister never judged the marker of %s", hour)
				}
			}
			checkDigest(t, j, h.digest(7))
			checkReaders(t, j, len(h.records))
		})
	}
}

// checkReaders reads a topic with markers in it by the folder and by globs, as the documentation has it.
func checkReaders(t *testing.T, j *product.Job, rows int) {
	t.Helper()
	env, folder := servers.Readers(t), j.Root.Folder(t, j.Topic)
	markers := 0
	err := filepath.WalkDir(folder, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.Name() != "_SUCCESS" {
			return err
		}
		markers++
		if i, err := d.Info(); err != nil || !i.Mode().IsRegular() || i.Size() > 0 {
			t.Errorf("%s is no empty file: %v, %v", path, i, err)
		}
		return nil
	})
	if err != nil || markers == 0 {
		t.Errorf("%d markers, %v", markers, err)
	}
	for _, reader := range readers.Parquet {
		got, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder, Columns: append([]string{"seq"}, readers.DefaultOrder...)})
		if err != nil || len(got) != rows {
			t.Errorf("%s reads %d rows, want %d; %v", reader, len(got), rows, err)
		}
	}
	const script = `import sys, polars, duckdb
glob = sys.argv[1] + "/**/*.parquet"
print(polars.scan_parquet(glob, hive_partitioning=True).select(polars.len()).collect().item(),
      polars.read_parquet(sys.argv[1]).height,
      duckdb.sql(f"select count(*) from read_parquet('{glob}', hive_partitioning = true)").fetchall()[0][0])`
	out, err := exec.CommandContext(t.Context(), env.Python(), "-c", script, filepath.ToSlash(folder)).CombinedOutput()
	if want := fmt.Sprintln(rows, rows, rows); err != nil || string(out) != want {
		t.Errorf("by globs: %s %v; want %s", out, err, want)
	}
}

// TestMarkersAfterKills kills runs, replaces and drops on their ways between files and markers. Whatever the next run finds, it brings
// to its end.
func TestMarkersAfterKills(t *testing.T) {
	t.Parallel()
	for name, root := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHours(t, 3) // one is empty
			j := product.NewJob(t, h.brokers, root(t), h.topic, smallGlobal, completing)
			l := product.Watch(t, j)
			h.add(h.plain, 0, 60, "07:00")
			h.add(h.plain, 1, 20, "07:00")
			j.Must(t, 0, "run")
			wantMarked(t, j, "nobody is idle yet")
			dieWhenDue(t, j, "complete-appended")
			wantMarked(t, j, "complete, and not carried out")
			if got := hoursOf(t, j)[0]; got.Complete || !strings.Contains(got.Why, "not carried out yet") {
				t.Errorf("hours says %+v", got)
			}
			j.Must(t, 0, "run")
			wantMarked(t, j, "the next run", "07")

			// All were idle a moment ago, so what comes now is late: the run that lifts it marks its folder, too.
			h.add(h.plain, 0, 60, "08:00")
			mustDie(t, j, "before-success", "run")
			wantMarked(t, j, "before the second marker", "07")
			j.Must(t, 0, "run")
			wantMarked(t, j, "the next run", "07", "08")

			h.add(h.plain, 0, 60, "09:00")
			mustDie(t, j, "mid-publish", "run") // visible, and not known to be
			j.Must(t, 0, "run")
			wantMarked(t, j, "published by the next run", "07", "08", "09")
			h.add(h.plain, 0, 60, "10:00")
			mustDie(t, j, "before-marker:2", "run") // the first is the commit's
			wantMarked(t, j, "written, and not known to be", "07", "08", "09", "10")
			j.Must(t, 0, "run")
			if diff := cmp.Diff([]string{"07 80 0 true", "08 60 60 true", "09 60 60 true", "10 60 60 true"}, said(hoursOf(t, j))); diff != "" {
				t.Errorf("hours: -want +got\n%s", diff)
			}

			replaceAndDrop(t, h, j)
			l.End()
			if l.Judged(h.folder("08")) == 0 {
				t.Error("the lister never judged the marker of 08")
			}
			checkDigest(t, j, h.digest(8)) // what is before was dropped
			collected(t, j)
		})
	}
}

// dieWhenDue runs until a folder is due and the run kills itself at a point.
func dieWhenDue(t *testing.T, j *product.Job, point string) {
	t.Helper()
	for range 30 {
		switch o := runToDie(t, j, point, "run"); o.Code {
		case -1:
			return
		case 0:
		default:
			t.Fatalf("%s: exit %d\n%s%s", point, o.Code, o.Stdout, o.Stderr)
		}
		pause(t)
	}
	t.Fatalf("nothing comes to %s", point)
}

// replaceAndDrop replaces 08 and drops 07.
func replaceAndDrop(t *testing.T, h *hours, j *product.Job) {
	t.Helper()
	at := func(hour string) string { return h.day.Format(time.DateOnly) + "T" + hour + ":00:00Z" }
	backfill := []string{"backfill", "--topic", j.Topic, "--from", at("08"), "--to", at("09"), "--replace", "--swap", "hide-first"}
	mustDie(t, j, "half-swapped", backfill...)
	without := marked(t, j)
	if slices.Contains(without, "08") {
		t.Errorf("half of 08 is swapped, and it has its marker: %q", without)
	}
	runUntil(t, j, "07", "08", "09", "10")
	j.Must(t, 0, backfill...)
	runUntil(t, j, "07", "08", "09", "10")

	drop := []string{"files", "drop", "--topic", j.Topic, "--before", at("08")}
	mustDie(t, j, "mid-removal", drop...)
	wantMarked(t, j, "07 is being dropped", "08", "09", "10")
	j.Must(t, 0, "run")
	j.Must(t, 0, drop...)
	j.Must(t, 0, "run")
	wantMarked(t, j, "07 is dropped", "08", "09", "10")
	if left := j.Root.Keys(t, h.folder("07")); len(left) > 0 {
		t.Errorf("left of 07: %q", left)
	}
}
