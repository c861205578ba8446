package broken_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

const jsonEvent = `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Event","type":"object","properties":{
 "id":{"type":"integer"},"count":{"type":"integer"},"name":{"type":"string"},"level":{"enum":["LOW","MID","HIGH"]},"ok":{"type":"boolean"},"ratio":{"type":"number"},
 "tags":{"type":"array","items":{"type":"string"}},"at":{"type":["string","null"],"format":"date-time"},"seconds":{"type":["number","null"]},"note":{"type":["string","null"]},
 "price":{"type":"number","title":"org.apache.kafka.connect.data.Decimal","connect.parameters":{"scale":"2","connect.decimal.precision":"9"}},
 "sum":{"type":"string","contentEncoding":"base64"},"tree":{}},
 "required":["id","count","name","level","ok","ratio","tags","price","sum"]}`

// jsonOther cannot be read as events: its id is another thing.
const jsonOther = `{"$schema":"http://json-schema.org/draft-07/schema#","title":"Visit","type":"object","properties":{"id":{"type":"array","items":{"type":"integer"}}},"required":["id"]}`

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func priceOf(e event) string {
	cents, sign := int32(e.id)-5000, ""
	if cents < 0 {
		cents, sign = -cents, "-"
	}
	return fmt.Sprintf("%s%d.%02d", sign, cents/100, cents%100)
}

// jsonParts are the members of the object. Half of those without a tree say null, of which a column of JSON makes the text null.
func jsonParts(e event) parts {
	at, seconds, note := quoted(time.UnixMilli(e.millis).UTC().Format(time.RFC3339Nano)), "null", "null"
	if e.seconds {
		at, seconds = "null", fmt.Sprintf("%.3f", float64(e.millis)/1000)
	}
	if e.note != "" {
		note = quoted(e.note)
	}
	tags, err := json.Marshal(append([]string{}, e.tags...))
	if err != nil {
		panic(err)
	}
	ps := parts{
		{"id", fmt.Sprint(e.id)}, {"count", fmt.Sprint(e.count)}, {"name", quoted(e.name)}, {"level", quoted(levels[e.level])}, {"ok", fmt.Sprint(e.ok)}, {"ratio", fmt.Sprint(e.ratio)},
		{"tags", string(tags)}, {"at", at}, {"seconds", seconds}, {"note", note}, {"price", priceOf(e)}, {"sum", quoted(base64.StdEncoding.EncodeToString(sumOf(e)))}, {"tree", "null"},
	}
	if tree, ok := jsonTree(e).(string); ok {
		return ps.put("tree", tree)
	}
	return ps.cut("tree")
}

// jsonTree is the text of the tree.
func jsonTree(e event) any {
	if e.depth == 0 && e.ok {
		return "null"
	}
	return treeText(e)
}

func (ps parts) object() []byte {
	var b bytes.Buffer
	for i, p := range ps {
		fmt.Fprintf(&b, "%c%s:%s", ",{"[map[bool]int{true: 1}[i == 0]], quoted(p.name), p.data)
	}
	b.WriteByte('}')
	return b.Bytes()
}

func jsonRow(e event) map[string]any {
	r := e.row()
	r["price"], r["sum"], r["tree"] = priceOf(e), base64.StdEncoding.EncodeToString(sumOf(e)), jsonTree(e)
	return r
}

// newJSON is of documents by a JSON Schema of the registry.
func newJSON(t *testing.T, topic string) *format {
	id := register(t, topic+"-value", registrybed.Schema{Type: "JSON", Text: jsonEvent})
	other := register(t, topic+"-other", registrybed.Schema{Type: "JSON", Text: jsonOther})
	scalar := register(t, topic+"-scalar", registrybed.Schema{Type: "JSON", Text: `{"$schema":"http://json-schema.org/draft-07/schema#","type":"string"}`})
	f := &format{
		job: "value: {format: json}\n" + byField, registry: servers.Registry(t).URL, row: jsonRow,
		good: func(e event) []byte { return framed(id, jsonParts(e).object()) },
	}
	f.kinds = append(headerKinds(f.good), unknownIDs(f.good)...)
	f.kinds = append(f.kinds, jsonKinds(func(document []byte) []byte { return framed(id, document) }, jsonParts, jsonRow)...)
	f.kinds = append(f.kinds, []kind{
		{"no document behind the header", undecodable, "", func(event) []byte { return framed(id, nil) }, nil},
		{"a schema of something else", misfit, "id", func(e event) []byte { return framed(other, jsonParts(e).object()) }, nil},
		{"a schema of texts", misfit, "", func(e event) []byte { return framed(scalar, jsonParts(e).object()) }, nil},
		{"a level that is new", "", "", func(e event) []byte { return framed(id, jsonParts(e).put("level", `"TOP"`).object()) }, func(e event) map[string]any {
			return with(jsonRow(e), "level", "TOP")
		}},
		{"a time of no zone", unfit, "at", func(e event) []byte { return framed(id, jsonParts(e).put("at", `"2026-11-20T00:00:00"`).object()) }, nil},
	}...)
	return f
}

