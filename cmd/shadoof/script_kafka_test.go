package main

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/extract"
	"shadoof/internal/kafkatest"
	"shadoof/jobs"
)

// kafkaCommands are what scripts do to their Kafka besides producing plain records.
func kafkaCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"say":       say,
		"abort":     abortRecords,
		"group":     setGroup,
		"positions": checkPositions,
		"join":      joinGroup,
		"keys":      exportKeys,
	}
}

var saidAt = time.Date(2026, 11, 20, 12, 0, 0, 123_000_000, time.UTC)

// unescape reads Go's escapes in an argument, such as \xff; - is nil.
func unescape(ts *testscript.TestScript, s string) []byte {
	if s == "-" {
		return nil
	}
	text, err := strconv.Unquote(`"` + strings.ReplaceAll(s, `"`, `\"`) + `"`)
	ts.Check(err)
	return []byte(text)
}

// say TOPIC PARTITION KEY VALUE [HEADER=VALUE]... appends a record at noon.
func say(ts *testscript.TestScript, _ bool, args []string) {
	r := kafkatest.Record{Partition: int32(number(ts, args[1])), Time: saidAt, Key: unescape(ts, args[2]), Value: unescape(ts, args[3])}
	for _, h := range args[4:] {
		k, v, _ := strings.Cut(h, "=")
		r.Headers = append(r.Headers, kafkatest.Header{Key: k, Value: unescape(ts, v)})
	}
	ts.Check(cluster(ts).Produce(context.Background(), args[0], r))
}

// abort TOPIC PARTITION COUNT appends records in a transaction, and aborts it.
func abortRecords(ts *testscript.TestScript, _ bool, args []string) {
	tx, err := cluster(ts).Begin(kafkatest.None)
	ts.Check(err)
	for range number(ts, args[2]) {
		ts.Check(tx.Produce(context.Background(), args[0], kafkatest.Record{Partition: int32(number(ts, args[1])), Time: saidAt, Value: []byte("never")}))
	}
	ts.Check(tx.Abort(context.Background()))
}

func groups(ts *testscript.TestScript, topic string) (*extract.Kafka, *extract.Topic) {
	k, err := extract.Open(context.Background(), extract.Options{Brokers: cluster(ts).Brokers()})
	ts.Check(err)
	ts.Defer(k.Close)
	t, err := k.Describe(context.Background(), topic)
	ts.Check(err)
	return k, t
}

// group GROUP TOPIC PARTITION OFFSET sets a position, as another tool does.
func setGroup(ts *testscript.TestScript, _ bool, args []string) {
	k, t := groups(ts, args[1])
	at := extract.Position{Offset: int64(number(ts, args[3])), Epoch: -1}
	ts.Check(k.SetPositions(context.Background(), args[0], t, map[int32]extract.Position{int32(number(ts, args[2])): at}))
}

// positions GROUP TOPIC OFFSET... compares a group's positions, from partition 0 on; - is none.
func checkPositions(ts *testscript.TestScript, _ bool, args []string) {
	k, t := groups(ts, args[1])
	have, err := k.Positions(context.Background(), args[0], t)
	ts.Check(err)
	for p, want := range args[2:] {
		got := "-"
		if at, ok := have[int32(p)]; ok {
			got = strconv.FormatInt(at.Offset, 10)
		}
		if got != want {
			ts.Fatalf("group %s is at %s in %s/%d, want %s", args[0], got, args[1], p, want)
		}
	}
}

// join GROUP TOPIC makes a client called billing a member of a group, until the script ends.
func joinGroup(ts *testscript.TestScript, _ bool, args []string) {
	c, err := kgo.NewClient(kgo.SeedBrokers(cluster(ts).Brokers()...), kgo.ConsumerGroup(args[0]), kgo.ConsumeTopics(args[1]), kgo.ClientID("billing"), kgo.DisableAutoCommit())
	ts.Check(err)
	ts.Defer(c.Close)
	ts.Check(c.PollFetches(context.Background()).Err())
}

// keys FILE takes the keys of the first data file and of the first quarantine file out of what `files --json` printed: $DATA and $BAD.
func exportKeys(ts *testscript.TestScript, _ bool, args []string) {
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var f jobs.FileInfo
		ts.Check(json.Unmarshal([]byte(line), &f))
		name := "DATA"
		if f.Kind == "quarantine" {
			name = "BAD"
		}
		if ts.Getenv(name) == "" {
			ts.Setenv(name, f.Key)
		}
	}
}
