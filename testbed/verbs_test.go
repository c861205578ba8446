package testbed_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/extract"
	"shadoof/testbed/kafkabed"
	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// Kafka's tools by their scripts' names.
var kafkaTools = map[string]string{
	"kafka-get-offsets.sh":      "org.apache.kafka.tools.GetOffsetShell",
	"kafka-console-consumer.sh": "org.apache.kafka.tools.consumer.ConsoleConsumer",
	"kafka-consumer-groups.sh":  "org.apache.kafka.tools.consumer.group.ConsumerGroupCommand",
}

func kafkaTool(t *testing.T, brokers []string, script string, args ...string) string {
	t.Helper()
	out, err := kafkabed.Tool(soon(t), kafkaTools[script], append([]string{"--bootstrap-server", brokers[0]}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s %s\n%s", script, strings.Join(args, " "), out)
	return out
}

var verbsDay = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// verbsTopic is the topic of docs/kafka-tools.md: two partitions of records a second apart, an aborted transaction in the first.
func verbsTopic(t *testing.T, brokers []string) string {
	t.Helper()
	topic := produce.Name("verbs")
	if _, err := kafkaAdmin(t, brokers).CreateTopic(soon(t), 2, 1, nil, topic); err != nil {
		t.Fatal(err)
	}
	verbsProduce(t, brokers, topic, 0, 0, 100)
	verbsProduce(t, brokers, topic, 1, 0, 40)
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.TransactionalID(topic))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		cl.Produce(soon(t), verbsRecord(topic, 0, 100), nil)
	}
	if err := errors.Join(cl.Flush(soon(t)), cl.EndTransaction(soon(t), kgo.TryAbort)); err != nil {
		t.Fatal(err)
	}
	verbsProduce(t, brokers, topic, 0, 100, 20)
	return topic
}

func verbsRecord(topic string, partition int32, n int) *kgo.Record {
	at := verbsDay.Add(time.Duration(n) * time.Second)
	body, _ := json.Marshal(produce.Body{Seq: int64(n), Key: fmt.Sprint("k", n), Partition: partition, Time: at.UnixMilli(), Fate: produce.Plain})
	return &kgo.Record{Topic: topic, Partition: partition, Timestamp: at, Key: fmt.Append(nil, "k", n), Value: body}
}

func verbsProduce(t *testing.T, brokers []string, topic string, partition int32, first, count int) {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer cl.Close()
	for n := range count {
		if err := cl.ProduceSync(soon(t), verbsRecord(topic, partition, first+n)).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
}

// jsonLines decodes JSON lines.
func jsonLines[T any](t *testing.T, out string) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(out) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		all = append(all, v)
	}
	return all
}

// shellOffsets are lines topic:partition:offset.
func shellOffsets(t *testing.T, out string) map[int]int64 {
	t.Helper()
	all := map[int]int64{}
	for line := range strings.Lines(out) {
		parts := strings.Split(strings.TrimSpace(line), ":")
		if len(parts) != 3 {
			continue
		}
		p, err1 := strconv.Atoi(parts[1])
		o, err2 := strconv.ParseInt(parts[2], 10, 64)
		if err := errors.Join(err1, err2); err != nil {
			t.Fatal(err)
		}
		all[p] = o
	}
	return all
}

