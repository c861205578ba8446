package avro_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"shadoof/record"
	"shadoof/record/avro"
)

// oneField is a schema with the field a: from a type, what stands after the field's name, or the whole schema R.
func oneField(typ string) string {
	if strings.HasPrefix(typ, `{"type":"record","name":"R"`) {
		return typ
	}
	if !strings.HasPrefix(typ, `"type":`) {
		typ = `"type":` + typ
	}
	return `{"type":"record","name":"R","fields":[{"name":"a",` + typ + `}]}`
}

// resolved decodes one value that writer wrote for target, and prints the row.
func resolved(t *testing.T, writer, target string, value []byte) (string, error) {
	t.Helper()
	res, err := avro.Resolve(parse(t, []byte(writer)), parse(t, []byte(target)).Schema)
	if err != nil {
		return "", err
	}
	dec := res.NewDecoder()
	c := record.NewColumns(dec.Schema())
	if err := dec.Decode(c, &record.Raw{Value: value}); err != nil {
		return "", err
	}
	c.EndRow()
	return string(record.NewPrinter(c).Next(nil, -1)), nil
}

func wire(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.AppendVarint(b, int64(p))
		case string:
			b = append(binary.AppendVarint(b, int64(len(p))), p...)
		case float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(p))
		case float64:
			b = binary.LittleEndian.AppendUint64(b, math.Float64bits(p))
		case []byte:
			b = append(b, p...)
		}
	}
	return b
}

