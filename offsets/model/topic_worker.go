package model

import "fmt"

// fold reads records.
func (m *topicModel) fold(log []topicRecord) topicFold {
	f := topicFold{incarnation: 1, topic: 1, epoch: 1}
	for _, r := range log {
		switch r.kind {
		case topicCommit, topicFill:
			f.next, f.covered = max(f.next, r.to), max(f.covered, r.to)
			for o := r.from; o < r.to && !(m.fillUnmarked && r.kind == topicFill); o++ {
				if r.epoch[o] != 0 && (!f.marked || o >= f.reach) {
					f.epoch, f.reach, f.marked = r.epoch[o], o+1, true
				}
			}
		case topicSkip:
			f.next = r.to
		case topicIncarnate:
			f = topicFold{incarnation: r.incarnation, topic: r.topic, start: r.from, next: r.from, epoch: r.epoch[0], reach: r.to, marked: r.marked}
		}
	}
	return f
}

// reach is the end of the last batch that was lifted.
func (m *topicModel) reach(s *topicState, v *topicFold) uint8 {
	switch {
	case v.marked:
		return v.reach
	case m.startIsReach:
		return v.start
	}
	lifted, end := liftedEpochs(s.log[:s.tip()]), uint8(topicOffsets)
	for end > 0 && lifted[end-1] == 0 {
		end--
	}
	return end
}

// liftedEpochs are the epochs of what was lifted of the log that the newest incarnation goes on with, by offset.
func liftedEpochs(log []topicRecord) (e [topicOffsets]uint8) {
	for _, r := range log {
		switch r.kind {
		case topicCommit, topicFill:
			for o := r.from; o < r.to; o++ {
				e[o] = r.epoch[o]
			}
		case topicIncarnate:
			if !r.cut {
				e = [topicOffsets]uint8{}
			}
			for o := r.from; o < topicOffsets; o++ {
				e[o] = 0
			}
		}
	}
	return e
}

// skippedRange is the first that a fill may lift.
func skippedRange(log []topicRecord) (from, to uint8) {
	var skipped [topicOffsets + 1]bool
	for _, r := range log {
		if r.kind == topicIncarnate {
			skipped = [topicOffsets + 1]bool{}
			continue
		}
		for o := r.from; o < r.to; o++ {
			skipped[o] = r.kind == topicSkip
		}
	}
	for from < topicOffsets && !skipped[from] {
		from++
	}
	for to = from; skipped[to]; {
		to++
	}
	return from, to
}

// work is what a worker does next.
func (m *topicModel) work(s *topicState, i int, emit func(string, topicState)) {
	w := s.workers[i]
	become := func(what string, w topicWorker) {
		t := *s
		t.workers[i] = w
		emit("worker: "+what, t)
	}
	if w.phase != topicIdle {
		become("dies", topicWorker{})
	}
	switch w.phase {
	case topicIdle:
		become("folds the log", topicWorker{phase: topicLoaded, view: m.fold(s.log[:s.tip()])})
	case topicLoaded:
		w.phase, w.topic, w.epoch, w.end = topicDescribed, s.topic, s.epoch, s.replicas[0].end
		become(fmt.Sprintf("is told of topic %d, epoch %d, which ends at %d", w.topic, w.epoch, w.end), w)
		for old := uint8(1); m.stale && old < s.topic; old++ {
			w := w
			w.topic = old
			become(fmt.Sprintf("is told of topic %d, which was there before", old), w)
		}
		for m.lag && w.end > 0 {
			w.end--
			become(fmt.Sprintf("is told that the topic ends at %d, by a leader that does not know its followers yet", w.end), w)
		}
	case topicDescribed:
		m.judges(s, w, become)
	case topicReads:
		become("fetches", m.fetch(s, w))
		if m.parts && w.plan.from < w.plan.to && w.plan.to < w.until {
			become("commits what it has", w.hasRead(m))
		}
	case topicHasRead:
		become("asks whether it is the same log", m.ask(s, w))
	case topicProposes:
		m.append(s, i, emit)
	}
}

// judges compares the log with what the cluster said.
func (m *topicModel) judges(s *topicState, w topicWorker, become func(string, topicWorker)) {
	become("judges", m.judge(s, w))
	if m.elsewhere && w.topic == w.view.topic { // and this partition may not have been asked
		w, v := w, w.view
		w.phase, w.plan = topicProposes, topicRecord{kind: topicIncarnate, cut: true, elsewhere: true, incarnation: v.incarnation + 1, topic: v.topic, from: v.next}
		w.plan.epoch[0] = v.epoch
		if v.marked {
			w.plan.marked, w.plan.to = true, v.reach
		}
		become("judges that another partition was cut back", w)
	}
	if from, to := skippedRange(s.log[:s.tip()]); m.fills && from < to {
		if w := m.judge(s, w); w.phase == topicReads {
			become("judges, and fills", w.reading(topicFill, from, to))
		}
	}
}

func (w topicWorker) reading(kind topicKind, from, to uint8) topicWorker {
	w.phase, w.until = topicReads, to
	w.plan = topicRecord{kind: kind, incarnation: w.view.incarnation, topic: w.topic, from: from, to: from}
	return w
}

