package generations_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

const (
	plainText  = `{"type": "record", "name": "Event", "fields": [{"name": "n", "type": "long"}]}`
	namedText  = `{"type": "record", "name": "Event", "fields": [{"name": "n", "type": "long"}, {"name": "who", "type": "string"}]}`
	placesText = `{"type": "record", "name": "Event", "fields": [{"name": "n", "type": "long"}, {"name": "place", "type": "string"}]}`
	quietText  = `{"type": "record", "name": "Quiet", "fields": [{"name": "n", "type": "long"}]}`
)

// An outage is two topics of one job, whose registry fails.
type outage struct {
	registry     *registrybed.Server
	root         *product.Root
	known, mixed string // topics
	sent         map[string][]sent
	quiet, plain int32 // ids of the schemas of the topics
	named        int32 // id of a schema that records of mixed have later
}

func newOutage(t *testing.T) *outage {
	t.Helper()
	base := produce.Name("outage")
	o := &outage{registry: servers.OwnRegistry(t), root: product.Local(t), known: base + "-known", mixed: base + "-mixed", sent: map[string][]sent{}}
	createTopic(t, o.known, 1)
	createTopic(t, o.mixed, 2)
	o.register(t)
	return o
}

// register registers what there is. A registry that has forgotten everything gives the same ids again to the same schemas in the same order.
func (o *outage) register(t *testing.T) {
	t.Helper()
	before := [3]int32{o.quiet, o.plain, o.named}
	o.quiet = register(t, o.registry, o.known+"-value", "AVRO", quietText)
	o.plain = register(t, o.registry, o.mixed+"-value", "AVRO", plainText)
	o.named = register(t, o.registry, o.mixed+"-named", "AVRO", namedText) // of another subject: nobody asks for it before its records come
	if ids := [3]int32{o.quiet, o.plain, o.named}; before != [3]int32{} && ids != before {
		t.Fatalf("ids %v, and %v before", ids, before)
	}
}

