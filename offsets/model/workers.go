package model

// plan starts an attempt and stages its files.
func (m *model) plan(s *state, v *view, emit emitter) {
	a, alive := -1, 0
	for i := range m.attempts {
		if s.attempts[i].alive {
			alive++
		}
		if a < 0 && s.attempts[i].kind == unused {
			a = i
		}
	}
	if a < 0 || alive >= m.processes {
		return
	}
	begin := func(o op, n attempt) {
		n.alive = true
		t := *s
		t.attempts[a] = n
		emit(step{o, uint8(a), 0}, t)
	}
	m.planForward(v, begin)
	if m.fills && v.cover[0]&span(0, m.start) == 0 {
		n := attempt{kind: fill, named: m.filesOf(0), token: m.staged(m.filesOf(0))}
		n.to[0] = m.start
		begin(opPlanFill, n)
	}
	for f := range file(m.attempts * maxFiles) {
		if !v.names(s, f) {
			continue
		}
		old, b := f.attempt(), m.bundle(f.index())
		firstOfBundle := m.filesOf(b)&(1<<f.index()-1) == 0
		if m.replaces && firstOfBundle && v.replaced[old]>>b&1 == 0 && (s.isMarked(v.slot[old]) || m.replaceUnpublished) {
			n := attempt{kind: replace, target: f, named: m.filesOf(b), token: m.staged(m.filesOf(b))}
			n.from[b], n.to[b] = s.attempts[old].from[b], s.attempts[old].to[b]
			begin(opPlanHideFirst, n)
			n.showFirst = true
			begin(opPlanShowFirst, n)
		}
		// Lost is a judgement, made while the file is absent and its version has no marker; it may be wrong.
		if m.repairs && (v.live(s, f) || m.dropsForgotten) && !s.isMarked(v.slot[old]) && s.objectOf(f) == never && (m.misjudge || m.closed(s, v, f)) {
			begin(opPlanRepair, attempt{kind: repair, target: f, after: m.repairsBefore(v, f), named: 1, token: m.staged(1)})
		}
	}
}

func (m *model) planForward(v *view, begin func(op, attempt)) {
	if m.partitions > 1 {
		for chosen := 1; chosen < 1<<m.partitions; chosen++ {
			n := attempt{kind: commit}
			for b := range m.partitions {
				n.from[b], n.to[b] = v.next[b], v.next[b]
				if chosen>>b&1 == 1 && v.next[b] < m.end {
					n.to[b]++
					n.token[b] = open
				}
			}
			if m.staged(uint8(chosen)) == n.token {
				begin(opPlanCommit, n)
			}
		}
		return
	}
	for to := v.next[0] + 1; to <= m.end; to++ {
		n := attempt{kind: commit, named: m.filesOf(0), token: m.staged(m.filesOf(0))}
		n.from[0], n.to[0] = v.next[0], to
		begin(opPlanCommit, n)
		if m.fillAboveNext {
			n.kind = fill
			begin(opPlanFill, n)
		}
	}
}

func (m *model) staged(files uint8) (t [maxFiles]token) {
	for i := range t {
		if files>>i&1 == 1 {
			t[i] = open
		}
	}
	return t
}

func (m *model) repairsBefore(v *view, f file) uint8 {
	if m.exclusive {
		return v.repairs[f]
	}
	return 0
}

// work is the propose loop of attempt a's live process, and its death.
func (m *model) work(s *state, v *view, a int, emit emitter) {
	n := &s.attempts[a]
	dead := *s
	dead.attempts[a].alive = false
	emit(step{opCrash, uint8(a), 0}, dead)
	given := dead
	discardOwn(&given.attempts[a])

	if v.slot[a] != 0 { // only with faults: the process has not learnt that its record landed
		if m.lostOn412 || n.renewed {
			emit(step{opForget, uint8(a), 0}, given)
		}
		return
	}
	if m.publishFirst {
		for i := range maxFiles {
			if n.token[i] == open && n.kind != repair {
				t := *s
				t.attempts[a].token[i] = spent
				t.attempts[a].object[i] = visible
				emit(step{opEarly, uint8(a), uint8(i)}, t)
			}
		}
	}
	if s.isSent(a) {
		// The slot is empty: the same bytes are sent again, which changes nothing here.
		if m.giveUp || m.phantomIsLost && s.soft && s.log[v.tip].ref.attempt() != a {
			emit(step{opForget, uint8(a), 0}, given)
		}
		if m.freshID && !n.renewed {
			t := *s
			t.attempts[a].renewed = true
			emit(step{opRenew, uint8(a), 0}, t)
		}
		return
	}
	emit(step{opAbandon, uint8(a), 0}, given)
	if t, ok := m.propose(s, v, a); ok {
		emit(step{opSend, uint8(a), 0}, t)
	}
	if n.kind == repair && m.exclusive && !m.repairOverwrites && v.live(s, n.target) && s.objectOf(n.target) == never && !m.closed(s, v, n.target) {
		t := *s
		m.tokens(s, v, n.target, func(o, i int, k token) {
			if k == open {
				t.attempts[o].token[i] = aborted // not discarded: this is the one loss that is meant, its repair is staged
			}
		})
		emit(step{opRetire, uint8(a), 0}, t)
	}
}

func discardOwn(n *attempt) {
	for i, k := range n.token {
		if k == open {
			n.token[i] = discarded
		}
	}
}

// propose freezes the record of attempt a and sends it, if it is valid in the first free slot and its preconditions hold.
func (m *model) propose(s *state, v *view, a int) (state, bool) {
	t := *s
	n := &t.attempts[a]
	if !m.slotFree(s, v) {
		return t, false
	}
	if m.partitions > 1 && n.kind == commit {
		n.named = 0
		for b := range m.partitions {
			if n.token[b] != noToken && n.from[b] == v.next[b] {
				n.named |= 1 << b
			}
		}
	}
	t.sent |= 1 << a
	if m.rebaseUnchecked && n.kind == commit {
		return t, true
	}
	if !m.valid(&t, v, record{kind: ofAttempt, ref: fileOf(a, 0)}) {
		return t, false
	}
	switch {
	case n.kind == replace && !m.replaceUnpublished:
		return t, m.settled(s, v, n.target)
	case n.kind == repair && m.exclusive && !m.repairOverwrites:
		return t, m.closed(s, v, n.target) && s.objectOf(n.target) == never
	}
	return t, true
}

// settled says that every record about the bundle of file f has its marker.
func (m *model) settled(s *state, v *view, f file) bool {
	files := m.filesOf(m.bundle(f.index()))
	for slot := uint8(1); slot <= v.tip; slot++ {
		r := s.log[slot-1]
		if r.kind == fence || s.isMarked(slot) || r.kind == ofAttempt && m.repairUnmarked && s.attempts[r.ref.attempt()].kind == repair {
			continue
		}
		about, which := r.ref.attempt(), files // commit, fill, replace: all files of the attempt
		if n := &s.attempts[about]; r.kind == ofAttempt && n.kind == repair {
			about, which = n.target.attempt(), 1<<n.target.index()
		} else if r.kind == drop {
			which = 1 << r.ref.index()
		}
		if about == f.attempt() && files&which != 0 && !(r.kind == drop && m.replaceIgnoresDrop) {
			return false
		}
	}
	return true
}
