package model

import (
	"fmt"
	"math/bits"
)

// steps calls emit with every state that one step leads to.
func (m *topicModel) steps(s *topicState, emit func(string, topicState)) {
	m.happen(s, emit)
	for i := range m.workers {
		m.work(s, int(i), emit)
	}
	if m.skips && !s.soft {
		m.skip(s, emit)
	}
	if s.soft {
		t := *s
		t.soft = false
		emit("store: the newest record is durable", t)
		t.log[s.tip()-1] = topicRecord{}
		emit("store: fails over, the newest record is gone", t)
	}
}

// happen is what becomes of the topic.
func (m *topicModel) happen(s *topicState, emit func(string, topicState)) {
	lead, other := s.replicas[0], s.replicas[1]
	if lead.end < m.offsets {
		t := *s
		t.replicas[0].epoch[lead.end] = s.epoch
		t.replicas[0].end++
		emit(fmt.Sprintf("producer: record %d, of epoch %d", lead.end, s.epoch), t)
	}
	if r := lead.copied(&other); other != r {
		t := *s
		t.replicas[1] = r
		emit("follower: has what the leader has", t)
	}
	if m.replaced && other.end > 0 {
		t := *s
		t.replicas[1] = replica{}
		emit("somebody: gives the follower a new disk", t)
	}
	if s.epoch < m.epochs && (m.unclean || other.end == lead.end && other.epoch == lead.epoch) {
		t := *s
		t.replicas[0], t.replicas[1] = other, lead
		t.epoch++
		emit(fmt.Sprintf("controller: the other replica, which ends at %d, leads in epoch %d", other.end, t.epoch), t)
	}
	if s.topic < m.topics {
		t := *s
		t.topic++
		t.epoch, t.replicas = 1, [2]replica{}
		emit(fmt.Sprintf("somebody: deletes the topic, creates number %d", t.topic), t)
	}
	for o := uint8(0); uint8(bits.OnesCount8(lead.holes)) < m.holes && o+1 < lead.end; o++ { // the active segment is never compacted
		if lead.holes>>o&1 == 0 {
			t := *s
			t.replicas[0].holes |= 1 << o
			t.compacted[o] |= 1 << lead.epoch[o]
			emit(fmt.Sprintf("leader: compacts record %d away", o), t)
		}
	}
}

// epochEnd is the leader's answer about an epoch; known is false when it has none.
func (s *topicState) epochEnd(epoch uint8) (have, end uint8, known bool) {
	lead := &s.replicas[0]
	if epoch == 0 || epoch > s.epoch {
		return 0, 0, false
	}
	have, end = 0, lead.end
	if epoch == s.epoch {
		have = epoch // it began when the leader was elected
	}
	for o := range lead.end {
		if lead.forgotten>>o&1 != 0 {
			continue
		}
		if lead.epoch[o] > epoch {
			end = o
			break
		}
		have = max(have, lead.epoch[o])
	}
	if have == 0 {
		have = epoch // of epochs before the first nothing is known
	}
	return have, end, true
}

// copied is a leader's log as a follower has it that had another one: what both had it keeps as it is. What compaction had left empty in the
// rest it never saw.
func (lead *replica) copied(had *replica) replica {
	r := *lead
	same := uint8(0) // of both
	for same < min(lead.end, had.end) && had.epoch[same] == lead.epoch[same] {
		same++
	}
	kept := uint8(1)<<same - 1
	r.holes = had.holes&kept | lead.holes&^kept
	r.forgotten = had.forgotten&kept | lead.holes&^kept
	return r
}

// holds says whether the leader has a batch in [from, to).
func (s *topicState) holds(from, to uint8) bool {
	lead := &s.replicas[0]
	for o := from; o < min(to, lead.end); o++ {
		if lead.holes>>o&1 == 0 {
			return true
		}
	}
	return false
}

func (s *topicState) tip() int {
	n := 0
	for n < topicSlots && s.log[n].kind != noTopicRecord {
		n++
	}
	return n
}
