package partitioning_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/partitioning"
	"shadoof/record"
)

// rows with times in many places: h.at (text), long, micros, day, local, amount (a decimal of two digits after the point), all of
// which may be null.
func manyTimes() *record.Schema {
	of := func(name string, t record.Type) record.Field {
		return record.Field{Name: name, Type: t, Nullable: true}
	}
	return &record.Schema{Fields: []record.Field{
		of("h", record.Type{Kind: record.Struct, Fields: []record.Field{of("at", record.Type{Kind: record.String}), of("n", record.Type{Kind: record.Int32})}}),
		of("long", record.Type{Kind: record.Int64}),
		of("micros", record.Type{Kind: record.TimestampMicros}),
		of("day", record.Type{Kind: record.Date}),
		of("local", record.Type{Kind: record.LocalMillis}),
		of("double", record.Type{Kind: record.Double}),
		of("decimal", record.Type{Kind: record.Decimal, Precision: 20, Scale: 2}),
		of("list", record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: record.Type{Kind: record.Struct, Fields: []record.Field{of("at", record.Type{Kind: record.Int64})}}}}),
		of("map", record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: record.Type{Kind: record.Int64}}}),
		of("union", record.Type{Kind: record.Struct, Union: true, Fields: []record.Field{of("member0", record.Type{Kind: record.Int64}), of("member1", record.Type{Kind: record.String})}}),
		of("flag", record.Type{Kind: record.Boolean}),
	}}
}

// row is an open row of manyTimes with some values; the others are null.
func row(t testing.TB, values map[string]any) *record.Columns {
	t.Helper()
	s := manyTimes()
	c := record.NewColumns(s)
	set := map[int]bool{}
	for path, v := range values {
		i, _, ok := s.Leaf(path)
		if !ok {
			t.Fatalf("no leaf %s", path)
		}
		l := &c.Leaves[i]
		set[i] = true
		l.AppendLevels(l.MaxDef, 0)
		switch v := v.(type) {
		case string:
			l.AppendString(v)
		case int64:
			l.Int64s = append(l.Int64s, v)
		case int32:
			l.Int32s = append(l.Int32s, v)
		case float64:
			l.Doubles = append(l.Doubles, v)
		case []byte:
			l.Data = append(l.Data, v...)
		}
	}
	for i := range c.Leaves {
		if !set[i] {
			c.Leaves[i].AppendLevels(0, 0)
		}
	}
	return c
}

