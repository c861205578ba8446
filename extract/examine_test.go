package extract

import (
	"context"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kmsg"

	"shadoof/internal/kafkatest"
	"shadoof/storage"
)

// examined makes findings easy to compare: "grade name".
func examined(found []storage.Finding) (lines []string) {
	for _, f := range found {
		lines = append(lines, f.Grade.String()+" "+f.Name)
	}
	return lines
}

// expect fails the test unless one finding has this grade and name, and says this.
func expect(t *testing.T, found []storage.Finding, grade storage.Grade, name, says string) {
	t.Helper()
	for _, f := range found {
		if f.Name == name && f.Grade == grade && strings.Contains(f.Detail, says) {
			return
		}
	}
	t.Errorf("no finding %q is %s and says %q; there are:", name, grade, says)
	for _, f := range found {
		t.Logf("%-11s %-40s %s", f.Grade, f.Name, f.Detail)
	}
}

func unopened(t *testing.T, o Options) *Kafka {
	t.Helper()
	if o.Patience == 0 {
		o.Patience = 3 * time.Second
	}
	o.ReadCommitted, o.MaxWait, o.Logger = true, 20*time.Millisecond, testLog(t)
	k, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	return k
}

var hourly = Use{Topic: "a", Every: time.Hour, MaxFuture: time.Hour, Memory: 32 << 20}

func TestAHealthyClusterIsFoundHealthy(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Brokers: 2, Topics: map[string]int{"a": 3}})
	produce(t, c, "a", numbered("x", 10)...)
	k := unopened(t, Options{Brokers: c.Brokers()})
	found := k.ExamineCluster(t.Context())
	want := []string{
		"ok " + c.Brokers()[0] + " reachable", "ok " + c.Brokers()[0] + " protocol",
		"ok " + c.Brokers()[1] + " reachable", "ok " + c.Brokers()[1] + " protocol",
		"ok cluster", "ok broker 0", "ok broker 1", "not seen clock",
	}
	if diff := cmp.Diff(want, examined(found)); diff != "" {
		t.Errorf("the cluster (-want +got):\n%s", diff)
	}
	found = k.ExamineTopic(t.Context(), hourly)
	want = []string{
		"ok partitions", "ok ACL DESCRIBE", "ok log", "ok ACL READ", "ok record times", "ok ACL DESCRIBE_CONFIGS", "ok retention", "ok message size",
	}
	if diff := cmp.Diff(want, examined(found)); diff != "" {
		t.Errorf("the topic (-want +got):\n%s", diff)
	}
	for _, f := range found {
		t.Logf("%-11s %-40s %s", f.Grade, f.Name, f.Detail)
	}
}

func TestAddressesThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refusing := gone.Addr().String()
	_ = gone.Close()
	began := time.Now()
	k := unopened(t, Options{Brokers: []string{silent.Addr().String(), refusing, "no-such-host.invalid:9092"}, Patience: time.Second})
	found := k.ExamineCluster(t.Context())
	expect(t, found, storage.Absent, silent.Addr().String()+" answers", "does not answer as Kafka does")
	expect(t, found, storage.Absent, refusing+" reachable", "refused")
	expect(t, found, storage.Absent, "no-such-host.invalid:9092 reachable", "does not resolve")
	expect(t, found, storage.Absent, "cluster", "no answer in 1s")
	if took := time.Since(began); took > 12*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestAuthenticationIsExplained(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}, Users: people})
	address := c.Brokers()[0]
	for name, test := range map[string]struct {
		sasl  SASL
		grade storage.Grade
		says  string
	}{
		"right":          {SASL{Mechanism: "SCRAM-SHA-256", Username: "ann", Password: "s1"}, storage.Good, "SCRAM-SHA-256 as ann"},
		"in the clear":   {SASL{Mechanism: "PLAIN", Username: "cat", Password: "s3"}, storage.Doubt, "in the clear"},
		"wrong password": {SASL{Mechanism: "SCRAM-SHA-256", Username: "ann", Password: "guess-me"}, storage.Bad, "authentication failed for user ann"},
		"left out":       {SASL{}, storage.Bad, "wants authentication by PLAIN or SCRAM-SHA-256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := unopened(t, Options{Brokers: c.Brokers(), SASL: test.sasl})
			found := k.ExamineCluster(t.Context())
			expect(t, found, test.grade, address+" authentication", test.says)
			for _, f := range found {
				if strings.Contains(f.Detail, "guess-me") {
					t.Errorf("the password shows: %s", f.Detail)
				}
			}
		})
	}
}

