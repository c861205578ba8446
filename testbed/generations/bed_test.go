// Package generations_test lifts topics whose records were written by several generations of a schema, with the real binary from a real
// broker by a real registry, and reads the files with the readers people use.
package generations_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

// A format is one of those of a registry, with three generations of a schema that refers to a shared one, and what was written by them.
type format struct {
	name, kind  string // in the configuration, in the registry
	value       string // more of the configuration
	shared      string // what the schema refers to
	sharedTexts [2]string
	texts       [newest]string
	columns     []column
	order       func(generation, n int) document // with all that it could have
	encode      func(f *format, generation int, d document) []byte

	// narrow makes a record what the schema of a target generation makes of it, and says whether it can.
	narrow func(target int, d document) bool
}

// sharedBy is the version of the shared schema that each generation refers to.
var sharedBy = [newest]int{1, 1, 2}

var formats = []*format{&avroFormat, &jsonFormat, &protobufFormat}

// A topic is a topic of orders.
type topic struct {
	*format
	name string
	ids  [newest]int32
	sent []sent
}

// A sent record.
type sent struct {
	generation int
	document   document // as its generation writes it
	at         instant
	partition  int32
	offset     int64
}

const partitions = 3

// hour is where the orders of the first hour begin.
var hour = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

func newTopic(t *testing.T, f *format) *topic {
	t.Helper()
	tp := &topic{format: f, name: produce.Name("generations-" + f.name)}
	createTopic(t, tp.name, partitions)
	return tp
}

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func createTopic(t *testing.T, name string, partitions int32) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(servers.Kafka(t).Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := kadm.NewClient(cl).CreateTopic(soon(t), partitions, 1, nil, name); err != nil {
		t.Fatal(err)
	}
}

