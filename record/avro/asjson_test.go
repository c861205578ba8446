package avro_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"shadoof/record"
	"shadoof/record/avro"
	"shadoof/record/internal/recordtest"
)

// plainJSON is the text of a value of a row, by its Avro type.
func plainJSON(t *recordtest.Type, v any) string {
	switch t.Kind {
	case "null":
		return "null"
	case "union":
		if v == nil {
			return "null"
		}
		member, nullable := 0, len(t.Branches) == 2 && (t.Branches[0].Kind == "null" || t.Branches[1].Kind == "null")
		for _, b := range t.Branches {
			switch {
			case b.Kind == "null":
			case nullable:
				return plainJSON(b, v)
			case v.([]any)[member] != nil:
				return plainJSON(b, v.([]any)[member])
			default:
				member++
			}
		}
		panic("no branch")
	case "record":
		row, parts := v.([]any), []string{}
		for _, f := range t.Fields {
			var in any
			if f.Type.Kind != "null" {
				in, row = row[0], row[1:]
			}
			parts = append(parts, strconv.Quote(f.Name)+":"+plainJSON(f.Type, in))
		}
		return "{" + strings.Join(parts, ",") + "}"
	case "array":
		parts := []string{}
		for _, e := range v.([]any) {
			parts = append(parts, plainJSON(t.Elem, e))
		}
		return "[" + strings.Join(parts, ",") + "]"
	case "map":
		parts := []string{}
		for _, e := range v.([]recordtest.Entry) {
			parts = append(parts, string(record.AppendText(nil, e.Key))+":"+plainJSON(t.Elem, e.Value))
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	return plainLeaf(t, v)
}

func plainLeaf(t *recordtest.Type, v any) string {
	quoted := func(at time.Time, layout string, number int64) string {
		if at.Year() < 0 || at.Year() > 9999 {
			return fmt.Sprint(number)
		}
		return `"` + at.UTC().Format(layout) + `"`
	}
	const day = "2006-01-02T15:04:05"
	switch t.Logical {
	case "date":
		return quoted(time.Unix(int64(v.(int32))*86400, 0).UTC(), "2006-01-02", int64(v.(int32)))
	case "time-millis":
		return quoted(time.UnixMilli(int64(v.(int32))).UTC(), "15:04:05.000", 0)
	case "time-micros":
		return quoted(time.UnixMicro(v.(int64)).UTC(), "15:04:05.000000", 0)
	case "timestamp-millis":
		return quoted(time.UnixMilli(v.(int64)).UTC(), day+".000Z", v.(int64))
	case "timestamp-micros":
		return quoted(time.UnixMicro(v.(int64)).UTC(), day+".000000Z", v.(int64))
	case "timestamp-nanos":
		return quoted(time.Unix(0, v.(int64)).UTC(), day+".000000000Z", v.(int64))
	case "local-timestamp-millis":
		return quoted(time.UnixMilli(v.(int64)).UTC(), day+".000", v.(int64))
	case "local-timestamp-micros":
		return quoted(time.UnixMicro(v.(int64)).UTC(), day+".000000", v.(int64))
	case "local-timestamp-nanos":
		return quoted(time.Unix(0, v.(int64)).UTC(), day+".000000000", v.(int64))
	case "decimal":
		scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(t.Scale)), nil)
		return new(big.Rat).SetFrac(recordtest.FromTwosComplement(v.(string)), scale).FloatString(t.Scale)
	}
	switch v := v.(type) {
	case float32:
		return strconv.FormatFloat(float64(v), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64)
	case string:
		if t.Logical == "" && (t.Kind == "bytes" || t.Kind == "fixed") {
			return `"` + base64.StdEncoding.EncodeToString([]byte(v)) + `"`
		}
		return string(record.AppendText(nil, v))
	}
	return fmt.Sprint(v)
}