// restart brings the registry back, which has forgotten everything.
func (o *outage) restart(t *testing.T) {
	t.Helper()
	if err := o.registry.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (o *outage) kill(t *testing.T) {
	t.Helper()
	if err := o.registry.Kill(); err != nil {
		t.Fatal(err)
	}
}

// job asks the registry at a URL, and does not wait for it for long.
func (o *outage) job(t *testing.T, url string) *product.Job {
	t.Helper()
	topics := strings.TrimSuffix(o.known, "known") + "(known|mixed)"
	return product.NewJob(t, servers.Kafka(t).Brokers(), o.root, topics, fmt.Sprintf("registry: {url: %q, timeout: 10s}\n", url), "value: {format: avro}\n")
}

// send produces so many records of a schema, which has a number n and texts of these names.
func (o *outage) send(t *testing.T, topic string, partition int32, count int, id int32, schema string, names ...string) {
	t.Helper()
	var records []*kgo.Record
	first := len(o.sent[topic])
	for n := first; n < first+count; n++ {
		d := document{"n": int64(n)}
		for _, name := range names {
			d[name] = fmt.Sprint(name, " ", n)
		}
		at := hour.Add(time.Duration(n) * time.Second)
		o.sent[topic] = append(o.sent[topic], sent{document: d, at: instant(at.UnixMilli()), partition: partition})
		records = append(records, &kgo.Record{Topic: topic, Partition: partition, Timestamp: at, Value: framed(id, encodeAvro(schema, 1, d))})
	}
	send(t, records...)
	for i, r := range records {
		o.sent[topic][first+i].offset = r.Offset
	}
}

// check reads the topic's rows: one of these columns for each record, but for those of partitions that are behind.
func (o *outage) check(t *testing.T, topic string, behind map[int32]int, columns ...column) {
	t.Helper()
	var rows []map[string]any
	for _, s := range o.sent[topic] {
		if end, ok := behind[s.partition]; !ok || s.offset < int64(end) {
			rows = append(rows, withKafka(shown(row(columns, s.document)).(map[string]any), s.partition, s.offset, s.at))
		}
	}
	checkRows(t, "parquet", o.root.Folder(t, topic), true, sorted(rows))
}

func (o *outage) verify(t *testing.T, j *product.Job) {
	t.Helper()
	j.Must(t, 0, "verify", "--deep")
}

// A registry is killed while a run is under way, is down, comes back, and comes back once more without what it knew.
func TestTheRegistryIsKilledAndForgets(t *testing.T) {
	t.Parallel()
	o := newOutage(t)
	j := o.job(t, o.registry.URL)
	o.send(t, o.known, 0, 20, o.quiet, quietText)
	o.send(t, o.mixed, 0, 20, o.plain, plainText)
	o.send(t, o.mixed, 1, 20, o.plain, plainText)
	run(t, j, 0)

	// Killed in the middle of a run, when somebody asks for the schema that is new: known schemas go on.
	o.send(t, o.known, 0, 20, o.quiet, quietText)
	o.send(t, o.mixed, 0, 20, o.plain, plainText)
	o.send(t, o.mixed, 1, 10, o.plain, plainText)
	o.send(t, o.mixed, 1, 10, o.named, namedText, "who")
	of, _ := run(t, o.job(t, o.killedAt(t)), 3)
	if r := of[o.known]; r.Outcome != "lifted" || r.Rows != 20 {
		t.Errorf("the topic whose schemas are known: %+v", r)
	}
	if r := of[o.mixed]; r.Outcome != "partial" || r.Rows != 20 || !strings.Contains(r.Error, fmt.Sprintf("%s/1: offset 30: ", o.mixed)) || !strings.Contains(r.Error, "does not answer") {
		t.Errorf("the topic with a schema that is not known: %+v", r)
	}
	o.check(t, o.known, nil, column{name: "n"})
	o.check(t, o.mixed, map[int32]int{1: 20}, column{name: "n"})
	o.verify(t, j)

	// Down between runs: who has nothing to read does not need it.
	of, _ = run(t, j, 3)
	if r := of[o.known]; r.Outcome != "up_to_date" {
		t.Errorf("the topic that has nothing to read: %+v", r)
	}
	if r := of[o.mixed]; r.Outcome != "failed" || r.Rows != 0 || !strings.Contains(r.Error, "does not answer") {
		t.Errorf("the topic that needs the registry: %+v", r)
	}

	// Back, with the same schemas.
	o.restart(t)
	o.register(t)
	of, _ = run(t, j, 0)
	if r := of[o.mixed]; r.Outcome != "lifted" || r.Rows != 20 || r.Quarantined != 0 {
		t.Errorf("after the registry is back: %+v", r)
	}
	mixed := []column{{name: "n"}, {name: "who"}}
	o.check(t, o.mixed, nil, mixed...)
	o.verify(t, j)
	o.forgets(t, j)
}

// forgets has the registry come back with another schema by an id that it gave before.
func (o *outage) forgets(t *testing.T, j *product.Job) {
	o.kill(t)
	o.restart(t)
	id := int32(0)
	for i := 0; id < o.plain; i++ {
		id = register(t, o.registry, fmt.Sprintf("%s-filler-%d", o.known, i), "AVRO", strings.Replace(placesText, "Event", fmt.Sprint("Event", i), 1))
	}
	if id != o.plain {
		t.Fatalf("no schema got the id %d", o.plain)
	}
	schema := placesText
	o.send(t, o.mixed, 0, 10, o.plain, schema, "place")
	of, _ := run(t, j, 4)
	if r := of[o.mixed]; r.Outcome != "halted" || r.Rows != 0 || !strings.Contains(r.Error, fmt.Sprintf("shadoof resolve --topic %s --accept-schema %d", o.mixed, o.plain)) {
		t.Errorf("another schema by an id that was there: %+v", r)
	}
	if r := of[o.known]; r.Outcome != "up_to_date" {
		t.Errorf("the other topic: %+v", r)
	}
	o.check(t, o.mixed, map[int32]int{0: 40}, column{name: "n"}, column{name: "who"})

	j.Must(t, 0, "resolve", "--topic", o.mixed, "--accept-schema", fmt.Sprint(o.plain), "--reason", "the registry was restored")
	of, _ = run(t, j, 0)
	if r := of[o.mixed]; r.Outcome != "lifted" || r.Rows != 10 || r.Quarantined != 0 {
		t.Errorf("after a person decided: %+v", r)
	}
	o.check(t, o.mixed, nil, column{name: "n"}, column{name: "who"}, column{name: "place"})
	o.verify(t, j)
	var shown struct {
		Writers []struct {
			ID       int32           `json:"id"`
			Accepted json.RawMessage `json:"accepted"`
		} `json:"writers"`
	}
	j.Must(t, 0, "schema", "show", "--topic", o.mixed, "--json").JSON(t, &shown)
	accepted := 0
	for _, w := range shown.Writers {
		if w.ID == o.plain && w.Accepted != nil {
			accepted++
		}
	}
	if len(shown.Writers) != 3 || accepted != 1 {
		t.Errorf("schemas of records: %+v, want three, one of them accepted", shown.Writers)
	}
}

// killedAt stands before the registry, which it kills when a client asks for the schema that is new, after it has answered for the others. From
// then on nobody listens there either.
func (o *outage) killedAt(t *testing.T) (address string) {
	t.Helper()
	to, err := url.Parse(o.registry.URL)
	if err != nil {
		t.Fatal(err)
	}
	path := to.Path
	to.Path = ""
	proxy := httputil.NewSingleHostReverseProxy(to)
	var answered sync.WaitGroup // for the schemas of both topics
	answered.Add(2)
	once := map[string]*sync.Once{fmt.Sprint("/schemas/ids/", o.quiet): {}, fmt.Sprint("/schemas/ids/", o.plain): {}}
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked := strings.TrimPrefix(r.URL.Path, path)
		if asked == fmt.Sprint("/schemas/ids/", o.named) {
			answered.Wait()
			if err := o.registry.Kill(); err != nil {
				t.Error(err)
			}
			server.Listener.Close()
			server.CloseClientConnections()
			panic(http.ErrAbortHandler)
		}
		proxy.ServeHTTP(w, r)
		if o := once[asked]; o != nil {
			o.Do(answered.Done)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL + path
}
