package checker_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"testing"
	"time"

	"shadoof/testbed/faults/checker"
	"shadoof/testbed/faults/history"
	"shadoof/testbed/faults/nemesis"
)

var start = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func second(n float64) time.Time { return start.Add(time.Duration(n * float64(time.Second))) }

// record makes a line of the log, and reads it back.
func record(v int64, members map[string]any) *history.Record {
	all := map[string]any{"v": v, "id": fmt.Sprint("id", v), "prev": "", "run": "a1", "incarnation": 1}
	if v > 1 {
		all["prev"] = fmt.Sprint("id", v-1)
	}
	for k, m := range members {
		all[k] = m
	}
	b, err := json.Marshal(all)
	if err != nil {
		panic(err)
	}
	r := &history.Record{}
	if err := json.Unmarshal(b, r); err != nil {
		panic(err)
	}
	return r
}

type object = map[string]any

func dataFile(key string, partition int32, first, last, rows int64) object {
	return object{"key": key, "kind": "data", "rows": rows, "ranges": []object{{"partition": partition, "first": first, "last": last}}}
}

func bundleOf(partition int32, from, to int64, gaps object, files ...object) object {
	if gaps == nil {
		gaps = object{}
	}
	return object{"segments": []object{{"partition": partition, "from": from, "to": to, "gaps": gaps}}, "files": files}
}

func rowsOf(partition int32, from, to, seq int64) *history.File {
	f := &history.File{}
	for o := from; o < to; o++ {
		f.Rows = append(f.Rows, history.Row{Partition: partition, Offset: o, Seq: seq + o - from, Generation: 1})
	}
	return f
}

func sent(partition int32, from, to, seq int64) (out []history.Sent) {
	for o := from; o < to; o++ {
		out = append(out, history.Sent{Seq: seq + o - from, Partition: partition, Offset: o})
	}
	return out
}

