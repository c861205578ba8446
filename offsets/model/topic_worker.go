package model

import "fmt"

// foldTopic reads the first n records.
func foldTopic(log []topicRecord) topicFold {
	f := topicFold{incarnation: 1, topic: 1}
	for _, r := range log {
		switch r.kind {
		case topicCommit:
			f.next = r.to
			for o := r.from; o < r.to; o++ {
				if r.epoch[o] != 0 {
					f.epoch, f.reach, f.lifted = r.epoch[o], o+1, true
				}
			}
		case topicSkip:
			f.next = r.to
		case topicIncarnate:
			f = topicFold{incarnation: r.incarnation, topic: r.topic, start: r.from, next: r.from, epoch: r.epoch[0], reach: r.from}
		}
	}
	return f
}

// liftedEpochs are the epochs of what was lifted of the log that the newest incarnation goes on with, by offset.
func liftedEpochs(log []topicRecord) (e [topicOffsets]uint8) {
	for _, r := range log {
		switch r.kind {
		case topicCommit:
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
		become("folds the log", topicWorker{phase: topicLoaded, view: foldTopic(s.log[:s.tip()])})
	case topicLoaded:
		w.phase, w.topic, w.epoch, w.end = topicDescribed, s.topic, s.epoch, s.replicas[0].end
		become(fmt.Sprintf("is told of topic %d, epoch %d, which ends at %d", w.topic, w.epoch, w.end), w)
		for old := uint8(1); m.stale && old < s.topic; old++ {
			w.topic = old
			become(fmt.Sprintf("is told of topic %d, which was there before", old), w)
		}
	case topicDescribed:
		become("judges", m.judge(s, w))
	case topicReady:
		become("reads", m.read(s, w))
	case topicProposes:
		m.append(s, i, emit)
	}
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
		return w
	}
	if at, epoch, cut := m.parting(s, &w); cut {
		w.phase, w.plan = topicProposes, topicRecord{kind: topicIncarnate, cut: true, incarnation: v.incarnation + 1, topic: v.topic, from: at}
		w.plan.epoch[0] = epoch
		return w
	} else if w.end < v.next {
		return topicWorker{} // its leader does not know its end yet, or others went on: try again
	}
	if w.end == v.next {
		return topicWorker{} // nothing to do
	}
	w.phase = topicReady
	return w
}

// parting is where the leader's log parts from what was lifted, if it does below the committed offset.
func (m *topicModel) parting(s *topicState, w *topicWorker) (at, epoch uint8, cut bool) {
	v := w.view
	if v.epoch == 0 || v.epoch == w.epoch && w.end >= v.next {
		return 0, 0, v.epoch == 0 && w.end < v.next && s.replicas[0].end < v.next && v.next > 0
	}
	have, end, known := s.epochEnd(v.epoch)
	least := v.reach
	if m.reachIsNext {
		least = v.next
	}
	at, epoch = min(end, v.next), v.epoch
	switch {
	case !known:
		return w.end, v.epoch, w.end < v.next
	case have == v.epoch || m.offsetOnly:
		if m.byWatermark {
			at = min(v.next, w.end)
		}
	default:
		at, epoch = m.back(s, end)
		if !s.holds(at, min(v.next, w.end)) {
			least = at
		}
	}
	if end := s.replicas[0].end; at >= least && w.end < v.next && end < v.next {
		return min(at, end), epoch, true
	}
	return at, epoch, at < least
}

// back goes back, epoch by epoch, through what was lifted.
func (m *topicModel) back(s *topicState, end uint8) (at, epoch uint8) {
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
		at, epoch = min(end, uint8(from)), have
		if have == e {
			at = min(end, uint8(to))
			if m.ownEndForgotten {
				at = end
			}
			return at, epoch
		}
		to = from
	}
	return at, epoch
}

// read fetches what the leader has, up to the end that was fixed. By the epoch of what was read before, the leader sees whether its log is
// that one.
func (m *topicModel) read(s *topicState, w topicWorker) topicWorker {
	v, lead := w.view, &s.replicas[0]
	if s.topic != w.topic || lead.end < w.end {
		return topicWorker{}
	}
	if v.lifted && v.reach == v.next && v.epoch != 0 && !m.blindRead {
		if have, end, known := s.epochEnd(v.epoch); known && (have < v.epoch || end < v.next) {
			return topicWorker{}
		}
	}
	if v.lifted && v.reach < v.next && !m.blindRead { // asked after it has read
		if have, end, known := s.epochEnd(v.epoch); known && have == v.epoch && end < v.reach || known && have < v.epoch && s.holds(0, v.next) {
			return topicWorker{}
		}
	}
	w.phase, w.plan = topicProposes, topicRecord{kind: topicCommit, incarnation: v.incarnation, topic: w.topic, from: v.next, to: w.end}
	for o := v.next; o < w.end; o++ {
		if lead.holes>>o&1 == 0 {
			w.plan.epoch[o] = lead.epoch[o]
		}
	}
	return w
}

// append proposes a worker's record after the newest, which is durable by then.
func (m *topicModel) append(s *topicState, i int, emit func(string, topicState)) {
	n, w := s.tip(), s.workers[i]
	if s.soft && !m.noConfirm || n >= int(m.slots) {
		return
	}
	t := *s
	now := foldTopic(s.log[:n])
	t.workers[i] = topicWorker{}
	switch r := w.plan; {
	case r.kind == topicIncarnate && now != w.view && !m.unchecked, r.kind == topicIncarnate && r.incarnation != now.incarnation+1:
		emit("worker: the log went on since: begins anew", t)
		return
	case r.kind == topicCommit && (now.next != r.from || (now.incarnation != r.incarnation || now.topic != r.topic && !m.byNumber) && !m.anyIncarnation),
		r.kind == topicCommit && !m.anyBatch && (now.epoch != w.view.epoch || now.reach != w.view.reach):
		emit("worker: others were first", t)
		return
	}
	t.log[n] = w.plan
	if t.log[n].kind == topicCommit {
		t.log[n].incarnation = now.incarnation
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
	w := topicWorker{view: foldTopic(s.log[:n]), topic: s.topic, epoch: s.epoch, end: s.replicas[0].end}
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
	case topicSkip:
		return fmt.Sprintf("skip of [%d,%d)", r.from, r.to)
	}
	return fmt.Sprintf("incarnation %d of topic %d from %d, cut back %v", r.incarnation, r.topic, r.from, r.cut)
}
