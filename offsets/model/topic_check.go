package model

import "fmt"

// A topicRow is a record of Kafka. Two of one topic, epoch and offset are the same.
type topicRow struct{ topic, offset, epoch uint8 }

// violation names what does not hold in a state, or in what a run makes of it that nothing disturbs any more.
func (m *topicModel) violation(s *topicState) string {
	if v := m.wrong(s.log[:s.tip()]); v != "" || s.soft {
		return v
	}
	return m.undisturbed(*s)
}

// wrong looks at a log.
func (m *topicModel) wrong(log []topicRecord) string {
	seen := map[topicRow]bool{} // of the log that is gone on with: a replica that comes back may bring records that were lifted from it before
	f := m.fold(nil)
	for i, r := range log {
		switch {
		case r.kind == topicIncarnate && r.cut && !r.elsewhere && !m.unclean && !m.stale:
			return fmt.Sprintf("FALSE: record %d says that a log was cut back, and none was", i+1)
		case r.lifts() && r.topic != f.topic:
			return fmt.Sprintf("MIXED: record %d has rows of topic %d as of topic %d", i+1, r.topic, f.topic)
		}
		for o := r.from; r.lifts() && o < r.to; o++ {
			if row := (topicRow{r.topic, o, r.epoch[o]}); r.epoch[o] != 0 {
				if seen[row] {
					return fmt.Sprintf("TWICE: record %d lifts offset %d, of epoch %d, again", i+1, o, r.epoch[o])
				}
				seen[row] = true
			}
		}
		f = m.fold(log[:i+1])
		if v := m.mixed(log[:i+1]); v != "" {
			return v
		}
		if r.kind == topicIncarnate && r.cut {
			for row := range seen {
				if row.topic == r.topic && row.offset >= r.from {
					delete(seen, row)
				}
			}
		}
	}
	return ""
}

// blurred says that it cannot be told whether compaction took an epoch or an election did, where the leader has nothing in its place.
func (m *topicModel) blurred() bool { return m.unclean && m.holes > 0 }

// mixed says how rows are of several logs that the newest incarnation goes on with: epochs ascend in each.
func (m *topicModel) mixed(log []topicRecord) string {
	if m.blurred() {
		return ""
	}
	newest := uint8(0)
	for o, e := range liftedEpochs(log) {
		if e != 0 && e < newest {
			return fmt.Sprintf("MIXED: after record %d, offset %d is of epoch %d, and one below it is of %d", len(log), o, e, newest)
		}
		newest = max(newest, e)
	}
	return ""
}

// undisturbed has one worker run until nothing is left: then all that the leader has was lifted, or skipped.
func (m *topicModel) undisturbed(s topicState) string {
	log := append([]topicRecord(nil), s.log[:s.tip()]...)
	for range 4 {
		w := topicWorker{view: m.fold(log), topic: s.topic, epoch: s.epoch, end: s.replicas[0].end}
		t := s
		t.log = [topicSlots]topicRecord{}
		copy(t.log[:], log)
		for w = m.judge(&t, w); w.phase == topicReads; {
			w = m.fetch(&t, w)
		}
		if w.phase == topicHasRead {
			w = m.ask(&t, w)
		}
		if w.phase != topicProposes {
			break
		}
		for o := w.plan.from; w.plan.cut && !m.blurred() && o < s.replicas[0].end; o++ {
			if e := liftedEpochs(log)[o]; e != 0 && e == s.replicas[0].epoch[o] {
				return fmt.Sprintf("TWICE: offset %d, of epoch %d, was lifted, and is there, and a run goes back to %d", o, e, w.plan.from)
			}
		}
		log = append(log, w.plan)
	}
	if v := m.wrong(log); v != "" {
		return v + ", by a run that nothing disturbs"
	}
	lead, lifted, skipped, empty := &s.replicas[0], map[topicRow]bool{}, uint8(0), uint8(0)
	for _, r := range log {
		for o := r.from; o < r.to; o++ {
			switch r.kind {
			case topicCommit, topicFill:
				lifted[topicRow{r.topic, o, r.epoch[o]}] = true
				if r.epoch[o] == 0 {
					empty |= 1 << o
				}
			case topicSkip:
				skipped |= 1 << o
			}
		}
		if r.kind == topicIncarnate {
			skipped &= 1<<r.from - 1
		}
	}
	for o := range lead.end {
		if s.compacted[o]>>lead.epoch[o]&1 == 0 && (skipped|empty)>>o&1 == 0 && !lifted[topicRow{s.topic, o, lead.epoch[o]}] {
			return fmt.Sprintf("LOSS: offset %d, of epoch %d, is not lifted by a run that nothing disturbs", o, lead.epoch[o])
		}
	}
	return ""
}
