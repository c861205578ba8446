package extract

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
)

func TestTopicsAreSorted(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"b": 1, "a": 1, "c": 1}})
	k := openKafka(t, c, nil)
	got, err := k.Topics(t.Context())
	if diff := cmp.Diff([]string{"a", "b", "c"}, got); diff != "" || err != nil {
		t.Errorf("topics: %v (-want +got):\n%s", err, diff)
	}
}

func TestDescribeGivesThreeWatermarks(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 3, Topics: map[string]int{"a": 3}})
	produce(t, c, "a", numbered("x", 5)...)
	produce(t, c, "a", numbered("y", 5)...)
	if err := c.DeleteRecords("a", 0, 5); err != nil {
		t.Fatal(err)
	}
	tx, err := c.Begin(kafkatest.None)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Produce(t.Context(), "a", numbered("open", 2)...); err != nil {
		t.Fatal(err)
	}
	produce(t, c, "a", numbered("z", 1)...)

	k := openKafka(t, c, nil)
	got := mustDescribe(t, k, "a")
	want := &Topic{
		Cluster: got.Cluster, Name: "a", ID: got.ID,
		Partitions: []Partition{{Partition: 0, LogStart: 5, LastStable: 10, HighWatermark: 13}, {Partition: 1}, {Partition: 2}},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Partition{}, "Leader", "Epoch")); diff != "" {
		t.Errorf("topic (-want +got):\n%s", diff)
	}
	if got.Cluster == "" || len(got.ID) != 32 {
		t.Errorf("cluster %q, topic id %q", got.Cluster, got.ID)
	}
	if p := got.Partitions[0]; p.End(true) != 10 || p.End(false) != 13 || p.Leader != c.Fake().LeaderFor("a", 0) {
		t.Errorf("partition %+v", p)
	}
}

func TestDescribeOfARecreatedTopicIsFresh(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	k := openKafka(t, c, nil)
	produce(t, c, "a", numbered("x", 5)...)
	old := mustDescribe(t, k, "a")
	if err := c.RecreateTopic("a", 2, nil); err != nil {
		t.Fatal(err)
	}
	got := mustDescribe(t, k, "a")
	if got.ID == old.ID || len(got.Partitions) != 2 || got.Partitions[0].HighWatermark != 0 {
		t.Errorf("described %+v, before it was recreated %+v", got, old)
	}
}

func TestAPartitionWithoutALeaderHoldsUpOnlyItself(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 2}})
	produce(t, c, "a", numbered("x", 3)...)
	k := openKafka(t, c, func(o *Options) { o.Patience = 300 * time.Millisecond })
	c.Fake().ControlKey(int16(kmsg.Metadata), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		req := kreq.(*kmsg.MetadataRequest)
		if len(req.Topics) != 1 {
			return nil, nil, false
		}
		resp := req.ResponseKind().(*kmsg.MetadataResponse)
		host, port, _ := net.SplitHostPort(c.Brokers()[0])
		b := kmsg.NewMetadataResponseBroker()
		b.Host = host
		p, _ := net.LookupPort("tcp", port)
		b.Port = int32(p)
		resp.Brokers = append(resp.Brokers, b)
		topic := kmsg.NewMetadataResponseTopic()
		topic.Topic = kmsg.StringPtr("a")
		topic.TopicID = c.Fake().TopicInfo("a").TopicID
		for i := range int32(2) {
			p := kmsg.NewMetadataResponseTopicPartition()
			p.Partition = i
			if i == 1 {
				p.Leader = -1
				p.ErrorCode = 5
			}
			topic.Partitions = append(topic.Partitions, p)
		}
		resp.Topics = append(resp.Topics, topic)
		return resp, nil, true
	})
	got := mustDescribe(t, k, "a")
	if p := got.Partitions[0]; p.Err != nil || p.HighWatermark != 3 {
		t.Errorf("partition with a leader: %+v", p)
	}
	if p := got.Partitions[1]; p.Err == nil || !strings.Contains(p.Err.Error(), "LEADER_NOT_AVAILABLE") {
		t.Errorf("partition without a leader: %+v", p)
	}
}

func TestATopicThatDoesNotExist(t *testing.T) {
	t.Parallel()
	k := openKafka(t, startCluster(t, kafkatest.Options{}), nil)
	if _, err := k.Describe(t.Context(), "none"); !errors.Is(err, ErrNoTopic) {
		t.Errorf("describe: %v", err)
	}
	if _, err := readRange(t.Context(), t, k, "none", "", Range{Next: 5}); !errors.Is(err, ErrNoTopic) {
		t.Errorf("read: %v", err)
	}
	if _, err := k.OffsetsAt(t.Context(), "none", time.Now()); !errors.Is(err, ErrNoTopic) {
		t.Errorf("offsets at: %v", err)
	}
}

