package parquet

import (
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/writers/internal/corpustest"
)

// column is one of n values.
func column(n int, value func(i int) any) *record.Column {
	c := &record.Column{Path: []string{"c"}}
	for i := range n {
		switch v := value(i).(type) {
		case string:
			c.Type, c.Physical = record.Type{Kind: record.String}, record.PhysByteArray
			c.AppendString(v)
		case int64:
			c.Type, c.Physical = record.Type{Kind: record.Int64}, record.PhysInt64
			c.Int64s = append(c.Int64s, v)
		}
	}
	return c
}

func TestWhichColumnsGetDictionaries(t *testing.T) {
	t.Parallel()
	const n = 150_000
	r := rand.New(rand.NewPCG(1, 1))
	for _, x := range []struct {
		name  string
		want  bool
		value func(i int) any
	}{
		{"one text", true, func(int) any { return "same" }},
		{"few texts", true, func(int) any { return fmt.Sprint("host-", r.IntN(500)) }},
		{"random numbers", false, func(int) any { return r.Int64() }},
		{"numbers that rise", false, func(i int) any { return int64(i) }},
		{"random texts", false, func(int) any { return fmt.Sprintf("%016x", r.Uint64()) }},
		{"texts of machines in turns", true, func(i int) any { return fmt.Sprintf("machine-%06d", i%10_000) }},
		{"numbers of machines in turns", true, func(i int) any { return int64(i % 40_000) }},
		{"more machines than pay", false, func(i int) any { return int64(i % 120_000) }},
		{"machines with names that are too long", false, func(i int) any { return fmt.Sprintf("%0100d", i%20_000) }},
		{"nearly unique, and known at last", true, func(int) any { return r.Int64N(45_000) }},
		{"new ones first, then the same", true, func(i int) any {
			if i < 9000 {
				return int64(i)
			}
			return int64(7)
		}},
	} {
		var d dictionary
		c := column(n, x.value)
		if got := d.build(c); got != x.want {
			t.Errorf("%s: dictionary %v, want %v; %d were numbered", x.name, got, x.want, len(d.indexes))
		} else if got {
			for i, index := range d.indexes {
				first := int(d.first[index])
				if c.Physical == record.PhysInt64 && c.Int64s[first] != c.Int64s[i] || c.Physical == record.PhysByteArray && string(c.Value(first)) != string(c.Value(i)) {
					t.Fatalf("%s: value %d has the index of another", x.name, i)
				}
			}
		}
	}
}

// What automatic dictionaries cost, in CPU time and bytes, beside none, one for each column, and those that a person would choose who
// knows the events.
func BenchmarkDictionaries(b *testing.B) {
	c := events(b, 140_000) // a row group
	for _, x := range []struct {
		name   string
		choose func(*record.Column) choice
	}{
		{"auto", nil},
		{"best", func(c *record.Column) choice {
			if slices.Contains(corpustest.Repeating, strings.Join(c.Path, ".")) {
				return always
			}
			return never
		}},
		{"none", func(*record.Column) choice { return never }},
		{"all", func(c *record.Column) choice {
			if c.Physical == record.PhysBool {
				return never
			}
			return always
		}},
	} {
		b.Run("dictionary="+x.name, func(b *testing.B) {
			zstd, err := codecByName("zstd")
			if err != nil {
				b.Fatal(err)
			}
			size, rows := int64(0), 0
			b.ReportAllocs()
			start := cpu()
			for b.Loop() {
				e, err := newEncoder(io.Discard, zstd, c.Schema, nil)
				if err != nil {
					b.Fatal(err)
				}
				e.choose = x.choose
				if err := e.WriteRows(c); err != nil {
					b.Fatal(err)
				}
				if err := e.Close(); err != nil {
					b.Fatal(err)
				}
				size = e.Written()
				rows += c.Rows()
			}
			b.ReportMetric(float64((cpu()-start).Nanoseconds())/float64(rows), "cpu-ns/row")
			b.ReportMetric(float64(size)/float64(c.Rows()), "B/row")
		})
	}
}

// events are rows of tracking events.
func events(t testing.TB, n int) *record.Columns {
	p, err := avro.Parse([]byte(corpustest.Schema))
	if err != nil {
		t.Fatal(err)
	}
	d := avro.NewDecoder(p)
	c := record.NewColumns(d.Schema().WithKafkaColumns())
	corpus := corpustest.New(1)
	for i := range int64(n) {
		time := 1_700_000_000_000 + i
		if err := d.Decode(c, &record.Raw{Value: corpus.Append(nil, time)}); err != nil {
			t.Fatal(err)
		}
		c.AppendKafka(3, i, time)
		c.EndRow()
	}
	return c
}

// cpu is what the process has used of all processors.
func cpu() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