// judge compares the log with what the cluster said, and asks leaders about epochs now.
func (m *topicModel) judge(s *topicState, w topicWorker) topicWorker {
	v := w.view
	if w.topic != v.topic {
		for _, r := range s.log[:s.tip()] {
			if r.kind == topicIncarnate && r.topic == w.topic || w.topic == 1 {
				return topicWorker{} // retired: try again
			}
		}
		if w.topic != s.topic && !m.unasked {
			return topicWorker{} // its leaders know no such topic
		}
		w.phase, w.plan = topicProposes, topicRecord{kind: topicIncarnate, incarnation: v.incarnation + 1, topic: w.topic}
		w.plan.epoch[0] = w.epoch
		return w
	}
	at, epoch, cut := m.parting(s, &w)
	switch {
	case cut:
		w.phase, w.plan = topicProposes, topicRecord{kind: topicIncarnate, cut: true, incarnation: v.incarnation + 1, topic: v.topic, from: at}
		w.plan.epoch[0] = epoch
		return w
	case w.end < v.next:
		return topicWorker{} // its leader does not know its end yet, or others went on: try again
	}
	return w.reading(topicCommit, v.next, w.end)
}

// parting is where the leader's log parts from what was lifted, if it does below the committed offset.
func (m *topicModel) parting(s *topicState, w *topicWorker) (at, epoch uint8, cut bool) {
	v, least := w.view, uint8(0)
	at, epoch = v.next, v.epoch
	if _, _, known := s.epochEnd(v.epoch); known && v.next > 0 && (v.epoch != w.epoch || w.end < v.next) {
		if at, epoch, least = m.compare(s, w); at < least {
			return at, epoch, true
		}
	}
	if end := s.replicas[0].end; w.end < v.next && end < v.next {
		return min(at, end), epoch, true
	}
	return at, epoch, false
}

// compare says where the leader's log parts from what was lifted. Below least it must not.
func (m *topicModel) compare(s *topicState, w *topicWorker) (at, epoch, least uint8) {
	v := w.view
	have, end, _ := s.epochEnd(v.epoch)
	if !v.marked && m.reach(s, &v) == 0 && !m.startIsReach {
		return v.next, v.epoch, 0 // nothing was lifted that could be another log's
	}
	at, epoch, least = min(end, v.next), v.epoch, m.reach(s, &v)
	if m.reachIsNext {
		least = v.next
	}
	if m.byWatermark && have == v.epoch {
		at = min(v.next, w.end)
	}
	if have == v.epoch || m.offsetOnly || !v.marked && v.incarnation == 1 {
		return at, epoch, least
	}
	w.forgotten = 0
	at, epoch, any := m.back(s, at)
	upTo := min(v.next, w.end)
	if v.covered > 0 && !m.skippedIsLifted {
		upTo = min(upTo, v.covered)
	}
	if any && at < upTo && !s.holds(at, upTo) && !m.neverForgets {
		least, w.forgotten = at, v.epoch
	}
	return at, epoch, least
}

// back goes back, epoch by epoch, through what was lifted, if anything was.
func (m *topicModel) back(s *topicState, end uint8) (at, epoch uint8, any bool) {
	lifted := liftedEpochs(s.log[:s.tip()])
	at = end
	for to := topicOffsets; to > 0; {
		if lifted[to-1] == 0 {
			to--
			continue
		}
		e, from := lifted[to-1], to-1
		for o := from; o >= 0 && (lifted[o] == e || lifted[o] == 0); o-- {
			if lifted[o] == e {
				from = o
			}
		}
		have, end, _ := s.epochEnd(e)
		at, epoch, any = min(end, uint8(from)), have, true
		if have == e {
			at = min(end, uint8(to))
			if m.ownEndForgotten {
				at = end
			}
			return at, epoch, any
		}
		to = from
	}
	return at, epoch, any
}

// tells says whether the first fetch of what a worker reads can tell the broker the epoch of what was lifted before.
func (w *topicWorker) tells() bool {
	v := &w.view
	return v.marked && v.next == w.plan.from && v.reach == v.next && w.forgotten != v.epoch
}

// fetch takes the next batch that the leader has. By the epoch of the one before, the leader sees whether its log is that one.
func (m *topicModel) fetch(s *topicState, w topicWorker) topicWorker {
	at, lead, before := w.plan.to, &s.replicas[0], uint8(0)
	switch {
	case at > w.plan.from:
		before = w.plan.epoch[at-1]
	case w.tells():
		before = w.view.epoch
	}
	if s.topic != w.topic || at > lead.end {
		return topicWorker{}
	}
	if have, end, known := s.epochEnd(before); known && (have < before || end < at) && !m.blindRead {
		return topicWorker{}
	}
	for at < min(w.until, lead.end) && lead.holes>>at&1 != 0 {
		at++
	}
	switch {
	case at == w.until:
	case at == lead.end:
		return w // it waits
	default:
		w.plan.epoch[at] = lead.epoch[at]
		at++
	}
	if w.plan.to = at; at == w.until {
		return w.hasRead(m)
	}
	return w
}

