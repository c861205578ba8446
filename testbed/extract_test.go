package testbed_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/extract"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/produce"
	"shadoof/testbed/servers"
)

func source(t *testing.T, brokers []string, change func(*extract.Options)) *extract.Kafka {
	t.Helper()
	o := extract.Options{Brokers: brokers, ReadCommitted: true, Logger: slog.New(slog.NewTextHandler(t.Output(), nil))}
	if change != nil {
		change(&o)
	}
	k, err := extract.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

func kafkaAdmin(t *testing.T, brokers []string, opts ...kgo.Opt) *kadm.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return kadm.NewClient(cl)
}

func soon(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// lifted is what reading all partitions to their ends gave.
type lifted struct {
	records                     map[produce.At]produce.Record
	control, aborted, compacted int64
	unexplained                 []extract.Range
}

func (l *lifted) add(b *extract.Batch) {
	for _, r := range b.Records {
		kept := produce.Record{Timestamp: r.Timestamp, Key: clone(r.Key), Value: clone(r.Value)}
		for _, h := range r.Headers {
			kept.Headers = append(kept.Headers, kgo.RecordHeader{Key: h.Key, Value: clone(h.Value)})
		}
		l.records[produce.At{Partition: r.Partition, Offset: r.Offset}] = kept
	}
	l.control += b.Control
	l.aborted += b.Aborted
	l.compacted += b.Compacted
	l.unexplained = append(l.unexplained, b.Unexplained...)
}

func clone(b []byte) []byte {
	if b == nil {
		return nil
	}
	return append([]byte{}, b...)
}

func describe(t *testing.T, k *extract.Kafka, topic string) *extract.Topic {
	t.Helper()
	d, err := k.Describe(soon(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Partitions {
		if p.Err != nil {
			t.Fatal(p.Err)
		}
	}
	return d
}

// lift reads every partition from the start of its log to its end, all at once.
func lift(t *testing.T, k *extract.Kafka, topic string, body func(*extract.Batch)) *lifted {
	t.Helper()
	d := describe(t, k, topic)
	all := &lifted{records: map[produce.At]produce.Record{}}
	var mu sync.Mutex
	var wg sync.WaitGroup
	ctx := soon(t)
	for _, p := range d.Partitions {
		wg.Go(func() {
			r := extract.Range{Partition: p.Partition, First: p.LogStart, Next: p.End(true)}
			at := r.First
			for b, err := range k.Read(ctx, extract.ReadRequest{Topic: topic, ID: d.ID, Ranges: []extract.Range{r}}) {
				if err != nil {
					t.Errorf("read %s: %v", r, err)
					return
				}
				if b.First != at {
					t.Errorf("batch of %s at %d, after %d", r, b.First, at)
				}
				at = b.Next
				if body != nil {
					body(b)
				}
				mu.Lock()
				all.add(b)
				mu.Unlock()
			}
			if at != r.Next {
				t.Errorf("range %s was read to %d", r, at)
			}
		})
	}
	wg.Wait()
	return all
}

// compareLifted says in few words how what was lifted differs from what readers are entitled to.
func compareLifted(t *testing.T, want *produce.Result, got *lifted) {
	t.Helper()
	if maps.EqualFunc(want.Records, got.records, func(a, b produce.Record) bool { return cmp.Equal(a, b) }) {
		return
	}
	t.Errorf("want %d records, got %d", len(want.Records), len(got.records))
	n := 0
	for _, at := range want.Offsets() {
		if d := cmp.Diff(want.Records[at], got.records[at]); d != "" {
			if n++; n > 3 {
				break
			}
			t.Errorf("%s (-want +got):\n%s", at, d)
		}
	}
	for at := range got.records {
		if _, ok := want.Records[at]; !ok {
			t.Errorf("%s is too much", at)
			break
		}
	}
}

func TestExtractPlain(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	for _, codec := range []string{"uncompressed", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(codec, func(t *testing.T) {
			t.Parallel()
			want, err := produce.PlainTopic(soon(t), brokers, produce.Spec{
				Topic: produce.Name("plain"), Records: 5000, Partitions: 4, Empty: 1, Tombstones: 50, Headers: true,
				Configs: map[string]string{"compression.type": codec},
			})
			if err != nil {
				t.Fatal(err)
			}
			got := lift(t, source(t, brokers, nil), want.Topic, nil)
			compareLifted(t, want, got)
			if got.control+got.aborted+got.compacted != 0 || got.unexplained != nil {
				t.Errorf("holes: %d, %d, %d, %v", got.control, got.aborted, got.compacted, got.unexplained)
			}
		})
	}
}

func TestExtractTransactions(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	want, open, err := produce.TransactionalTopic(soon(t), brokers,
		produce.Spec{Topic: produce.Name("transactions"), Records: 4000, Partitions: 3}, produce.Transactions{LeaveOpen: 20})
	if err != nil {
		t.Fatal(err)
	}
	k := source(t, brokers, nil)
	check := func(want *produce.Result, aborted int64) {
		t.Helper()
		got := lift(t, k, want.Topic, nil)
		compareLifted(t, want, got)
		if got.aborted != aborted || got.control == 0 || got.compacted != 0 || got.unexplained != nil {
			t.Errorf("holes: %d markers, %d aborted, %d compacted, %v", got.control, got.aborted, got.compacted, got.unexplained)
		}
		for _, p := range describe(t, k, want.Topic).Partitions {
			if p.LastStable != want.Ends[p.Partition] || p.HighWatermark != want.HighWatermarks[p.Partition] {
				t.Errorf("partition %+v, want to end at %d of %d", p, want.Ends[p.Partition], want.HighWatermarks[p.Partition])
			}
		}
		ends, err := k.Ends(soon(t), []string{want.Topic, want.Topic + "-none"})
		if diff := cmp.Diff(map[string]map[int32]int64{want.Topic: want.Ends}, ends); diff != "" || err != nil {
			t.Errorf("ends: %v\n%s", err, diff)
		}
	}
	check(want, 2000)
	if want, err = open.End(soon(t), false); err != nil {
		t.Fatal(err)
	}
	check(want, 2020)

	// The marks that a reader ends with are those that the topic shows.
	d := describe(t, k, want.Topic)
	for _, p := range d.Partitions {
		for _, next := range []int64{p.LastStable, p.LastStable - 1, p.LastStable / 2, p.LastStable/2 + 1} {
			var last extract.Mark
			for b, err := range k.Read(soon(t), extract.ReadRequest{Topic: want.Topic, ID: d.ID, Ranges: []extract.Range{{Partition: p.Partition, Next: next}}}) {
				if err != nil {
					t.Fatal(err)
				}
				last = *b.Mark
			}
			got, err := k.Mark(soon(t), want.Topic, p.Partition, next)
			if diff := cmp.Diff(&last, got); diff != "" || err != nil {
				t.Errorf("mark of partition %d before %d: %v (-read +asked):\n%s", p.Partition, next, err, diff)
			}
		}
	}
}

func TestExtractCompacted(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	want, err := produce.CompactedTopic(soon(t), brokers, produce.Spec{Topic: produce.Name("compacted"), Records: 3000, Partitions: 2, Keys: 100, Tombstones: 7})
	if err != nil {
		t.Fatal(err)
	}
	k := source(t, brokers, nil)
	got := lift(t, k, want.Topic, nil)
	compareLifted(t, want, got)
	if got.compacted == 0 || got.unexplained != nil {
		t.Errorf("holes: %d compacted, %v", got.compacted, got.unexplained)
	}
	// Ends within the holes.
	d := describe(t, k, want.Topic)
	for _, p := range d.Partitions {
		for next := int64(1); next < p.LastStable; next += 97 {
			var n int64
			for b, err := range k.Read(soon(t), extract.ReadRequest{Topic: want.Topic, ID: d.ID, Ranges: []extract.Range{{Partition: p.Partition, First: next / 2, Next: next}}}) {
				if err != nil {
					t.Fatal(err)
				}
				n += b.Next - b.First
			}
			if n != next-next/2 {
				t.Errorf("partition %d [%d,%d): %d offsets", p.Partition, next/2, next, n)
			}
		}
	}
}

func TestExtractRecreated(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	spec := produce.Spec{Topic: produce.Name("recreated"), Records: 20_000, Padding: 500, Configs: map[string]string{"compression.type": "uncompressed"}}
	if _, err := produce.PlainTopic(soon(t), brokers, spec); err != nil {
		t.Fatal(err)
	}
	k := source(t, brokers, nil)
	old := describe(t, k, spec.Topic)
	recreated := false
	var failed error
	for _, err := range k.Read(soon(t), extract.ReadRequest{Topic: spec.Topic, ID: old.ID, Ranges: []extract.Range{{Next: 20_000}}}) {
		if failed = err; err != nil {
			break
		}
		if recreated {
			continue
		}
		recreated = true
		if _, err := kafkaAdmin(t, brokers).DeleteTopics(soon(t), spec.Topic); err != nil {
			t.Fatal(err)
		}
		again := spec
		again.Seed = 1
		if _, err := produce.PlainTopic(soon(t), brokers, again); err != nil {
			t.Fatal(err)
		}
	}
	var e *extract.RecreatedError
	if !errors.As(failed, &e) || e.Want != old.ID {
		t.Errorf("during a read: %v", failed)
	}
	now := describe(t, k, spec.Topic)
	if now.ID == old.ID || len(now.ID) != 32 {
		t.Errorf("ids %q, %q", old.ID, now.ID)
	}
	for _, err := range k.Read(soon(t), extract.ReadRequest{Topic: spec.Topic, ID: old.ID, Ranges: []extract.Range{{Next: 10}}}) {
		if !errors.As(err, &e) || e.Have != now.ID {
			t.Errorf("before a read: %v", err)
		}
	}
	if _, err := kafkaAdmin(t, brokers).DeleteTopics(soon(t), spec.Topic); err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := k.Describe(soon(t), spec.Topic); errors.Is(err, extract.ErrNoTopic) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestExtractRetention(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	spec := produce.Spec{Topic: produce.Name("retention"), Records: 1000}
	want, err := produce.PlainTopic(soon(t), brokers, spec)
	if err != nil {
		t.Fatal(err)
	}
	var to kadm.Offsets
	to.Add(kadm.Offset{Topic: spec.Topic, Partition: 0, At: 333})
	if _, err := kafkaAdmin(t, brokers).DeleteRecords(soon(t), to); err != nil {
		t.Fatal(err)
	}
	k := source(t, brokers, nil)
	if p := describe(t, k, spec.Topic).Partitions[0]; p.LogStart != 333 || p.LastStable != 1000 {
		t.Errorf("partition %+v", p)
	}
	var lost *extract.LostError
	for _, err := range k.Read(soon(t), extract.ReadRequest{Topic: spec.Topic, Ranges: []extract.Range{{First: 100, Next: 1000}}}) {
		if !errors.As(err, &lost) || lost.Want != 100 || lost.LogStart != 333 {
			t.Errorf("read: %v", err)
		}
	}
	got := lift(t, k, spec.Topic, nil)
	for at := range want.Records {
		if at.Offset < 333 {
			delete(want.Records, at)
		}
	}
	compareLifted(t, want, got)

	var cut *extract.TruncatedError
	for _, err := range k.Read(soon(t), extract.ReadRequest{Topic: spec.Topic, Ranges: []extract.Range{{First: 1500, Next: 2000}}}) {
		if !errors.As(err, &cut) || cut.Position != 1500 || cut.End != 1000 {
			t.Errorf("read beyond the end: %v", err)
		}
	}
}

func TestExtractTimes(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	start := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	want, err := produce.PlainTopic(soon(t), brokers, produce.Spec{Topic: produce.Name("times"), Records: 1000, Start: start, Span: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	k := source(t, brokers, nil)
	half := start.Add(30 * time.Minute)
	first := int64(1000)
	for at, r := range want.Records {
		if r.Timestamp >= half.UnixMilli() {
			first = min(first, at.Offset)
		}
	}
	for at, offset := range map[time.Time]int64{start.Add(-time.Hour): 0, half: first, start.Add(48 * time.Hour): 1000, start.AddDate(100, 0, 0): 1000, time.Unix(-5, 0): 0} {
		got, err := k.OffsetsAt(soon(t), want.Topic, at)
		if diff := cmp.Diff(map[int32]int64{0: offset}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", at, err, diff)
		}
	}
	p := describe(t, k, want.Topic).Partitions[0]
	for epoch, end := range map[int32]extract.EpochEnd{p.Epoch: {Epoch: p.Epoch, End: 1000}, p.Epoch + 7: {Epoch: -1, End: -1}} {
		if got, err := k.EpochEnds(soon(t), want.Topic, map[int32]int32{0: epoch}); err != nil || got[0] != end {
			t.Errorf("epoch %d: %+v, %v", epoch, got, err)
		}
	}
}

func TestExtractOversizedRecords(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	topic := produce.Name("oversized")
	limit := "20000000"
	admin := kafkaAdmin(t, brokers)
	if _, err := admin.CreateTopic(soon(t), 1, 1, map[string]*string{"max.message.bytes": &limit}, topic); err != nil {
		t.Fatal(err)
	}
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.ProducerBatchMaxBytes(18<<20), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	sizes := []int{10, 12 << 20, 20, 3 << 20, 5 << 20, 30}
	for _, size := range sizes {
		if err := cl.ProduceSync(soon(t), &kgo.Record{Topic: topic, Value: []byte(strings.Repeat("x", size))}).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	got := lift(t, source(t, brokers, nil), topic, nil)
	for i, size := range sizes {
		if n := len(got.records[produce.At{Offset: int64(i)}].Value); n != size {
			t.Errorf("record %d has %d bytes, want %d", i, n, size)
		}
	}
}

func TestExtractSecured(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	want, err := produce.PlainTopic(soon(t), c.Brokers(), produce.Spec{Topic: produce.Name("secured"), Records: 500})
	if err != nil {
		t.Fatal(err)
	}
	trusted := extract.TLS{Enabled: true, CAFile: c.Certs().CA}
	withClient := trusted
	withClient.CertFile, withClient.KeyFile = c.Certs().ClientCert, c.Certs().ClientKey
	for _, mechanism := range []string{"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"} {
		for name, o := range map[string]extract.Options{
			"over TLS": {Brokers: c.SASLSSL(), TLS: trusted},
			"over TCP": {Brokers: c.SASLPlaintext()},
		} {
			t.Run(mechanism+" "+name, func(t *testing.T) {
				t.Parallel()
				k := source(t, o.Brokers, func(to *extract.Options) {
					to.TLS = o.TLS
					to.SASL = extract.SASL{Mechanism: mechanism, Username: kafkabed.Alice.Name, Password: kafkabed.Alice.Password}
				})
				compareLifted(t, want, lift(t, k, want.Topic, nil))
			})
			t.Run(mechanism+" "+name+" with a wrong password", func(t *testing.T) {
				t.Parallel()
				o := o
				o.SASL = extract.SASL{Mechanism: mechanism, Username: kafkabed.Alice.Name, Password: "guess"}
				began := time.Now()
				_, err := extract.Open(soon(t), o)
				if says := "authentication failed for user alice by " + mechanism; !errors.Is(err, extract.ErrAuth) || !strings.Contains(err.Error(), says) {
					t.Errorf("open: %v", err)
				}
				if d := time.Since(began); d > 10*time.Second {
					t.Errorf("it took %s", d)
				}
			})
		}
	}
	t.Run("client certificate", func(t *testing.T) {
		t.Parallel()
		k := source(t, c.TLS(), func(o *extract.Options) { o.TLS = withClient })
		compareLifted(t, want, lift(t, k, want.Topic, nil))
	})
	for name, o := range map[string]extract.Options{
		"unknown authority": {Brokers: c.TLS(), TLS: extract.TLS{Enabled: true}},
		"wrong name":        {Brokers: c.TLS(), TLS: extract.TLS{Enabled: true, CAFile: c.Certs().CA, ServerName: "elsewhere.example"}},
		"TLS to a TCP port": {Brokers: c.Brokers(), TLS: trusted, Patience: 3 * time.Second},
		"TCP to a TLS port": {Brokers: c.TLS(), Patience: 3 * time.Second},
		"SASL left out":     {Brokers: c.SASLPlaintext(), Patience: 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := extract.Open(soon(t), o)
			if d := time.Since(began); err == nil || d > 12*time.Second {
				t.Errorf("open after %s: %v", d, err)
			}
			t.Logf("%v", err)
		})
	}
}

func TestExtractNotAuthorized(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	want, err := produce.PlainTopic(soon(t), c.Brokers(), produce.Spec{Topic: produce.Name("guarded"), Records: 100})
	if err != nil {
		t.Fatal(err)
	}
	admin := kafkaAdmin(t, c.Brokers())
	allow := func(user string, ops ...kadm.ACLOperation) {
		t.Helper()
		b := kadm.NewACLs().Topics(want.Topic).ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:" + user).AllowHosts("*").Operations(ops...)
		if _, err := admin.CreateACLs(soon(t), b); err != nil {
			t.Fatal(err)
		}
	}
	allow("bob", kadm.OpDescribe)
	as := func(u kafkabed.User) *extract.Kafka {
		return source(t, c.SASLPlaintext(), func(o *extract.Options) {
			o.SASL = extract.SASL{Mechanism: "SCRAM-SHA-256", Username: u.Name, Password: u.Password}
		})
	}
	alice, bob := as(kafkabed.Alice), as(kafkabed.Bob)
	for { // the ACLs take a moment to be in force
		_, err := alice.Describe(soon(t), want.Topic)
		if errors.Is(err, extract.ErrNotAuthorized) {
			if !strings.Contains(err.Error(), "DESCRIBE") || !strings.Contains(err.Error(), want.Topic) {
				t.Errorf("describe: %v", err)
			}
			break
		}
	}
	d := describe(t, bob, want.Topic)
	n := 0
	for _, err := range bob.Read(soon(t), extract.ReadRequest{Topic: want.Topic, ID: d.ID, Ranges: []extract.Range{{Next: 100}}}) {
		if n++; !errors.Is(err, extract.ErrNotAuthorized) || !strings.Contains(err.Error(), "READ") {
			t.Errorf("read: %v", err)
		}
	}
	if n != 1 {
		t.Errorf("%d turns", n)
	}
	topics, err := alice.Topics(soon(t))
	if err != nil || strings.Contains(strings.Join(topics, " "), want.Topic) {
		t.Errorf("alice sees %v, %v", topics, err)
	}
}

func TestExtractBrokerRestart(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{})
	want, err := produce.PlainTopic(soon(t), c.Brokers(), produce.Spec{Topic: produce.Name("restart"), Records: 12_000, Partitions: 2, Padding: 1500, Configs: map[string]string{"compression.type": "uncompressed"}})
	if err != nil {
		t.Fatal(err)
	}
	k := source(t, c.Brokers(), nil)
	began := time.Now()
	var once sync.Once
	restarted := make(chan error, 1)
	got := lift(t, k, want.Topic, func(b *extract.Batch) {
		if b.First < 1000 {
			return
		}
		once.Do(func() {
			if err := c.Nodes()[0].Kill(); err != nil {
				t.Error(err)
			}
			go func() { restarted <- c.Nodes()[0].Start(soon(t)) }()
		})
	})
	t.Logf("read in %s", time.Since(began))
	if err := <-restarted; err != nil {
		t.Fatal(err)
	}
	compareLifted(t, want, got)
}

func TestExtractLeaderDies(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	want, err := produce.PlainTopic(soon(t), c.Brokers(), produce.Spec{Topic: produce.Name("dies"), Records: 12_000, Partitions: 3, Replication: 3, Padding: 1500, Configs: map[string]string{"compression.type": "uncompressed"}})
	if err != nil {
		t.Fatal(err)
	}
	k := source(t, c.Brokers(), nil)
	began := time.Now()
	var once sync.Once
	got := lift(t, k, want.Topic, func(b *extract.Batch) {
		if b.First < 1000 {
			return
		}
		once.Do(func() {
			if err := c.Nodes()[1].Kill(); err != nil {
				t.Error(err)
			}
		})
	})
	t.Logf("read in %s", time.Since(began))
	compareLifted(t, want, got)
	describe(t, k, want.Topic)
}

// The version of the Fetch request that carries names serves where there are no topic ids.
func TestExtractWithoutTopicIDs(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	want, err := produce.PlainTopic(soon(t), brokers, produce.Spec{Topic: produce.Name("unnamed"), Records: 500})
	if err != nil {
		t.Fatal(err)
	}
	k := source(t, brokers, nil)
	n := 0
	for b, err := range k.Read(soon(t), extract.ReadRequest{Topic: want.Topic, Ranges: []extract.Range{{Next: 500}}}) {
		if err != nil {
			t.Fatal(err)
		}
		n += len(b.Records)
	}
	if n != 500 {
		t.Errorf("%d records", n)
	}
}

// A replica that missed the last records becomes leader: what was read is not in the log any more.
func TestExtractTruncated(t *testing.T) {
	t.Parallel()
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	topic := produce.Name("truncated")
	yes, one := "true", "1"
	req := kmsg.NewPtrCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, -1, -1
	rt.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{1, 2}}}
	rt.Configs = []kmsg.CreateTopicsRequestTopicConfig{
		{Name: "unclean.leader.election.enable", Value: &yes}, {Name: "min.insync.replicas", Value: &one},
	}
	req.Topics = append(req.Topics, rt)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if _, err := req.RequestWith(soon(t), cl); err != nil {
		t.Fatal(err)
	}
	add := func(n int, prefix string) {
		t.Helper()
		cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
		if err != nil {
			t.Fatal(err)
		}
		defer cl.Close()
		for i := range n {
			if err := cl.ProduceSync(soon(t), &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "%s %d", prefix, i)}).FirstErr(); err != nil {
				t.Fatal(err)
			}
		}
	}
	k := source(t, c.Brokers(), nil)
	until := func(end int64) extract.Partition {
		t.Helper()
		ctx := soon(t)
		for {
			d, err := k.Describe(ctx, topic)
			if err != nil {
				t.Fatal(err)
			}
			if p := d.Partitions[0]; p.Err == nil && p.HighWatermark == end {
				return p
			}
		}
	}
	node := func(id int) *kafkabed.Node { return c.Nodes()[id-1] }

	add(100, "kept")
	until(100)
	if err := node(2).Kill(); err != nil {
		t.Fatal(err)
	}
	add(50, "lost")
	until(150)
	id := describe(t, k, topic).ID
	var epoch int32
	n := 0
	for b, err := range k.Read(soon(t), extract.ReadRequest{Topic: topic, ID: id, Ranges: []extract.Range{{Next: 150}}}) {
		if err != nil {
			t.Fatal(err)
		}
		epoch = b.Epoch
		n += len(b.Records)
	}
	if n != 150 {
		t.Fatalf("%d records", n)
	}
	if err := node(1).Kill(); err != nil {
		t.Fatal(err)
	}
	if err := node(2).Start(soon(t)); err != nil {
		t.Fatal(err)
	}
	until(100)
	add(10, "new")
	p := until(110)
	if p.Leader != 2 || p.Epoch <= epoch {
		t.Fatalf("partition %+v after epoch %d", p, epoch)
	}
	if got, err := k.EpochEnds(soon(t), topic, map[int32]int32{0: epoch}); err != nil || got[0] != (extract.EpochEnd{Epoch: epoch, End: 100}) {
		t.Errorf("epoch %d: %+v, %v; want its end at 100", epoch, got, err)
	}
	var cut *extract.TruncatedError
	for _, err := range k.Read(soon(t), extract.ReadRequest{Topic: topic, ID: id, Ranges: []extract.Range{{First: 150, Next: 160}}}) {
		if !errors.As(err, &cut) || cut.Position != 150 || cut.End != 110 {
			t.Errorf("read: %v", err)
		}
	}
	if cut == nil {
		t.Error("no error")
	}
	cut = nil
	// A range whose end is gone.
	for _, err := range k.Read(soon(t), extract.ReadRequest{Topic: topic, ID: id, Ranges: []extract.Range{{First: 90, Next: 150}}}) {
		if err != nil && (!errors.As(err, &cut) || cut.Position != 150 || cut.End != 110) {
			t.Errorf("read: %v", err)
		}
	}
	if cut == nil {
		t.Error("no error at the end that is gone")
	}
}
