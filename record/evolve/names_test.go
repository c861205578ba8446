package evolve_test

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/record/evolve"
	"shadoof/writers"
	avrofile "shadoof/writers/avro"
	"shadoof/writers/parquet"
)

func TestNames(t *testing.T) {
	t.Parallel()
	x := kind(record.Int32)
	o := evolve.NameOptions{Format: "parquet", Folders: evolve.FolderKeys("topic=_a/dt=2026-11-20/hr=13"), Columns: []string{record.OffsetColumn, record.KeyColumn}}
	s := rows(field("id", x), field("Id", x), field("key", x), field("KEY", x), field("dt", x), field("HR", x), field("topic", x), field("_kafka_offset", x),
		field("a b", x), field("a.b", x), field(strings.Repeat("n", 256), x), field("1a", x), field("größe", x),
		field("s", structOf(field("x", x), field("X", list(structOf(field("dt", x), field("key", x), field("tab\t", x)))))))
	want := []string{
		"! case Id id", "! column key key", "! case KEY key", "folder dt dt", "folder HR hr", "folder topic topic", "! column _kafka_offset _kafka_offset",
		"characters a b", "dot a.b", "long " + strings.Repeat("n", 256), "! case s.X x", "characters s.X[].tab\t",
	}
	if diff := cmp.Diff(want, short(evolve.Names(s, o))); diff != "" {
		t.Error(diff)
	}
	o.Format = "avro"
	want = []string{
		"case Id id", "! column key key", "case KEY key", "folder dt dt", "folder HR hr", "folder topic topic", "! column _kafka_offset _kafka_offset",
		"! avro a b", "! avro a.b", "long " + strings.Repeat("n", 256), "! avro 1a", "! avro größe", "case s.X x", "! avro s.X[].tab\t",
	}
	if diff := cmp.Diff(want, short(evolve.Names(s, o))); diff != "" {
		t.Error(diff)
	}
	got := evolve.Names(rows(field("a", structOf(field("x", x), field("x", x), field("", x)))), o)
	if diff := cmp.Diff([]string{"! twice a.x x", "! empty a."}, short(got)); diff != "" {
		t.Error(diff)
	}
	if text := got[0].String(); text != "field a.x: the name is used twice" {
		t.Error(text)
	}
}

func short(problems []evolve.NameProblem) (out []string) {
	for _, p := range problems {
		s := fmt.Sprint(p.Rule, " ", p.Path, " ", p.Other)
		if p.Refused {
			s = "! " + s
		}
		out = append(out, strings.TrimSuffix(s, " "))
	}
	return out
}

// What Names says is refused the writers refuse, and nothing else for its name.
func TestNamesAgreeWithWriters(t *testing.T) {
	t.Parallel()
	pool := []string{"a", "A", "b", "B", "größe", "GRÖßE", "a b", "1a", "_a", "a.b", record.OffsetColumn, "_KAFKA_offset", "dt"}
	columns := []string{record.PartitionColumn, record.OffsetColumn, record.TimestampColumn}
	seen := map[bool]int{}
	for seed := range seeds(t, 500) {
		r := rand.New(rand.NewPCG(seed, 0))
		draw := func() (fields []record.Field) {
			for range 1 + r.IntN(3) {
				fields = append(fields, field(pool[r.IntN(len(pool))], kind(record.Int32)))
			}
			return fields
		}
		s := rows(draw()...)
		if r.IntN(2) == 0 {
			s.Fields = append(s.Fields, field("s", list(structOf(draw()...))))
		}
		for _, name := range []string{"parquet", "avro"} {
			_, err := format(t, name).NewEncoder(io.Discard, s.WithKafkaColumns(), nil)
			refused := slices.ContainsFunc(evolve.Names(s, evolve.NameOptions{Format: name, Columns: columns}), func(p evolve.NameProblem) bool { return p.Refused })
			if refused != (err != nil) {
				t.Fatalf("seed %d: %s: refused %v, and the writer says %v", seed, name, refused, err)
			}
			seen[refused]++
		}
	}
	if seen[false] < 100 || seen[true] < 100 {
		t.Errorf("%v: the names prove little", seen)
	}
}

func format(t *testing.T, name string) writers.Format {
	t.Helper()
	f, err := parquet.New(parquet.Options{Compression: "none"})
	if name == "avro" {
		f, err = avrofile.New(avrofile.Options{Compression: "none"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}
