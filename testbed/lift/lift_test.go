// Package lift_test lifts real topics into real stores with the real binary, and reads the folders with the readers people use.
package lift_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// roots are the stores of the matrix.
func roots(t *testing.T) map[string]func(t *testing.T) *product.Root {
	return map[string]func(t *testing.T) *product.Root{
		"local": func(t *testing.T) *product.Root { return product.Local(t) },
		"s3": func(t *testing.T) *product.Root {
			s := servers.S3(t)
			return product.S3(t, s, s.Endpoint)
		},
		"hdfs": func(t *testing.T) *product.Root {
			c := servers.HDFS(t)
			return product.HDFS(t, c, c.Authority())
		},
	}
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// wantRows are the lines that a reader of the folder must print: each record with a value, once.
func wantRows(t *testing.T, r *produce.Result) []string {
	t.Helper()
	var out []string
	for _, at := range r.Offsets() {
		rec := r.Records[at]
		if rec.Value == nil {
			continue
		}
		var body produce.Body
		if err := json.Unmarshal(rec.Value, &body); err != nil {
			t.Fatal(err)
		}
		line, err := json.Marshal(map[string]any{
			"_kafka_partition": at.Partition, "_kafka_offset": at.Offset, "_kafka_timestamp": rec.Timestamp * 1e6,
			"seq": body.Seq, "key": body.Key, "partition": body.Partition, "time": body.Time * 1e6, "fate": body.Fate, "padding": body.Padding,
		})
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(line))
	}
	return out
}

// formats are the formats of files of the matrix, and who reads them.
var formats = map[string][]string{"parquet": readers.Parquet, "avro": {readers.FastAvro}}

// checkExact reads the topic's folder of Parquet files with every reader, and has the product verify it.
func checkExact(t *testing.T, j *product.Job, want *produce.Result) {
	t.Helper()
	checkExactAs(t, j, "parquet", want)
}

func checkExactAs(t *testing.T, j *product.Job, format string, want *produce.Result) {
	t.Helper()
	env := servers.Readers(t)
	folder := j.Root.Folder(t, j.Topic)
	rows := wantRows(t, want)
	for _, reader := range formats[format] {
		got, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder})
		if err != nil {
			t.Fatalf("%s: %v", reader, err)
		}
		if len(got) != len(rows) {
			t.Errorf("%s reads %d rows, want %d", reader, len(got), len(rows))
		}
		if diff := cmp.Diff(rows[:min(len(rows), len(got))], got[:min(len(rows), len(got))]); diff != "" {
			t.Errorf("%s: (-want +got)\n%.3000s", reader, diff)
		}
	}
	j.Must(t, 0, "verify", "--deep")
}

type runReport struct {
	Topics []struct {
		Topic       string  `json:"topic"`
		Outcome     string  `json:"outcome"`
		Rows        int64   `json:"rows"`
		Quarantined int64   `json:"quarantined"`
		Files       int     `json:"files"`
		Versions    []int64 `json:"versions"`
		Error       string  `json:"error"`
	} `json:"topics"`
}

func run(t *testing.T, j *product.Job) runReport {
	t.Helper()
	var r runReport
	j.Must(t, 0, "run", "--json").JSON(t, &r)
	return r
}

// TestMatrix lifts each kind of topic into each kind of store and of files.
func TestMatrix(t *testing.T) {
	t.Parallel()
	kinds := map[string]func(ctx context.Context, brokers []string) (*produce.Result, error){
		"plain": func(ctx context.Context, brokers []string) (*produce.Result, error) {
			return produce.PlainTopic(ctx, brokers, produce.Spec{Topic: produce.Name("plain"), Records: 20_000, Partitions: 2})
		},
		"transactional": func(ctx context.Context, brokers []string) (*produce.Result, error) {
			r, open, err := produce.TransactionalTopic(ctx, brokers, produce.Spec{Topic: produce.Name("transactional"), Records: 40_000, Partitions: 2}, produce.Transactions{LeaveOpen: 100})
			if open != nil {
				context.AfterFunc(t.Context(), open.Close)
			}
			return r, err
		},
		"compacted": func(ctx context.Context, brokers []string) (*produce.Result, error) {
			return produce.CompactedTopic(ctx, brokers, produce.Spec{Topic: produce.Name("compacted"), Records: 50_000, Partitions: 2, Keys: 21_000, Tombstones: 50})
		},
		"empty-partitions": func(ctx context.Context, brokers []string) (*produce.Result, error) {
			return produce.PlainTopic(ctx, brokers, produce.Spec{Topic: produce.Name("sparse"), Records: 20_000, Partitions: 12, Empty: 3})
		},
	}
	for kind, fill := range kinds {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			brokers := servers.Kafka(t).Brokers()
			want, err := fill(bounded(t), brokers)
			if err != nil {
				t.Fatal(err)
			}
			if kind == "compacted" && want.Holes() < 0.3 {
				t.Fatalf("only %.0f %% of the offsets are holes", want.Holes()*100)
			}
			for _, c := range cells(t) {
				t.Run(c.name+"-"+c.format, func(t *testing.T) {
					t.Parallel()
					j := product.NewJob(t, brokers, c.root(t), want.Topic, "", "output: {target_size: 64KiB, format: "+c.format+"}")
					first := run(t, j)
					tombstones := want.Digest.Rows() - int64(len(wantRows(t, want)))
					if got := first.Topics[0]; got.Rows+got.Quarantined != want.Digest.Rows() || got.Quarantined != tombstones {
						t.Errorf("lifted %d rows and %d quarantined, want %d and %d tombstones", got.Rows, got.Quarantined, want.Digest.Rows()-tombstones, tombstones)
					}
					checkExactAs(t, j, c.format, want)
					checkShape(t, j, c.format)
					if again := run(t, j).Topics[0]; again.Outcome != "up_to_date" || again.Files != 0 {
						t.Errorf("a second run: %+v", again)
					}
				})
			}
		})
	}
}