func TestMissingACLsAreNamed(t *testing.T) {
	t.Parallel()
	grant := func(topic string, ops ...kmsg.ACLOperation) (acls []kafkatest.ACL) {
		for _, op := range ops {
			acls = append(acls, kafkatest.ACL{Topic: topic, Operation: op})
		}
		return acls
	}
	const describe, read, configs = kmsg.ACLOperationDescribe, kmsg.ACLOperationRead, kmsg.ACLOperationDescribeConfigs
	acls := append(grant("all", read, configs), append(grant("described", describe), grant("readable", read)...)...)
	users := []kafkatest.User{people[0], {Mechanism: "SCRAM-SHA-256", Name: "ann", Password: "s", ACLs: acls}}
	topics := map[string]int{"all": 1, "described": 1, "readable": 1, "hidden": 1}
	c := startCluster(t, kafkatest.Options{Topics: topics, Users: users})
	for topic := range topics {
		produce(t, c, topic, numbered("x", 3)...)
	}
	k := unopened(t, Options{Brokers: c.Brokers(), SASL: SASL{Mechanism: "SCRAM-SHA-256", Username: "ann", Password: "s"}})
	look := func(topic string) []storage.Finding {
		u := hourly
		u.Topic = topic
		return k.ExamineTopic(t.Context(), u)
	}
	all := look("all")
	expect(t, all, storage.Good, aclRead, "was read at offset 2")
	expect(t, all, storage.Good, aclConfigs, "cleanup.policy is delete")
	expect(t, look("described"), storage.Bad, aclRead, "allow the principal READ on topic described")
	expect(t, look("readable"), storage.Unseen, aclConfigs, "allow the principal DESCRIBE_CONFIGS on topic readable")
	expect(t, look("hidden"), storage.Bad, aclDescribe, "allow the principal READ on topic hidden")
	expect(t, look("nothing"), storage.Bad, aclDescribe, "READ on topic nothing")
}

func TestSettingsAreComparedWithTheSchedule(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{})
	for name, test := range map[string]struct {
		configs map[string]string
		every   time.Duration
		grade   storage.Grade
		finding string
		says    string
	}{
		"long":          {map[string]string{"retention.ms": "604800000"}, time.Hour, storage.Good, "retention", "for 7 days"},
		"for-ever":      {map[string]string{"retention.ms": "-1"}, time.Hour, storage.Good, "retention", "for ever"},
		"a-night":       {map[string]string{"retention.ms": "21600000"}, time.Hour, storage.Doubt, "retention", "or a night"},
		"shorter":       {map[string]string{"retention.ms": "3600000"}, 24 * time.Hour, storage.Bad, "retention", "deleted before they are read"},
		"by-size":       {map[string]string{"retention.bytes": "1000000"}, time.Hour, storage.Good, "retention by size", "nothing was deleted"},
		"compacted":     {map[string]string{"cleanup.policy": "compact"}, time.Hour, storage.Doubt, "compaction", "min.compaction.lag.ms"},
		"compacted-lag": {map[string]string{"cleanup.policy": "compact", "min.compaction.lag.ms": "86400000"}, time.Hour, storage.Good, "compaction", "24 hours"},
		"large":         {map[string]string{"max.message.bytes": "20000000"}, time.Hour, storage.Doubt, "message size", "share of memory"},
		"huge":          {map[string]string{"max.message.bytes": "1000000000"}, time.Hour, storage.Doubt, "message size", "cannot be read"},
	} {
		if err := c.CreateTopic(name, 1, test.configs); err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			k := unopened(t, Options{Brokers: c.Brokers()})
			expect(t, k.ExamineTopic(t.Context(), Use{Topic: name, Every: test.every, Memory: 32 << 20}), test.grade, test.finding, test.says)
		})
	}
	expect(t, unopened(t, Options{Brokers: c.Brokers()}).ExamineTopic(t.Context(), Use{Topic: "none"}), storage.Bad, "exists", "no such topic")
}

func TestRecordsOfTheFutureAreADoubt(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	produce(t, c, "a", kafkatest.Record{Time: time.Now().Add(72 * time.Hour), Value: []byte("x")})
	k := unopened(t, Options{Brokers: c.Brokers()})
	expect(t, k.ExamineTopic(t.Context(), hourly), storage.Doubt, "record times", "max_future")
}

