package partitioning_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/partitioning"
	"shadoof/record"
)

var clock = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func at(s string) time.Time {
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return t
}

// defaults are those of the configuration.
func defaults() partitioning.Options {
	return partitioning.Options{By: "timestamp", Layout: "hive", Min: at("2015-01-01T00:00:00Z"), MaxFuture: 24 * time.Hour, Otherwise: "quarantine"}
}

func partitioner(t testing.TB, change func(*partitioning.Options)) *partitioning.Partitioner {
	t.Helper()
	o := defaults()
	change(&o)
	p, err := partitioning.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func layoutIn(layout string, z *time.Location) func(*partitioning.Options) {
	return func(o *partitioning.Options) { o.Layout, o.Zone = layout, z }
}

func byField(fields ...partitioning.Field) func(*partitioning.Options) {
	return func(o *partitioning.Options) { o.By, o.Fields = "field", fields }
}

func TestLayouts(t *testing.T) {
	t.Parallel()
	berlin, kathmandu := zone(t, "Europe/Berlin"), zone(t, "Asia/Kathmandu")
	for _, c := range []struct {
		layout string
		zone   *time.Location
		time   string
		want   string
	}{
		{"hive", nil, "2026-11-20T13:59:59.999Z", "dt=2026-11-20/hr=13"},
		{"camus", nil, "2016-02-29T00:00:00Z", "hourly/2016/02/29/00"},
		{"dt=%Y-%m-%d", nil, "2016-12-31T23:59:59.999Z", "dt=2016-12-31"},
		{"y%Y/m%m", nil, "2016-12-31T23:59:59.999Z", "y2016/m12"},
		{"%Y", nil, "2016-12-31T23:59:59.999Z", "2016"},
		{"%Y%m%d/%H-%M", nil, "2016-12-31T23:59:59.999Z", "20161231/23-59"},
		{"day=%Y-%m-%d/at=%Y%m%d%H", nil, "2016-12-31T23:59:59.999Z", "day=2016-12-31/at=2016123123"},
		{"hive", berlin, "2026-11-20T23:30:00Z", "dt=2026-11-21/hr=00"},
		{"hive", kathmandu, "2026-11-20T23:30:00Z", "dt=2026-11-21/hr=05"},
		{"hive", berlin, "2026-10-25T00:30:00Z", "dt=2026-10-25/hr=02"}, // 02:30, summer time
		{"hive", berlin, "2026-10-25T01:30:00Z", "dt=2026-10-25/hr=02"}, // 02:30 again
		{"hive", berlin, "2026-10-25T02:00:00Z", "dt=2026-10-25/hr=03"},
		{"hive", berlin, "2026-03-29T00:59:59Z", "dt=2026-03-29/hr=01"},
		{"hive", berlin, "2026-03-29T01:00:00Z", "dt=2026-03-29/hr=03"},
	} {
		p := partitioner(t, layoutIn(c.layout, c.zone))
		for range 2 { // the second time from memory
			got, err := p.Bucket(at(c.time).UnixMilli(), clock)
			if err != nil || got != c.want {
				t.Errorf("%s in %v, %s: %q, error %v; want %q", c.layout, c.zone, c.time, got, err, c.want)
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change func(*partitioning.Options)
		want   string
	}{
		{layoutIn("", nil), `layout ""`},
		{layoutIn("all", nil), "has no %Y"},
		{layoutIn("%Y-%j", nil), `"%j" is none of`},
		{layoutIn("%Y-%", nil), `"%" is none of`},
		{layoutIn("%Y%%", nil), `"%%" is none of`},
		{layoutIn("%Y/%d", nil), "has %d and not %m"},
		{layoutIn("%m/%d", nil), "has %m and not %Y"},
		{layoutIn("%Y-%m-%dT%M", nil), "has %M and not %H"},
		{layoutIn("/%Y", nil), "an empty part"},
		{layoutIn("%Y/", nil), "an empty part"},
		{layoutIn("%Y//%m", nil), "an empty part"},
		{layoutIn("../%Y", nil), `begins with "."`},
		{layoutIn("%Y/.hidden", nil), `begins with "."`},
		{layoutIn("_tmp/%Y", nil), `begins with "_"`},
		{layoutIn("%Y-%m-%d/%H:%M", nil), "the character ':'"},
		{layoutIn("%Y %m", nil), "the character ' '"},
		{layoutIn("größe/%Y", nil), "the character 'ö'"},
		{layoutIn(strings.Repeat("a", 200)+"%Y", nil), "more than 200 bytes"},
		{func(o *partitioning.Options) { o.By = "key" }, `partition.by is "key"`},
		{func(o *partitioning.Options) { o.By = "field" }, "partition.field is empty"},
		{byField(partitioning.Field{Path: "t", Unit: "h"}), `partition.unit is "h"`},
		{byField(partitioning.Field{Path: "h..t"}), `partition.field "h..t" is not a path`},
		{byField(partitioning.Field{Path: "t"}, partitioning.Field{Path: "t", Unit: "s"}), `partition.field has t twice`},
		{byField(partitioning.Field{Path: "t", Patterns: []string{"yyyy-MM-dd"}}), `partition.pattern "yyyy-MM-dd" has no directives`},
		{func(o *partitioning.Options) { o.Otherwise = "timestamp" }, "is for partition.by: field"},
		{func(o *partitioning.Options) { o.Otherwise = "_unknown" }, `partition.otherwise: the folder "_unknown" has a part that begins with "_"`},
		{func(o *partitioning.Options) { o.Otherwise = "a/../b" }, "partition.otherwise"},
	} {
		o := defaults()
		c.change(&o)
		if _, err := partitioning.New(o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want %s", err, c.want)
		}
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	p := partitioner(t, func(*partitioning.Options) {})
	for _, c := range []struct {
		ms   int64
		want string // part of the detail; "" when within bounds
	}{
		{at("2015-01-01T00:00:00Z").UnixMilli(), ""},
		{at("2014-12-31T23:59:59.999Z").UnixMilli(), "the time 2014-12-31T23:59:59.999Z is before partition.min 2015-01-01T00:00:00Z"},
		{clock.Add(24 * time.Hour).UnixMilli(), ""},
		{clock.Add(24*time.Hour).UnixMilli() + 1, "is more than 24h0m0s ahead of the clock 2026-11-20T12:00:00Z"},
		{0, "before partition.min"},
		{-1, "before partition.min"},
		{clock.UnixMicro(), "in no year of four digits"},
		{math.MaxInt64, "the time 9223372036854775807 ms is in no year of four digits"},
		{math.MinInt64, "in no year of four digits"},
	} {
		bucket, err := p.Bucket(c.ms, clock)
		var bad *record.BadRecord
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%d: %v", c.ms, err)
		case c.want != "" && (!errors.As(err, &bad) || bad.Reason != record.TimeBounds || !strings.Contains(bad.Detail, c.want)):
			t.Errorf("%d: %q, error %v; want %s", c.ms, bucket, err, c.want)
		}
	}
	fixed := partitioner(t, func(o *partitioning.Options) { o.Otherwise = "unknown" })
	if got, err := fixed.Bucket(0, clock); got != "unknown" || err != nil {
		t.Errorf("a fixed folder: %q, %v", got, err)
	}
}

// One row of columns with the time in a field t, and the partitioner for it.
func fieldBucket(t *testing.T, f record.Field, set func(l *record.Column), change func(*partitioning.Options)) (string, error) {
	t.Helper()
	f.Name = "t"
	s := &record.Schema{Fields: []record.Field{{Name: "h", Type: record.Type{Kind: record.Struct, Fields: []record.Field{{Name: "x", Type: record.Type{Kind: record.Int32}}, f}}}}}
	p := partitioner(t, func(o *partitioning.Options) {
		byField(partitioning.Field{Path: "h.t"})(o)
		change(o)
	})
	times, err := p.Fields(s)
	if err != nil {
		return "", err
	}
	leaf, _, ok := s.Leaf("h.t")
	if !ok {
		t.Fatal("no leaf")
	}
	c := record.NewColumns(s)
	c.Leaves[0].Int32s = append(c.Leaves[0].Int32s, 1)
	set(&c.Leaves[leaf])
	return times.Bucket(c, at("2020-02-02T02:00:00Z").UnixMilli(), clock)
}

func TestFields(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	when := at("2026-11-20T10:30:00.999Z")
	int64s := func(v int64) func(*record.Column) {
		return func(l *record.Column) { l.Int64s = append(l.Int64s, v) }
	}
	int32s := func(v int32) func(*record.Column) {
		return func(l *record.Column) { l.Int32s = append(l.Int32s, v) }
	}
	text := func(v string) func(*record.Column) { return func(l *record.Column) { l.AppendString(v) } }
	field := func(k record.Kind) record.Field { return record.Field{Type: record.Type{Kind: k}} }
	none := func(*partitioning.Options) {}
	unit := func(u string) func(*partitioning.Options) {
		return func(o *partitioning.Options) { o.Fields[0].Unit = u }
	}
	otherwise := func(s string) func(*partitioning.Options) { return func(o *partitioning.Options) { o.Otherwise = s } }
	in := func(z *time.Location) func(*partitioning.Options) {
		return func(o *partitioning.Options) { o.Zone = z }
	}
	const ten = "dt=2026-11-20/hr=10"
	for _, c := range []struct {
		name   string
		f      record.Field
		set    func(*record.Column)
		change func(*partitioning.Options)
		want   string // a folder, or "reason: part of the detail"
	}{
		{"long, ms", field(record.Int64), int64s(when.UnixMilli()), none, ten},
		{"long, s", field(record.Int64), int64s(when.Unix()), unit("s"), ten},
		{"long, us", field(record.Int64), int64s(when.UnixMicro()), unit("us"), ten},
		{"long, ns", field(record.Int64), int64s(when.UnixNano()), unit("ns"), ten},
		{"a microsecond before 1970", field(record.Int64), int64s(-1), func(o *partitioning.Options) { o.Fields[0].Unit, o.Min = "us", at("1960-01-01T00:00:00Z") }, "dt=1969-12-31/hr=23"},
		{"int, s", field(record.Int32), int32s(int32(when.Unix())), unit("s"), ten},
		{"seconds as milliseconds", field(record.Int64), int64s(when.Unix()), none, "time_bounds: the time 1970-01-21T"},
		{"milliseconds as seconds", field(record.Int64), int64s(when.UnixMilli()), unit("s"), "time_bounds: "},
		{"too many seconds", field(record.Int64), int64s(math.MaxInt64), unit("s"), "bad_time: the field h.t is 9223372036854775807 s, which is no time"},
		{"timestamp, its own unit", field(record.TimestampMicros), int64s(when.UnixMicro()), unit("s"), ten},
		{"timestamp-millis in a zone", field(record.TimestampMillis), int64s(when.UnixMilli()), in(berlin), "dt=2026-11-20/hr=11"},
		{"timestamp-nanos", field(record.TimestampNanos), int64s(when.UnixNano()), none, ten},
		{"a wall clock is not moved", field(record.LocalMillis), int64s(when.UnixMilli()), in(berlin), ten},
		{"local micros", field(record.LocalMicros), int64s(when.UnixMicro()), in(berlin), ten},
		{"local nanos", field(record.LocalNanos), int64s(when.UnixNano()), in(berlin), ten},
		{"a date is not moved", field(record.Date), int32s(20777), in(zone(t, "America/New_York")), "dt=2026-11-20/hr=00"},
		{"a wall clock ahead", field(record.LocalMillis), int64s(clock.Add(24*time.Hour + 30*time.Minute).UnixMilli()), in(berlin), "dt=2026-11-21/hr=12"},
		{"a wall clock too far ahead", field(record.LocalMillis), int64s(clock.Add(25*time.Hour + time.Millisecond).UnixMilli()), in(berlin), "time_bounds: "},
		{"an absurd wall clock", field(record.LocalMillis), int64s(math.MaxInt64), in(berlin), "time_bounds: "},
		{"text", field(record.String), text("2026-11-20T11:30:00.999+01:00"), none, ten},
		{"text without a zone", field(record.String), text("2026-11-20T11:30:00"), none, `bad_time: the field h.t is "2026-11-20T11:30:00", which is not a time by RFC 3339`},
		{"null", record.Field{Type: record.Type{Kind: record.Int64}, Nullable: true}, func(l *record.Column) { l.AppendLevels(0, 0) }, none, "bad_time: the field h.t is null"},
		{"null text", record.Field{Type: record.Type{Kind: record.String}, Nullable: true}, func(l *record.Column) { l.AppendLevels(0, 0) }, none, "bad_time: the field h.t is null"},
		{"null, else the timestamp", record.Field{Type: record.Type{Kind: record.Int64}, Nullable: true}, func(l *record.Column) { l.AppendLevels(0, 0) }, otherwise("timestamp"), "dt=2020-02-02/hr=02"},
		{"out of bounds, else the timestamp", field(record.Int64), int64s(5), otherwise("timestamp"), "dt=2020-02-02/hr=02"},
		{"out of bounds, else a folder", field(record.Int64), int64s(5), otherwise("unknown/times"), "unknown/times"},
		{"empty text", field(record.String), text(""), none, "bad_time: the field h.t is null or empty"},
		{"a float", field(record.Float), func(*record.Column) {}, none, "partition.field h.t: it is a float, which"},
		{"a time of day", field(record.TimeMillis), func(*record.Column) {}, none, "partition.field h.t: its type is time-millis: a time is read from"},
		{"bytes", field(record.Bytes), func(*record.Column) {}, none, "partition.field h.t: its type is bytes: a time is read from"},
		{"an enum", record.Field{Type: record.Type{Kind: record.Enum, Symbols: []string{"A"}}}, func(*record.Column) {}, none, "partition.field h.t: its type is enum: a time is read from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := fieldBucket(t, c.f, c.set, c.change)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.HasPrefix(got, c.want)) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestOtherwiseTimestampHasBoundsToo(t *testing.T) {
	t.Parallel()
	times, c := oneField(t, record.Int64, func(o *partitioning.Options) { o.Otherwise = "timestamp" })
	c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, 5)
	var bad *record.BadRecord
	if got, err := times.Bucket(c, 7, clock); !errors.As(err, &bad) || bad.Reason != record.TimeBounds {
		t.Errorf("%q, error %v", got, err)
	}
}

// oneField is a row of one field t, and the partitioner's view of it.
func oneField(t testing.TB, kind record.Kind, change func(*partitioning.Options)) (*partitioning.Fields, *record.Columns) {
	t.Helper()
	s := &record.Schema{Fields: []record.Field{{Name: "t", Type: record.Type{Kind: kind}}}}
	p := partitioner(t, func(o *partitioning.Options) {
		byField(partitioning.Field{Path: "t"})(o)
		change(o)
	})
	times, err := p.Fields(s)
	if err != nil {
		t.Fatal(err)
	}
	return times, record.NewColumns(s)
}

var layouts = []string{"hive", "camus", "%Y%m%d%H%M", "dt=%Y-%m-%d", "%Y-%m", "y=%Y"}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Africa/Monrovia", "Europe/Dublin"}

// Each time has the folder that its zone's clocks show, whatever was asked before, and lies in that folder's span.
func TestEveryTimeHasItsFolder(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	format := map[string]string{"hive": "dt=2006-01-02/hr=15", "camus": "hourly/2006/01/02/15", "%Y%m%d%H%M": "200601021504", "dt=%Y-%m-%d": "dt=2006-01-02", "%Y-%m": "2006-01", "y=%Y": "y=2006"}
	for _, name := range zones {
		z := zone(t, name)
		changes := transitions(z)
		for _, layout := range layouts {
			p := partitioner(t, func(o *partitioning.Options) {
				o.Layout, o.Zone, o.Min, o.MaxFuture = layout, z, at("0001-01-04T00:00:00Z"), 1<<62
			})
			ms := int64(0)
			for range 800 {
				switch r.IntN(6) {
				case 0: // anywhere
					ms = at("1900-01-01T00:00:00Z").UnixMilli() + r.Int64N(200*365*86_400_000)
				case 1: // about a change of clocks
					if len(changes) > 0 {
						ms = changes[r.IntN(len(changes))] + r.Int64N(3*3600_000) - 3*1800_000
					}
				case 2:
					if len(changes) > 0 {
						ms = changes[r.IntN(len(changes))] - r.Int64N(2)
					}
				default: // a little on
					ms += r.Int64N(2_000_000) - 500_000
				}
				local := time.UnixMilli(ms).In(z)
				got, err := p.Bucket(ms, clock)
				if want := local.Format(format[layout]); err != nil || got != want {
					t.Fatalf("%s in %s, %v: %q, error %v; want %q", layout, name, local, got, err, want)
				}
				from, to, ok := p.Span(got)
				if !ok || local.Before(from) || !local.Before(to) {
					t.Fatalf("%s in %s, %v: the span of %q is [%v, %v), %v", layout, name, local, got, from, to, ok)
				}
				for _, end := range []time.Time{from, to.Add(-time.Millisecond)} { // the span is no wider than it has to be
					if b, err := p.Bucket(end.UnixMilli(), clock); err != nil || b != got {
						t.Fatalf("%s in %s: %v is in the span of %q and has the folder %q", layout, name, end, got, b)
					}
				}
			}
		}
	}
}

// transitions are the clock changes of a zone from 1900 on.
func transitions(z *time.Location) []int64 {
	var out []int64
	for t := time.Date(1900, 1, 1, 0, 0, 0, 0, z); t.Year() < 2040; {
		_, end := t.ZoneBounds()
		if end.IsZero() {
			break
		}
		out = append(out, end.UnixMilli())
		t = end
	}
	return out
}

func TestSpan(t *testing.T) {
	t.Parallel()
	berlin := zone(t, "Europe/Berlin")
	for _, c := range []struct {
		layout string
		zone   *time.Location
		bucket string
		want   string
	}{
		{"hive", nil, "dt=2026-11-20/hr=13", "2026-11-20T13:00:00Z 2026-11-20T14:00:00Z"},
		{"dt=%Y-%m-%d", nil, "dt=2024-02-29", "2024-02-29T00:00:00Z 2024-03-01T00:00:00Z"},
		{"%Y/%m", nil, "2024/02", "2024-02-01T00:00:00Z 2024-03-01T00:00:00Z"},
		{"%Y", nil, "2024", "2024-01-01T00:00:00Z 2025-01-01T00:00:00Z"},
		{"hive", berlin, "dt=2026-10-25/hr=02", "2026-10-25T00:00:00Z 2026-10-25T02:00:00Z"}, // shown twice
		{"dt=%Y-%m-%d", berlin, "dt=2026-10-25", "2026-10-24T22:00:00Z 2026-10-25T23:00:00Z"},
		{"dt=%Y-%m-%d", berlin, "dt=2026-03-29", "2026-03-28T23:00:00Z 2026-03-29T22:00:00Z"},
		{"hive", berlin, "dt=2026-03-29/hr=02", "none"},                                      // skipped
		{"hive", berlin, "dt=2096-12-31/hr=12", "2096-12-31T11:00:00Z 2096-12-31T12:00:00Z"}, // where package time is wrong
		{"dt=%Y-%m-%d", zone(t, "Pacific/Apia"), "dt=2011-12-30", "none"},
		{"hive", nil, "dt=2026-02-30/hr=00", "none"},
		{"hive", nil, "dt=2026-02-20/hr=24", "none"},
		{"hive", nil, "dt=2026-02-20", "none"},
		{"hive", nil, "dt=2026-02-20/hr=1", "none"},
		{"hive", nil, "dt=2026-02-20/hr=12/x", "none"},
		{"hive", nil, "dt=2026-02-20/hr=-1", "none"},
		{"hive", nil, "unknown", "none"},
		{"hive", nil, "", "none"},
		{"%Y/%Y%m", nil, "2024/202502", "none"},
	} {
		p := partitioner(t, layoutIn(c.layout, c.zone))
		got := "none"
		if from, to, ok := p.Span(c.bucket); ok {
			got = fmt.Sprint(from.UTC().Format(time.RFC3339), " ", to.UTC().Format(time.RFC3339))
		}
		if d := cmp.Diff(got, c.want); d != "" {
			t.Errorf("%s in %v, %s: -got +want\n%s", c.layout, c.zone, c.bucket, d)
		}
	}
}

// TestAFixedFolderHasNoSpan: times of any kind go there, so it is never over, and never old.
func TestAFixedFolderHasNoSpan(t *testing.T) {
	t.Parallel()
	for _, otherwise := range []string{"dt=1970-01-01/hr=00", "unknown"} {
		p := partitioner(t, func(o *partitioning.Options) { o.Otherwise = otherwise })
		if from, to, ok := p.Span(otherwise); ok {
			t.Errorf("the span of %s is [%v, %v)", otherwise, from, to)
		}
	}
}

func BenchmarkBucket(b *testing.B) {
	p := partitioner(b, layoutIn("hive", zone(b, "Europe/Berlin")))
	ms := clock.UnixMilli()
	b.Run("same", func(b *testing.B) {
		for b.Loop() {
			if _, err := p.Bucket(ms, clock); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("six in turn", func(b *testing.B) {
		i := int64(0)
		for b.Loop() {
			if _, err := p.Bucket(ms-i%6*3_600_000, clock); err != nil {
				b.Fatal(err)
			}
			i++
		}
	})
}