func TestOffsetsAt(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 2}})
	produce(t, c, "a", numbered("x", 5)...) // a millisecond apart, from 1_700_000_000_000
	produce(t, c, "a", kafkatest.Record{Time: time.UnixMilli(1_800_000_000_000), Value: []byte("late")})
	tx, err := c.Begin(kafkatest.None)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Produce(t.Context(), "a", kafkatest.Record{Time: time.UnixMilli(1_900_000_000_000)}); err != nil {
		t.Fatal(err)
	}
	k := openKafka(t, c, nil)
	for _, test := range []struct {
		name string
		at   time.Time
		want int64
	}{
		{"before all", time.UnixMilli(0), 0},
		{"long before 1970", time.Unix(-1e9, 0), 0},
		{"between", time.UnixMilli(1_750_000_000_000), 5},
		{"only an open transaction follows", time.UnixMilli(1_850_000_000_000), 6},
		{"the future", time.UnixMilli(2_000_000_000_000), 6},
	} {
		got, err := k.OffsetsAt(t.Context(), "a", test.at)
		if diff := cmp.Diff(map[int32]int64{0: test.want, 1: 0}, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", test.name, err, diff)
		}
	}
}

func TestEpochEnds(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 2, Topics: map[string]int{"a": 2}})
	k := openKafka(t, c, nil)
	first := mustDescribe(t, k, "a").Partitions[0]
	produce(t, c, "a", numbered("x", 5)...)
	if err := c.MoveLeader("a", 0, 1-first.Leader); err != nil {
		t.Fatal(err)
	}
	second := mustDescribe(t, k, "a").Partitions[0]
	if second.Epoch <= first.Epoch {
		t.Fatalf("epochs %d, %d", first.Epoch, second.Epoch)
	}
	produce(t, c, "a", numbered("y", 5)...)
	// Moved once more before anything is written: nobody has records of the epoch between.
	if err := c.MoveLeader("a", 0, first.Leader); err != nil {
		t.Fatal(err)
	}
	third := mustDescribe(t, k, "a").Partitions[0]
	if err := c.MoveLeader("a", 0, 1-first.Leader); err != nil {
		t.Fatal(err)
	}
	last := mustDescribe(t, k, "a").Partitions[0]
	produce(t, c, "a", numbered("z", 5)...)
	for _, test := range []struct{ epoch, have, end int32 }{
		{first.Epoch, first.Epoch, 5}, {second.Epoch, second.Epoch, 10}, {third.Epoch, second.Epoch, 10}, {last.Epoch, last.Epoch, 15}, {last.Epoch + 5, -1, -1}, {-1, -1, -1},
	} {
		got, err := k.EpochEnds(t.Context(), "a", map[int32]int32{0: test.epoch, 1: 0})
		want := EpochEnd{Epoch: test.have, End: int64(test.end)}
		if err != nil || got[0] != want || len(got) != 2 || !got[1].Known() {
			t.Errorf("about epoch %d: %+v, %v; want %+v", test.epoch, got, err, want)
		}
	}
	got, err := k.EpochEnds(t.Context(), "a", map[int32]int32{0: first.Epoch, 7: 0})
	if err != nil || !errors.Is(got[7].Err, ErrNoTopic) || got[0].Err != nil {
		t.Errorf("a partition that does not exist: %+v, %v", got, err)
	}
}

func TestOnlyTheTopicThatIsThereIsServed(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 2, Topics: map[string]int{"a": 2, "b": 1}})
	k := openKafka(t, c, nil)
	produce(t, c, "a", numbered("x", 5)...)
	for _, name := range []string{"a", "b"} { // with records, and without any
		d := mustDescribe(t, k, name)
		if ok, err := k.Serves(t.Context(), d); !ok || err != nil {
			t.Errorf("%s: %v, %v", name, ok, err)
		}
		d.ID = strings.Repeat("ab", 16)
		if ok, err := k.Serves(t.Context(), d); ok || err != nil {
			t.Errorf("another %s: %v, %v", name, ok, err)
		}
	}
}

// A topic is new, and the leaders of its many partitions have not heard of it yet.
func TestANewTopicIsServedOnceItsLeadersKnowIt(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 2 * denials}})
	k := openKafka(t, c, nil)
	d := mustDescribe(t, k, "a")
	var asked atomic.Int32
	c.Fake().ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
		c.Fake().KeepControl()
		if asked.Add(1) > 2*denials {
			return nil, nil, false
		}
		req := kreq.(*kmsg.FetchRequest)
		resp := req.ResponseKind().(*kmsg.FetchResponse)
		resp.ErrorCode = kerr.UnknownTopicID.Code
		return resp, nil, true
	})
	if ok, err := k.Serves(t.Context(), d); !ok || err != nil {
		t.Errorf("%v, %v after %d requests", ok, err, asked.Load())
	}
}

