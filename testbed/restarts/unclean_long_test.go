//go:build long

package restarts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/testbed/faults/nemesis"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// unclean is a topic of two replicas, the second of which missed what the first acknowledged, and became leader.
type unclean struct {
	t     *testing.T
	c     *kafkabed.Cluster
	topic string
	seq   int64
	want  readers.Digest // of everything that is in files by the end
}

func newUnclean(t *testing.T, c *kafkabed.Cluster) *unclean {
	t.Helper()
	u := &unclean{t: t, c: c, topic: produce.Name("unclean"), want: readers.Digest{}}
	yes, one := "true", "1"
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = u.topic, -1, -1
	rt.ReplicaAssignment = []kmsg.CreateTopicsRequestTopicReplicaAssignment{{Partition: 0, Replicas: []int32{1, 2}}}
	rt.Configs = []kmsg.CreateTopicsRequestTopicConfig{{Name: "unclean.leader.election.enable", Value: &yes}, {Name: "min.insync.replicas", Value: &one}}
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, rt)
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.Brokers()...))
	must(t, err)
	defer cl.Close()
	_, err = req.RequestWith(bounded(t, 30*time.Second), cl)
	must(t, err)
	return u
}

// add produces records that are acknowledged by all who are in sync. They are wanted where some run lifts them.
func (u *unclean) add(n int, lifted bool) {
	u.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(u.c.Brokers()...), kgo.DefaultProduceTopic(u.topic), kgo.UnknownTopicRetries(30))
	must(u.t, err)
	defer cl.Close()
	for range n {
		u.seq++
		body, err := json.Marshal(produce.Body{Seq: u.seq, Key: fmt.Sprint(u.seq), Fate: produce.Plain})
		must(u.t, err)
		r, err := cl.ProduceSync(bounded(u.t, time.Minute), &kgo.Record{Value: body}).First()
		must(u.t, err)
		if lifted {
			u.want.Add(0, r.Offset, u.seq)
		}
	}
}

// until waits for a partition's end.
func (u *unclean) until(end int64) {
	u.t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(u.c.Brokers()...))
	must(u.t, err)
	defer cl.Close()
	ctx := bounded(u.t, time.Minute)
	for {
		asked, cancel := context.WithTimeout(ctx, 5*time.Second)
		listed, err := kadm.NewClient(cl).ListEndOffsets(asked, u.topic)
		cancel()
		o, ok := listed.Lookup(u.topic, 0)
		if err == nil && ok && o.Err == nil && o.Offset == end {
			return
		}
		pause(ctx, 100*time.Millisecond)
		if ctx.Err() != nil {
			u.t.Fatalf("the partition ends at %+v, want %d: %v", o, end, err)
		}
	}
}

// TestAnUncleanElection loses records that were acknowledged: some that were lifted, and some that were not. Others take their offsets.
// A run halts until a person accepts it, and then lifts all that the topic holds: also what lies between the cut and the offset up to
// which the lost log was lifted, whether or not the new log reaches that.
func TestAnUncleanElection(t *testing.T) {
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	for name, written := range map[string]int{"the new log is shorter": 20, "the new log is longer": 120} {
		t.Run(name, func(t *testing.T) {
			ctx := bounded(t, 3*time.Minute)
			u := newUnclean(t, c)
			j := product.NewJob(t, c.Brokers(), product.Local(t), u.topic, "orphan_age: 1ms\n", "")
			u.add(100, true)
			must(t, nemesis.InSync(ctx, c.Brokers()))
			must(t, c.Nodes()[1].Kill())
			u.add(50, true)
			u.until(150)
			j.Must(t, 0, "run")
			u.add(30, false)
			must(t, c.Nodes()[0].Kill(), c.Nodes()[1].Start(ctx))
			u.until(100)
			u.add(written, true)
			if o := j.Must(t, 4, "run"); !strings.Contains(o.Stdout, "resolve --topic "+u.topic+" --accept-truncation") {
				t.Errorf("it does not say what to do:\n%s", o.Stdout)
			}
			must(t, c.Nodes()[0].Start(ctx), nemesis.InSync(ctx, c.Brokers()))
			u.until(int64(100 + written))
			j.Must(t, 0, "resolve", "--topic", u.topic, "--accept-truncation", "--reason", "test")
			j.Must(t, 0, "run")
			got, err := servers.Readers(t).Digest(ctx, readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, u.topic), Columns: []string{"seq"}})
			must(t, err)
			if diff := cmp.Diff(u.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			j.Must(t, 0, "verify", "--deep")
		})
	}
}

// TestTwoUncleanElections puts a replica back as leader that was left behind with records of its own, while the other was written to and
// lifted: its log is of an older epoch, and longer than the common part. Nothing that it holds behind that was lifted.
func TestTwoUncleanElections(t *testing.T) {
	c := servers.OwnKafka(t, kafkabed.Options{Nodes: 3})
	for name, lifted := range map[string]int{"it ends behind what was lifted": 20, "it ends below": 80} {
		t.Run(name, func(t *testing.T) {
			ctx := bounded(t, 4*time.Minute)
			u := newUnclean(t, c)
			j := product.NewJob(t, c.Brokers(), product.Local(t), u.topic, "orphan_age: 1ms\n", "")
			u.add(100, true)
			must(t, nemesis.InSync(ctx, c.Brokers()), c.Nodes()[1].Kill())
			u.add(50, true) // only the first replica has them
			u.until(150)
			must(t, c.Nodes()[0].Kill(), c.Nodes()[1].Start(ctx))
			u.until(100)
			u.add(lifted, true)
			u.until(int64(100 + lifted))
			j.Must(t, 0, "run")
			must(t, c.Nodes()[1].Kill(), c.Nodes()[0].Start(ctx))
			u.until(150)
			u.add(10, true)
			if o := j.Must(t, 4, "run"); !strings.Contains(o.Stdout, "resolve --topic "+u.topic+" --accept-truncation") {
				t.Errorf("it does not say what to do:\n%s", o.Stdout)
			}
			must(t, c.Nodes()[1].Start(ctx), nemesis.InSync(ctx, c.Brokers()))
			u.until(160)
			j.Must(t, 0, "resolve", "--topic", u.topic, "--accept-truncation", "--reason", "test")
			j.Must(t, 0, "run")
			got, err := servers.Readers(t).Digest(ctx, readers.Query{Reader: readers.PyArrow, Folder: j.Root.Folder(t, u.topic), Columns: []string{"seq"}})
			must(t, err)
			if diff := cmp.Diff(u.want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			j.Must(t, 0, "verify", "--deep")
			if r := j.Must(t, 0, "run", "--json"); strings.Contains(r.Stdout, `"commits": 1`) {
				t.Errorf("something was lifted again:\n%s", r.Stdout)
			}
		})
	}
}
