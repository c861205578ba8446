package readers_test

import (
	"context"
	_ "embed"
	"errors"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

//go:embed testdata/write.py
var write string

// want is what testdata/write.py wrote, but for columns that only one format has.
var want = []string{
	`{"_kafka_offset":4,"_kafka_partition":0,"amount":"12.3400","blob":"AP8=","day":20000,"labels":[["a",1],["b",2]],"name":"zwei","nested":{"x":1,"y":"s"},"ratio":"NaN","seen":1700000000123000000,"tags":["t","u"]}`,
	`{"_kafka_offset":5,"_kafka_partition":0,"amount":"-0.0001","blob":"","day":-1,"labels":[],"name":"","nested":{"x":null,"y":""},"ratio":"-Infinity","seen":-1000000,"tags":[]}`,
	`{"_kafka_offset":3,"_kafka_partition":1,"amount":null,"blob":null,"day":null,"labels":null,"name":null,"nested":null,"ratio":null,"seen":null,"tags":null}`,
	`{"_kafka_offset":9,"_kafka_partition":1,"amount":"1.0000","blob":"aGk=","day":0,"labels":[["k",null]],"name":"späť","nested":{"x":2,"y":"z"},"ratio":0.1,"seen":0,"tags":[null,"v"]}`,
}

func written(t *testing.T, env *readers.Env) string {
	t.Helper()
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), env.Python(), "-c", write, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return folder
}

func TestReadersAgreeOnRows(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	folder := written(t, env)
	for _, reader := range append([]string{readers.FastAvro}, readers.Parquet...) {
		t.Run(reader, func(t *testing.T) {
			got, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: filepath.Join(folder, kind(reader))})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func kind(reader string) string {
	if reader == readers.FastAvro {
		return "avro"
	}
	return "parquet"
}

func TestDigestEqualsThatOfTheRows(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	folder := written(t, env)
	want := make(readers.Digest)
	want.Add(1, 9)
	want.Add(1, 3)
	want.Add(0, 4)
	want.Add(0, 5)
	for _, reader := range append([]string{readers.FastAvro}, readers.Parquet...) {
		q := readers.Query{Reader: reader, Folder: filepath.Join(folder, kind(reader))}
		// A column of Order is not counted a second time.
		for _, q.Columns = range [][]string{nil, {"_kafka_offset"}} {
			got, err := env.Digest(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: -want +got\n%s", reader, diff)
			}
		}
	}
	seen := readers.Query{Reader: readers.PyArrow, Folder: filepath.Join(folder, "parquet", "dt=2026-11-20", "hr=13"), Columns: []string{"seen"}}
	for _, seen.Reader = range readers.Parquet {
		got, err := env.Digest(t.Context(), seen)
		if err != nil {
			t.Fatal(err)
		}
		want := make(readers.Digest)
		want.Add(0, 4, 1700000000123*1e6)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", seen.Reader, diff)
		}
	}
	twice := make(readers.Digest)
	for range 2 {
		twice.Add(0, 4)
	}
	if twice.Rows() != 2 || twice["0"] == want["0"] {
		t.Errorf("a row that is there twice does not show: %v", twice)
	}
}

func TestHiveColumns(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	folder := filepath.Join(written(t, env), "parquet")
	for _, reader := range readers.Parquet {
		got, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder, Columns: []string{"_kafka_offset", "hr"}, Hive: true, Order: []string{"_kafka_offset"}})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 4 || !strings.Contains(got[0], `"hr":`) {
			t.Errorf("%s: %q", reader, got)
		}
	}
}

func TestEvolvedFilesGiveTheUnionOfTheirColumns(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	folder := t.TempDir()
	const script = `import sys, pyarrow as pa, pyarrow.parquet as pq
for name, rows in (("a", [{"id": 1, "old": "x"}]), ("b", [{"id": 2, "new": 0.5}])):
    pq.write_table(pa.Table.from_pylist(rows), f"{sys.argv[1]}/{name}.parquet")`
	if out, err := exec.CommandContext(t.Context(), env.Python(), "-c", script, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	want := []string{`{"id":1,"new":null,"old":"x"}`, `{"id":2,"new":0.5,"old":null}`}
	for _, reader := range readers.Parquet {
		got, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder, Evolved: true})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", reader, diff)
		}
	}
}

func TestQueryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	env, err := readers.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer env.Close(false)
	folder := filepath.Join(written(t, env), "parquet")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := env.Rows(ctx, readers.Query{Reader: readers.DuckDB, Folder: folder}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if got, err := env.Rows(t.Context(), readers.Query{Reader: readers.DuckDB, Folder: folder}); err != nil || len(got) != len(want) {
		t.Errorf("%d rows, %v", len(got), err)
	}
}

func TestMissingFolderIsAnErrorAndTheNextQueryWorks(t *testing.T) {
	t.Parallel()
	env := servers.Readers(t)
	folder := filepath.Join(written(t, env), "parquet")
	for _, reader := range readers.Parquet {
		if _, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: filepath.Join(folder, "nothing-here")}); err == nil {
			t.Errorf("%s read a folder that does not exist", reader)
		}
		if got, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder}); err != nil || len(got) != len(want) {
			t.Errorf("%s: %d rows, %v", reader, len(got), err)
		}
	}
}