func TestTheFirstFieldThatIsThereCounts(t *testing.T) {
	t.Parallel()
	fields := []partitioning.Field{
		{Path: "h.at", Patterns: []string{"rfc3339", "%F %T"}},
		{Path: "long", Unit: "s"},
		{Path: "micros"},
		{Path: "union.member0", Unit: "us"},
		{Path: "day"},
	}
	when := func(hour int) time.Time { return time.Date(2026, 11, 19, hour, 59, 59, 0, time.UTC) }
	for _, c := range []struct {
		name   string
		values map[string]any
		want   string
	}{
		{"all", map[string]any{"h.at": "2026-11-19T01:00:00Z", "long": when(2).Unix(), "micros": when(3).UnixMicro(), "day": int32(20777)}, "dt=2026-11-19/hr=01"},
		{"another pattern", map[string]any{"h.at": "2026-11-19 01:00:00", "long": when(2).Unix()}, "dt=2026-11-19/hr=01"},
		{"the first is null", map[string]any{"long": when(2).Unix(), "micros": when(3).UnixMicro()}, "dt=2026-11-19/hr=02"},
		{"the first is empty", map[string]any{"h.at": "", "long": when(2).Unix()}, "dt=2026-11-19/hr=02"},
		{"two are null", map[string]any{"micros": when(3).UnixMicro()}, "dt=2026-11-19/hr=03"},
		{"a member of a union", map[string]any{"union.member0": when(4).UnixMicro(), "day": int32(20777)}, "dt=2026-11-19/hr=04"},
		{"the last", map[string]any{"day": int32(20776)}, "dt=2026-11-19/hr=00"},
		{"a wrong one is not replaced", map[string]any{"h.at": "soon", "long": when(2).Unix()}, `bad_time: the field h.at is "soon", which is not a time by RFC 3339, nor by %F %T`},
		{"nor is one out of bounds", map[string]any{"long": int64(0), "micros": when(3).UnixMicro()}, "time_bounds: the time 1970-01-01T00:00:00Z is before partition.min"},
		{"none", nil, "bad_time: the fields h.at, long, micros, union.member0, day are null or empty"},
	} {
		p := partitioner(t, byField(fields...))
		times, err := p.Fields(manyTimes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := times.Bucket(row(t, c.values), 0, clock)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
		if n := times.Notes(); len(n) > 0 {
			t.Errorf("notes %q", n)
		}
	}
}

func TestFieldsAreFoundInTheSchema(t *testing.T) {
	t.Parallel()
	const names = "h, long, micros, day, local, double, decimal, list, map, union, and 1 more"
	for _, c := range []struct {
		fields []partitioning.Field
		notes  []string
		err    string
	}{
		{fields: []partitioning.Field{{Path: "h.at"}}},
		{fields: []partitioning.Field{{Path: "nowhere"}}, err: "partition.field: the schema has no field nowhere: it has " + names},
		{fields: []partitioning.Field{{Path: "h.nowhere"}, {Path: "long.x"}}, err: "partition.field: h has no field nowhere: it has at, n; long is of type int64, which has no field x"},
		{fields: []partitioning.Field{{Path: "h.nowhere"}, {Path: "long"}, {Path: "day.x"}, {Path: "h.at"}},
			notes: []string{"partition.field: h has no field nowhere: it has at, n; times are read from long, h.at", "partition.field: day is of type date, which has no field x; times are read from long, h.at"}},
		{fields: []partitioning.Field{{Path: "long"}, {Path: "list"}}, err: "partition.field list: it is a list, which has any number of values in a record"},
		{fields: []partitioning.Field{{Path: "list.element.at"}}, err: "partition.field list.element.at: list is a list, which has any number of values in a record: a path leads through records only"},
		{fields: []partitioning.Field{{Path: "map.key"}}, err: "partition.field map.key: map is a map, which"},
		{fields: []partitioning.Field{{Path: "h"}}, err: "partition.field h: it is a record of at, n: name one of these fields"},
		{fields: []partitioning.Field{{Path: "union"}}, err: "partition.field union: it is a union of member0, member1: name one of these fields"},
		{fields: []partitioning.Field{{Path: "flag"}}, err: "partition.field flag: its type is boolean: a time is read from"},
		{fields: []partitioning.Field{{Path: "long", Zone: newYork}, {Path: "day", Zone: newYork}},
			notes: []string{"partition.timezone has no effect: no time in long, day comes without a zone; folders are in the job's timezone"}},
		{fields: []partitioning.Field{{Path: "long", Zone: newYork}, {Path: "local", Zone: newYork}}},
		{fields: []partitioning.Field{{Path: "h.at", Zone: newYork, Patterns: []string{"%F %T"}}}},
		{fields: []partitioning.Field{{Path: "h.at", Zone: newYork}}, notes: []string{"partition.timezone has no effect: no time in h.at comes without a zone; folders are in the job's timezone"}},
		{fields: []partitioning.Field{{Path: "long", Patterns: []string{"%s"}}}, notes: []string{"partition.pattern has no effect: long holds no text"}},
	} {
		times, err := partitioner(t, byField(c.fields...)).Fields(manyTimes())
		if c.err != "" {
			if err == nil || !strings.HasPrefix(err.Error(), c.err) {
				t.Errorf("%v: error %v, want %s", c.fields, err, c.err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%v: %v", c.fields, err)
		} else if d := cmp.Diff(c.notes, times.Notes()); d != "" {
			t.Errorf("%v: -want +got\n%s", c.fields, d)
		}
	}
}

// Times without a zone: by themselves they are shown as they are; with one they are instants in it. Clocks that are set forward or
// back are those of Berlin: on 2026-03-29 from 02:00 to 03:00, on 2026-10-25 from 03:00 to 02:00.
func TestTimesWithoutAZone(t *testing.T) {
	t.Parallel()
	berlin, utc := zone(t, "Europe/Berlin"), time.UTC
	text := partitioning.Field{Path: "h.at", Patterns: []string{"rfc3339", "%F %T %z", "%F %T", "%F"}}
	local, day := partitioning.Field{Path: "local"}, partitioning.Field{Path: "day"}
	in := func(f partitioning.Field, z *time.Location) partitioning.Field { f.Zone = z; return f }
	wall := func(s string) map[string]any { return map[string]any{"local": at(s + "Z").UnixMilli()} }
	says := func(s string) map[string]any { return map[string]any{"h.at": s} }
	for _, c := range []struct {
		name    string
		field   partitioning.Field
		folders *time.Location
		values  map[string]any
		want    string
	}{
		{"as it is", text, berlin, says("2026-11-19 23:30:00"), "dt=2026-11-19/hr=23"},
		{"as it is, though clocks skip it", text, berlin, says("2026-03-29 02:30:00"), "dt=2026-03-29/hr=02"},
		{"as it is, though clocks show it twice", text, berlin, says("2026-10-25 02:30:00"), "dt=2026-10-25/hr=02"},
		{"its own zone", text, berlin, says("2026-11-19 23:30:00 +0000"), "dt=2026-11-20/hr=00"},
		{"its own zone before the field's", in(text, newYork), utc, says("2026-11-19T23:30:00Z"), "dt=2026-11-19/hr=23"},
		{"the field's zone", in(text, newYork), utc, says("2026-11-19 15:30:00"), "dt=2026-11-19/hr=20"},
		{"the field's zone and the folders'", in(text, newYork), berlin, says("2026-11-19 15:30:00"), "dt=2026-11-19/hr=21"},
		{"UTC as the field's zone", in(text, utc), berlin, says("2026-11-19 23:30:00"), "dt=2026-11-20/hr=00"},
		{"before clocks are set forward", in(text, berlin), utc, says("2026-03-29 01:59:59"), "dt=2026-03-29/hr=00"},
		{"skipped: as if they had not been set", in(text, berlin), utc, says("2026-03-29 02:30:00"), "dt=2026-03-29/hr=01"},
		{"skipped, shown in the same zone", in(text, berlin), berlin, says("2026-03-29 02:30:00"), "dt=2026-03-29/hr=03"},
		{"after clocks are set forward", in(text, berlin), utc, says("2026-03-29 03:00:00"), "dt=2026-03-29/hr=01"},
		{"shown twice: the first", in(text, berlin), utc, says("2026-10-25 02:30:00"), "dt=2026-10-25/hr=00"},
		{"after what is shown twice", in(text, berlin), utc, says("2026-10-25 03:00:00"), "dt=2026-10-25/hr=02"},
		{"a day that was skipped", in(text, zone(t, "Pacific/Apia")), utc, says("2011-12-30 12:00:00"), "dt=2011-12-30/hr=22"},
		{"a day stays", in(text, newYork), utc, says("2026-11-19"), "dt=2026-11-19/hr=00"},
		{"local", local, berlin, wall("2026-03-29T02:30:00"), "dt=2026-03-29/hr=02"},
		{"local in a zone", in(local, berlin), utc, wall("2026-10-25T02:30:00"), "dt=2026-10-25/hr=00"},
		{"a date stays", in(day, newYork), berlin, map[string]any{"day": int32(20776)}, "dt=2026-11-19/hr=00"},
	} {
		p := partitioner(t, func(o *partitioning.Options) {
			byField(c.field)(o)
			o.Zone, o.Min = c.folders, at("2001-01-01T00:00:00Z")
		})
		times, err := p.Fields(manyTimes())
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time from memory
			got, err := times.Bucket(row(t, c.values), 0, clock)
			if err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("%s: %q, want %q", c.name, got, c.want)
			}
		}
	}
}

// What a zone's clocks show has the first instant at which they show it; what they skip, the one that it would be without the change.
func TestInstantsOfWhatClocksShow(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	for _, name := range zones {
		z := zone(t, name)
		changes := transitions(z)
		p := partitioner(t, func(o *partitioning.Options) {
			byField(partitioning.Field{Path: "local", Zone: z})(o)
			o.Layout, o.Min, o.MaxFuture = "%Y%m%d%H%M", at("0001-01-04T00:00:00Z"), 1<<62
		})
		times, err := p.Fields(manyTimes())
		if err != nil {
			t.Fatal(err)
		}
		for range 1000 {
			wall := at("1900-01-01T00:00:00Z").UnixMilli() + r.Int64N(150*365*86_400_000)
			if len(changes) > 0 && r.IntN(4) > 0 {
				change := time.UnixMilli(changes[r.IntN(len(changes))])
				_, offset := change.In(z).Zone()
				wall = change.UnixMilli() + int64(offset)*1000 + r.Int64N(4*3600_000) - 2*3600_000
			}
			want := firstShown(z, wall).UTC().Format("200601021504")
			got, err := times.Bucket(row(t, map[string]any{"local": wall}), 0, clock)
			if err != nil || got != want {
				t.Fatalf("%s shows %s: %s, error %v; want %s", name, time.UnixMilli(wall).UTC(), got, err, want)
			}
		}
	}
}

// firstShown looks at every offset that the zone has around a time.
func firstShown(z *time.Location, wall int64) time.Time {
	var first, before time.Time
	last := time.UnixMilli(wall).Add(26 * time.Hour)
	for t := time.UnixMilli(wall).Add(-26 * time.Hour); t.Before(last); t = t.Add(15 * time.Minute) {
		_, offset := t.In(z).Zone()
		at := time.UnixMilli(wall).Add(-time.Duration(offset) * time.Second)
		if _, then := at.In(z).Zone(); then == offset && (first.IsZero() || at.Before(first)) {
			first = at
		}
		if !at.Before(t) { // by the offset of a time that is not past it: the last such is that before a skip
			before = at
		}
	}
	if first.IsZero() {
		return before
	}
	return first
}

func TestNumbersWithAFraction(t *testing.T) {
	t.Parallel()
	last := math.Nextafter(float64(at("2026-11-20T11:00:00Z").Unix()), 0)
	for _, c := range []struct {
		unit  string
		value float64
		want  string
	}{
		{"s", float64(at("2026-11-20T11:00:00Z").Unix()), "dt=2026-11-20/hr=11"},
		{"s", last, "dt=2026-11-20/hr=10"},
		{"ms", last * 1000, "dt=2026-11-20/hr=10"},
		{"us", 1.7951724e15 - 0.25, "dt=2026-11-20/hr=10"},
		{"ns", 1.7951724e18, "dt=2026-11-20/hr=11"},
		{"s", math.NaN(), "bad_time: the field double is NaN s, which is no time"},
		{"s", math.Inf(1), "bad_time: the field double is +Inf s"},
		{"ms", math.Inf(-1), "bad_time: the field double is -Inf ms"},
		{"ns", 1 << 63, "bad_time: the field double is 9.223372036854776e+18 ns"},
		{"ns", math.Nextafter(1<<63, 0), "time_bounds: "},
		{"s", 1e16, "bad_time: the field double is 1e+16 s, which is no time"},
		{"", 1e15, "time_bounds: "},
	} {
		times, err := partitioner(t, byField(partitioning.Field{Path: "double", Unit: c.unit})).Fields(manyTimes())
		if err != nil {
			t.Fatal(err)
		}
		got, err := times.Bucket(row(t, map[string]any{"double": c.value}), 0, clock)
		if err != nil {
			got = err.Error()
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%v %s: %q, want %q", c.value, c.unit, got, c.want)
		}
	}
}

// Doubles and decimals are rounded down to a millisecond, exactly: compared with rational numbers.
func TestFractionsAreRoundedDown(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	perSecond := map[string]int64{"s": 1, "ms": 1e3, "us": 1e6, "ns": 1e9}
	for range 20_000 {
		unit := []string{"s", "ms", "us", "ns"}[r.IntN(4)]
		value := (r.Float64() - 0.3) * 2e9 * float64(perSecond[unit])
		switch r.IntN(5) {
		case 0:
			value = math.Floor(value)
		case 3:
			value = float64(r.IntN(100_000)) / 1000 // where a product is rounded up to a whole number
		case 1:
			value = math.Nextafter(math.Floor(value), 0)
		case 2:
			value = math.Nextafter(math.Floor(value), math.Inf(-1)) * 1e-9 // near nothing
		}
		want := floor(new(big.Rat).Mul(new(big.Rat).SetFloat64(value), big.NewRat(1000, perSecond[unit])))
		if ms, ok := partitioning.DoubleToMilli(value, unit); !ok || !want.IsInt64() || ms != want.Int64() {
			t.Fatalf("%v %s: %d, %v; want %v", value, unit, ms, ok, want)
		}

		unscaled, scale := new(big.Int).SetInt64(r.Int64()-r.Int64()), r.IntN(20)
		if r.IntN(2) == 0 {
			unscaled.Mul(unscaled, big.NewInt(r.Int64N(1e18)))
			scale += 19
		}
		exact := new(big.Rat).SetFrac(unscaled, new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale)), nil))
		want = floor(exact.Mul(exact, big.NewRat(1000, perSecond[unit])))
		ms, ok := partitioning.DecimalToMilli(twosComplement(unscaled, 16), scale, unit)
		if ok != want.IsInt64() || ok && ms != want.Int64() {
			t.Fatalf("%v with %d digits after the point, %s: %d, %v; want %v", unscaled, scale, unit, ms, ok, want)
		}
	}
}

