package broken_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/registrybed"
	"shadoof/testbed/servers"
)

// long says whether this is the long suite.
func long() bool { return os.Getenv("SHADOOF_LONG") != "" }

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func register(t *testing.T, subject string, schema registrybed.Schema) int32 {
	t.Helper()
	id, err := servers.Registry(t).Register(t.Context(), subject, schema)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// A format is how the values of a topic are written, and how they can be broken.
type format struct {
	job   string // what the job says of values and their time
	good  func(e event) []byte
	row   rowOf
	kinds []kind

	registry string   // "" where there is none
	by       []string // who reads the files; nil for readers of Parquet files
}

// A rowOf makes the row of a record.
type rowOf func(e event) map[string]any

// byField is what most jobs say of time.
const byField = "partition: {by: field, field: [at, {path: seconds, unit: s}]}\n"

// A topic is full of events, of which some are broken.
type topic struct {
	*produce.Result
	f      *format
	broken map[int64]*kind // by sequence number
	made   map[produce.At]outcome

	evolved bool // files have different columns
}

// An outcome is what has to become of a record.
type outcome struct {
	kind   string // "": nothing is wrong with it
	reason string // of quarantine; "" for a row
	detail string
	row    rowOf  // that it has, or would have
	line   string // of the row, as readers print it
}

// every so many records one is broken.
const every = 100

// choose takes turns with the kinds. Which records are broken looks like chance.
func choose(f *format, records int64, every uint64) map[int64]*kind {
	broken := map[int64]*kind{}
	for seq := range records {
		if mix(uint64(seq))%every == 0 {
			broken[seq] = &f.kinds[len(broken)%len(f.kinds)]
		}
	}
	return broken
}

// mix is splitmix64.
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func (tp *topic) encode(b produce.Body) ([]byte, error) {
	if k := tp.broken[b.Seq]; k != nil {
		return k.value(newEvent(b)), nil
	}
	return tp.f.good(newEvent(b)), nil
}

// fill makes the topic. In a transactional one half of the records are aborted, broken ones among them.
func fill(t *testing.T, name string, f *format, spec produce.Spec, every uint64, transactional bool) *topic {
	t.Helper()
	return newTopic(f).fill(t, name, spec, choose(f, int64(spec.Records), every), transactional)
}

// fill makes the topic. Record n goes to the partition that is the rest of n.
func (tp *topic) fill(t *testing.T, name string, spec produce.Spec, broken map[int64]*kind, transactional bool) *topic {
	t.Helper()
	tp.broken = broken
	spec.Topic, spec.Encode = name, tp.encode
	tp.produce(t, spec, transactional)
	for at, r := range tp.Records {
		tp.made[at] = tp.outcome(t, at, r)
	}
	return tp
}

func newTopic(f *format) *topic {
	return &topic{f: f, broken: map[int64]*kind{}, made: map[produce.At]outcome{}}
}

func (tp *topic) produce(t *testing.T, spec produce.Spec, transactional bool) {
	t.Helper()
	spec.Configs = map[string]string{"max.message.bytes": "4000000"}
	var err error
	if brokers := servers.Kafka(t).Brokers(); transactional {
		tp.Result, _, err = produce.TransactionalTopic(bounded(t), brokers, spec, produce.Transactions{PerTransaction: 500})
	} else {
		tp.Result, err = produce.PlainTopic(bounded(t), brokers, spec)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// event is what a record is about, or would be if it was not broken: its key says it.
func (tp *topic) event(t *testing.T, at produce.At) event {
	t.Helper()
	r := tp.Records[at]
	seq, err := strconv.ParseInt(strings.TrimPrefix(string(r.Key), "key-"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return newEvent(produce.Body{Seq: seq, Key: string(r.Key), Time: r.Timestamp})
}

func (tp *topic) outcome(t *testing.T, at produce.At, r produce.Record) (o outcome) {
	t.Helper()
	e := tp.event(t, at)
	o.row = tp.f.row
	if k := tp.broken[e.id]; k != nil {
		o.kind, o.reason, o.detail = k.name, k.reason, k.detail
		if k.row != nil {
			o.row = k.row
		}
	}
	if o.reason == "" {
		o.line = line(t, at, r, o.row(e))
	}
	return o
}

// line is a row as readers print it.
func line(t *testing.T, at produce.At, r produce.Record, row map[string]any) string {
	t.Helper()
	row["_kafka_partition"], row["_kafka_offset"], row["_kafka_timestamp"] = at.Partition, at.Offset, r.Timestamp*1e6
	b, err := json.Marshal(row)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// job is a job that lifts the topic to a root. More lines of it follow what it says of values.
func (tp *topic) job(t *testing.T, root *product.Root, lines string) *product.Job {
	t.Helper()
	return newJob(t, servers.Kafka(t).Brokers(), root, tp.Topic, tp.f.registry, tp.f.job+lines)
}

func newJob(t *testing.T, brokers []string, root *product.Root, topic, registry, lines string) *product.Job {
	t.Helper()
	global := "memory: 128MiB\norphan_age: 1ms\n"
	if registry != "" {
		global += fmt.Sprintf("registry: {url: %q}\n", registry)
	}
	return product.NewJob(t, brokers, root, topic, global, lines)
}
