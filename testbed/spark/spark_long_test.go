//go:build long

package spark_test

import (
	"context"
	"errors"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/servers"
	"shadoof/testbed/spark"
)

// Spark shows what pyarrow wrote: the test of what other tests compare by.
func TestSparkReadsRowsAndRefuses(t *testing.T) {
	t.Parallel()
	const script = `import sys, pyarrow as pa, pyarrow.parquet as pq
rows = [{"_kafka_partition": p, "_kafka_offset": o, "v": v} for p, o, v in ((1, 2, None), (1, 1, {"n": float("nan"), "m": [("b", b"\xff"), ("a", None)]}), (0, 9, {"n": 0.5, "m": []}))]
kafka = [("_kafka_partition", pa.int32()), ("_kafka_offset", pa.int64())]
pq.write_table(pa.Table.from_pylist(rows, pa.schema(kafka + [("v", pa.struct([("n", pa.float64()), ("m", pa.map_(pa.string(), pa.binary()))]))])), sys.argv[1] + "/rows.parquet")
pq.write_table(pa.table({"t": pa.array([1], pa.time64("us"))}), sys.argv[1] + "/time.parquet")`
	folder := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), servers.Readers(t).Python(), "-c", script, folder).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s, err := spark.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close(false)
	want := []string{
		`{"_kafka_partition":0,"_kafka_offset":9,"v":{"n":0.5,"m":[]}}`,
		`{"_kafka_partition":1,"_kafka_offset":1,"v":{"n":"NaN","m":[["a",null],["b","/w=="]]}}`,
		`{"_kafka_partition":1,"_kafka_offset":2,"v":null}`,
	}
	for _, o := range []spark.Options{{}, {RowByRow: true}} {
		got, err := s.Rows(t.Context(), filepath.Join(folder, "rows.parquet"), o)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%+v: (-want +got)\n%s", o, diff)
		}
	}
	if _, err := s.Rows(t.Context(), filepath.Join(folder, "time.parquet"), spark.Options{}); !errors.Is(err, spark.ErrRefused) {
		t.Errorf("a time of day: %v", err)
	}
	types, err := s.Types(t.Context(), filepath.Join(folder, "rows.parquet"), spark.Options{})
	if diff := cmp.Diff(map[string]string{"_kafka_partition": "int", "_kafka_offset": "bigint", "v": "struct<n:double,m:map<string,binary>>"}, types); err != nil || diff != "" {
		t.Errorf("types: %v (-want +got)\n%s", err, diff)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Types(ctx, folder, spark.Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after its context: %v", err)
	}
}