// clean is a history without a violation: a topic with an aborted transaction, a replace, a compacted key, a loss that a person
// accepted, a worker that was killed, and a broken server.
func clean() *history.History {
	const topic = "orders"
	listed := func(at float64, newest int64) history.Event {
		return history.Event{At: second(at), Until: second(at + 0.1), Who: "lister", What: history.LogListed, Newest: map[string]int64{topic: newest}}
	}
	files := func(at float64, gone []string, appeared ...string) history.Event {
		e := history.Event{At: second(at), Until: second(at + 0.1), Who: "lister", What: history.Listed, Gone: gone}
		for _, key := range appeared {
			e.Appeared = append(e.Appeared, history.Object{Key: key, Bytes: 1, Tag: "x"})
		}
		return e
	}
	feed := func(v int64, line object) history.Event {
		line["v"] = v
		b, _ := json.Marshal(line)
		return history.Event{At: second(40), Who: "feed", What: history.Fed, Topic: topic, Feed: b}
	}
	keys := func(names ...string) (out []object) {
		for _, n := range names {
			out = append(out, object{"key": n})
		}
		return out
	}
	h := &history.History{
		Topics: map[string]history.Topic{topic: {Folder: "orders"}},
		Logs: map[string][]*history.Record{topic: {
			record(1, object{"type": "init", "topic_id": "t1", "partitions": []object{{"partition": 0, "start": 0}, {"partition": 1, "start": 0}}}),
			record(2, object{"type": "commit", "attempt": "b1", "bundles": []object{bundleOf(0, 0, 5, nil, dataFile("orders/a", 0, 0, 4, 5))}}),
			record(3, object{"type": "commit", "attempt": "b2", "run": "a2", "bundles": []object{
				bundleOf(0, 5, 10, object{"compacted": 1}, dataFile("orders/b", 0, 5, 9, 4)),
				bundleOf(1, 0, 9, object{"aborted": 5, "control": 1}, dataFile("orders/c", 1, 6, 8, 3))}}),
			record(4, object{"type": "replace", "attempt": "b3", "remove": []object{{"v": 2, "bundle": 0}},
				"bundles": []object{bundleOf(0, 0, 5, nil, dataFile("orders/d", 0, 0, 4, 5))}}),
			record(5, object{"type": "skip", "partition": 1, "from": 9, "to": 12, "gap": "retention"}),
			record(6, object{"type": "commit", "attempt": "b4", "bundles": []object{bundleOf(1, 12, 14, nil, dataFile("orders/e", 1, 12, 13, 2))}}),
		}},
		Files: map[string]*history.File{
			"orders/b": rowsOf(0, 5, 10, 5), "orders/c": rowsOf(1, 6, 9, 16), "orders/d": rowsOf(0, 0, 5, 0), "orders/e": rowsOf(1, 12, 14, 23)},
	}
	h.Files["orders/b"].Rows = slices.Delete(h.Files["orders/b"].Rows, 1, 2) // record 6 was compacted
	ten := sent(0, 0, 10, 0)
	ten[6].Key, ten[8].Key = "k", "k"
	h.Events = []history.Event{
		{At: second(0), Who: "harness", What: history.Created, Topic: topic, Generation: 1, TopicID: "t1"},
		{At: second(0), Until: second(1), Who: "producer", What: history.Produced, Topic: topic, Generation: 1, Records: ten},
		{At: second(0), Until: second(1), Who: "producer", What: history.Produced, Topic: topic, Generation: 1, Transaction: "x", Records: sent(1, 0, 5, 10)},
		{At: second(1), Who: "producer", What: history.Transaction, Topic: topic, Transaction: "x", Outcome: "aborted"},
		{At: second(1), Until: second(2), Who: "producer", What: history.Produced, Topic: topic, Generation: 1, Records: sent(1, 6, 14, 16)[:3]},
		{At: second(2), Until: second(3), Who: "producer", What: history.Produced, Topic: topic, Generation: 1, Records: sent(1, 9, 14, 20)},
		{At: second(2), Who: "worker 1", What: history.Begun, Process: &history.Process{N: 1, Command: []string{"run"}, Ends: map[string]map[int32]int64{topic: {0: 5}}}},
		listed(3, 1),
		files(3.2, nil),
		listed(4, 2),
		files(4.2, nil, "orders/a"),
		listed(4.4, 2),
		{At: second(4.5), Who: "worker 1", What: history.Ended, Process: &history.Process{N: 1, Command: []string{"run"}, Run: "a1", Newest: map[string]int64{topic: 2}}},
		{At: second(5), Who: "faults", What: history.Struck, Moment: &nemesis.Moment{Strike: 1, Fault: "s3 kill", What: "begin"}},
		{At: second(5), Who: "worker 2", What: history.Begun, Process: &history.Process{N: 2, Command: []string{"run"}}},
		listed(6, 3),
		files(6.2, nil, "orders/b", "orders/c"),
		listed(6.4, 3),
		{At: second(6.5), Who: "worker 2", What: history.Signalled, Process: &history.Process{N: 2}, Text: "SIGKILL"},
		{At: second(7), Who: "worker 2", What: history.Ended, Process: &history.Process{N: 2, Command: []string{"run"}, Code: -1, Signals: []string{"SIGKILL"}}},
		{At: second(7), Who: "faults", What: history.Struck, Moment: &nemesis.Moment{Strike: 1, Fault: "s3 kill", What: "end"}},
		{At: second(7), Who: "worker 3", What: history.Begun, Process: &history.Process{N: 3, Command: []string{"run"}}},
		{At: second(8), Who: "worker 3", What: history.Ended, Process: &history.Process{N: 3, Command: []string{"run"}, Code: 1, Run: "a3", Reason: "connection refused"}},
		{At: second(8), Until: second(9), Who: "harness", What: history.Trimmed, Topic: topic, Generation: 1, Positions: map[int32]int64{1: 12}},
		{At: second(9), Who: "worker 1", What: history.Begun, Process: &history.Process{N: 4, Command: []string{"run"}}},
		{At: second(9), Who: "worker 1", What: history.Ended, Process: &history.Process{N: 4, Command: []string{"run"}, Code: 4, Advice: []string{"shadoof resolve --topic orders --accept-loss --reason ..."}}},
		listed(10, 4),
		files(10.2, []string{"orders/a"}, "orders/d"),
		listed(10.4, 5),
		{At: second(11), Who: "worker 1", What: history.Begun, Process: &history.Process{N: 5, Command: []string{"run", "--topic", "other"}, Ends: map[string]map[int32]int64{topic: {0: 100}}}},
		{At: second(12), Who: "worker 1", What: history.Ended, Process: &history.Process{N: 5, Command: []string{"run", "--topic", "other"}, Newest: map[string]int64{topic: 5}}},
		{At: second(39), Who: "harness", What: history.Calm},
		listed(39.5, 6),
		files(39.7, nil, "orders/e"),
		listed(39.9, 6),
		feed(1, object{"type": "init"}),
		feed(2, object{"type": "commit", "added": keys("orders/a")}),
		feed(3, object{"type": "commit", "added": keys("orders/b", "orders/c")}),
		feed(4, object{"type": "replace", "added": keys("orders/d"), "removed": keys("orders/a")}),
		feed(5, object{"type": "skip"}),
		feed(6, object{"type": "commit", "added": keys("orders/e")}),
	}
	return h
}