// newPinned is of plain documents by an Avro schema in a file.
func newPinned(t *testing.T, topic string) *format {
	file := filepath.Join(t.TempDir(), "event.avsc")
	if err := os.WriteFile(file, []byte(avroEvent), 0o644); err != nil {
		t.Fatal(err)
	}
	row := func(e event) map[string]any { return with(avroRow(e), "tree", jsonTree(e)) }
	all := func(e event) parts {
		p := jsonParts(e)
		either := fmt.Sprint(e.id)
		if e.ok {
			either = quoted(e.name)
		}
		return append(p, part{"clock", fmt.Sprint(e.id % 86_400_000)}, part{"either", either})
	}
	f := &format{
		job: fmt.Sprintf("value: {format: json, framing: none, schema: %q, as_json: [tree]}\n", file) + byField, row: row,
		good: func(e event) []byte { return all(e).object() },
	}
	put := func(name, data string) func(e event) []byte {
		return func(e event) []byte { return all(e).put(name, data).object() }
	}
	f.kinds = append(jsonKinds(func(document []byte) []byte { return document }, all, row), []kind{
		{"no bytes", undecodable, "byte 0 of 0", func(event) []byte { return []byte{} }, nil},
		{"no value", tombstone, "", func(event) []byte { return nil }, nil},
		{"the framing of a registry", undecodable, "", func(e event) []byte { return framed(1, f.good(e)) }, nil},
		{"a level that is new", unfit, "level", put("level", `"TOP"`), nil},
		{"an int of 33 bits", unfit, "count", put("count", "4294967296"), nil},
		{"a time of day of 24 hours", unfit, "clock", put("clock", "86400000"), nil},
		{"a type that the union has not got", unfit, "either", put("either", "true"), nil},
		{"bytes too few", unfit, "sum", put("sum", `"AAA="`), nil},
		{"a number where a record is due", "", "", put("tree", "12"), func(e event) map[string]any { return with(row(e), "tree", "12") }},
	}...)
	return f
}

