package model

import (
	"cmp"
	"fmt"
	"slices"
)

// The second model of this package: which topic, and which log of it, is read. One partition with two replicas of its log, and two workers
// that go on at a record of the commit log which says so when the topic was recreated, or its log was cut back: with `record` as the policy.
// Of other partitions it knows that they may be cut back, too, at any time. A batch is one record, and each is fetched by itself.
// topic_world.go: what happens to the topic. topic_worker.go: what workers do. topic_check.go: what must hold. It knows nothing of files.

// Array bounds of a topic's state. A config may use less.
const (
	topicOffsets = 4
	topicSlots   = 8 // with those that a run without disturbance adds
)

// A replica is a copy of the partition's log: the leader epoch of each offset's batch.
type replica struct {
	end       uint8
	epoch     [topicOffsets]uint8
	holes     uint8 // offsets that compaction left empty
	forgotten uint8 // those of them that were empty when this replica copied them: its epochs were learned from the others
}

type topicKind uint8

const (
	noTopicRecord topicKind = iota
	topicCommit
	topicFill
	topicSkip
	topicIncarnate
)

// A topicRecord stands in a slot of the commit log.
type topicRecord struct {
	kind        topicKind
	cut         bool // incarnate: by truncation
	elsewhere   bool // incarnate: by that of another partition
	marked      bool // incarnate: the last batch that was lifted, which ends at to, stays the last one
	incarnation uint8
	topic       uint8               // incarnate: which one. commit: which one was read
	from, to    uint8               // incarnate: from is the start
	epoch       [topicOffsets]uint8 // commit and fill: of what was lifted; 0: nothing. incarnate: [0] is of what lies below the start
}

func (r *topicRecord) lifts() bool { return r.kind == topicCommit || r.kind == topicFill }

// A topicFold is what the records say.
type topicFold struct {
	incarnation, topic, start, next uint8
	epoch                           uint8 // of the last batch that was lifted; of the leader at first
	reach                           uint8 // end of that batch, if marked
	marked                          bool  // something was, since the start or right before it
	covered                         uint8 // end of what was committed or filled since the start
}

type topicPhase uint8

const (
	topicIdle topicPhase = iota
	topicLoaded
	topicDescribed
	topicReads    // judged: its plan grows
	topicHasRead  // and it asks whether the log is still the one that it judged
	topicProposes // holds a record
)

// A topicWorker is what a process has in its head.
type topicWorker struct {
	phase     topicPhase
	view      topicFold
	topic     uint8 // as described
	epoch     uint8
	end       uint8
	forgotten uint8 // an epoch that was lifted last and that the leader does not know any more
	plan      topicRecord
	until     uint8 // where that is to end
}

type topicState struct {
	topic    uint8      // which one it is, from 1
	epoch    uint8      // of its leader
	replicas [2]replica // the first leads
	log      [topicSlots]topicRecord
	soft     bool // the newest record may vanish
	workers  [2]topicWorker

	compacted [topicOffsets]uint8 // epochs of records that a replica has not any more, since a later one has their key
}

// A topicFault breaks a rule.
type topicFault struct {
	offsetOnly, byWatermark, reachIsNext, unchecked, noConfirm, blindRead, anyIncarnation, ownEndForgotten, unasked, byNumber, anyBatch bool
	askedOnce, startIsReach, prefixOnly, fillUnmarked, fillsLate, neverForgets, skippedIsLifted                                         bool
}

type topicModel struct {
	topicFault
	slots, epochs, offsets, topics, workers uint8
	holes                                   uint8 // of a replica: what compaction takes
	unclean, stale, skips, phantoms         bool
	lag                                     bool // a leader may not know yet how far its followers are
	parts                                   bool // what a worker looked at once becomes several commits
	elsewhere                               bool // another partition may be cut back, at any time
	fills                                   bool // skipped ranges are lifted
	replaced                                bool // a follower may begin anew, and then learns of no epoch that compaction took
}

var topicConfigs = []struct {
	name, about string
	size        size
	model       topicModel
}{
	{"unclean", "any replica may become leader", short, topicModel{slots: 3, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true}},
	{"lag", "a new leader does not know yet how far its followers are", short, topicModel{slots: 3, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, lag: true}},
	{"elections", "leaders change, and nothing is lost; compaction", short, topicModel{slots: 3, epochs: 3, offsets: 3, topics: 1, workers: 1, holes: topicOffsets}},
	{"forgets", "a follower begins anew, after compaction took all of an epoch", normal, topicModel{slots: 3, epochs: 4, offsets: 3, topics: 1, workers: 1, holes: topicOffsets, replaced: true, skips: true}},
	{"skips", "a person passes over records", short, topicModel{slots: 4, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, skips: true}},
	{"skips-elsewhere", "and another partition is cut back", short, topicModel{slots: 4, epochs: 3, offsets: 3, topics: 1, workers: 1, skips: true, elsewhere: true}},
	{"fills", "what a person passed over is lifted", normal, topicModel{slots: 4, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, skips: true, fills: true}},
	{"elsewhere", "another partition is cut back; one look becomes several commits", normal, topicModel{slots: 4, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, elsewhere: true, parts: true}},
	{"compacted", "any replica may become leader, and compaction", normal, topicModel{slots: 3, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, holes: 1}},
	{"longer", "as unclean, with one more election", normal, topicModel{slots: 4, epochs: 4, offsets: 3, topics: 1, workers: 1, unclean: true, parts: true}},
	{"rivals", "fills and commits of two workers", long, topicModel{slots: 4, epochs: 2, offsets: 3, topics: 1, workers: 2, unclean: true, skips: true, fills: true}},
	{"recreated", "topics are recreated, brokers answer with old metadata", normal, topicModel{slots: 4, epochs: 1, offsets: 2, topics: 3, workers: 2, stale: true, phantoms: true}},
	{"races", "two workers, records that vanish, any replica", long, topicModel{slots: 4, epochs: 2, offsets: 2, topics: 2, workers: 2, unclean: true, phantoms: true}},
	{"passed-over", "skips, fills and cuts of another partition", long, topicModel{slots: 5, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, skips: true, fills: true, parts: true, elsewhere: true}},
}