func floor(r *big.Rat) *big.Int { // Div rounds down where the divisor is positive, as denominators are
	return new(big.Int).Div(r.Num(), r.Denom())
}

func twosComplement(v *big.Int, size int) []byte {
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return v.FillBytes(make([]byte, size))
}

func TestDecimals(t *testing.T) {
	t.Parallel()
	times, err := partitioner(t, byField(partitioning.Field{Path: "decimal", Unit: "s"})).Fields(manyTimes())
	if err != nil {
		t.Fatal(err)
	}
	size := record.DecimalSize(20)
	for _, c := range []struct {
		unscaled int64
		want     string
	}{
		{at("2026-11-20T11:00:00Z").Unix() * 100, "dt=2026-11-20/hr=11"},
		{at("2026-11-20T11:00:00Z").Unix()*100 - 1, "dt=2026-11-20/hr=10"},
		{-1, "time_bounds: the time 1969-12-31T23:59:59.99Z"},
		{math.MaxInt64, "bad_time: the field decimal is a number of s that is no time"},
	} {
		v := big.NewInt(c.unscaled)
		if c.unscaled == math.MaxInt64 {
			v.Mul(v, big.NewInt(10))
		}
		got, err := times.Bucket(row(t, map[string]any{"decimal": twosComplement(v, size)}), 0, clock)
		var bad *record.BadRecord
		if err != nil {
			got = fmt.Sprint(err)
			if !errors.As(err, &bad) {
				t.Error(err)
			}
		}
		if !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %q, want %q", v, got, c.want)
		}
	}
}
