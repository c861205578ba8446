package testbed_test

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
	"shadoof/writers/sample"
)

// shownAs reads the table of docs/format.md that says how readers show each kind: by the reader's name in the head of the table, and by kind.
func shownAs(t *testing.T) map[string]map[record.Kind]string {
	t.Helper()
	text, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, ok := strings.Cut(string(text), "\n| kind | pyarrow |")
	if !ok {
		t.Fatal("docs/format.md has no table that begins with: | kind | pyarrow |")
	}
	table, _, _ = strings.Cut("pyarrow |"+table, "\n\n")
	lines := strings.Split(table, "\n")
	names := cells(lines[0])
	shown := make(map[string]map[record.Kind]string)
	for _, name := range names {
		shown[name] = make(map[record.Kind]string)
	}
	for _, line := range lines[2:] {
		c := cells(strings.TrimPrefix(line, "|"))
		if len(c) != 1+len(names) {
			t.Fatalf("docs/format.md: %d cells in %s", len(c), line)
		}
		for i, name := range names {
			shown[name][record.Kind(c[0])] = c[1+i]
		}
	}
	return shown
}

func cells(line string) []string {
	c := strings.Split(strings.TrimSuffix(line, "|"), "|")
	for i := range c {
		c[i] = strings.ReplaceAll(strings.TrimSpace(c[i]), "`", "")
	}
	return c
}

// allKinds are a field of each kind, named after it.
func allKinds() []record.Field {
	text := &record.Field{Type: record.Type{Kind: record.String}, Nullable: true}
	point := []record.Field{{Name: "y", Type: record.Type{Kind: record.Int64}, Nullable: true}, {Name: "x", Type: record.Type{Kind: record.Double}}}
	var fields []record.Field
	for _, k := range append(slices.Clone(sample.Kinds), record.Struct, record.List, record.Map) {
		field := record.Field{Name: string(k), Type: record.Type{Kind: k}}
		switch k {
		case record.Fixed:
			field.Type.Size = 20
		case record.Decimal:
			field.Type.Precision, field.Type.Scale, field.Type.Size = 19, 9, 12
		case record.Enum:
			field.Type.Symbols = []string{"A", "B"}
		case record.Struct:
			field.Type.Fields = point
		case record.List, record.Map:
			field.Type.Elem = text
		}
		fields = append(fields, field)
	}
	return fields
}

func TestParquetTypesAreWhatReadersHave(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file.parquet")
	write(t, path, rand.New(rand.NewPCG(3, 26)), (&record.Schema{Fields: allKinds()}).WithKafkaColumns(), "zstd", 1, 10)
	var got map[string]map[record.Kind]string
	ask(t, "types", path, &got)
	got["arrow-go"] = make(map[record.Kind]string)
	types, err := arrowTypes(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, kind := range types {
		got["arrow-go"][record.Kind(name)] = kind
	}
	for _, types := range got {
		for _, name := range []record.Kind{record.PartitionColumn, record.OffsetColumn, record.TimestampColumn} {
			delete(types, name)
		}
	}
	want := shownAs(t)
	delete(want, "Spark") // TestSpark
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("types by reader: -docs/format.md +found\n%s", diff)
	}
}