var topicFaults = []struct {
	name, config, about string
	set                 func(*topicFault)
}{
	{"offset-only", "unclean", "the epoch that a leader answers for is not looked at", func(f *topicFault) { f.offsetOnly = true }},
	{"by-watermark", "unclean", "a log that was cut back is gone on with at its end", func(f *topicFault) { f.byWatermark = true }},
	{"own-end-forgotten", "unclean", "logs part where the leader's epoch ends, whatever was lifted in it", func(f *topicFault) { f.ownEndForgotten = true }},
	{"blind-read", "unclean", "brokers are not told the epoch of what was read before", func(f *topicFault) { f.blindRead = true }},
	{"reach-is-next", "elections", "the newest epoch is expected up to the committed offset", func(f *topicFault) { f.reachIsNext = true }},
	{"unasked", "recreated", "the leaders of a topic that is begun anew are not asked whether they know it", func(f *topicFault) { f.unasked = true }},
	{"unchecked", "recreated", "an incarnation is recorded although the log went on since the topic was described", func(f *topicFault) { f.unchecked = true }},
	{"by-number", "recreated", "an incarnation is told by its number", func(f *topicFault) { f.byNumber = true }},
	{"unconfirmed", "races", "records are appended after one that may vanish", func(f *topicFault) { f.noConfirm = true }},
	{"any-incarnation", "races", "a commit is recorded in another incarnation than it was planned in", func(f *topicFault) { f.anyIncarnation = true }},
	{"asked-once", "fills", "what no fetch could tell is not asked again after it was read", func(f *topicFault) { f.askedOnce = true }},
	{"prefix-only", "fills", "it is not asked whether what was read is still there", func(f *topicFault) { f.prefixOnly = true }},
	{"fill-unmarked", "fills", "what a fill lifts behind the last batch is not the last batch then", func(f *topicFault) { f.fillUnmarked = true }},
	{"fills-late", "rivals", "a fill is recorded behind a commit that came from another log meanwhile", func(f *topicFault) { f.fillsLate = true }},
	{"skipped-is-lifted", "forgets", "nothing may lie where a person passed over records behind an epoch that compaction took", func(f *topicFault) { f.skippedIsLifted = true }},
	{"never-forgets", "forgets", "a leader that has no record of an epoch is never one that compaction took it from", func(f *topicFault) { f.neverForgets = true }},
	{"start-is-reach", "skips-elsewhere", "what was lifted of a partition reaches up to its start", func(f *topicFault) { f.startIsReach = true }},
	{"any-batch", "races", "a commit goes on behind another batch than it was planned behind", func(f *topicFault) { f.anyBatch = true }},
}

// exploreTopic visits every state of a model, nearest first.
func exploreTopic(m *topicModel, limit int) Result {
	type seen struct {
		parent int
		by     string
	}
	first := topicState{topic: 1, epoch: 1}
	index, states, from := map[topicState]struct{}{first: {}}, []topicState{first}, []seen{{}}
	trace := func(i int) (t []string) {
		for ; i != 0; i = from[i].parent {
			t = append(t, from[i].by)
		}
		slices.Reverse(t)
		return t
	}
	var r Result
	levelEnd := 1
	for i := 0; i < len(states); i++ {
		if i == levelEnd {
			r.Depth++
			levelEnd = len(states)
		}
		s := states[i]
		if r.Violation = m.violation(&s); r.Violation != "" || len(states) >= limit {
			r.States, r.Trace = len(states), trace(i)
			return r
		}
		m.steps(&s, func(by string, t topicState) {
			if m.workers > 1 && slices.CompareFunc(t.workers[:1], t.workers[1:], compareTopicWorkers) > 0 {
				t.workers[0], t.workers[1] = t.workers[1], t.workers[0]
			}
			if _, known := index[t]; !known {
				index[t] = struct{}{}
				states, from = append(states, t), append(from, seen{i, by})
			}
		})
	}
	r.States, r.Complete = len(states), true
	return r
}

// compareTopicWorkers orders workers: which of them is which does not matter.
func compareTopicWorkers(a, b topicWorker) int {
	if c := cmp.Compare(a.phase, b.phase); c != 0 || a == b {
		return c
	}
	return cmp.Compare(fmt.Sprint(a), fmt.Sprint(b))
}