func TestACleanHistoryPasses(t *testing.T) {
	t.Parallel()
	for _, v := range checker.Check(clean()) {
		t.Error(v)
	}
}

// event finds the n-th event of a kind.
func event(h *history.History, what history.Kind, n int) *history.Event {
	for i := range h.Events {
		if h.Events[i].What == what {
			if n--; n < 0 {
				return &h.Events[i]
			}
		}
	}
	panic("no such event")
}

// TestPlantedViolationsAreFound breaks a clean history in one place, and wants the rule that is broken.
func TestPlantedViolationsAreFound(t *testing.T) {
	t.Parallel()
	for name, planted := range map[string]struct {
		rule  string
		plant func(h *history.History)
	}{
		"a row twice in a file": {checker.RuleOnce, func(h *history.History) {
			f := h.Files["orders/b"]
			f.Rows = append(f.Rows, f.Rows[0])
		}},
		"a row in two files": {checker.RuleOnce, func(h *history.History) {
			h.Files["orders/c"].Rows = append(h.Files["orders/c"].Rows, h.Files["orders/b"].Rows[0])
		}},
		"a record that is in no file": {checker.RuleLost, func(h *history.History) {
			h.Files["orders/d"].Rows = h.Files["orders/d"].Rows[:4]
		}},
		"a record that the log counts as compacted, and no later one has its key": {checker.RuleLost, func(h *history.History) {
			event(h, history.Produced, 0).Records[6].Key = "other"
		}},
		"a record beyond the last commit": {checker.RuleLost, func(h *history.History) {
			e := event(h, history.Produced, 3)
			e.Records = append(e.Records, history.Sent{Seq: 99, Partition: 1, Offset: 14})
		}},
		"a loss that a person accepted, of records that Kafka had": {checker.RuleLost, func(h *history.History) {
			event(h, history.Trimmed, 0).Positions[1] = 11
		}},
		"a row that nobody produced": {checker.RuleStranger, func(h *history.History) { h.Files["orders/d"].Rows[0].Seq = 1000 }},
		"a row at another offset":    {checker.RuleStranger, func(h *history.History) { h.Files["orders/e"].Rows[0].Offset = 13 }},
		"a row of a topic that was recreated": {checker.RuleStranger, func(h *history.History) {
			event(h, history.Created, 0).TopicID = "t0"
		}},
		"a record of an aborted transaction": {checker.RuleAborted, func(h *history.History) {
			h.Files["orders/c"].Rows[0].Seq, h.Files["orders/c"].Rows[0].Offset = 12, 2
		}},
		"a gap too few":                       {checker.RuleSums, func(h *history.History) { h.Logs["orders"][2].Bundles[1].Segments[0].Gaps.Control = 0 }},
		"fewer rows than the log says":        {checker.RuleSums, func(h *history.History) { h.Files["orders/e"].Rows = h.Files["orders/e"].Rows[:1] }},
		"a file that is not there at the end": {checker.RuleVisible, func(h *history.History) { delete(h.Files, "orders/e") }},
		"a removed file that is still there":  {checker.RuleVisible, func(h *history.History) { h.Files["orders/a"] = rowsOf(0, 0, 5, 0) }},
		"a file that cannot be read":          {checker.RuleVisible, func(h *history.History) { h.Files["orders/e"].Error = "no footer" }},
		"a file before its record": {checker.RuleEarly, func(h *history.History) {
			e := event(h, history.Listed, 0)
			e.Appeared = append(e.Appeared, history.Object{Key: "orders/b"})
		}},
		"a file of a loser, seen once": {checker.RuleEarly, func(h *history.History) {
			e := event(h, history.Listed, 1)
			e.Appeared = append(e.Appeared, history.Object{Key: "orders/z"})
		}},
		"a file that vanished": {checker.RuleVanished, func(h *history.History) {
			e := event(h, history.Listed, 3)
			e.Gone = append(e.Gone, "orders/b")
		}},
		"a file that vanished before the record that removes it": {checker.RuleVanished, func(h *history.History) {
			e := event(h, history.Listed, 2)
			e.Gone = append(e.Gone, "orders/a")
		}},
		"a file with other bytes": {checker.RuleChanged, func(h *history.History) { event(h, history.Listed, 3).Changed = []string{"orders/b"} }},
		"a removed file that came back": {checker.RuleBack, func(h *history.History) {
			e := event(h, history.Listed, 4)
			e.Appeared = append(e.Appeared, history.Object{Key: "orders/a"})
		}},
		"a commit that does not follow": {checker.RuleLog, func(h *history.History) { h.Logs["orders"][5].Bundles[0].Segments[0].From = 11 }},
		"a hole in the log": {checker.RuleLog, func(h *history.History) {
			h.Logs["orders"] = slices.Delete(h.Logs["orders"], 4, 5)
		}},
		"a record of another chain":     {checker.RuleLog, func(h *history.History) { h.Logs["orders"][3].Prev = "other" }},
		"an attempt that commits twice": {checker.RuleLog, func(h *history.History) { h.Logs["orders"][5].Attempt = "b1" }},
		"a position that was read back older": {checker.RuleRegister, func(h *history.History) {
			event(h, history.LogListed, 4).Newest["orders"] = 1
		}},
		"a commit that was seen before its process began": {checker.RuleRegister, func(h *history.History) {
			for _, r := range h.Logs["orders"] {
				if r.V == 2 {
					r.Run = "late"
				}
			}
			h.Events = append(h.Events,
				history.Event{At: second(20), What: history.Begun, Process: &history.Process{N: 9, Command: []string{"run"}}},
				history.Event{At: second(21), What: history.Ended, Process: &history.Process{N: 9, Command: []string{"run"}, Run: "late"}})
		}},
		"an exit 0 before its end": {checker.RuleExit, func(h *history.History) { event(h, history.Begun, 0).Process.Ends["orders"][0] = 6 }},
		"an exit 1 that committed": {checker.RuleExit, func(h *history.History) { h.Logs["orders"][5].Run = "a3" }},
		"an exit 1 for nothing": {checker.RuleExit, func(h *history.History) {
			h.Events = append(h.Events, history.Event{At: second(50), What: history.Begun, Process: &history.Process{N: 9, Command: []string{"run"}}},
				history.Event{At: second(51), What: history.Ended, Process: &history.Process{N: 9, Command: []string{"run"}, Code: 1}})
		}},
		"an exit 2":                        {checker.RuleExit, func(h *history.History) { event(h, history.Ended, 2).Process.Code = 2 }},
		"an exit 4 without advice":         {checker.RuleExit, func(h *history.History) { event(h, history.Ended, 3).Process.Advice = nil }},
		"an exit 4 without grounds":        {checker.RuleExit, func(h *history.History) { event(h, history.Trimmed, 0).At = second(20) }},
		"an exit 5 that nobody asked for":  {checker.RuleExit, func(h *history.History) { event(h, history.Ended, 2).Process.Code = 5 }},
		"a death that nobody caused":       {checker.RuleExit, func(h *history.History) { event(h, history.Ended, 1).Process.Signals = nil }},
		"a second signal's exit after one": {checker.RuleExit, func(h *history.History) { event(h, history.Ended, 1).Process.Code = 143 }},
		"a panic":                          {checker.RuleExit, func(h *history.History) { event(h, history.Ended, 2).Process.Panic = true }},
		"a process without an end":         {checker.RuleHung, func(h *history.History) { event(h, history.Ended, 2).Process.Hung = true }},
		"a version that the feed left out": {checker.RuleFeed, func(h *history.History) {
			h.Events = slices.DeleteFunc(h.Events, func(e history.Event) bool { return e.What == history.Fed && string(e.Feed) == `{"type":"skip","v":5}` })
		}},
		"a file that the feed did not take away": {checker.RuleFeed, func(h *history.History) {
			event(h, history.Fed, 3).Feed = json.RawMessage(`{"v":4,"type":"replace","added":[{"key":"orders/d"}]}`)
		}},
		"a staged file that is left": {checker.RuleStaged, func(h *history.History) { h.Staged = []string{"upload"} }},
		"a harness that did not work": {checker.RuleUnexpected, func(h *history.History) {
			h.Events = append(h.Events, history.Event{At: second(50), What: history.Harness, Text: "no broker"})
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := clean()
			planted.plant(h)
			got := checker.Check(h)
			if !slices.ContainsFunc(got, func(v checker.Violation) bool { return v.Rule == planted.rule }) {
				t.Errorf("%q was not found; found: %v", planted.rule, got)
			}
		})
	}
}

