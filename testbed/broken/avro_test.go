package broken_test

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shadoof/testbed/readers"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

const avroEvent = `{"type":"record","name":"Event","namespace":"broken","fields":[
 {"name":"id","type":"long"},
 {"name":"count","type":"int"},
 {"name":"name","type":"string"},
 {"name":"level","type":{"type":"enum","name":"Level","symbols":["LOW","MID","HIGH"]}},
 {"name":"ok","type":"boolean"},
 {"name":"ratio","type":"double"},
 {"name":"tags","type":{"type":"array","items":"string"}},
 {"name":"at","type":["null",{"type":"long","logicalType":"timestamp-millis"}],"default":null},
 {"name":"seconds","type":["null","double"],"default":null},
 {"name":"note","type":["null","string"],"default":null},
 {"name":"price","type":{"type":"bytes","logicalType":"decimal","precision":9,"scale":2}},
 {"name":"clock","type":{"type":"int","logicalType":"time-millis"}},
 {"name":"either","type":["long","string"]},
 {"name":"sum","type":{"type":"fixed","name":"Sum","size":4}},
 {"name":"tree","type":["null",{"type":"record","name":"Node","fields":[{"name":"value","type":"int"},{"name":"next","type":["null","Node"],"default":null}]}],"default":null}
]}`

// avroOther cannot be read as events: its id is another thing.
const avroOther = `{"type":"record","name":"Visit","namespace":"broken","fields":[{"name":"id","type":{"type":"record","name":"Who","fields":[{"name":"mail","type":"string"}]}}]}`

// avroSame is called as events are, and yet its id is another thing.
var avroSame = strings.Replace(avroOther, "Visit", "Event", 1)

// avroNulls is of events of which nobody need know the count.
var avroNulls = strings.Replace(avroEvent, `"name":"count","type":"int"`, `"name":"count","type":["null","int"]`, 1)

func aLong(v int64) string { return string(binary.AppendVarint(nil, v)) }

func aText(s string) string { return aLong(int64(len(s))) + s }