// hasRead ends what a worker reads.
func (w topicWorker) hasRead(m *topicModel) topicWorker {
	v := &w.view
	switch nothing := w.plan.kind == topicCommit && !v.marked && v.incarnation == 1; {
	case w.plan.from == w.plan.to:
		return topicWorker{}
	case m.blindRead || m.askedOnce || nothing || w.tells():
		w.phase = topicProposes
	default:
		w.phase = topicHasRead
	}
	return w
}

// ask is about what no fetch could tell: whether the log that was read is the one that was lifted before. Both what was lifted and what was
// read have to be in the one that is there now.
func (m *topicModel) ask(s *topicState, w topicWorker) topicWorker {
	for o := w.plan.to; o > w.plan.from && !m.prefixOnly; o-- {
		if e := w.plan.epoch[o-1]; e != 0 {
			if have, end, known := s.epochEnd(e); known && (have != e || end < o) {
				return topicWorker{}
			}
			break
		}
	}
	if _, _, known := s.epochEnd(w.view.epoch); known {
		if at, _, least := m.compare(s, &w); at < least {
			return topicWorker{}
		}
	}
	w.phase = topicProposes
	return w
}

// append proposes a worker's record after the newest, which is durable by then.
func (m *topicModel) append(s *topicState, i int, emit func(string, topicState)) {
	n, w := s.tip(), s.workers[i]
	if s.soft && !m.noConfirm || n >= int(m.slots) {
		return
	}
	t := *s
	now := m.fold(s.log[:n])
	t.workers[i] = topicWorker{}
	if r := w.plan; r.kind == topicFill {
		same := now.marked == w.view.marked && now.epoch == w.view.epoch && now.reach == w.view.reach
		below := w.view.marked && r.to <= w.view.reach
		if from, to := skippedRange(s.log[:n]); now.incarnation != r.incarnation || r.from < from || r.to > to || !same && !below && !m.fillsLate {
			emit("worker: others were first", t)
			return
		}
	}
	switch r := w.plan; {
	case r.kind == topicIncarnate && now != w.view && !m.unchecked, r.kind == topicIncarnate && r.incarnation != now.incarnation+1:
		emit("worker: the log went on since: begins anew", t)
		return
	case r.kind == topicCommit && (now.next != r.from || (now.incarnation != r.incarnation || now.topic != r.topic && !m.byNumber) && !m.anyIncarnation),
		r.kind == topicCommit && !m.anyBatch && (now.epoch != w.view.epoch || now.reach != w.view.reach || now.marked != w.view.marked):
		emit("worker: others were first", t)
		return
	}
	t.log[n] = w.plan
	if t.log[n].kind == topicCommit {
		t.log[n].incarnation = now.incarnation
	}
	if m.parts && w.plan.to < w.until {
		w.view = m.fold(t.log[:n+1])
		t.workers[i] = w.reading(w.plan.kind, w.plan.to, w.until)
	}
	emit(fmt.Sprintf("worker: record %d: %s", n+1, w.plan), t)
	if m.phantoms {
		if s.soft { // only with a fault: it is created after one that may vanish, and both do
			u := *s
			u.log[n-1] = w.plan
			u.workers[i] = topicWorker{}
			emit("store: fails over, and the record takes the place of the one before it", u)
			return
		}
		t.soft = true
		emit(fmt.Sprintf("worker: record %d, which is not durable: %s", n+1, w.plan), t)
	}
}

// skip is a person's: over one record, in a log that is the one that was lifted.
func (m *topicModel) skip(s *topicState, emit func(string, topicState)) {
	n := s.tip()
	w := topicWorker{view: m.fold(s.log[:n]), topic: s.topic, epoch: s.epoch, end: s.replicas[0].end}
	if n >= int(m.slots) || w.view.topic != s.topic || w.view.next >= w.end {
		return
	}
	if _, _, cut := m.parting(s, &w); cut {
		return
	}
	t := *s
	t.log[n] = topicRecord{kind: topicSkip, incarnation: w.view.incarnation, topic: s.topic, from: w.view.next, to: w.view.next + 1}
	emit(fmt.Sprintf("person: record %d: %s", n+1, t.log[n]), t)
}

func (r topicRecord) String() string {
	switch r.kind {
	case topicCommit:
		return fmt.Sprintf("commit of topic %d [%d,%d), epochs %v", r.topic, r.from, r.to, r.epoch[r.from:r.to])
	case topicFill:
		return fmt.Sprintf("fill of topic %d [%d,%d), epochs %v", r.topic, r.from, r.to, r.epoch[r.from:r.to])
	case topicSkip:
		return fmt.Sprintf("skip of [%d,%d)", r.from, r.to)
	}
	if r.elsewhere {
		return fmt.Sprintf("incarnation %d of topic %d from %d, another partition was cut back", r.incarnation, r.topic, r.from)
	}
	return fmt.Sprintf("incarnation %d of topic %d from %d, cut back %v", r.incarnation, r.topic, r.from, r.cut)
}
