package generations_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// A keyKind is a format of keys, in some generations.
type keyKind struct {
	name   string
	config string
	kind   string // in the registry; "" for keys without a schema
	texts  []string
	key    func(n, generation int) any // as it was produced
	encode func(text string, generation int, key any) []byte
	column []column // of a struct; nil for one value
}

func encodeAvro(text string, _ int, v any) []byte {
	e := &avroEncoder{names: map[string]any{}}
	return e.append(nil, e.parse(text), v)
}

func encodeJSON(_ string, _ int, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

// accountKey has a zone from its second generation on.
func accountKey(n, generation int) any {
	d := document{"tenant": fmt.Sprint("t", n%3), "id": whole(generation, n)}
	if generation > 1 {
		d["zone"] = null(n%2 == 0, "eu")
	}
	return d
}

var accountColumns = []column{{name: "tenant"}, {name: "id"}, {name: "zone", first: 2}}

var keyKinds = []keyKind{
	{
		name: "avro-struct", config: "{format: avro}", kind: "AVRO", texts: []string{
			`{"type": "record", "name": "Account", "fields": [{"name": "tenant", "type": "string"}, {"name": "id", "type": "int"}]}`,
			`{"type": "record", "name": "Account", "fields": [{"name": "tenant", "type": "string"}, {"name": "id", "type": "long"}, {"name": "zone", "type": ["null", "string"], "default": null}]}`,
		}, key: accountKey, encode: encodeAvro, column: accountColumns,
	},
	{
		name: "avro-string", config: "{format: avro}", kind: "AVRO", texts: []string{`"string"`}, key: func(n, _ int) any { return fmt.Sprint("kľúč ", n) }, encode: encodeAvro,
	},
	{
		name: "avro-long", config: "{format: avro}", kind: "AVRO", texts: []string{`"int"`, `"long"`}, key: func(n, generation int) any { return whole(generation, n) }, encode: encodeAvro,
	},
	{
		name: "json", config: "{format: json}", kind: "JSON", texts: []string{
			`{"type": "object", "properties": {"tenant": {"type": "string"}, "id": {"type": "integer"}}, "required": ["tenant", "id"]}`,
			`{"type": "object", "properties": {"tenant": {"type": "string"}, "id": {"type": "integer"}, "zone": {"type": ["null", "string"]}}, "required": ["tenant", "id"]}`,
		}, key: accountKey, encode: encodeJSON, column: accountColumns,
	},
	{
		name: "protobuf", config: "{format: protobuf}", kind: "PROTOBUF", texts: []string{
			"syntax = \"proto3\";\npackage bank;\n\nmessage Account {\n  string tenant = 1;\n  int32 id = 2;\n}\n",
			"syntax = \"proto3\";\npackage bank;\n\nmessage Account {\n  string tenant = 1;\n  int64 id = 2;\n  optional string zone = 3;\n}\n",
		}, key: accountKey, encode: func(_ string, _ int, v any) []byte {
			return account.append([]byte{0}, v.(document))
		}, column: accountColumns,
	},
	{name: "string", config: "{format: string}", key: func(n, _ int) any { return fmt.Sprint("kľúč ", n) }, encode: func(_ string, _ int, v any) []byte { return []byte(v.(string)) }},
	{name: "bytes", config: "{format: bytes}", key: func(n, _ int) any { return []byte{0xff, byte(n)} }, encode: func(_ string, _ int, v any) []byte { return v.([]byte) }},
}

const noteText = `{"type": "record", "name": "Note", "fields": [{"name": "n", "type": "long"}, {"name": "text", "type": "string"}]}`

// Keys of each format, in generations by turns; headers; records without a value, without a key, without either.
func TestKeysHeadersAndTombstones(t *testing.T) {
	t.Parallel()
	for _, k := range keyKinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			topic := produce.Name("keys-" + k.name)
			createTopic(t, topic, 2)
			note := register(t, servers.Registry(t), topic+"-value", "AVRO", noteText)
			var ids []int32
			for _, text := range k.texts {
				ids = append(ids, register(t, servers.Registry(t), topic+"-key", k.kind, text))
			}
			var records []*kgo.Record
			var rows []map[string]any
			for n := range 90 {
				r, row := k.record(topic, n, note, ids)
				records, rows = append(records, r), append(rows, row)
			}
			send(t, records...)
			for i, r := range records {
				withKafka(rows[i], r.Partition, r.Offset, instant(r.Timestamp.UnixMilli()))
			}
			for _, files := range []string{"parquet", "avro"} {
				root := product.Local(t)
				j := newJob(t, servers.Registry(t).URL, root, topic, fmt.Sprintf("value: {format: avro}\nkey: %s\nheaders: true\npolicy: {tombstone: row}\noutput: {format: %s}\n", k.config, files))
				of, _ := run(t, j, 0)
				if r := of[topic]; r.Rows != len(rows) || r.Quarantined != 0 {
					t.Errorf("%+v, want %d rows", r, len(rows))
				}
				checkHours(t, j, 2)
				checkRows(t, files, root.Folder(t, topic), false, sorted(rows))
				j.Must(t, 0, "verify", "--deep")
				j.Must(t, 0, "schema", "show", "--topic", topic)
			}
		})
	}
}