func aDouble(v float64) string {
	return string(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
}

const aNull = "\x00"

func aSome(data string) string { return "\x02" + data }

func aTree(depth int) string {
	return strings.Repeat("\x02\x02", depth) + "\x00" // each a branch and the value 1
}

func sumOf(e event) []byte { return binary.BigEndian.AppendUint32(nil, uint32(e.id)) }

func avroParts(e event) parts {
	tags := aLong(0)
	if len(e.tags) > 0 {
		tags = aLong(int64(len(e.tags)))
		for _, s := range e.tags {
			tags += aText(s)
		}
		tags += aLong(0)
	}
	at, seconds, note := aSome(aLong(e.millis)), aNull, aNull
	if e.seconds {
		at, seconds = aNull, aSome(aDouble(float64(e.millis)/1000))
	}
	if e.note != "" {
		note = aSome(aText(e.note))
	}
	either := aLong(0) + aLong(e.id)
	if e.ok {
		either = aLong(1) + aText(e.name)
	}
	cents := int32(e.id) - 5000
	return parts{
		{"id", aLong(e.id)}, {"count", aLong(int64(e.count))}, {"name", aText(e.name)}, {"level", aLong(int64(e.level))}, {"ok", string([]byte{map[bool]byte{true: 1}[e.ok]})},
		{"ratio", aDouble(e.ratio)}, {"tags", tags}, {"at", at}, {"seconds", seconds}, {"note", note},
		{"price", aLong(4) + string(binary.BigEndian.AppendUint32(nil, uint32(cents)))}, {"clock", aLong(e.id % 86_400_000)}, {"either", either}, {"sum", string(sumOf(e))}, {"tree", aTree(e.depth)},
	}
}

func avroRow(e event) map[string]any {
	r := e.row()
	cents, sign := int32(e.id)-5000, ""
	if cents < 0 {
		cents, sign = -cents, "-"
	}
	r["price"] = fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
	r["clock"] = e.id % 86_400_000 * 1e6
	r["either"] = map[string]any{"member0": e.id, "member1": nil}
	if e.ok {
		r["either"] = map[string]any{"member0": nil, "member1": e.name}
	}
	r["sum"] = base64.StdEncoding.EncodeToString(sumOf(e))
	r["tree"] = treeText(e)
	return r
}

// treeText is the tree as JSON, which is what the column has.
func treeText(e event) any {
	if e.depth == 0 {
		return nil
	}
	return strings.Repeat(`{"value":1,"next":`, e.depth) + "null" + strings.Repeat("}", e.depth)
}

// newAvro is of records by schemas of the registry, which become rows of the newest version of the subject.
func newAvro(t *testing.T, topic string) *format {
	id := register(t, topic+"-value", registrybed.Schema{Text: avroEvent})
	other := register(t, topic+"-other", registrybed.Schema{Text: avroOther})
	same := register(t, topic+"-same", registrybed.Schema{Text: avroSame})
	nulls := register(t, topic+"-nulls", registrybed.Schema{Text: avroNulls})
	scalar := register(t, topic+"-scalar", registrybed.Schema{Text: `{"type":"array","items":"long","default":[]}`})
	f := &format{job: "value: {format: avro, version: latest, as_json: [tree]}\n" + byField, registry: servers.Registry(t).URL, row: avroRow}
	f.good = func(e event) []byte { return framed(id, avroParts(e).plain()) }
	seconds := func(v float64) func(e event) []byte {
		return func(e event) []byte {
			return framed(id, avroParts(e).put("at", aNull).put("seconds", aSome(aDouble(v))).plain())
		}
	}
	put := func(name, data string) func(e event) []byte {
		return func(e event) []byte { return framed(id, avroParts(e).put(name, data).plain()) }
	}
	f.kinds = append(headerKinds(f.good), unknownIDs(f.good)...)
	f.kinds = append(f.kinds, avroKinds(id, avroParts, avroRow)...)
	f.kinds = append(f.kinds, []kind{
		{"a tree of 100,000 levels", unfit, "levels", put("tree", aTree(100_000)), nil},
		{"a tree without an end", undecodable, "", put("tree", strings.Repeat("\x02\x02", 60)), nil},
		{"not a number of seconds", badTime, "NaN", seconds(math.NaN()), nil},
		{"endless seconds", badTime, "Inf", seconds(math.Inf(-1)), nil},
		{"null for what may not be null", unfit, "count", func(e event) []byte { return framed(nulls, avroParts(e).put("count", aNull).plain()) }, nil},
		{"a schema of the same name", misfit, "id", func(event) []byte { return framed(same, []byte(aText("someone"))) }, nil},
		{"a schema of something else", misfit, "broken.Visit", func(event) []byte { return framed(other, []byte(aText("someone"))) }, nil},
		{"a schema that is no record", misfit, "", func(event) []byte { return framed(scalar, []byte(aLong(0))) }, nil},

		{"not null for what the schema lets be null", "", "", func(e event) []byte {
			return framed(nulls, avroParts(e).put("count", aSome(aLong(int64(e.count)))).plain())
		}, nil},
	}...)
	return f
}

// newAvroFiles is of records by a schema in a file, without a registry, which become Avro files as they are.
func newAvroFiles(t *testing.T, _ string) *format {
	text := avroEvent[:strings.Index(avroEvent, ",\n {\"name\":\"tree\"")] + "]}"
	file := filepath.Join(t.TempDir(), "event.avsc")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	all := func(e event) parts {
		e.seconds = false
		return avroParts(e).cut("tree")
	}
	row := func(e event) map[string]any {
		e.seconds = false
		r := with(avroRow(e), "either", any(e.id))
		if e.ok {
			r["either"] = e.name
		}
		delete(r, "tree")
		return r
	}
	const id = 7 // nobody looks at it
	f := &format{
		job: fmt.Sprintf("value: {format: avro, schema: %q}\npartition: {by: field, field: at}\noutput: {format: avro}\n", file), by: []string{readers.FastAvro},
		good: func(e event) []byte { return framed(id, all(e).plain()) }, row: row,
	}
	f.kinds = append(headerKinds(f.good), avroKinds(id, all, row)...)
	f.kinds = append(f.kinds, kind{"another id", "", "", func(e event) []byte { return framed(nobody, all(e).plain()) }, nil})
	return f
}

// avroKinds are what records of both have in common.
func avroKinds(id int32, all func(e event) parts, row rowOf) []kind {
	put := func(name, data string) func(e event) []byte {
		return func(e event) []byte { return framed(id, all(e).put(name, data).plain()) }
	}
	time := func(at string) func(e event) []byte {
		return func(e event) []byte { return framed(id, all(e).put("at", at).put("seconds", aNull).plain()) }
	}
	return []kind{
		{"no bytes behind the header", undecodable, "byte 0 of 0", func(event) []byte { return framed(id, nil) }, nil},
		{"cut in the middle", undecodable, "", func(e event) []byte { v := all(e).plain(); return framed(id, v[:len(v)*int(1+e.id%7)/9]) }, nil},
		{"one byte too few", undecodable, "", func(e event) []byte { v := all(e).plain(); return framed(id, v[:len(v)-1]) }, nil},
		{"bytes after the end", undecodable, "after the end", func(e event) []byte { return append(framed(id, all(e).plain()), "behind"...) }, nil},
		{"text that is not UTF-8", undecodable, "UTF-8", put("name", aText("n\xe4me")), nil},
		{"half of a surrogate pair in a list", undecodable, "UTF-8", put("tags", aLong(1)+aText("\xed\xa0\x80")+aLong(0)), nil},
		{"an int of 33 bits", undecodable, "count", put("count", aLong(1<<32)), nil},
		{"a number of 11 bytes", undecodable, "more than 64 bits", put("id", strings.Repeat("\xff", 10)+"\x01"), nil},
		{"an enum beyond its symbols", undecodable, "symbol", put("level", aLong(3)), nil},
		{"an enum below its symbols", undecodable, "symbol", put("level", aLong(-1)), nil},
		{"a branch that the union has not got", undecodable, "either", put("either", aLong(2)), nil},
		{"a branch of null or not that is neither", undecodable, "note", put("note", "\x04"), nil},
		{"a text where a number is due", undecodable, "", func(e event) []byte { // its length is the number, and the rest not what it should be
			return framed(id, all(e).put("either", aLong(0)+aText("some text that is no number")).plain())
		}, nil},
		{"a text of 64 MB in a few bytes", undecodable, "length 67108864", func(event) []byte { return framed(id, []byte(aLong(1)+aLong(2)+aLong(64<<20)+"0123456789")) }, nil},
		{"a text of exabytes", undecodable, "length", put("name", aLong(math.MaxInt64)), nil},
		{"a text of less than nothing", undecodable, "length -1", put("name", aLong(-1)), nil},
		{"a list of a billion", undecodable, "", put("tags", aLong(1<<30)), nil},
		{"a list of as many as can be counted", undecodable, "", put("tags", aLong(math.MinInt64)+aLong(1)), nil},
		{"a block whose size is wrong", undecodable, "", put("tags", aLong(-1)+aLong(7)+aText("ab")+aLong(0)), nil},
		{"a boolean of 2", undecodable, "boolean", put("ok", "\x02"), nil},
		{"a decimal of ten digits", unfit, "price", put("price", aLong(5)+"\x02\x54\x0b\xe4\x00"), nil},
		{"a time of day of 24 hours", unfit, "clock", put("clock", aLong(86_400_000)), nil},
		{"a time beyond all times", unfit, "at", time(aSome(aLong(math.MaxInt64))), nil},
		{"in 1970", timeBounds, "1970", time(aSome(aLong(in1970))), nil},
		{"in 2200", timeBounds, "2200", time(aSome(aLong(in2200))), nil},
		{"no time", badTime, "", time(aNull), nil},

		{"a ratio that is not a number", "", "", put("ratio", aDouble(math.NaN())), func(e event) map[string]any { return with(row(e), "ratio", "NaN") }},
		{"a number in more bytes than it takes", "", "", put("count", "\x84\x80\x00"), func(e event) map[string]any { return with(row(e), "count", 2) }},
	}
}

// headerKinds are about the header of a registry's value, whatever the format.
func headerKinds(good func(event) []byte) []kind {
	return []kind{
		{"a wrong magic byte", undecodable, "zero byte", func(e event) []byte { v := good(e); v[0] = 1; return v }, nil},
		{"a header cut short", undecodable, "zero byte", func(e event) []byte { return good(e)[:3] }, nil},
		{"no header", undecodable, "zero byte", func(e event) []byte { return []byte(`{"id":1}`) }, nil},
		{"no bytes", undecodable, "zero byte", func(event) []byte { return []byte{} }, nil},
		{"no value", tombstone, "", func(event) []byte { return nil }, nil},
	}
}

// unknownIDs are about ids that the registry has not got, where they say what the value is.
func unknownIDs(good func(event) []byte) []kind {
	unknown := func(id int32) func(e event) []byte { return func(e event) []byte { return framed(id, good(e)[5:]) } }
	return []kind{
		{"an id that the registry has not got", unknownSchema, fmt.Sprint(nobody), unknown(nobody), nil},
		{"an id below zero", unknownSchema, "", unknown(-7), nil},
		{"the id 0", unknownSchema, "", unknown(0), nil},
	}
}