// Fields of random schemas as JSON: the text is that of a plain printer, the other columns are as they were, and a refused record
// leaves no trace.
func TestFieldsAsJSON(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	texts, refused := 0, 0
	for range 150 {
		typ := recordtest.RandomRecord(r, 3)
		w := writer(t, record.ReadOptions{AsJSON: []string{typ.Fields[r.IntN(len(typ.Fields))].Name, typ.Fields[0].Name}}, string(typ.Avro(false)))
		dec, err := w.Decoder(w.Rows())
		if err != nil {
			t.Fatal(err)
		}
		got, want := record.NewColumns(w.Rows()), record.NewColumns(w.Rows())
		for range 4 {
			row := recordtest.RandomRow(r, typ)
			value := recordtest.AppendAvro(nil, r, typ, row)
			for range 4 {
				b := broken(r, value)
				err := dec.Decode(got, &record.Raw{Value: b})
				var bad *record.BadRecord
				switch {
				case err == nil: // another row that happens to be valid
					got.Rollback()
				case !errors.As(err, &bad) || bad.Reason != record.Undecodable && bad.Reason != record.Unfit:
					t.Fatal(err)
				default:
					refused++
				}
			}
			if err := dec.Decode(got, &record.Raw{Value: value}); err != nil {
				t.Fatalf("%v\n%s", err, typ.Avro(false))
			}
			got.EndRow()
			i := 0
			for _, f := range typ.Fields {
				if f.Type.Kind == "null" {
					continue
				}
				if rf := w.Rows().Fields[i]; rf.Type.Kind == record.JSON && (row[i] != nil || !rf.Nullable) {
					row[i] = plainJSON(f.Type, row[i])
					texts++
					if !json.Valid([]byte(row[i].(string))) {
						t.Fatalf("%s is no JSON", row[i])
					}
				}
				i++
			}
			recordtest.Shred(want, row)
		}
		if d := recordtest.DiffColumns(got, want); d != "" {
			t.Fatalf("columns of %s: -got +want\n%s", typ.Avro(false), d)
		}
		if _, err := recordtest.Rows(got); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d texts, %d refused", texts, refused)
	if texts < 100 || refused < 100 {
		t.Error("that tests little")
	}
}

// randomTree is a value of the type tree, and its JSON.
func randomTree(r *rand.Rand, depth int) (value []byte, text string) {
	at := int(int32(r.Uint32()))
	value = wire(at)
	var children []string
	if n := r.IntN(4); n > 0 && depth > 0 {
		var block []byte
		for range n {
			v, s := randomTree(r, depth-1)
			block, children = append(block, v...), append(children, s)
		}
		value = append(wire2(value, -n, len(block)), block...)
	}
	value = append(value, 0)
	next := "null"
	if r.IntN(2) == 0 || depth == 0 {
		value = append(value, 0)
	} else {
		v, s := randomTree(r, depth-1)
		value = wire2(value, 1, 2)
		value = append(append(append(wire2(value, 1), "k"...), wire(1)...), v...)
		value = append(wire2(append(wire2(value, 1), "l"...), 0, math.MinInt64), 0)
		next = `{"k":` + s + `,"l":-9223372036854775808}`
	}
	return value, fmt.Sprintf(`{"at":%d,"children":[%s],"next":%s}`, at, strings.Join(children, ","), next)
}

func wire2(b []byte, numbers ...int) []byte {
	for _, n := range numbers {
		b = binary.AppendVarint(b, int64(n))
	}
	return b
}

func TestTreesAsJSON(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	w := writer(t, record.ReadOptions{AsJSON: []string{"tree"}}, `{"type":"record","name":"R","fields":[{"name":"tree","type":`+tree+`},{"name":"z","type":"int"}]}`)
	dec, err := w.Decoder(w.Rows())
	if err != nil {
		t.Fatal(err)
	}
	c := record.NewColumns(w.Rows())
	for range 300 {
		value, want := randomTree(r, 5)
		value = append(value, 14)
		for range 5 {
			if err := dec.Decode(c, &record.Raw{Value: broken(r, value)}); err == nil {
				c.Rollback()
			}
		}
		if err := dec.Decode(c, &record.Raw{Value: value}); err != nil {
			t.Fatal(err)
		}
		c.EndRow()
		got, _ := c.LastBytes(0)
		if z, _ := c.LastInt64(1); !bytes.Equal(got, []byte(want)) || z != 7 {
			t.Fatalf("got  %s, %d\nwant %s", got, z, want)
		}
	}
}

// What no number of JSON is, and the letters of names and texts.
func TestJSONOfStrangeValues(t *testing.T) {
	t.Parallel()
	text := `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"record","name":"S","fields":[{"name":"d","type":"double"},{"name":"f","type":"float"},{"name":"s","type":"string"},
		{"name":"t","type":{"type":"int","logicalType":"time-millis"}},{"name":"p","type":{"type":"bytes","logicalType":"decimal","precision":2,"scale":1}},{"name":"n","type":"null"}]}}]}`
	w := writer(t, record.ReadOptions{AsJSON: []string{"a"}}, text)
	dec, err := w.Decoder(w.Rows())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		value []byte
		want  string
	}{
		{wire(math.NaN(), float32(math.Inf(-1)), "\"\\\n\x7f", -1, "\x01\x00"), `{"d":"NaN","f":"-Infinity","s":"\"\\\n\u007f","t":-1,"p":25.6,"n":null}`},
		{wire(math.Inf(1), float32(0), "\xff", 0, "\x00"), `undecodable: a.s: byte 13 of 17: found "\xff", expected UTF-8`},
		{wire(math.Inf(1), float32(0), "", 0, ""), `undecodable: a.p: byte 14 of 15: found the length 0, expected a decimal in the 0 bytes left`},
	} {
		cols := record.NewColumns(w.Rows())
		got := ""
		if err := dec.Decode(cols, &record.Raw{Value: c.value}); err != nil {
			got = err.Error()
		} else {
			got = string(cols.Leaves[0].Data)
		}
		if got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func BenchmarkAsJSON(b *testing.B) {
	events := recordtest.EventsAvro(1000)
	w, err := avro.ParseWriter(&record.SchemaText{Text: string(recordtest.EventType().Avro(false))}, record.ReadOptions{AsJSON: []string{"header", "tags", "properties"}})
	if err != nil {
		b.Fatal(err)
	}
	dec, err := w.Decoder(w.Rows())
	if err != nil {
		b.Fatal(err)
	}
	c := record.NewColumns(w.Rows())
	b.ReportAllocs()
	b.SetBytes(recordtest.Size(events))
	i := 0
	for b.Loop() {
		if i == len(events) {
			c.Reset()
			i = 0
		}
		if err := dec.Decode(c, &record.Raw{Value: events[i]}); err != nil {
			b.Fatal(err)
		}
		c.EndRow()
		i++
	}
}

// What is dropped behind a column of JSON is not printed: it may have any bytes.
func TestDroppedBehindJSON(t *testing.T) {
	t.Parallel()
	w := writer(t, record.ReadOptions{AsJSON: []string{"a"}}, `{"type":"record","name":"R","fields":[{"name":"a","type":["null","string"]},{"name":"b","type":"string"},{"name":"c","type":"int"}]}`)
	target := &record.Schema{Fields: []record.Field{{Name: "a", Type: record.Type{Kind: record.JSON}, Nullable: true}, {Name: "c", Type: record.Type{Kind: record.Int32}}}}
	if got, err := readAs(w, target, wire(1, "x", "\xff", 7)); got != `{"a":"x","c":7}` || err != nil {
		t.Errorf("%s, %v", got, err)
	}
}
