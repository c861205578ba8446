// Package sample makes random schemas and rows, for tests of file formats. What it makes depends on the source of random numbers
// alone.
package sample

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"

	"shadoof/record"
)

// Kinds are all kinds of values, without those that hold others.
var Kinds = []record.Kind{
	record.Boolean, record.Int32, record.Int64, record.Float, record.Double, record.Bytes, record.String, record.Enum, record.UUID,
	record.JSON, record.Fixed, record.Decimal, record.Date, record.TimeMillis, record.TimeMicros, record.TimestampMillis,
	record.TimestampMicros, record.TimestampNanos, record.LocalMillis, record.LocalMicros, record.LocalNanos,
}

// Schema makes a schema of up to so many fields per struct, nested up to a depth, with the Kafka columns.
func Schema(r *rand.Rand, fields, depth int) *record.Schema {
	s := &record.Schema{Name: "com.example.Sample", Fields: structFields(r, fields, depth)}
	return s.WithKafkaColumns()
}

// Every is a schema with each kind: as it is, nullable, and within structs, lists, and maps, and nested in each other.
func Every() *record.Schema {
	s := &record.Schema{Name: "com.example.Every"}
	r := rand.New(rand.NewPCG(1, 1))
	add := func(name string, t record.Type, nullable bool) {
		s.Fields = append(s.Fields, record.Field{Name: name, Type: t, Nullable: nullable})
	}
	for i, k := range Kinds {
		t := plainType(r, k)
		name := fmt.Sprintf("%02d_%s", i, k)
		add(name, t, false)
		add(name+"_or_null", t, true)
		add(name+"_list", list(t, i%2 == 0), i%3 == 0)
		add(name+"_map", mapOf(t, i%2 == 1), i%3 == 1)
	}
	for _, precision := range []int{1, 2, 4, 9, 10, 16, 18, 19, 38} {
		add(fmt.Sprintf("decimal_%d", precision), record.Type{Kind: record.Decimal, Precision: precision, Scale: precision / 2}, true)
	}
	point := record.Type{Kind: record.Struct, Fields: []record.Field{
		{Name: "y", Type: record.Type{Kind: record.Int64}, Nullable: true},
		{Name: "x", Type: record.Type{Kind: record.Double}},
	}}
	add("struct", point, true)
	add("list_of_structs", list(point, true), true)
	add("list_of_lists", list(list(record.Type{Kind: record.Int32}, true), true), true)
	add("map_of_lists_of_maps", mapOf(list(mapOf(point, false), true), true), false)
	return s.WithKafkaColumns()
}

func list(t record.Type, nullable bool) record.Type {
	return record.Type{Kind: record.List, Elem: &record.Field{Name: "element", Type: t, Nullable: nullable}}
}

func mapOf(t record.Type, nullable bool) record.Type {
	return record.Type{Kind: record.Map, Elem: &record.Field{Name: "value", Type: t, Nullable: nullable}}
}

func structFields(r *rand.Rand, most, depth int) []record.Field {
	fields := make([]record.Field, 1+r.IntN(most))
	for i, at := range r.Perm(len(fields)) {
		// Neither in the order of names, nor distinct in upper case.
		name := fmt.Sprintf("%c_%d", 'a'+at%26, at)
		fields[i] = record.Field{Name: name, Type: anyType(r, most, depth), Nullable: r.IntN(2) == 0}
	}
	return fields
}

func anyType(r *rand.Rand, most, depth int) record.Type {
	if depth > 0 && r.IntN(3) == 0 {
		nullable := r.IntN(2) == 0
		switch r.IntN(3) {
		case 0:
			return record.Type{Kind: record.Struct, Fields: structFields(r, most, depth-1)}
		case 1:
			return list(anyType(r, most, depth-1), nullable)
		default:
			return mapOf(anyType(r, most, depth-1), nullable)
		}
	}
	return plainType(r, Kinds[r.IntN(len(Kinds))])
}

func plainType(r *rand.Rand, k record.Kind) record.Type {
	t := record.Type{Kind: k}
	switch k {
	case record.Fixed:
		t.Size = 1 + r.IntN(20)
	case record.Decimal:
		t.Precision = 1 + r.IntN(38)
		t.Scale = r.IntN(t.Precision + 1)
		if r.IntN(2) == 0 {
			t.Size = record.DecimalSize(t.Precision) + r.IntN(4)
		}
	case record.Enum:
		t.Symbols = []string{"CLUBS", "DIAMONDS", "HEARTS", "SPADES"}
	}
	return t
}

