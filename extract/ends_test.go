package extract

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
)

// counted counts the requests of a kind.
func counted(c *kafkatest.Cluster, key kmsg.Key) *kfake.FaultHandle {
	return c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{key}, Observe: true, Count: -1})
}

func mustEnds(t testing.TB, k *Kafka, topics ...string) map[string]map[int32]int64 {
	t.Helper()
	ends, err := k.Ends(t.Context(), topics)
	if err != nil {
		t.Fatal(err)
	}
	return ends
}

// answerMetadata answers requests for topics by what the cluster says, with a leader of -1 where leaderless says so.
func answerMetadata(t testing.TB, c *kafkatest.Cluster, leaderless func(topic string, partition int32) bool) {
	t.Helper()
	c.Fake().ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req := kreq.(*kmsg.MetadataRequest)
		if len(req.Topics) == 0 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		for node, address := range c.Brokers() {
			host, port, _ := net.SplitHostPort(address)
			b := kmsg.NewMetadataResponseBroker()
			b.NodeID, b.Host = int32(node), host
			n, _ := strconv.Atoi(port)
			b.Port = int32(n)
			resp.Brokers = append(resp.Brokers, b)
		}
		for _, rt := range req.Topics {
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic = rt.Topic
			info := c.Fake().TopicInfo(*rt.Topic)
			if info == nil {
				topic.ErrorCode = kerr.UnknownTopicOrPartition.Code
				resp.Topics = append(resp.Topics, topic)
				continue
			}
			topic.TopicID = info.TopicID
			for n := int32(0); ; n++ {
				at := c.Fake().PartitionInfo(*rt.Topic, n)
				if at == nil {
					break
				}
				p := kmsg.NewMetadataResponseTopicPartition()
				p.Partition, p.Leader, p.LeaderEpoch = n, at.Leader, at.Epoch
				if leaderless(*rt.Topic, n) {
					p.Leader, p.ErrorCode = -1, kerr.LeaderNotAvailable.Code
				}
				topic.Partitions = append(topic.Partitions, p)
			}
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
}

func TestTheEndsOfAThousandTopicsAreAFewRequests(t *testing.T) {
	t.Parallel()
	const topics, partitions, brokers = 1000, 3, 3
	o := kafkatest.Options{Brokers: brokers, Topics: map[string]int{}}
	var names []string
	want := map[string]map[int32]int64{}
	for n := range topics {
		name := fmt.Sprintf("t%03d", n)
		o.Topics[name] = partitions
		names = append(names, name)
		want[name] = map[int32]int64{0: 0, 1: 0, 2: 0}
	}
	c := startCluster(t, o)
	for n, name := range names[:5] {
		produce(t, c, name, numbered("x", n+1)...)
		want[name][0] = int64(n + 1)
	}
	k := openKafka(t, c, nil)
	metadata, offsets := counted(c, kmsg.Metadata), counted(c, kmsg.ListOffsets)
	began := time.Now()
	got := mustEnds(t, k, names...)
	took := time.Since(began)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if m, l := metadata.Hits(), offsets.Hits(); m > 2 || l != brokers {
		t.Errorf("%d requests for metadata and %d for offsets", m, l)
	}
	t.Logf("%d topics of %d partitions on %d brokers: %d + %d requests in %s", topics, partitions, brokers, metadata.Hits(), offsets.Hits(), took.Round(time.Millisecond))
}

func TestEndsAreThoseOfTheIsolation(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1, "b": 1}})
	produce(t, c, "a", numbered("x", 4)...)
	produce(t, c, "b", numbered("x", 2)...)
	tx, err := c.Begin(kafkatest.None)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Produce(t.Context(), "a", numbered("y", 3)...); err != nil {
		t.Fatal(err)
	}
	committed := openKafka(t, c, nil)
	if diff := cmp.Diff(map[string]map[int32]int64{"a": {0: 4}, "b": {0: 2}}, mustEnds(t, committed, "a", "b")); diff != "" {
		t.Error(diff)
	}
	all := openKafka(t, c, func(o *Options) { o.ReadCommitted = false })
	if diff := cmp.Diff(map[string]map[int32]int64{"a": {0: 7}, "b": {0: 2}}, mustEnds(t, all, "a", "b")); diff != "" {
		t.Error(diff)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]map[int32]int64{"a": {0: 8}}, mustEnds(t, committed, "a")); diff != "" {
		t.Error(diff)
	}
}

// What cannot say where it ends is left out, and holds up nothing else.
func TestEndsThatAreNotKnownAreLeftOut(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 2, Topics: map[string]int{"whole": 2, "leaderless": 2, "deleted": 1, "refused": 1, "moving": 1}})
	for _, topic := range []string{"whole", "leaderless", "deleted", "refused", "moving"} {
		produce(t, c, topic, numbered("x", 3)...)
	}
	k := openKafka(t, c, nil)
	if err := c.Fake().DeleteTopic("deleted"); err != nil {
		t.Fatal(err)
	}
	answerMetadata(t, c, func(topic string, partition int32) bool { return topic == "leaderless" && partition == 1 })
	c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "refused", Err: kerr.TopicAuthorizationFailed, Count: -1})
	c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets}, Topic: "moving", Err: kerr.NotLeaderForPartition, Count: endsTries - 1})
	offsets := counted(c, kmsg.ListOffsets)
	want := map[string]map[int32]int64{"whole": {0: 3, 1: 0}, "leaderless": {0: 3}, "moving": {0: 3}}
	if diff := cmp.Diff(want, mustEnds(t, k, "whole", "leaderless", "deleted", "refused", "moving", "not a name")); diff != "" {
		t.Error(diff)
	}
	if n := offsets.Hits(); n > 2*endsTries {
		t.Errorf("%d requests", n)
	}
	if got := mustEnds(t, k); len(got) != 0 {
		t.Errorf("of no topics: %v", got)
	}
}

func TestABrokerThatDoesNotAnswerHidesOnlyItsOwnEnds(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 2, Topics: map[string]int{"a": 1, "b": 1}})
	for topic, node := range map[string]int32{"a": 0, "b": 1} {
		if err := c.MoveLeader(topic, 0, node); err != nil {
			t.Fatal(err)
		}
		produce(t, c, topic, numbered("x", 3)...)
	}
	k := openKafka(t, c, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	over := make(chan struct{})
	defer close(over)
	c.Fake().ControlKey(int16(kmsg.ListOffsets), func(kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		if c.Fake().CurrentNode() != 1 {
			return nil, nil, false
		}
		c.Fake().SleepControl(func() { <-over })
		return nil, nil, false
	})
	ends, err := k.Ends(ctx, []string{"a", "b"})
	if diff := cmp.Diff(map[string]map[int32]int64{"a": {0: 3}}, ends); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}

func TestEndsOfAClusterThatIsAway(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	mustEnds(t, k, "a")
	c.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if ends, err := k.Ends(ctx, []string{"a"}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, %v", ends, err)
	}
}