func TestAnOpenTransactionIsNamed(t *testing.T) {
	t.Parallel()
	c := startCluster(t, kafkatest.Options{Topics: map[string]int{"a": 1}})
	tx, err := c.Begin(kafkatest.None)
	if err != nil {
		t.Fatal(err)
	}
	if err := tx.Produce(t.Context(), "a", kafkatest.Record{Time: time.Now(), Value: []byte("x")}); err != nil {
		t.Fatal(err)
	}
	found := unopened(t, Options{Brokers: c.Brokers()}).ExamineTopic(t.Context(), hourly)
	expect(t, found, storage.Good, "log", "1 offset, 1 of them behind open transactions")
	expect(t, found, storage.Good, "open transactions", "transactional id ")

	o := openTransaction{partition: 3, producer: 17, start: 40, last: time.Now().Add(-time.Hour)}
	if f := o.finding("x", "", "a", "", time.Time{}); f.Grade != storage.Doubt || !strings.Contains(f.Detail, "abort --topic a --partition 3 --start-offset 40") {
		t.Errorf("an hour without a record: %+v", f)
	}
	if f := o.finding("x", "", "a", "app", time.Now().Add(-time.Minute)); f.Grade != storage.Good || !strings.Contains(f.Detail, "begun 1m0s ago") {
		t.Errorf("begun a minute ago: %+v", f)
	}
}

func TestAPartitionWithoutALeaderIsUnreachable(t *testing.T) {
	t.Parallel()
	got := partitionsFinding(&kmsg.MetadataResponseTopic{Partitions: []kmsg.MetadataResponseTopicPartition{
		{Partition: 0, Leader: 1, Replicas: []int32{1, 2}, ISR: []int32{1}}, {Partition: 1, Leader: -1, Replicas: []int32{1, 2}, ISR: []int32{1}},
	}})
	if got.Grade != storage.Absent || !strings.Contains(got.Detail, "no leader for 1") {
		t.Errorf("got %+v", got)
	}
	got = partitionsFinding(&kmsg.MetadataResponseTopic{Partitions: []kmsg.MetadataResponseTopicPartition{
		{Partition: 0, Leader: 1, Replicas: []int32{1, 2}, ISR: []int32{1}},
	}})
	if got.Grade != storage.Doubt || !strings.Contains(got.Detail, "missing or behind for 0") {
		t.Errorf("got %+v", got)
	}
}

func TestWhatOldBrokersCannotDoIsSaid(t *testing.T) {
	t.Parallel()
	keys := func(fetch, list, meta, epoch int16) *kmsg.ApiVersionsResponse {
		r := kmsg.NewPtrApiVersionsResponse()
		for key, most := range map[kmsg.Key]int16{kmsg.Fetch: fetch, kmsg.ListOffsets: list, kmsg.Metadata: meta, kmsg.OffsetForLeaderEpoch: epoch, kmsg.DescribeConfigs: 4} {
			r.ApiKeys = append(r.ApiKeys, kmsg.ApiVersionsResponseApiKey{ApiKey: key.Int16(), MaxVersion: most})
		}
		return r
	}
	p := &probe{address: "b:1"}
	for _, test := range []struct {
		resp  *kmsg.ApiVersionsResponse
		grade storage.Grade
		says  string
	}{
		{keys(17, 9, 13, 4), storage.Good, "Fetch 0-17"},
		{keys(12, 9, 9, 4), storage.Doubt, "topics have no ids"},
		{keys(17, 9, 13, 0), storage.Doubt, "truncated log is not noticed"},
		{keys(3, 1, 13, 4), storage.Bad, "Fetch from version 4 on (it has up to 3), ListOffsets from version 2 on"},
	} {
		if f := p.requests(test.resp); f.Grade != test.grade || !strings.Contains(f.Detail, test.says) {
			t.Errorf("%+v, want %s: %s", f, test.grade, test.says)
		}
	}
}

func TestTheControllersClockIsRead(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1_700_000_000_000)
	for _, test := range []struct{ before, after, theirs, want time.Duration }{
		{0, 10, 5, 0}, {0, 10, 0, 0}, {0, 10, -100, -100}, {0, 10, 70, 60},
	} {
		got := clockSkew(at.Add(test.before*time.Second), at.Add(test.after*time.Second), at.Add(test.theirs*time.Second))
		if got != test.want*time.Second {
			t.Errorf("%+v: skew %s", test, got)
		}
	}
	resp := kmsg.NewPtrDescribeQuorumResponse()
	resp.Topics = []kmsg.DescribeQuorumResponseTopic{{Partitions: []kmsg.DescribeQuorumResponseTopicPartition{{
		LeaderID: 2, CurrentVoters: []kmsg.DescribeQuorumResponseTopicPartitionReplicaState{{ReplicaID: 1, LastCaughtUpTimestamp: 5}, {ReplicaID: 2, LastCaughtUpTimestamp: at.UnixMilli()}},
	}}}}
	if got, err := controllerTime(resp); err != nil || !got.Equal(at) {
		t.Errorf("got %s, %v", got, err)
	}
}

func TestExaminingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = silent.Close() })
	k := unopened(t, Options{Brokers: []string{silent.Addr().String()}, Patience: time.Minute})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	k.ExamineCluster(ctx)
	k.ExamineTopic(ctx, hourly)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
}