// Rows appends n rows to columns of any schema and ends them, with the Kafka columns counted up from an offset. It returns them
// without these.
func Rows(r *rand.Rand, c *record.Columns, n int, partition int32, offset int64) []Row {
	fields := c.Schema.Fields
	if c.Schema.HasKafkaColumns() {
		fields = fields[:len(fields)-3]
	}
	rows := make([]Row, n)
	for i := range rows {
		rows[i] = row(r, fields)
		Append(c, rows[i])
		c.AppendKafka(partition, offset+int64(i), Timestamp(offset+int64(i)))
		c.EndRow()
	}
	return rows
}

// Timestamp is that of the row with this offset.
func Timestamp(offset int64) int64 { return firstMillis + offset }

func row(r *rand.Rand, fields []record.Field) Row {
	v := make(Row, len(fields))
	for i := range fields {
		v[i] = value(r, &fields[i])
	}
	return v
}

func value(r *rand.Rand, f *record.Field) any {
	if f.Nullable && r.IntN(4) == 0 {
		return nil
	}
	switch f.Type.Kind {
	case record.Struct:
		return row(r, f.Type.Fields)
	case record.List:
		v := make(List, r.IntN(4))
		for i := range v {
			v[i] = value(r, f.Type.Elem)
		}
		return v
	case record.Map:
		v := make(Map, r.IntN(4))
		for i := range v {
			v[i] = Entry{fmt.Sprintf("key %d", i), value(r, f.Type.Elem)}
		}
		return v
	}
	return plain(r, &f.Type)
}

// Times lie within years that every reader can show.
const (
	firstMillis = -1_000_000_000_000 // 1938
	lastMillis  = 4_000_000_000_000  // 2096
	dayMillis   = 86_400_000
)

func plain(r *rand.Rand, t *record.Type) any {
	millis := firstMillis + r.Int64N(lastMillis-firstMillis)
	switch t.Kind {
	case record.Boolean:
		return r.IntN(2) == 0
	case record.Int32:
		return int32(number(r, math.MinInt32, math.MaxInt32))
	case record.Int64:
		return number(r, math.MinInt64, math.MaxInt64)
	case record.Float:
		return float32(double(r))
	case record.Double:
		return double(r)
	case record.Bytes:
		return randomBytes(r, r.IntN(30))
	case record.Fixed:
		return randomBytes(r, t.Size)
	case record.Decimal:
		return decimal(r, t)
	case record.Enum:
		return t.Symbols[r.IntN(len(t.Symbols))]
	case record.UUID:
		b := randomBytes(r, 16)
		return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
	case record.JSON:
		return fmt.Sprintf(`{"n": %d, "s": %q}`, r.IntN(100), "ü")
	case record.Date:
		return int32(millis / dayMillis)
	case record.TimeMillis:
		return int32(r.IntN(dayMillis))
	case record.TimeMicros:
		return r.Int64N(1000 * dayMillis)
	case record.TimestampMillis, record.LocalMillis:
		return millis
	case record.TimestampMicros, record.LocalMicros:
		return millis*1000 + r.Int64N(1000)
	case record.TimestampNanos, record.LocalNanos:
		return millis*1_000_000 + r.Int64N(1_000_000)
	}
	return text(r)
}

// number is small, at one of the ends, or anything.
func number(r *rand.Rand, least, greatest int64) int64 {
	switch r.IntN(8) {
	case 0:
		return least
	case 1:
		return greatest
	case 2, 3, 4:
		return r.Int64N(100) - 50
	}
	if least == math.MinInt64 {
		return int64(r.Uint64())
	}
	return least + r.Int64N(greatest-least+1)
}

func double(r *rand.Rand) float64 {
	switch r.IntN(12) {
	case 0:
		return 0
	case 1:
		return math.Copysign(0, -1)
	case 2:
		return math.Inf(1)
	case 3:
		return math.Inf(-1)
	case 4:
		return math.NaN()
	case 5:
		return math.MaxFloat32
	}
	return (r.Float64() - 0.5) * 1000
}

var alphabet = []rune("abcdefghij 0123456789äßüé€漢字😀\"\\\n\u0000")

func text(r *rand.Rand) string {
	if r.IntN(20) == 0 {
		return text(r) + text(r) + text(r) + text(r) + text(r) // longer than what statistics keep
	}
	b := make([]rune, r.IntN(30))
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

func randomBytes(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// Named returns the schema with names of letters, digits and _ only, and no digit first, for formats that allow no others.
func Named(s *record.Schema) *record.Schema {
	named := &record.Schema{Name: s.Name, Fields: slices.Clone(s.Fields)}
	for i := range named.Fields {
		f := &named.Fields[i]
		if f.Name = strings.ReplaceAll(f.Name, "-", "_"); '0' <= f.Name[0] && f.Name[0] <= '9' {
			f.Name = "f" + f.Name
		}
	}
	return named
}
