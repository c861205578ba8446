package generations_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/encoding/protowire"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// A pair is two types of records that share a topic.
type pair struct {
	format, kind string
	texts        [2]string
	encode       func(text string, which int, v any) []byte
	columns      []column // by type: first 1 is the click's, first 2 the view's
}

var pairs = []pair{
	{
		"avro", "AVRO", [2]string{
			`{"type": "record", "name": "Click", "namespace": "web", "fields": [{"name": "url", "type": "string"}, {"name": "x", "type": "int"}, {"name": "button", "type": "string"}]}`,
			`{"type": "record", "name": "View", "namespace": "web", "fields": [{"name": "url", "type": "string"}, {"name": "x", "type": "long"}, {"name": "seconds", "type": "double"}]}`,
		}, encodeAvro,
		[]column{{name: "url"}, {name: "x"}, {name: "button", last: 1}, {name: "seconds", first: 2}},
	},
	{
		"json", "JSON", [2]string{
			`{"title": "Click", "type": "object", "properties": {"url": {"type": "string"}, "x": {"type": "integer"}, "button": {"type": "string"}}, "required": ["url", "button"]}`,
			`{"title": "View", "type": "object", "properties": {"url": {"type": "string"}, "x": {"type": "integer"}, "seconds": {"type": "number"}}, "required": ["url", "seconds"]}`,
		}, encodeJSON,
		[]column{{name: "url"}, {name: "x"}, {name: "button", last: 1}, {name: "seconds", first: 2}},
	},
	{
		"protobuf", "PROTOBUF", [2]string{
			"syntax = \"proto3\";\npackage web;\n\nmessage Click {\n  string url = 1;\n  int32 x = 2;\n  string button = 3;\n}\n",
			"syntax = \"proto3\";\npackage web;\n\nmessage View {\n  string url = 1;\n  int64 x = 2;\n  double seconds = 3;\n}\n",
		}, func(_ string, which int, v any) []byte {
			third := field{3, "button", text, protowire.BytesType}
			if which == 2 {
				third = field{3, "seconds", double, protowire.Fixed64Type}
			}
			return message{{1, "url", text, protowire.BytesType}, {2, "x", varint, protowire.VarintType}, third}.append([]byte{0}, v.(document))
		},
		[]column{{name: "url"}, {name: "x"}, {name: "button", last: 1, lacks: ""}, {name: "seconds", first: 2, lacks: 0.0}},
	},
}

// Records of two types in turns, each with a subject of its own, none of them that of the topic.
func TestTwoTypesInATopic(t *testing.T) {
	t.Parallel()
	for _, p := range pairs {
		for _, strategy := range []string{"topic-record", "record"} {
			t.Run(p.format+"-"+strategy, func(t *testing.T) {
				t.Parallel()
				topic := produce.Name("types-" + p.format)
				createTopic(t, topic, 2)
				ids := [2]int32{}
				for i, name := range []string{"web.Click", "web.View"} {
					subject := topic + "-" + name
					if strategy == "record" {
						subject = name + "." + topic // unique among the tests
					}
					ids[i] = register(t, servers.Registry(t), subject, p.kind, p.texts[i])
				}
				rows := p.produce(t, topic, ids)
				j := newJob(t, servers.Registry(t).URL, product.Local(t), topic, "value: {format: "+p.format+"}\n")
				of, _ := run(t, j, 0)
				if r := of[topic]; r.Rows != len(rows) || r.Quarantined != 0 {
					t.Errorf("%+v, want %d rows", r, len(rows))
				}
				checkHours(t, j, 2)
				checkRows(t, "parquet", j.Root.Folder(t, topic), false, rows)
				j.Must(t, 0, "verify", "--deep")
				j.Must(t, 0, "schema", "show", "--topic", topic)

				// Who wants the latest version of a subject has to name one that exists.
				latest := newJob(t, servers.Registry(t).URL, product.Local(t), topic, "value: {format: "+p.format+", version: latest}\n")
				if of, _ := run(t, latest, 1); !strings.Contains(of[topic].Error, fmt.Sprintf("subject %q", topic+"-value")) {
					t.Errorf("version latest of a subject that does not exist: %+v", of[topic])
				}
			})
		}
	}
}

// produce sends clicks and views in turns, and returns the rows that they become.
func (p pair) produce(t *testing.T, topic string, ids [2]int32) []map[string]any {
	t.Helper()
	var records []*kgo.Record
	var documents []document
	for n := range 80 {
		which := n/2%2 + 1
		d := written(p.columns, which, document{"url": fmt.Sprint("/", n), "x": whole(which, n), "button": fmt.Sprint("b", n), "seconds": 0.5 * float64(n)})
		at := hour.Add(time.Duration(n) * 90 * time.Second)
		records = append(records, &kgo.Record{Topic: topic, Partition: int32(n % 2), Timestamp: at, Value: framed(ids[which-1], p.encode(p.texts[which-1], which, d))})
		documents = append(documents, d)
	}
	send(t, records...)
	var rows []map[string]any
	for i, r := range records {
		rows = append(rows, withKafka(shown(row(p.columns, documents[i])).(map[string]any), r.Partition, r.Offset, instant(r.Timestamp.UnixMilli())))
	}
	return sorted(rows)
}
