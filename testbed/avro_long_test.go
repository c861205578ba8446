//go:build long

package testbed_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/testbed/avrotools"
	"shadoof/writers/sample"
)

func TestAvroFilesOfManyRandomSchemasAreReadAlike(t *testing.T) {
	t.Parallel()
	compareAvro(t, 100, 1500)
}

// Avro's own program reads what was written, also the types of which the readers in Python know nothing.
func TestAvroToolsReadTheSame(t *testing.T) {
	t.Parallel()
	tools, err := avrotools.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	codecs := map[string]string{"zstd": "zstandard", "snappy": "snappy", "gzip": "deflate", "none": "null"}
	for seed := range uint64(24) {
		compression := avroCompressions[seed%4]
		r := rand.New(rand.NewPCG(seed, 28))
		s := sample.Named(sample.Every())
		if seed >= 4 {
			s = sample.Schema(r, 8, int(seed%6))
		}
		path := filepath.Join(t.TempDir(), "file.avro")
		want := writeAs(t, avroFormat(t, compression), path, r, s, 2, 100)
		lines, err := tools.Rows(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		var got []map[string]any
		for _, line := range lines {
			d := json.NewDecoder(strings.NewReader(line))
			d.UseNumber()
			var v map[string]any
			if err := d.Decode(&v); err != nil {
				t.Fatalf("%v in %s", err, line)
			}
			got = append(got, javaObject(s.Fields, v))
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("seed %d: (-want +got)\n%s", seed, diff)
		}
		meta, err := tools.Meta(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		delete(meta, "avro.schema")
		if diff := cmp.Diff(map[string]string{"avro.codec": codecs[compression], "shadoof.topic": "orders"}, meta); diff != "" {
			t.Errorf("seed %d: metadata (-want +got)\n%s", seed, diff)
		}
	}
}

// Avro's own program reads datums under the schema of their author: it is stricter with schemas than others.
func TestAvroToolsReadTheAuthorsSchema(t *testing.T) {
	t.Parallel()
	tools, err := avrotools.Prepare(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := tools.Rows(t.Context(), authorsFile(t))
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`{"s":{"e":"B","none":null},"u":{"long":3},"d":"\u0005","z":null,"n":null,"_kafka_partition":0,"_kafka_offset":0,"_kafka_timestamp":5}`,
		`{"s":{"e":"A","none":null},"u":null,"d":"\u0005","z":null,"n":null,"_kafka_partition":0,"_kafka_offset":1,"_kafka_timestamp":5}`,
		`{"s":{"e":"A","none":null},"u":{"c.D":"xy"},"d":"\u0005","z":{"a.b.S":{"e":"B","none":null}},"n":null,"_kafka_partition":0,"_kafka_offset":2,"_kafka_timestamp":5}`,
		`{"s":{"e":"A","none":null},"u":{"map":{"k":{"e":"B","none":null}}},"d":"\u0005","z":null,"n":null,"_kafka_partition":0,"_kafka_offset":3,"_kafka_timestamp":5}`,
		`{"s":{"e":"A","none":null},"u":{"a.b.E":"A"},"d":"\u0005\u0005","z":{"a.b.S":{"e":"B","none":null}},"n":null,"_kafka_partition":0,"_kafka_offset":4,"_kafka_timestamp":5}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// The comparable form of rows in Avro's JSON encoding.

func javaObject(fields []record.Field, v map[string]any) map[string]any {
	o := make(map[string]any)
	for i := range fields {
		o[fields[i].Name] = javaField(&fields[i], v[fields[i].Name])
	}
	return o
}

func javaField(f *record.Field, v any) any {
	if f.Nullable {
		if v == nil {
			return nil
		}
		union, ok := v.(map[string]any)
		if !ok || len(union) != 1 {
			return fmt.Sprintf("not of a union: %v", v)
		}
		for _, v = range union {
		}
	}
	t := &f.Type
	switch v := v.(type) {
	case map[string]any:
		if t.Kind != record.Map {
			return javaObject(t.Fields, v)
		}
		list := []any{}
		for _, k := range slices.Sorted(maps.Keys(v)) {
			list = append(list, []any{k, javaField(t.Elem, v[k])})
		}
		return list
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, javaField(t.Elem, e))
		}
		return list
	case bool:
		return strconv.FormatBool(v)
	case json.Number:
		return javaNumber(t.Kind, v)
	case string:
		return javaText(t, v)
	}
	return v
}

func javaNumber(k record.Kind, v json.Number) any {
	bits := 64
	switch k {
	case record.Float:
		bits = 32
		fallthrough
	case record.Double:
		f, err := strconv.ParseFloat(v.String(), bits)
		if err != nil {
			return err
		}
		return double(f)
	}
	i, err := v.Int64()
	if err != nil {
		return err
	}
	return strconv.FormatInt(i*nanos(k), 10)
}

// javaText takes the characters of bytes for their numbers.
func javaText(t *record.Type, v string) any {
	switch t.Kind {
	case record.Bytes, record.Fixed, record.Decimal:
	default:
		return v
	}
	var b []byte
	for _, c := range v {
		b = append(b, byte(c))
	}
	if t.Kind == record.Decimal {
		return fixedPoint(sample.Number(b), t.Scale)
	}
	return base64.StdEncoding.EncodeToString(b)
}
