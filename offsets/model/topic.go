package model

import (
	"cmp"
	"fmt"
	"slices"
)

// The second model of this package: which topic, and which log of it, is read. One partition with two replicas of its log, and two workers
// that go on at a record of the commit log which says so when the topic was recreated, or its log was cut back: with `record` as the policy.
// topic_world.go: what happens to the topic. topic_worker.go: what workers do. topic_check.go: what must hold. It knows nothing of files.

// Array bounds of a topic's state. A config may use less.
const (
	topicOffsets = 4
	topicSlots   = 8 // with those that a run without disturbance adds
)

// A replica is a copy of the partition's log: the leader epoch of each offset's batch.
type replica struct {
	end   uint8
	epoch [topicOffsets]uint8
	holes uint8 // offsets that compaction left empty
}

type topicKind uint8

const (
	noTopicRecord topicKind = iota
	topicCommit
	topicSkip
	topicIncarnate
)

// A topicRecord stands in a slot of the commit log.
type topicRecord struct {
	kind        topicKind
	cut         bool // incarnate: by truncation
	incarnation uint8
	topic       uint8               // incarnate: which one. commit: which one was read
	from, to    uint8               // incarnate: from is the start
	epoch       [topicOffsets]uint8 // commit: of what was lifted; 0: nothing. incarnate: [0] is of what lies below the start
}

// A topicFold is what the records say.
type topicFold struct {
	incarnation, topic, start, next uint8
	epoch                           uint8 // of the last batch that was lifted
	reach                           uint8 // end of that; the start where nothing was
	lifted                          bool  // something was
}

type topicPhase uint8

const (
	topicIdle topicPhase = iota
	topicLoaded
	topicDescribed
	topicReady    // judged: it reads on
	topicProposes // holds a record
)

// A topicWorker is what a process has in its head.
type topicWorker struct {
	phase topicPhase
	view  topicFold
	topic uint8 // as described
	epoch uint8
	end   uint8
	plan  topicRecord
}

type topicState struct {
	topic    uint8      // which one it is, from 1
	epoch    uint8      // of its leader
	replicas [2]replica // the first leads
	log      [topicSlots]topicRecord
	soft     bool // the newest record may vanish
	workers  [2]topicWorker
}

// A topicFault breaks a rule.
type topicFault struct {
	offsetOnly, byWatermark, reachIsNext, unchecked, noConfirm, blindRead, anyIncarnation, ownEndForgotten, unasked, byNumber, anyBatch bool
}

type topicModel struct {
	topicFault
	slots, epochs, offsets, topics, workers uint8
	unclean, stale, skips, phantoms, holes  bool
}

var topicConfigs = []struct {
	name, about string
	size        size
	model       topicModel
}{
	{"unclean", "any replica may become leader", short, topicModel{slots: 3, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true}},
	{"elections", "leaders change, and nothing is lost; compaction", short, topicModel{slots: 3, epochs: 3, offsets: 3, topics: 1, workers: 1, holes: true}},
	{"recreated", "topics are recreated, brokers answer with old metadata", normal, topicModel{slots: 4, epochs: 1, offsets: 2, topics: 3, workers: 2, stale: true, phantoms: true}},
	{"skips", "a person passes over records", short, topicModel{slots: 4, epochs: 3, offsets: 3, topics: 1, workers: 1, unclean: true, skips: true}},
	{"longer", "as unclean, with one more election", normal, topicModel{slots: 4, epochs: 4, offsets: 3, topics: 1, workers: 1, unclean: true}},
	{"races", "two workers, records that vanish, any replica", long, topicModel{slots: 4, epochs: 2, offsets: 2, topics: 2, workers: 2, unclean: true, phantoms: true}},
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
