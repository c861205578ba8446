package partitioning_test

import (
	"testing"
	"time"

	"shadoof/partitioning"
	"shadoof/record"
)

// ways to write a time into a field.
var ways = []struct {
	name   string
	kind   record.Kind
	field  partitioning.Field
	format string // of text
}{
	{"long", record.Int64, partitioning.Field{}, ""},
	{"timestamp-micros", record.TimestampMicros, partitioning.Field{}, ""},
	{"local-millis", record.LocalMillis, partitioning.Field{}, ""},
	{"local-millis in a zone", record.LocalMillis, partitioning.Field{Zone: newYork}, ""},
	{"double", record.Double, partitioning.Field{Unit: "s"}, ""},
	{"text", record.String, partitioning.Field{}, time.RFC3339Nano},
	{"pattern", record.String, partitioning.Field{Patterns: []string{"%d/%b/%Y:%H:%M:%S %z"}}, "02/Jan/2006:15:04:05 -0700"},
	{"pattern in a zone", record.String, partitioning.Field{Patterns: []string{"%F %T.%f"}, Zone: newYork}, "2006-01-02 15:04:05.000000"},
	{"second pattern", record.String, partitioning.Field{Patterns: []string{"rfc3339", "%s", "%F %T.%f"}}, "2006-01-02 15:04:05.000000"},
}

var newYork = func() *time.Location {
	z, err := time.LoadLocation("America/New_York")
	if err != nil {
		panic(err)
	}
	return z
}()

// way is a row with a time written in a way.
func way(t testing.TB, i int) (*partitioning.Fields, *record.Columns) {
	w := ways[i]
	times, c := oneField(t, w.kind, func(o *partitioning.Options) {
		w.field.Path = "t"
		o.Fields, o.Zone = []partitioning.Field{w.field}, zone(t, "Europe/Berlin")
	})
	when, l := at("2026-11-20T11:30:00.999Z"), &c.Leaves[0]
	switch w.kind {
	case record.String:
		l.AppendString(when.Format(w.format))
	case record.Double:
		l.Doubles = append(l.Doubles, float64(when.UnixMilli())/1000)
	case record.TimestampMicros:
		l.Int64s = append(l.Int64s, when.UnixMicro())
	default:
		l.Int64s = append(l.Int64s, when.UnixMilli())
	}
	return times, c
}

func TestFoldersOfTimesAreFoundWithoutAllocating(t *testing.T) {
	for i := range ways {
		times, c := way(t, i)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := times.Bucket(c, 0, clock); err != nil {
				t.Fatal(err)
			}
		}); n > 0 {
			t.Errorf("%s: %v allocations", ways[i].name, n)
		}
	}
	p := partitioner(t, func(*partitioning.Options) {})
	if n := testing.AllocsPerRun(100, func() {
		if _, err := p.Bucket(clock.UnixMilli(), clock); err != nil {
			t.Fatal(err)
		}
	}); n > 0 {
		t.Errorf("Kafka's timestamp: %v allocations", n)
	}
}

func BenchmarkField(b *testing.B) {
	for i := range ways {
		b.Run(ways[i].name, func(b *testing.B) {
			times, c := way(b, i)
			for b.Loop() {
				if _, err := times.Bucket(c, 0, clock); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