// jsonKinds are what documents of both have in common.
func jsonKinds(frame func(document []byte) []byte, all func(e event) parts, row rowOf) []kind {
	put := func(name, data string) func(e event) []byte {
		return func(e event) []byte { return frame(all(e).put(name, data).object()) }
	}
	whole := func(text string) func(e event) []byte { return func(event) []byte { return frame([]byte(text)) } }
	deep := func(levels int) string {
		return strings.Repeat(`{"next":`, levels) + "1" + strings.Repeat("}", levels)
	}
	time := func(at, seconds string) func(e event) []byte {
		return func(e event) []byte { return frame(all(e).put("at", at).put("seconds", seconds).object()) }
	}
	return []kind{
		{"cut in the middle", undecodable, "", func(e event) []byte { d := all(e).object(); return frame(d[:1+(len(d)-1)*int(1+e.id%7)/9]) }, nil},
		{"one byte too few", undecodable, "", func(e event) []byte { d := all(e).object(); return frame(d[:len(d)-1]) }, nil},
		{"bytes after the end", undecodable, "the end", func(e event) []byte { return frame(append(all(e).object(), " {}"...)) }, nil},
		{"a zero byte after the end", undecodable, "the end", func(e event) []byte { return frame(append(all(e).object(), 0)) }, nil},
		{"text that is not UTF-8", undecodable, "UTF-8", put("name", "\"n\xe4me\""), nil},
		{"text that is not UTF-8 in what is left out", undecodable, "UTF-8", func(e event) []byte {
			return frame(append(all(e), part{"unknown", "[\"\xff\"]"}).object())
		}, nil},
		{"half of a surrogate pair", undecodable, "escape", put("name", `"\ud800"`), nil},
		{"an escape that is none", undecodable, "escape", put("name", `"\x41"`), nil},
		{"a line end in a text", undecodable, "control", put("name", "\"a\nb\""), nil},
		{"a number beyond 64 bits", unfit, "id", put("id", "9223372036854775808"), nil},
		{"a number of a thousand digits", unfit, "id", put("id", strings.Repeat("9", 1000)), nil},
		{"a number with an exponent of a billion", unfit, "id", put("id", "1e1000000000"), nil},
		{"a number with a rest", unfit, "count", put("count", "1.5"), nil},
		{"a number that is text", unfit, "id", put("id", `"12"`), nil},
		{"a number with a zero in front", undecodable, "", put("id", "012"), nil},
		{"a double beyond all doubles", unfit, "ratio", put("ratio", "1e400"), nil},
		{"NaN", undecodable, "NaN", put("ratio", "NaN"), nil},
		{"NaN as text", unfit, "ratio", put("ratio", `"NaN"`), nil},
		{"Infinity", undecodable, "", put("ratio", "-Infinity"), nil},
		{"a decimal with three places", unfit, "price", put("price", "1.005"), nil},
		{"a decimal of ten digits", unfit, "price", put("price", "12345678.90"), nil},
		{"base64 that is none", unfit, "sum", put("sum", `"*"`), nil},
		{"2,000 levels in a column of JSON", undecodable, "512", put("tree", deep(2000)), nil},
		{"2,000 levels in what is left out", undecodable, "512", func(e event) []byte { return frame(append(all(e), part{"unknown", deep(2000)}).object()) }, nil},
		{"a million brackets", undecodable, "512", put("tree", strings.Repeat("[", 1_000_000)), nil},
		{"null for what may not be null", unfit, "count", put("count", "null"), nil},
		{"a missing member", unfit, "name", func(e event) []byte { return frame(all(e).cut("name").object()) }, nil},
		{"a member twice", undecodable, "id", func(e event) []byte { return frame(append(all(e), part{"id", "7"}).object()) }, nil},
		{"a member twice, once with an escape", undecodable, "u0069d", func(e event) []byte {
			return frame(append(append(all(e).object()[:0:0], bytes.TrimSuffix(all(e).object(), []byte("}"))...), `,"\u0069d":7}`...))
		}, nil},
		{"an array", unfit, "", whole(`[{"id":1}]`), nil},
		{"a text", unfit, "", whole(`"hello"`), nil},
		{"null", unfit, "", whole("null"), nil},
		{"white space alone", undecodable, "", whole(" \n\t "), nil},
		{"a byte order mark", undecodable, "", func(e event) []byte { return frame(append([]byte("\xef\xbb\xbf"), all(e).object()...)) }, nil},
		{"UTF-16", undecodable, "", whole("{\x00}\x00"), nil},
		{"XML", undecodable, "", whole("<event><id>1</id></event>"), nil},
		{"a time that is none", unfit, "at", time(`"yesterday"`, "null"), nil},
		{"the 30th of February", unfit, "at", time(`"2026-02-30T00:00:00Z"`, "null"), nil},
		{"in 1970", timeBounds, "1970", time(`"1970-01-01T01:00:00Z"`, "null"), nil},
		{"in 2200", timeBounds, "2200", time("null", "7258118400.5"), nil},
		{"no time", badTime, "", time("null", "null"), nil},
		{"members of the time missing", badTime, "", func(e event) []byte { return frame(all(e).cut("at").cut("seconds").object()) }, nil},

		{"members that the schema has not got", "", "", func(e event) []byte {
			return frame(append(all(e), part{"unknown", deep(500)}, part{"another", "[]"}).object())
		}, nil},
		{"a member of what is left out twice", "", "", func(e event) []byte { return frame(append(all(e), part{"unknown", `{"a":1,"a":2}`}).object()) }, nil},
		{"integers written with an exponent", "", "", func(e event) []byte { return frame(all(e).put("count", fmt.Sprintf("%de1", e.count/10)).object()) }, func(e event) map[string]any {
			return with(row(e), "count", e.count/10*10)
		}},
		{"white space around", "", "", func(e event) []byte { return frame(append([]byte("\r\n\t "), append(all(e).object(), "\n\n"...)...)) }, nil},
	}
}