var people = []kafkatest.User{
	{Mechanism: "SCRAM-SHA-256", Name: "root", Password: "root-secret"},
	{Mechanism: "SCRAM-SHA-256", Name: "ann", Password: "s1"},
	{Mechanism: "SCRAM-SHA-512", Name: "bob", Password: "s2"},
	{Mechanism: "PLAIN", Name: "cat", Password: "s3"},
}

func TestSASL(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}, Users: people})
	produce(t, c, "a", numbered("x", 3)...)
	for _, u := range people {
		t.Run(u.Mechanism+" "+u.Name, func(t *testing.T) {
			t.Parallel()
			k := openKafka(t, c, func(o *Options) {
				o.SASL = SASL{Mechanism: u.Mechanism, Username: u.Name, Password: u.Password}
			})
			if got := mustRead(t, k, "a", Range{Next: 3}); len(got.Records) != 3 {
				t.Errorf("read %v", got.values())
			}
		})
		t.Run(u.Mechanism+" wrong password of "+u.Name, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := Open(t.Context(), Options{Brokers: c.Brokers(), SASL: SASL{Mechanism: u.Mechanism, Username: u.Name, Password: "guess"}})
			if want := "authentication failed for user " + u.Name + " by " + u.Mechanism; !errors.Is(err, ErrAuth) || !strings.Contains(err.Error(), want) {
				t.Errorf("got %v, want ...%s...", err, want)
			}
			if d := time.Since(began); d > 10*time.Second {
				t.Errorf("it took %s to find that out", d)
			}
		})
	}
}

func TestNotAuthorized(t *testing.T) {
	t.Parallel()
	users := append([]kafkatest.User{}, people[0],
		kafkatest.User{Mechanism: "PLAIN", Name: "ann", Password: "s", ACLs: []kafkatest.ACL{{Topic: "described", Operation: kmsg.ACLOperationDescribe}}})
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"hidden": 1, "described": 1}, Users: users})
	produce(t, c, "described", numbered("x", 3)...)
	k := openKafka(t, c, func(o *Options) { o.SASL = SASL{Mechanism: "PLAIN", Username: "ann", Password: "s"} })

	_, err := k.Describe(t.Context(), "hidden")
	if !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "DESCRIBE") || !strings.Contains(err.Error(), "hidden") {
		t.Errorf("describe: %v", err)
	}
	d := mustDescribe(t, k, "described")
	_, err = readRange(t.Context(), t, k, "described", d.ID, Range{Next: 3})
	if !errors.Is(err, ErrNotAuthorized) || !strings.Contains(err.Error(), "READ") {
		t.Errorf("read: %v", err)
	}
}

func TestAClusterThatIsNotThere(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := gone.Addr().String()
	_ = gone.Close()
	for _, brokers := range [][]string{{refusing}, {l.Addr().String()}, {l.Addr().String(), refusing}} {
		t.Run(strings.Join(brokers, ","), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, err := Open(t.Context(), Options{Brokers: brokers, Patience: time.Second})
			if err == nil {
				t.Fatal("opened")
			}
			for _, b := range brokers {
				if !strings.Contains(err.Error(), b) {
					t.Errorf("the error does not name %s: %v", b, err)
				}
			}
			if d := time.Since(began); d > 5*time.Second {
				t.Errorf("it took %s: %v", d, err)
			}
		})
	}
}

func TestOpenStopsWithItsContext(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, Options{Brokers: []string{l.Addr().String()}}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("open: %v", err)
	}
}

func TestOptionsReportAllThatIsWrong(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{Brokers: []string{"nowhere"}, FetchBytes: 5, TLS: TLS{CAFile: "x"}, SASL: SASL{Password: "geheim"}})
	if err == nil {
		t.Fatal("opened")
	}
	for _, want := range []string{"nowhere", "5 bytes", "tls is not enabled", "no mechanism"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no word of %q: %v", want, err)
		}
	}
	if strings.Contains(err.Error(), "geheim") {
		t.Errorf("the password is in the error: %v", err)
	}
}

func TestAnOutageIsWaitedOut(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	produce(t, c, "a", numbered("x", 3)...)
	k := openKafka(t, c, func(o *Options) { o.Patience = 50 * time.Millisecond })
	fault := c.Fake().Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.ListOffsets, kmsg.Fetch}, Topic: "a", Count: -1})
	done := make(chan error, 1)
	go func() {
		_, err := readRange(t.Context(), t, k, "a", "", Range{Next: 3})
		done <- err
	}()
	if err := fault.Wait(t.Context(), 5); err != nil {
		t.Fatal(err)
	}
	fault.Remove()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
