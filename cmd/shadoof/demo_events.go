package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"shadoof/config"
	"shadoof/internal/kafkatest"
)

const (
	demoPartitions = 4
	demoHours      = 3
	demoEventBytes = 170 // or so
)

const demoSchema = `{
  "type": "record",
  "name": "PageView",
  "namespace": "demo.tracking",
  "fields": [
    {"name": "event_id", "type": "string"},
    {"name": "user_id", "type": "long"},
    {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}},
    {"name": "page", "type": "string"},
    {"name": "referrer", "type": ["null", "string"], "default": null},
    {"name": "country", "type": "string"},
    {"name": "duration_ms", "type": "int"}
  ]
}
`

const demoConfig = `# Written by shadoof demo. Its Kafka is gone; commands that read the lake alone still work.
kafka:
  brokers: [%s]
store:
  url: file://%s
jobs:
  - name: demo
    topics: [%s]
    value: {format: json, framing: none, schema: "schemas/{topic}.avsc"}
    commit_every: {bytes: %s}     # small, so that a run of the demo makes several commits
`

// writeFiles writes the configuration and the schema.
func (d *demo) writeFiles(records int) error {
	if err := os.MkdirAll(filepath.Join(d.dir, "schemas"), 0o755); err != nil {
		return err
	}
	lake := strings.NewReplacer("%", "%25", "?", "%3F", "#", "%23", " ", "%20", `"`, "%22").Replace(filepath.Join(d.dir, "lake"))
	text := fmt.Sprintf(demoConfig, strings.Join(d.cluster.Brokers(), ", "), lake, strings.ReplaceAll(demoTopic, ".", `\.`), config.FormatSize(int64(max(256<<10, records*demoEventBytes/5))))
	if err := os.WriteFile(filepath.Join(d.dir, "shadoof.yaml"), []byte(text), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(d.dir, "schemas", demoTopic+".avsc"), []byte(demoSchema), 0o644)
}

// events are what the demo produces.
type events struct {
	records   int
	committed int // of them within a transaction
	broken    int // of them no JSON
	aborted   int // besides them
	first     time.Time
	random    *rand.Rand
}

func newEvents(records int, now time.Time) *events {
	return &events{
		records: records, committed: records / 20, broken: 3, aborted: records / 50,
		first:  now.UTC().Truncate(time.Hour).Add(-demoHours * time.Hour),
		random: rand.New(rand.NewPCG(1, 2)),
	}
}

// produce puts everything into the topic in order of time: most of it plainly, then the two transactions side by side with the rest.
func (e *events) produce(ctx context.Context, c *kafkatest.Cluster) error {
	const batch = 2000
	plain := e.records - e.committed
	for n := 0; n < plain; n += batch {
		records := e.batch(n, min(batch, plain-n))
		if n == 0 {
			for i := range e.broken {
				records[i*7].Value = []byte("this is no JSON")
			}
		}
		if err := c.Produce(ctx, demoTopic, records...); err != nil {
			return err
		}
		if n/batch == plain/batch/2 {
			if err := e.abort(ctx, c, n); err != nil {
				return err
			}
		}
	}
	return e.transaction(ctx, c, plain, e.committed, (*kafkatest.Transaction).Commit)
}

func (e *events) abort(ctx context.Context, c *kafkatest.Cluster, n int) error {
	return e.transaction(ctx, c, n, e.aborted, (*kafkatest.Transaction).Abort)
}

func (e *events) transaction(ctx context.Context, c *kafkatest.Cluster, n, count int, end func(*kafkatest.Transaction, context.Context) error) error {
	tx, err := c.Begin(kafkatest.None)
	if err != nil {
		return err
	}
	if err := tx.Produce(ctx, demoTopic, e.batch(n, count)...); err != nil {
		return err
	}
	return end(tx, ctx)
}

// batch is count events from number n on.
func (e *events) batch(n, count int) []kafkatest.Record {
	pages := []string{"/", "/search", "/cart", "/checkout", "/product/1701", "/product/4711", "/help"}
	countries := []string{"DE", "FR", "IN", "BR", "US", "JP"}
	records := make([]kafkatest.Record, count)
	for i := range records {
		at := e.first.Add(time.Duration(n+i) * demoHours * time.Hour / time.Duration(e.records+1))
		user := e.random.IntN(10_000)
		referrer := "null"
		if e.random.IntN(3) == 0 {
			referrer = `"https://example.com/` + countries[e.random.IntN(len(countries))] + `"`
		}
		records[i] = kafkatest.Record{
			Partition: int32(user % demoPartitions),
			Time:      at,
			Key:       fmt.Appendf(nil, "user-%d", user),
			Value: fmt.Appendf(nil, `{"event_id":"%016x","user_id":%d,"at":%d,"page":"%s","referrer":%s,"country":"%s","duration_ms":%d}`,
				e.random.Uint64(), user, at.UnixMilli(), pages[e.random.IntN(len(pages))], referrer, countries[user%len(countries)], e.random.IntN(60_000)),
		}
	}
	return records
}