// record is the n-th of a topic, and the row that it becomes.
func (k keyKind) record(topic string, n int, note int32, ids []int32) (*kgo.Record, map[string]any) {
	r := &kgo.Record{Topic: topic, Partition: int32(n % 2), Timestamp: hour.Add(time.Duration(n) * 80 * time.Second)}
	d := document{"n": nil, "text": nil, "key": nil}
	if n%5 != 0 {
		d["n"], d["text"] = int64(n), fmt.Sprint("text ", n)
		r.Value = framed(note, encodeAvro(noteText, 1, d))
	}
	if n%7 != 0 {
		generation := n/2%max(1, len(ids)) + 1
		key := k.key(n, generation)
		d["key"] = key
		if k.column != nil {
			d["key"] = row(k.column, key.(document))
		}
		if len(ids) == 0 {
			r.Key = k.encode("", generation, key)
		} else {
			r.Key = framed(ids[generation-1], k.encode(k.texts[generation-1], generation, key))
		}
	}
	r.Headers = []kgo.RecordHeader{{Key: "trace", Value: []byte{0xfe, byte(n)}}, {Key: "späť", Value: []byte{}}, {Key: "trace"}}[:n%4]
	headers := []any{}
	for _, h := range r.Headers {
		headers = append(headers, []any{h.Key, h.Value})
	}
	slices.SortStableFunc(headers, func(a, b any) int { return compareText(a.([]any)[0], b.([]any)[0]) }) // as readers are asked to show them
	d["headers"] = headers
	return r, shown(d).(map[string]any)
}

func compareText(a, b any) int { return strings.Compare(a.(string), b.(string)) }

// Each record may bring a key and a value of schemas that nobody has met, many times in a run. As long as there was no key at all, there
// is no column of keys: one of another type would not go with what comes later.
func TestKeysThatComeLater(t *testing.T) {
	t.Parallel()
	topic := produce.Name("keys-later")
	createTopic(t, topic, 1)
	s := servers.Registry(t)
	j := newJob(t, s.URL, product.Local(t), topic, "value: {format: avro}\nkey: {format: avro}\n")
	var records []*kgo.Record
	var rows []map[string]any
	add := func(key document, text string, keyed func() []byte) {
		n := len(records)
		d := document{"n": int64(n), "text": fmt.Sprint("text ", n)}
		r := &kgo.Record{Topic: topic, Timestamp: hour.Add(time.Duration(n) * time.Second)}
		r.Value = framed(register(t, s, topic+"-value", "AVRO", text), encodeAvro(text, 1, d))
		d["key"] = nil
		if key != nil {
			r.Key, d["key"] = keyed(), key
		}
		send(t, r)
		records, rows = append(records, r), append(rows, withKafka(shown(d).(map[string]any), 0, r.Offset, instant(r.Timestamp.UnixMilli())))
	}
	add(nil, noteText, nil)
	if of, _ := run(t, j, 0); of[topic].Rows != 1 {
		t.Errorf("without a key: %+v", of[topic])
	}
	for i := range 6 {
		doc := fmt.Sprintf(`"doc": "edition %d", "fields"`, i)
		key, account := accountKey(i, 1).(document), strings.Replace(keyKinds[0].texts[0], `"fields"`, doc, 1)
		add(key, strings.Replace(noteText, `"fields"`, doc, 1), func() []byte {
			return framed(register(t, s, topic+"-key", "AVRO", account), encodeAvro(account, 1, key))
		})
	}
	of, logs := run(t, j, 0)
	if of[topic].Rows != 6 || of[topic].Files != 1 {
		t.Errorf("with keys: %+v", of[topic])
	}
	for _, l := range logs {
		if l.Level != "INFO" {
			t.Errorf("logged: %+v", l)
		}
	}
	checkRows(t, "parquet", j.Root.Folder(t, topic), true, sorted(rows))
	j.Must(t, 0, "verify", "--deep")
}