// A cell of the matrix is a store and a format.
type cell struct {
	name, format string
	root         func(t *testing.T) *product.Root
}

func cells(t *testing.T) (all []cell) {
	for name, root := range roots(t) {
		for format := range formats {
			all = append(all, cell{name, format, root})
		}
	}
	return all
}

// checkShape looks at the names of the files: at least three hours, more than one file in some hour, and nothing else in the folder.
func checkShape(t *testing.T, j *product.Job, format string) {
	t.Helper()
	hours := map[string]int{}
	most := 0
	for _, key := range j.Root.Keys(t, j.Topic+"/") {
		parts := strings.Split(key, "/")
		if len(parts) != 4 || !strings.HasSuffix(key, "."+format) {
			t.Errorf("%s does not belong into a topic's folder", key)
			continue
		}
		hour := parts[1] + "/" + parts[2]
		hours[hour]++
		most = max(most, hours[hour])
	}
	for _, key := range j.Root.Keys(t, "_shadoof/topics/"+j.Topic+"/quarantine/") {
		if !strings.HasSuffix(key, ".parquet") {
			t.Errorf("%s: quarantine files are Parquet files", key)
		}
	}
	if len(hours) < 3 || most < 2 {
		t.Errorf("files by hour: %v; want at least 3 hours, and 2 files in one of them", hours)
	}
}

// oneHour is a topic of which one hour is a file of 25 MB without compression.
func oneHour(t *testing.T) *produce.Result {
	t.Helper()
	random := func(b produce.Body) ([]byte, error) {
		r := rand.New(rand.NewPCG(uint64(b.Seq), 1))
		var s strings.Builder
		for range 75 {
			fmt.Fprintf(&s, "%016x", r.Uint64())
		}
		b.Padding = s.String()
		return json.Marshal(b)
	}
	want, err := produce.PlainTopic(bounded(t), servers.Kafka(t).Brokers(), produce.Spec{Topic: produce.Name("large"), Records: 22_000, Start: time.Date(2026, 11, 20, 7, 0, 0, 0, time.UTC), Span: 50 * time.Minute, Encode: random})
	if err != nil {
		t.Fatal(err)
	}
	return want
}

// TestAFileOfSeveralBlocks lifts one hour into one file of HDFS, whose blocks are as small as HDFS allows.
func TestAFileOfSeveralBlocks(t *testing.T) {
	t.Parallel()
	want := oneHour(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{BlockSize: hdfsbed.MinBlockSize})
	j := product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, c.Authority()), want.Topic, "", "output: {compression: none}")
	run(t, j)
	checkExact(t, j, want)
	keys := j.Root.Keys(t, j.Topic+"/")
	if len(keys) != 1 {
		t.Fatalf("files %q, want one", keys)
	}
	s, err := c.FS(hdfsbed.User).Stat(t.Context(), j.Root.Dir()+"/"+keys[0])
	if err != nil {
		t.Fatal(err)
	}
	if s.BlockSize != hdfsbed.MinBlockSize || s.Length < 20*s.BlockSize || s.Replication != 1 || s.Owner != hdfsbed.User {
		t.Errorf("the file is %+v", s)
	}
}

// TestAFileOfSeveralParts lifts one hour into one S3 object of at least three parts.
func TestAFileOfSeveralParts(t *testing.T) {
	t.Parallel()
	want, brokers := oneHour(t), servers.Kafka(t).Brokers()
	s := servers.S3(t)
	j := product.NewJob(t, brokers, product.S3(t, s, s.Endpoint), want.Topic, "", "output: {compression: none}")
	run(t, j)
	checkExact(t, j, want)
	keys := j.Root.Keys(t, j.Topic+"/")
	if len(keys) != 1 {
		t.Fatalf("files %q, want one", keys)
	}
	var rec struct {
		Bundles []struct {
			Files []struct {
				Token struct {
					Parts []json.RawMessage `json:"parts"`
				} `json:"token"`
			} `json:"files"`
		} `json:"bundles"`
	}
	o := j.Must(t, 0, "commits", "show", "2", "--topic", j.Topic, "--json")
	o.JSON(t, &rec)
	if len(rec.Bundles) != 1 || len(rec.Bundles[0].Files) != 1 || len(rec.Bundles[0].Files[0].Token.Parts) < 3 {
		t.Errorf("the file does not have three parts: %.2000s", o.Stdout)
	}
}