// The page docs/kafka-tools.md, on a real broker: our commands work, and Kafka's own tools give the same numbers.
func TestKafkasToolsAndOursAgree(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	topic := verbsTopic(t, brokers)
	group := produce.Name("lake")
	j := product.NewJob(t, brokers, product.Local(t), topic, "", "")
	j.Must(t, 0, "run")
	verbsProduce(t, brokers, topic, 0, 120, 5)

	type offset struct {
		Partition                     int
		Offset, Committed, End, Lag   int64
		HighWatermark                 int64 `json:"high_watermark"`
		LogStart                      int64 `json:"log_start"`
		Time, Key, Value              string
		Aborted, Control, First, Next int64
	}
	byPartition := func(out product.Outcome, of func(offset) int64) map[int]int64 {
		all := map[int]int64{}
		for _, o := range jsonLines[offset](t, out.Stdout) {
			all[o.Partition] = of(o)
		}
		return all
	}
	same := func(what string, ours, theirs any) {
		t.Helper()
		if d := cmp.Diff(theirs, ours); d != "" {
			t.Errorf("%s (-kafka's +ours):\n%s", what, d)
		}
	}

	// Offsets: ends, starts, at a time.
	show := j.Must(t, 0, "offsets", "show", "--json")
	same("ends", byPartition(show, func(o offset) int64 { return o.HighWatermark }), shellOffsets(t, kafkaTool(t, brokers, "kafka-get-offsets.sh", "--topic", topic)))
	same("starts", byPartition(show, func(o offset) int64 { return o.LogStart }), shellOffsets(t, kafkaTool(t, brokers, "kafka-get-offsets.sh", "--topic", topic, "--time", "-2")))
	at := verbsDay.Add(30 * time.Second)
	same("at a time", byPartition(j.Must(t, 0, "offsets", "at-time", at.Format(time.RFC3339), "--json"), func(o offset) int64 { return o.Offset }),
		shellOffsets(t, kafkaTool(t, brokers, "kafka-get-offsets.sh", "--topic", topic, "--time", strconv.FormatInt(at.UnixMilli(), 10))))

	// Records.
	consume := func(from, count string) string {
		return kafkaTool(t, brokers, "kafka-console-consumer.sh", "--topic", topic, "--partition", "0", "--offset", from, "--max-messages", count, "--timeout-ms", "20000",
			"--isolation-level", "read_committed", "--formatter-property", "print.offset=true", "--formatter-property", "print.key=true")
	}
	peek := func(args ...string) string {
		var lines []string
		for _, o := range jsonLines[offset](t, j.Must(t, 0, append([]string{"peek", "--topic", topic, "--partition", "0", "--json"}, args...)...).Stdout) {
			if o.Key != "" {
				lines = append(lines, fmt.Sprintf("Offset:%d\t%s\t%s\n", o.Offset, o.Key, o.Value))
			}
		}
		return strings.Join(lines, "")
	}
	same("records", peek("--offset", "42", "-n", "3"), consume("42", "3"))
	same("records around an aborted transaction", peek("--offset", "98", "-n", "4"), consume("98", "4"))
	same("the last record", peek("--offset", "latest", "-n", "1"), consume("128", "1"))

	// A group after mirror.
	j.Must(t, 0, "offsets", "mirror", "--group", group)
	type position struct{ Current, End, Lag int64 }
	theirs := map[int]position{}
	row := regexp.MustCompile(regexp.QuoteMeta(topic) + ` +(\d+) +(\d+) +(\d+) +(\d+)`)
	for _, m := range row.FindAllStringSubmatch(kafkaTool(t, brokers, "kafka-consumer-groups.sh", "--describe", "--group", group), -1) {
		var n [4]int64
		for i := range n {
			n[i], _ = strconv.ParseInt(m[i+1], 10, 64)
		}
		theirs[int(n[0])] = position{n[1], n[2], n[3]}
	}
	ours := map[int]position{}
	for _, o := range jsonLines[offset](t, show.Stdout) {
		ours[o.Partition] = position{o.Committed, o.End, o.Lag}
	}
	same("lag", ours, theirs)

	runPage(t, j, topic, group)

	// First positions from a group that Kafka's tool has set, and from the file that it exports.
	kafkaTool(t, brokers, "kafka-consumer-groups.sh", "--group", group, "--topic", topic, "--reset-offsets", "--to-datetime", "2026-11-20T10:00:30.000", "--execute")
	exported := filepath.Join(t.TempDir(), "positions.csv")
	csv := kafkaTool(t, brokers, "kafka-consumer-groups.sh", "--group", group, "--topic", topic, "--reset-offsets", "--to-current", "--export", "--dry-run")
	if err := os.WriteFile(exported, []byte(csv), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, from := range [][]string{{"--group", group}, {"--file", exported}} {
		fresh := product.NewJob(t, brokers, product.Local(t), topic, "", "")
		fresh.Must(t, 0, append([]string{"offsets", "import"}, from...)...)
		same("imported by "+from[0], byPartition(fresh.Must(t, 0, "offsets", "show", "--json"), func(o offset) int64 { return o.Committed }), map[int]int64{0: 30, 1: 30})
		var run struct{ Topics []struct{ Rows int64 } }
		fresh.Must(t, 0, "run", "--json").JSON(t, &run)
		if got := run.Topics[0].Rows; got != 95+10 {
			t.Errorf("%s: %d rows were lifted after the import, want 105", from[0], got)
		}
		fresh.Must(t, 0, "verify", "--deep")
	}
}

// runPage runs our commands of docs/kafka-tools.md.
func runPage(t *testing.T, j *product.Job, topic, group string) {
	t.Helper()
	page, err := os.ReadFile("../docs/kafka-tools.md")
	if err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^\$ shadoof (.*)$`).FindAllStringSubmatch(string(page), -1)
	if len(commands) < 8 {
		t.Fatalf("the page has %d commands of ours", len(commands))
	}
	file := filepath.Join(t.TempDir(), "positions.csv")
	if err := os.WriteFile(file, []byte(topic+",0,0\n"+topic+",1,0\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range commands {
		var args []string
		for _, a := range strings.Fields(c[1]) {
			a = regexp.MustCompile(`^orders\b`).ReplaceAllString(a, topic)
			args = append(args, map[string]string{"lake": group, "positions.csv": file}[a])
			if args[len(args)-1] == "" {
				args[len(args)-1] = a
			}
		}
		o := j.Run(t, product.Release(t), nil, args...)
		if o.Code != 0 {
			t.Errorf("shadoof %s: exit %d\n%s%s", c[1], o.Code, o.Stdout, o.Stderr)
		}
		t.Logf("$ shadoof %s\n%s%s", c[1], o.Stderr, o.Stdout)
	}
}

// A group that somebody uses is left alone, by either protocol.
func TestAGroupWithAnActiveMemberIsNotMirroredTo(t *testing.T) {
	t.Parallel()
	brokers := servers.Kafka(t).Brokers()
	topic := verbsTopic(t, brokers)
	j := product.NewJob(t, brokers, product.Local(t), topic, "", "")
	j.Must(t, 0, "run")
	for _, protocol := range []string{"classic", "consumer"} {
		group := produce.Name(protocol)
		opts := []kgo.Opt{kgo.SeedBrokers(brokers...), kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.ClientID("billing"), kgo.DisableAutoCommit()}
		if protocol == "consumer" {
			opts = append(opts, kgo.ServerSideBalancer())
		}
		member, err := kgo.NewClient(opts...)
		if err != nil {
			t.Fatal(err)
		}
		if err := member.PollFetches(soon(t)).Err(); err != nil {
			t.Fatal(err)
		}
		k := source(t, brokers, nil)
		d := describe(t, k, topic)
		if g, err := k.Group(soon(t), group); err != nil || len(g.Members) != 1 || g.Members[0].Client != "billing" {
			t.Errorf("%s: %+v, %v", protocol, g, err)
		}
		if err := k.SetPositions(soon(t), group, d, map[int32]extract.Position{0: {Offset: 1, Epoch: -1}}); !errors.Is(err, extract.ErrGroupActive) {
			t.Errorf("%s: positions of an active group: %v", protocol, err)
		}
		o := j.Must(t, 2, "offsets", "mirror", "--group", group)
		if !strings.Contains(o.Stdout, "client billing at ") {
			t.Errorf("%s: who is in the group is not said: %s", protocol, o.Stdout)
		}
		member.Close()
		j.Must(t, 0, "offsets", "mirror", "--group", group)
		if got, err := k.Positions(soon(t), group, d); err != nil || got[0].Offset != 124 || !strings.HasPrefix(got[0].Metadata, "shadoof v=") {
			t.Errorf("%s: after it left: %v, %v", protocol, got, err)
		}
	}
}

func TestGroupsNeedTheirACL(t *testing.T) {
	t.Parallel()
	c := servers.Kafka(t)
	topic, group := verbsTopic(t, c.Brokers()), produce.Name("guarded")
	admin := kafkaAdmin(t, c.Brokers())
	// Once an ACL names a group, it is no longer everybody's.
	acl := kadm.NewACLs().Allow("User:somebody").AllowHosts("*").Groups(group).ResourcePatternType(kadm.ACLPatternLiteral).Operations(kadm.OpRead)
	if _, err := admin.CreateACLs(soon(t), acl); err != nil {
		t.Fatal(err)
	}
	k, err := extract.Open(soon(t), extract.Options{Brokers: c.SASLPlaintext(), ReadCommitted: true, SASL: extract.SASL{Mechanism: "SCRAM-SHA-256", Username: kafkabed.Bob.Name, Password: kafkabed.Bob.Password}})
	if err != nil {
		t.Fatal(err)
	}
	defer k.Close()
	d := describe(t, k, topic)
	_, describeErr := k.Group(soon(t), group)
	_, fetchErr := k.Positions(soon(t), group, d)
	for what, err := range map[string]error{
		"describe": describeErr, "positions": fetchErr,
		"set": k.SetPositions(soon(t), group, d, map[int32]extract.Position{0: {Offset: 1, Epoch: -1}}),
	} {
		if !errors.Is(err, extract.ErrNotAuthorized) || !strings.Contains(err.Error(), "READ on the consumer group") {
			t.Errorf("%s: %v", what, err)
		}
	}
}