// Tombstones lie among the rows of a dropped file, and are gaps of their partition's segment: what the other partition has in the file
// excuses none of them.
func TestRowsOfADroppedFileAreCountedByPartition(t *testing.T) {
	t.Parallel()
	segment := func(partition int32, from, to int64, gaps object) object {
		return object{"partition": partition, "from": from, "to": to, "gaps": gaps}
	}
	lies := func(partition int32, first, last, rows int64) object {
		return object{"partition": partition, "first": first, "last": last, "rows": rows}
	}
	const topic = "orders"
	h := &history.History{
		Topics: map[string]history.Topic{topic: {Folder: topic}},
		Logs: map[string][]*history.Record{topic: {
			record(1, object{"type": "init", "topic_id": "t1", "partitions": []object{{"partition": 0, "start": 0}, {"partition": 1, "start": 0}}}),
			record(2, object{"type": "commit", "attempt": "b1", "bundles": []object{{
				"segments": []object{segment(0, 0, 4, object{"tombstone": 2}), segment(1, 0, 4, object{"tombstone": 2})},
				"files":    []object{{"key": "orders/a", "kind": "data", "rows": 4, "ranges": []object{lies(0, 0, 3, 2), lies(1, 0, 3, 2)}}},
			}}}),
			record(3, object{"type": "drop", "files": []object{{"v": 2, "key": "orders/a"}}}),
			record(4, object{"type": "commit", "attempt": "b2", "bundles": []object{{
				"segments": []object{segment(0, 4, 6, object{}), segment(1, 4, 6, object{})},
				"files":    []object{{"key": "orders/b", "kind": "data", "rows": 4, "ranges": []object{lies(0, 4, 5, 2), lies(1, 4, 5, 2)}}},
			}}}),
		}},
		Files: map[string]*history.File{"orders/b": {Rows: append(rowsOf(0, 4, 6, 4).Rows, rowsOf(1, 4, 6, 14).Rows...)}},
		Events: []history.Event{
			{At: second(0), Who: "harness", What: history.Created, Topic: topic, Generation: 1, TopicID: "t1"},
		},
	}
	for partition := range int32(2) {
		records := sent(partition, 0, 6, int64(partition)*10)
		for i, key := range []string{"k", "k", "l", "l", "k", "l"} {
			records[i].Key, records[i].Tombstone = key, i == 1 || i == 2
		}
		h.Events = append(h.Events, history.Event{At: second(0), Until: second(1), Who: "producer", What: history.Produced, Topic: topic, Generation: 1, Records: records})
	}
	lost := func() (found []string) {
		for _, v := range checker.Check(h) {
			if v.Rule == checker.RuleLost {
				found = append(found, v.Text)
			}
		}
		return found
	}
	for range 20 { // records are judged in any order
		if found := lost(); len(found) > 0 {
			t.Fatal(found)
		}
	}
	h.Logs[topic][1].Bundles[0].Segments[1].Gaps.Tombstone = 1
	if found := lost(); len(found) != 1 {
		t.Errorf("a record that no gap counts is in a partition of a dropped file: %q", found)
	}
}