// What the section Schema Resolution of the specification (1.12.0) says, line by line.
func TestResolutionAsSpecified(t *testing.T) {
	t.Parallel()
	const (
		enumAB  = `{"type":"enum","name":"E","symbols":["A","B"]}`
		enumBC  = `{"type":"enum","name":"E","symbols":["B","C"]}`
		enumBCD = `{"type":"enum","name":"E","symbols":["B","C","D"],"default":"D"}`
		fixed2  = `{"type":"fixed","name":"F","size":2}`
	)
	for _, c := range []struct {
		name, writer, target string
		value                []byte
		want                 string // a row, or the error
	}{
		{"same type", `"int"`, `"int"`, wire(-7), `{"a":-7}`},
		{"int to long", `"int"`, `"long"`, wire(math.MinInt32), `{"a":-2147483648}`},
		{"int to float", `"int"`, `"float"`, wire(16777217), `{"a":1.6777216e+07}`},
		{"int to double", `"int"`, `"double"`, wire(16777217), `{"a":1.6777217e+07}`},
		{"long to float", `"long"`, `"float"`, wire(1 << 40), `{"a":1.0995116e+12}`},
		{"long to double", `"long"`, `"double"`, wire(1<<53 + 1), `{"a":9.007199254740992e+15}`},
		{"float to double", `"float"`, `"double"`, wire(float32(0.1)), `{"a":0.10000000149011612}`},
		{"string to bytes", `"string"`, `"bytes"`, wire("\xff"), `{"a":"/w=="}`},
		{"bytes to string", `"bytes"`, `"string"`, wire("ü"), `{"a":"ü"}`},
		{"bytes to string, not UTF-8", `"bytes"`, `"string"`, wire("\xff"), `unfit: a: byte 1 of 2: found "\xff", expected UTF-8 for a string`},
		{"int to long of 33 bits", `"int"`, `"long"`, wire(1 << 31), `undecodable: a: byte 0 of 5: found 2147483648, expected an int of 32 bits`},
		{"int to double, cut", `"int"`, `"double"`, []byte{}, `undecodable: a: byte 0 of 0: found the end of the data, expected an int of 32 bits`},
		{"float to double, cut", `"float"`, `"double"`, []byte{0, 0, 0}, `undecodable: a: byte 0 of 3: found the end of the data, expected a float`},
		{"long to int", `"long"`, `"int"`, nil, `field a: the writer has long, the target int`},
		{"long to double and back", `"double"`, `"long"`, nil, `field a: the writer has double, the target long`},
		{"boolean to int", `"boolean"`, `"int"`, nil, `field a: the writer has boolean, the target int`},
		{"null to int", `["null","int"]`, `"string"`, nil, `field a: the writer has a union of null, int, the target string`},

		{"arrays", `{"type":"array","items":"int"}`, `{"type":"array","items":"double"}`, wire(2, 1, -2, 0), `{"a":[1,-2]}`},
		{"arrays that do not match", `{"type":"array","items":"string"}`, `{"type":"array","items":"int"}`, nil, `field a[]: the writer has string, the target int`},
		{"maps", `{"type":"map","values":"bytes"}`, `{"type":"map","values":["null","string"]}`, wire(1, "k", "v", 0), `{"a":{"k":"v"}}`},
		{"maps that do not match", `{"type":"map","values":"string"}`, `{"type":"map","values":{"type":"array","items":"string"}}`, nil, `field a{}: the writer has string, the target array of string`},

		{"enums by symbol", enumAB, `{"type":"enum","name":"E","symbols":["B","A"]}`, wire(0), `{"a":"A"}`},
		{"enum with the symbol", enumAB, enumBC, wire(1), `{"a":"B"}`},
		{"enum without the symbol", enumAB, enumBC, wire(0), `unfit: a: byte 0 of 1: found the symbol A, expected one that the target has`},
		{"enum with a default", enumAB, enumBCD, wire(0), `{"a":"D"}`},
		{"enum, index", enumAB, enumBC, wire(2), `undecodable: a: byte 0 of 1: found the index 2 of a symbol, expected one below 2`},
		{"enums of other namespaces", `{"type":"enum","name":"x.E","symbols":["A"]}`, `{"type":"enum","name":"y.E","symbols":["A"]}`, wire(0), `{"a":"A"}`},
		{"enums of other names", enumAB, `{"type":"enum","name":"G","symbols":["A","B"]}`, nil, `field a: the writer has enum E, the target enum G; if they are the same, the target needs an alias`},
		{"enum to bytes", enumAB, `"bytes"`, nil, `field a: the writer has enum E, the target bytes`},
		{"fixed", fixed2, fixed2, []byte("xy"), `{"a":"eHk="}`},
		{"fixed of other sizes", fixed2, `{"type":"fixed","name":"F","size":3}`, nil, `field a: the writer has fixed F of 2 bytes, the target fixed F of 3 bytes`},
		{"fixed of other names", fixed2, `{"type":"fixed","name":"G","size":2}`, nil, `the target fixed G of 2 bytes; if they are the same, the target needs an alias`},
		{"fixed under an alias", fixed2, `{"type":"fixed","name":"G","size":2,"aliases":["F"]}`, []byte("xy"), `{"a":"eHk="}`},

		{"fields of another order", `"int"},{"name":"b","type":"string"`, `{"type":"record","name":"R","fields":[{"name":"b","type":"string"},{"name":"a","type":"int"}]}`, wire(1, "x"), `{"b":"x","a":1}`},
		{"a field the target lacks", `"int"},{"name":"b","type":"string"`, `"int"`, wire(1, "x"), `{"a":1}`},
		{"a field the writer lacks", `"int"`, `"int"},{"name":"b","type":"string","default":"x"`, wire(1), `{"a":1,"b":"x"}`},
		{"a field the writer lacks, no default", `"int"`, `"int"},{"name":"b","type":"string"`, nil, `field b: the writer has no such field, and the target no default for it`},
		// It has no column, so rows do not know of it.
		{"a field of type null the writer lacks", `"int"`, `"int"},{"name":"b","type":"null"`, wire(1), `{"a":1}`},
		{"a field of type null with default", `"int"`, `"int"},{"name":"b","type":"null","default":null`, wire(1), `{"a":1}`},
		{"a field of type null the target lacks", `"int"},{"name":"b","type":"null"`, `"int"`, wire(1), `{"a":1}`},
		{"null to nullable", `"int"},{"name":"b","type":"null"`, `"int"},{"name":"b","type":["string","null"]`, wire(1), `{"a":1,"b":null}`},
		{"null to null", `"int"},{"name":"b","type":"null"`, `"int"},{"name":"b","type":"null"`, wire(1), `{"a":1}`},
		{"a field renamed", `"int"},{"name":"b","type":"string"`, `"int"},{"name":"c","aliases":["x","b"],"type":"string"`, wire(1, "x"), `{"a":1,"c":"x"}`},
		{"two fields for one", `"int"},{"name":"b","type":"int"`, `"type":"int","aliases":["b"]`, nil, `field a: the writer has two fields for it, a and b, by its name and its aliases`},

		{"both unions", `["int","string"]`, `["bytes","long","string"]`, wire(0, 5), `{"a":{"member1":5}}`},
		{"both unions, a promotion", `["int","string"]`, `["boolean","bytes"]`, wire(1, "x"), `{"a":{"member1":"eA=="}}`},
		{"both unions, no match", `["int","string"]`, `["boolean","bytes"]`, wire(0, 5), `unfit: a: byte 1 of 2: found int in the writer's union, expected a union of boolean, bytes`},
		{"both unions, never a match", `["null","int"]`, `["null","string"]`, nil, `field a: the writer has a union of null, int, the target a union of null, string`},
		{"both unions, branch", `["int","string"]`, `["int","bytes"]`, wire(2), `undecodable: a: byte 0 of 1: found the index 2 of a branch, expected one below 2`},
		{"both nullable", `["null","int"]`, `["long","null"]`, wire(1, 5), `{"a":5}`},
		{"both nullable, null", `["null","int"]`, `["long","null"]`, wire(0), `{"a":null}`},
		{"both nullable, null last", `["int","null"]`, `["null","int"]`, wire(1), `{"a":null}`},
		{"nullable to a larger union", `["null","int"]`, `["null","string","int"]`, wire(1, 5), `{"a":{"member1":5}}`},
		{"nullable to a larger union, null", `["null","int"]`, `["string","int","null"]`, wire(0), `{"a":null}`},
		{"smaller to nullable", `["int","null","string"]`, `["null","string"]`, wire(2, "x"), `{"a":"x"}`},
		{"smaller to nullable, null", `["int","null","string"]`, `["null","string"]`, wire(1), `{"a":null}`},
		{"smaller to nullable, no match", `["int","null","string"]`, `["null","string"]`, wire(0, 1), `unfit: a: byte 1 of 2: found int in the writer's union, expected a union of null, string`},
		{"to a union", `"int"`, `["null","int"]`, wire(5), `{"a":5}`},
		{"to a larger union", `"int"`, `["string","null","double"]`, wire(5), `{"a":{"member1":5}}`},
		{"to a union of one", `"int"`, `["int"]`, wire(5), `{"a":{"member0":5}}`},
		{"to a union, no match", `"boolean"`, `["string","int"]`, nil, `field a: the writer has boolean, the target a union of string, int`},
		{"from a union", `["null","int"]`, `"long"`, wire(1, 5), `{"a":5}`},
		{"from a union, null", `["null","int"]`, `"long"`, wire(0), `unfit: a: byte 1 of 1: found null in the writer's union, expected long`},
		{"from a union of one", `["int"]`, `"float"`, wire(0, 5), `{"a":5}`},
		{"from a union, all match", `["int","long"]`, `"long"`, wire(1, 5), `{"a":5}`},
		{"union of unions in arrays", `{"type":"array","items":["int","string"]}`, `{"type":"array","items":["null","string","long"]}`, wire(2, 0, 1, 1, "x", 0), `{"a":[{"member1":1},{"member0":"x"}]}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := resolved(t, oneField(c.writer), oneField(c.target), c.value)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got+"\n", c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// Where the specification leaves it open, is vague, or is not what the library does.
func TestResolutionBeyondTheSpecification(t *testing.T) {
	t.Parallel()
	logical := func(typ, name string) string { return `{"type":"` + typ + `","logicalType":"` + name + `"}` }
	decimal := func(typ, p, s string) string {
		return `{` + typ + `,"logicalType":"decimal","precision":` + p + `,"scale":` + s + `}`
	}
	const inBytes, inFixed = `"type":"bytes"`, `"type":"fixed","name":"F","size":4`
	rec := func(name, fields string) string {
		return `{"type":"record","name":"` + name + `","fields":[` + fields + `]}`
	}
	const i, l = `{"name":"x","type":"int"}`, `{"name":"x","type":"long"}`
	const enumE = `{"type":"enum","name":"E","symbols":["A","B"]}`
	const uuidFixed = `{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`
	for _, c := range []struct {
		name, writer, target string
		value                []byte
		want                 string
	}{
		// The first type that matches would be the double, also for a writer with the same union: the same type goes first, as in Java
		// and in the library.
		{"a type before a promotion", `"int"`, `["double","int"]`, wire(5), `{"a":{"member1":5}}`},
		{"a union in itself", `["double","long"]`, `["double","long"]`, wire(1, 1<<53+1), `{"a":{"member1":9007199254740993}}`},
		{"the first of two promotions", `"int"`, `["string","double","float"]`, wire(5), `{"a":{"member1":5}}`},
		// Types of a union may have one unqualified name.
		{"full name first", rec("y.S", i), `[` + rec("x.S", i) + `,` + rec("y.S", i) + `]`, wire(5), `{"a":{"member1":{"x":5}}}`},
		{"full name before an alias", rec("B", i), `[{"type":"record","name":"A","aliases":["B"],"fields":[` + i + `]},` + rec("B", i) + `]`, wire(5), `{"a":{"member1":{"x":5}}}`},
		{"alias before a name", rec("y.S", i), `[` + rec("x.S", i) + `,{"type":"record","name":"T","aliases":["y.S"],"fields":[` + i + `]}]`, wire(5), `{"a":{"member1":{"x":5}}}`},
		{"name last", rec("y.S", i), `["int",` + rec("x.S", l) + `]`, wire(5), `{"a":{"member1":{"x":5}}}`},
		// The library also takes an alias without a namespace for any. It is in the namespace of the type.
		{"alias in the namespace", rec("x.S", i), `{"type":"record","name":"x.T","aliases":["S"],"fields":[` + i + `]}`, wire(5), `{"a":{"x":5}}`},
		{"alias in another namespace", rec("y.S", i), `{"type":"record","name":"x.T","aliases":["S"],"fields":[` + i + `]}`, nil, `field a: the writer has record y.S, the target record x.T; if they are the same, the target needs an alias`},
		// The library, too, makes null the default of a union that begins with it.
		{"what may be null is null without a default", `"int"`, `"int"},{"name":"b","type":["null","int"]},{"name":"c","type":["int","null"]`, wire(1), `{"a":1,"b":null,"c":null}`},
		// Records are matched by name; that their fields do not fit is an error at once.
		{"fields within a union", `["null",` + rec("S", i) + `]`, `["null",` + rec("S", `{"name":"x","type":"string"}`) + `]`, nil, `field a.x: the writer has int, the target string`},

		{"decimals", decimal(inBytes, "5", "2"), decimal(inBytes, "5", "2"), wire("\x01\x00"), `{"a":"2.56"}`},
		{"decimals of another scale", decimal(inBytes, "5", "2"), decimal(inBytes, "5", "3"), nil, `field a: the writer has decimal(5,2) in bytes, the target decimal(5,3) in bytes`},
		{"decimals of less precision", decimal(inBytes, "6", "2"), decimal(inBytes, "5", "2"), nil, `field a: the writer has decimal(6,2) in bytes, the target decimal(5,2) in bytes`},
		{"a decimal to one with more digits after the point and less before", decimal(inBytes, "5", "2"), decimal(inBytes, "6", "4"), nil, `field a: the writer has decimal(5,2) in bytes, the target decimal(6,4) in bytes`},
		{"decimals of another scale, nullable", `["null",` + decimal(inFixed, "5", "2") + `]`, `[` + decimal(inFixed, "5", "3") + `,"null"]`, nil, `the writer has a union of null, decimal(5,2) in fixed F of 4 bytes, the target`},
		{"bytes to a decimal", `"bytes"`, decimal(inBytes, "5", "2"), wire("\x01\x00"), `{"a":"2.56"}`},
		{"bytes to a decimal, digits", `"bytes"`, decimal(inBytes, "2", "1"), wire("\x01\x00"), `unfit: a: byte 1 of 3: found the unscaled value 0x0100, expected at most 2 digits`},
		{"a decimal to bytes", decimal(inBytes, "5", "2"), `"bytes"`, wire("\x01\x00"), `{"a":"AQA="}`},
		// The library reads the text as an unscaled number.
		{"a string to a decimal", `"string"`, decimal(inBytes, "5", "2"), nil, `field a: the writer has string, the target decimal(5,2) in bytes`},
		{"a decimal to a string", decimal(inBytes, "5", "2"), `"string"`, nil, `field a: the writer has decimal(5,2) in bytes, the target string`},

		// Rows that grew by several schemas have what holds all they saw.
		{"enum to string", enumE, `"string"`, wire(1), `{"a":"B"}`},
		{"enum to string, index", enumE, `"string"`, wire(2), `undecodable: a: byte 0 of 1: found the index 2 of a symbol`},
		{"enum to a union with string", enumE, `["null","int","string"]`, wire(1), `{"a":{"member1":"B"}}`},
		{"a UUID in a fixed to string", uuidFixed, `"string"`, make([]byte, 16), `{"a":"00000000-0000-0000-0000-000000000000"}`},
		{"a UUID in a fixed to one in a string", uuidFixed, logical("string", "uuid"), make([]byte, 16), `{"a":"00000000-0000-0000-0000-000000000000"}`},
		{"a UUID in a string to one in a fixed", logical("string", "uuid"), uuidFixed, wire("x"), `{"a":"x"}`},
		{"a text to a UUID in a fixed", `"string"`, uuidFixed, wire("x"), `{"a":"x"}`},
		{"decimals of more precision", decimal(inBytes, "5", "2"), decimal(inBytes, "6", "2"), wire("\x01\x00"), `{"a":"2.56"}`},
		{"a decimal to fixed", decimal(inBytes, "5", "2"), decimal(inFixed, "5", "2"), wire("\x01\x00"), `{"a":"2.56"}`},
		{"a decimal in a fixed to bytes", decimal(inFixed, "5", "2"), decimal(inBytes, "5", "2"), []byte{0, 0, 1, 0}, `{"a":"2.56"}`},
		{"a decimal of more digits after the point", decimal(inBytes, "5", "2"), decimal(inBytes, "7", "4"), wire("\xff\x00"), `{"a":"-2.5600"}`},
		{"a decimal in a fixed of more digits after the point", decimal(inFixed, "5", "2"), decimal(inBytes, "15", "12"), []byte{0, 0, 1, 0}, `{"a":"2.560000000000"}`},
		{"a decimal of more digits after the point, too long", decimal(inBytes, "3", "2"), decimal(inBytes, "4", "3"), wire("\x03\xe8"), `unfit: a: byte 1 of 3: found the unscaled value 0x03e8, expected at most 3 digits`},
		{"a decimal of more digits after the point, empty", decimal(inBytes, "3", "2"), decimal(inBytes, "4", "3"), wire(""), `undecodable: a: byte 0 of 1: found the length 0, expected a decimal`},
		{"a decimal of more digits after the point, cut", decimal(inFixed, "3", "2"), decimal(inBytes, "4", "3"), []byte{1}, `undecodable: a: byte 0 of 1: found the end of the data, expected a decimal`},

		{"an annotation more", `"long"`, logical("long", "timestamp-millis"), wire(1), `{"a":"1970-01-01T00:00:00.001Z"}`},
		{"an annotation less", logical("long", "timestamp-millis"), `"long"`, wire(1), `{"a":1}`},
		{"a promotion to an annotation", `"int"`, logical("long", "timestamp-micros"), wire(1), `{"a":"1970-01-01T00:00:00.000001Z"}`},
		{"a promotion to a time of day", `"int"`, logical("long", "time-micros"), wire(1), `{"a":"00:00:00.000001"}`},
		{"a promotion to a time of day before midnight", `"int"`, logical("long", "time-micros"), wire(-1), `unfit: a: byte 0 of 1: found -1, expected a time of day, from 0 to 86399999999`},
		{"a promotion to a time of day of 33 bits", `"int"`, logical("long", "time-micros"), wire(1 << 31), `undecodable: a: byte 0 of 5: found 2147483648, expected a time of day`},
		{"a promotion from an annotation", logical("int", "date"), `"double"`, wire(1), `{"a":1}`},
		{"wall clock to instant", logical("long", "local-timestamp-micros"), logical("long", "timestamp-micros"), wire(1), `{"a":"1970-01-01T00:00:00.000001Z"}`},
		// The library and Java read the number in the target's unit: wrong by a factor of 1000, and nobody notices.
		{"milliseconds to microseconds", logical("long", "timestamp-millis"), logical("long", "timestamp-micros"), nil, `field a: the writer has timestamp-millis in long, the target timestamp-micros in long`},
		{"days to milliseconds", logical("int", "date"), logical("long", "timestamp-millis"), nil, `field a: the writer has date in int, the target timestamp-millis in long`},
		{"time of day to instant", logical("long", "time-micros"), logical("long", "timestamp-micros"), nil, `field a: the writer has time-micros in long`},
		{"text to UUID", `"string"`, logical("string", "uuid"), wire("x"), `{"a":"x"}`},
		{"fixed to UUID", `{"type":"fixed","name":"U","size":16}`, `{"type":"fixed","name":"U","size":16,"logicalType":"uuid"}`, make([]byte, 16), `{"a":"00000000-0000-0000-0000-000000000000"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := resolved(t, oneField(c.writer), oneField(c.target), c.value)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got+"\n", c.want)) {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestRecordsMatchByUnqualifiedName(t *testing.T) {
	t.Parallel()
	schema := func(head string) string {
		return `{"type":"record",` + head + `,"fields":[{"name":"a","type":"int"}]}`
	}
	for _, c := range []struct{ writer, target, want string }{
		{`"name":"x.R"`, `"name":"y.R"`, `{"a":7}`},
		{`"name":"R"`, `"name":"R","namespace":"y"`, `{"a":7}`},
		{`"name":"x.R"`, `"name":"x.S","aliases":["R"]`, `{"a":7}`},
		{`"name":"x.R"`, `"name":"y.S","aliases":["x.R"]`, `{"a":7}`},
		{`"name":"x.R"`, `"name":"x.S"`, `the writer has record x.R, the target record x.S; if they are the same, the target needs an alias`},
	} {
		got, err := resolved(t, schema(c.writer), schema(c.target), wire(7))
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s as %s:\ngot  %s\nwant %s", c.writer, c.target, got, c.want)
		}
	}
}

// Defaults of every type, also where their own fields have defaults, at the top and in the entries of a list.
func TestDefaultsOfMissingFields(t *testing.T) {
	t.Parallel()
	const all = `{"name":"b","type":"boolean","default":true},{"name":"i","type":"int","default":-1},{"name":"l","type":"long","default":9007199254740993},
		{"name":"f","type":"float","default":1},{"name":"d","type":"double","default":0.1},{"name":"s","type":"string","default":"ü"},
		{"name":"y","type":"bytes","default":"\u00ff"},{"name":"e","type":{"type":"enum","name":"E","symbols":["A","B"]},"default":"B"},
		{"name":"x","type":{"type":"fixed","name":"X","size":2},"default":"\u0000\u0001"},
		{"name":"p","type":{"type":"bytes","logicalType":"decimal","precision":4,"scale":2},"default":"\u0001\u0000"},
		{"name":"n","type":["null","int"],"default":null},{"name":"m","type":["null","int"],"default":5},
		{"name":"u","type":["null","string","E",{"type":"array","items":"long"},{"type":"record","name":"V","fields":[{"name":"v","type":"int"}]}],"default":{"v":3}},
		{"name":"ls","type":{"type":"array","items":{"type":"map","values":["int","string"]}},"default":[{"k":"v","j":1},{}]},
		{"name":"none","type":"null","default":null},
		{"name":"r","type":{"type":"record","name":"S","fields":[{"name":"one","type":"int"},{"name":"two","type":"int","default":2},{"name":"three","type":"null","default":null}]},"default":{"one":1}}`
	const want = `"b":true,"i":-1,"l":9007199254740993,"f":1,"d":0.1,"s":"ü","y":"/w==","e":"B","x":"AAE=","p":"2.56","n":null,"m":5,"u":{"member3":{"v":3}},"ls":[{"j":{"member0":1},"k":{"member1":"v"}},{}],"r":{"one":1,"two":2}`
	const list = `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"T","fields":[{"name":"z","type":"int"}`
	for _, c := range []struct {
		writer, target string
		value          []byte
		want           string
	}{
		{oneField(`"int"`), oneField(`"int"},` + strings.TrimSuffix(all, "}")), wire(7), `{"a":7,` + want + `}`},
		{list + `]}}}]}`, list + `,` + all + `]}}}]}`, wire(2, 7, 8, 0), `{"a":[{"z":7,` + want + `},{"z":8,` + want + `}]}`},
	} {
		got, err := resolved(t, c.writer, c.target, c.value)
		if err != nil || got != c.want {
			t.Errorf("%v\ngot  %s\nwant %s", err, got, c.want)
		}
	}
	for _, c := range []struct{ field, want string }{
		{`{"type":"bytes","logicalType":"decimal","precision":2,"scale":1},"default":"\u0001\u0000"`, `field b: its default: b: found "25.6", expected a value of the kind decimal`},
		{`{"type":"long","logicalType":"time-micros"},"default":-5`, `field b: its default: b: found "-5", expected a value of the kind time-micros`},
	} {
		if _, err := resolved(t, oneField(`"int"`), oneField(`"int"},{"name":"b","type":`+c.field), nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v\nwant  %s", err, c.want)
		}
	}
}

// What the target lacks is walked over; what is wrong with its structure is still found.
func TestDroppedFieldsAreWalkedOver(t *testing.T) {
	t.Parallel()
	const rec = `{"type":"record","name":"S","fields":[{"name":"x","type":"int"},{"name":"y","type":["null","string"]}]}`
	for _, c := range []struct {
		name, typ string
		value     []byte
		want      string // of an error
	}{
		{"boolean", `"boolean"`, []byte{1}, ""},
		{"boolean 2", `"boolean"`, []byte{2}, "found the byte 0x2"},
		{"int of 33 bits", `"int"`, wire(1 << 31), "found 2147483648, expected an int"},
		{"long", `"long"`, wire(-1 << 63), ""},
		{"long of 65 bits", `"long"`, bytes.Repeat([]byte{0xff}, 11), "found a number of more than 64 bits"},
		{"float", `"float"`, wire(float32(1)), ""},
		{"double", `"double"`, wire(1.5), ""},
		{"short double", `"double"`, make([]byte, 3), "found the end"},
		{"string that is not UTF-8", `"string"`, wire("\xff"), ""},
		{"string too long", `"string"`, wire(1000), "found the length 1000"},
		{"bytes", `"bytes"`, wire("\xff"), ""},
		{"enum", `{"type":"enum","name":"E","symbols":["A"]}`, wire(0), ""},
		{"symbol", `{"type":"enum","name":"E","symbols":["A"]}`, wire(1), "found the index 1 of a symbol"},
		{"fixed", `{"type":"fixed","name":"F","size":3}`, []byte("xyz"), ""},
		{"UUID", `{"type":"fixed","name":"F","size":16,"logicalType":"uuid"}`, make([]byte, 16), ""},
		{"decimal", `{"type":"bytes","logicalType":"decimal","precision":2}`, wire("\x01\x00"), ""},
		{"empty decimal", `{"type":"bytes","logicalType":"decimal","precision":2}`, wire(""), "found the length 0"},
		{"fixed decimal", `{"type":"fixed","name":"F","size":3,"logicalType":"decimal","precision":2}`, []byte("xyz"), ""},
		{"time of day", `{"type":"int","logicalType":"time-millis"}`, wire(-1), ""},
		{"nullable", `["null","int"]`, wire(1, 5), ""},
		{"null", `["int","null"]`, wire(1), ""},
		{"branch byte", `["int","null"]`, wire(2), "found the branch byte 0x4"},
		{"union", `["null","int",` + rec + `]`, wire(2, 5, 1, "x"), ""},
		{"union, null", `["null","int",` + rec + `]`, wire(0), ""},
		{"branch", `["null","int",` + rec + `]`, wire(3), "found the index 3 of a branch"},
		{"map", `{"type":"map","values":` + rec + `}`, wire(1, "k", 5, 0, 0), ""},
		{"array with a size", `{"type":"array","items":"int"}`, wire(-2, 2, 5, 6, 1, 7, 0), ""},
		{"array with a wrong size", `{"type":"array","items":"int"}`, wire(-2, 3, 5, 6, 0), "found a block that ends at byte"},
		{"many entries", `{"type":"array","items":"int"}`, wire(1000), "found a block of 1000 entries"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fields := func(b string) string {
				return `{"type":"record","name":"R","fields":[{"name":"a","type":"int"}` + b + `,{"name":"c","type":"int"}]}`
			}
			value := append(append(wire(1), c.value...), wire(2)...)
			got, err := resolved(t, fields(`,{"name":"b","type":`+c.typ+`}`), fields(""), value)
			if c.want != "" {
				if err == nil || !strings.Contains(err.Error(), "undecodable: b") || !strings.Contains(err.Error(), c.want) {
					t.Errorf("error %v, want %s", err, c.want)
				}
				return
			}
			if err != nil || got != `{"a":1,"c":2}` {
				t.Errorf("row %s, error %v", got, err)
			}
		})
	}
}

// One byte of an entry must not become a kilobyte of defaults.
func TestDefaultsOfOneRecordAreBounded(t *testing.T) {
	t.Parallel()
	const list = `{"type":"record","name":"R","fields":[{"name":"a","type":{"type":"array","items":{"type":"record","name":"T","fields":[{"name":"z","type":"int"}`
	target := list + `,{"name":"s","type":"string","default":"` + strings.Repeat("x", 1000) + `"}]}}}]}`
	value := append(wire(1<<20), make([]byte, 1<<20+1)...)
	_, err := resolved(t, list+`]}}}]}`, target, value)
	var bad *record.BadRecord
	if !errors.As(err, &bad) || bad.Reason != record.Unfit || !strings.Contains(bad.Detail, "with their defaults") {
		t.Errorf("error %v", err)
	}
}