// send produces records, whose topics and partitions they say, and fills in their offsets.
func send(t *testing.T, records ...*kgo.Record) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(servers.Kafka(t).Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.ProduceSync(soon(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

func register(t *testing.T, s *registrybed.Server, subject, kind, text string, references ...registrybed.Reference) int32 {
	t.Helper()
	id, err := s.Register(t.Context(), subject, registrybed.Schema{Type: kind, Text: text, References: references})
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// framed is a value with the header of a registry's schema.
func framed(id int32, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), value...)
}

// register gives a generation its id.
func (tp *topic) register(t *testing.T, generation int) {
	t.Helper()
	version := sharedBy[generation-1]
	register(t, servers.Registry(t), tp.name+"-money", tp.kind, tp.sharedTexts[version-1])
	tp.ids[generation-1] = register(t, servers.Registry(t), tp.name+"-value", tp.kind, tp.texts[generation-1],
		registrybed.Reference{Name: tp.shared, Subject: tp.name + "-money", Version: version})
}

// produce sends so many orders, of these generations in turns in each partition, evenly over so many hours from the first on.
func (tp *topic) produce(t *testing.T, count, first, hours int, generations ...int) {
	t.Helper()
	var records []*kgo.Record
	for n := range count {
		partition := n % partitions
		generation := generations[(n/partitions+partition)%len(generations)]
		at := hour.Add(time.Duration(first) * time.Hour).Add(time.Duration(n) * time.Duration(hours) * time.Hour / time.Duration(count))
		d := written(tp.columns, generation, tp.order(generation, n))
		tp.sent = append(tp.sent, sent{generation: generation, document: d, at: instant(at.UnixMilli()), partition: int32(partition)})
		records = append(records, &kgo.Record{Topic: tp.name, Partition: int32(partition), Timestamp: at, Value: framed(tp.ids[generation-1], tp.encode(tp.format, generation, d))})
	}
	send(t, records...)
	for i, r := range records {
		tp.sent[len(tp.sent)-count+i].offset = r.Offset
	}
}

// job is a configuration for the topic, with more of value and more lines of the job.
func (tp *topic) job(t *testing.T, root *product.Root, value, more string) *product.Job {
	t.Helper()
	return newJob(t, servers.Registry(t).URL, root, tp.name, fmt.Sprintf("value: {format: %s%s%s}\n%s", tp.format.name, tp.format.value, value, more))
}

func newJob(t *testing.T, registry string, root *product.Root, topics, more string) *product.Job {
	t.Helper()
	return product.NewJob(t, servers.Kafka(t).Brokers(), root, topics, fmt.Sprintf("registry: {url: %q, timeout: 20s}\n", registry), more)
}

func s3(t *testing.T) *product.Root {
	t.Helper()
	s := servers.S3(t)
	return product.S3(t, s, s.Endpoint)
}

// want are the rows of records in these columns, by partition and offset. Of those that a target generation cannot take there is none.
func (tp *topic) want(columns []column, target int) []map[string]any {
	var rows []map[string]any
	for _, s := range tp.sent {
		d := pick(tp.columns, s.document, func(c column, from document) (any, bool) { v, ok := from[c.name]; return v, ok }) // a copy
		if target > 0 && tp.narrow != nil && !tp.narrow(target, d) {
			continue
		}
		rows = append(rows, withKafka(shown(row(columns, d)).(map[string]any), s.partition, s.offset, s.at))
	}
	return sorted(rows)
}

func withKafka(row map[string]any, partition int32, offset int64, at instant) map[string]any {
	row["_kafka_partition"], row["_kafka_offset"], row["_kafka_timestamp"] = int64(partition), offset, int64(at)*1e6
	return row
}

func sorted(rows []map[string]any) []map[string]any {
	slices.SortFunc(rows, func(a, b map[string]any) int {
		return cmp.Or(cmp.Compare(a["_kafka_partition"].(int64), b["_kafka_partition"].(int64)), cmp.Compare(a["_kafka_offset"].(int64), b["_kafka_offset"].(int64)))
	})
	return rows
}

// readersOf are those of a format of files.
var readersOf = map[string][]string{"parquet": readers.Parquet, "avro": {readers.FastAvro}}

// checkRows reads a folder with all readers of its files.
func checkRows(t *testing.T, files, folder string, evolved bool, want []map[string]any) {
	t.Helper()
	env := servers.Readers(t)
	for _, reader := range readersOf[files] {
		lines, err := env.Rows(t.Context(), readers.Query{Reader: reader, Folder: folder, Evolved: evolved})
		if err != nil {
			t.Errorf("%s: %v", reader, err)
			continue
		}
		compareRows(t, reader, want, lines)
	}
}

func compareRows(t *testing.T, reader string, want []map[string]any, lines []string) {
	t.Helper()
	got := make([]map[string]any, len(lines))
	for i, line := range lines {
		var err error
		if got[i], err = parsed(line); err != nil {
			t.Fatalf("%s: %v in %s", reader, err, line)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s reads %d rows, want %d", reader, len(got), len(want))
	}
	wrong := 0
	for i := range min(len(want), len(got)) {
		if diff := gocmp.Diff(want[i], got[i]); diff != "" {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: row %d (-want +got)\n%s", reader, i, diff)
			}
		}
	}
	if wrong > 3 {
		t.Errorf("%s: %d rows are wrong", reader, wrong)
	}
}

type runReport struct {
	Topics []topicReport `json:"topics"`
}

type topicReport struct {
	Topic       string `json:"topic"`
	Outcome     string `json:"outcome"`
	Rows        int    `json:"rows"`
	Quarantined int    `json:"quarantined"`
	Files       int    `json:"files"`
	Error       string `json:"error"`
}

// run runs the job, and returns what it says of its topics by their names, and what it logged.
func run(t *testing.T, j *product.Job, code int) (map[string]topicReport, []logged) {
	t.Helper()
	o := j.Must(t, code, "run", "--json", "--log-format", "json")
	var r runReport
	o.JSON(t, &r)
	of := map[string]topicReport{}
	for _, tr := range r.Topics {
		of[tr.Topic] = tr
	}
	return of, logs(t, o)
}

// A logged line.
type logged struct {
	Level  string
	Msg    string
	Schema int32
	Fields any // paths, or how many
}

func logs(t *testing.T, o product.Outcome) (all []logged) {
	t.Helper()
	for line := range strings.Lines(o.Stderr) {
		var l logged
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, l)
	}
	return all
}

// checkHours looks whether there is one file for each hour, and nothing else.
func checkHours(t *testing.T, j *product.Job, hours int) {
	t.Helper()
	keys := j.Root.Keys(t, j.Topic+"/")
	folders := map[string]bool{}
	for _, key := range keys {
		folders[key[:strings.LastIndex(key, "/")]] = true
	}
	if len(keys) != hours || len(folders) != hours {
		t.Errorf("%d files in %d folders, want one in each of %d: schemas that alternate must not cut files\n%s", len(keys), len(folders), hours, strings.Join(keys, "\n"))
	}
}

type schemaReport struct {
	Rows struct {
		Fields []struct {
			Name string `json:"name"`
		} `json:"fields"`
	} `json:"rows"`
	History []struct {
		Subject string   `json:"subject"`
		Version string   `json:"version"`
		Changes []string `json:"changes"`
	} `json:"history"`
	Writers []struct {
		ID         int32  `json:"id"`
		Format     string `json:"format"`
		Text       string `json:"text"`
		References []struct {
			Name, Text string
		} `json:"references"`
	} `json:"writers"`
}

// checkSchema looks at what `schema show` tells: these columns at the top, and the schemas of these generations as they were registered.
func (tp *topic) checkSchema(t *testing.T, j *product.Job, version string, columns []column, generations ...int) schemaReport {
	t.Helper()
	var r schemaReport
	j.Must(t, 0, "schema", "show", "--topic", tp.name, "--json").JSON(t, &r)
	var want, got []string
	for _, c := range columns {
		want = append(want, c.name)
	}
	for _, f := range r.Rows.Fields {
		got = append(got, f.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("schema show: fields (-want +got)\n%s", diff)
	}
	for _, h := range r.History {
		if h.Subject != tp.name+"-value" || h.Version != version {
			t.Errorf("schema show: rows by version %s of subject %s, want %s of %s", h.Version, h.Subject, version, tp.name+"-value")
		}
	}
	wantWriters, gotWriters := map[int32][]string{}, map[int32][]string{}
	for _, g := range generations {
		wantWriters[tp.ids[g-1]] = []string{tp.format.name, compact(tp.texts[g-1]), tp.shared, compact(tp.sharedTexts[sharedBy[g-1]-1])}
	}
	for _, w := range r.Writers {
		gotWriters[w.ID] = []string{w.Format, compact(w.Text)}
		for _, ref := range w.References {
			gotWriters[w.ID] = append(gotWriters[w.ID], ref.Name, compact(ref.Text))
		}
	}
	if diff := gocmp.Diff(wantWriters, gotWriters); diff != "" {
		t.Errorf("schema show: schemas of records (-want +got)\n%s", diff)
	}
	return r
}

// compact is a text without the white space that a registry lays out anew, where it is JSON.
func compact(text string) string {
	var b bytes.Buffer
	if json.Compact(&b, []byte(text)) != nil {
		return text
	}
	return b.String()
}
