package model

// publish uses tokens that the log names. A publisher may have read the log and the markers long ago, so neither
// keeps it from trying; that the old half of a hide-first swap is gone stays true once it was seen.
func (m *model) publish(s *state, v *view, emit emitter) {
	for a := range m.attempts {
		n := &s.attempts[a]
		for i := range maxFiles {
			if n.token[i] == completing {
				t := *s
				t.attempts[a].token[i] = spent
				m.show(&t, a, i)
				emit(step{opAppear, uint8(a), uint8(i)}, t)
			}
			f := fileOf(a, i)
			if n.kind == repair {
				f = n.target
			}
			usable := n.token[i] == open || m.publishByPut && n.token[i] != noToken && !s.objectOf(f).there()
			if v.slot[a] == 0 && !m.believed(s, v, a) || n.named>>i&1 == 0 || !usable || !m.hiddenBefore(s, v, f) {
				continue
			}
			t := *s
			if m.slowComplete {
				t.attempts[a].token[i] = completing
			} else {
				t.attempts[a].token[i] = spent
				m.show(&t, a, i)
			}
			emit(step{opComplete, uint8(a), uint8(i)}, t)
			if m.conditionalComplete {
				t := *s
				t.attempts[a].token[i] = discarded
				emit(step{opDestroy, uint8(a), uint8(i)}, t)
			}
		}
	}
}

// show makes the object of a token visible.
func (m *model) show(t *state, a, i int) {
	n := &t.attempts[a]
	if n.kind == repair && !m.repairNewKey {
		a, i = n.target.attempt(), n.target.index()
	}
	o := &t.attempts[a].object[i]
	switch *o {
	case never:
		*o = visible
	case visible:
		t.changed = t.changed || m.exclusive
	case deleted:
		*o = back
	}
}

// hiddenBefore says whether the order of a hide-first swap lets file f be shown.
func (m *model) hiddenBefore(s *state, v *view, f file) bool {
	n := &s.attempts[f.attempt()]
	return n.kind != replace || n.showFirst || m.showEarly || m.removedAll(s, v, n.target)
}

// shownBefore says whether the order of a show-first swap lets the bundle that attempt a replaces be removed.
func (m *model) shownBefore(s *state, v *view, a int) bool {
	n := &s.attempts[a]
	if n.kind != replace || !n.showFirst || m.hideEarly {
		return true
	}
	for i := range maxFiles {
		if f := fileOf(a, i); n.named>>i&1 == 1 && v.gone[f] == 0 && !s.objectOf(f).seen() {
			return false
		}
	}
	return true
}

// removedAll says whether the removal of every file of f's bundle is finished.
func (m *model) removedAll(s *state, v *view, f file) bool {
	for i := range maxFiles {
		if m.filesOf(m.bundle(f.index()))>>i&1 == 1 && !m.removed(s, v, fileOf(f.attempt(), i)) {
			return false
		}
	}
	return true
}

// removed says whether a remover may hold the removal of f for finished.
func (m *model) removed(s *state, v *view, f file) bool {
	o := s.objectOf(f)
	return (o == deleted || o == back) && m.closedForRemoval(s, v, f)
}

func (m *model) closedForRemoval(s *state, v *view, f file) bool {
	switch {
	case m.keepTokens:
		return true
	case m.keepRepairTokens:
		return s.attempts[f.attempt()].token[f.index()] != open
	}
	return m.closed(s, v, f)
}

// mark writes pub/<slot> once everything that the record asks for is done.
func (m *model) mark(s *state, v *view, emit emitter) {
	for slot := uint8(1); slot <= v.tip; slot++ {
		r := s.log[slot-1]
		if s.isMarked(slot) || r.empty || !m.carriedOut(s, v, r) {
			continue
		}
		t := *s
		t.marked |= 1 << (slot - 1)
		emit(step{opMark, slot, 0}, t)
	}
}

func (m *model) carriedOut(s *state, v *view, r record) bool {
	a := r.ref.attempt()
	n := &s.attempts[a]
	switch {
	case r.kind == fence:
		return false // needs no marker: gc finds what is left by looking
	case r.kind == drop:
		return !m.dropUnmarked && m.removed(s, v, r.ref)
	case n.kind == repair:
		return !m.repairUnmarked && n.token[0] != open
	case m.markEarly:
		return true
	}
	for i := range maxFiles {
		f := fileOf(a, i)
		if n.named>>i&1 == 0 || v.gone[f] != 0 {
			continue
		}
		seen := s.objectOf(f).seen() || m.noUploadIsDone && n.token[i] != open
		if !seen || !m.markThenDiscard && !m.closed(s, v, f) {
			return false
		}
	}
	return n.kind != replace || m.removedAll(s, v, n.target)
}

// remove carries out drops and the old half of replaces, and discards tokens that turned out not to be needed.
func (m *model) remove(s *state, v *view, emit emitter) {
	for f := range file(m.attempts * maxFiles) {
		if !v.names(s, f) {
			continue
		}
		discard := func(o op) {
			m.tokens(s, v, f, func(a, i int, k token) {
				if k != open || o == opRemoveToken && (m.keepTokens || m.keepRepairTokens && a != f.attempt()) {
					return
				}
				t := *s
				t.attempts[a].token[i] = discarded
				emit(step{o, uint8(a), uint8(i)}, t)
			})
		}
		if v.gone[f] == 0 {
			if s.objectOf(f).seen() && (!m.markThenDiscard || s.isMarked(v.slot[f.attempt()])) {
				discard(opTidy)
			}
			continue
		}
		if r := s.log[v.gone[f]-1]; r.kind == ofAttempt && !m.shownBefore(s, v, r.ref.attempt()) {
			continue
		}
		discard(opRemoveToken)
		if o := s.objectOf(f); o != deleted && o != back && (m.deleteFirst || m.closedForRemoval(s, v, f)) {
			t := *s
			t.attempts[f.attempt()].object[f.index()] = deleted
			emit(step{opDeleteKey, uint8(f.attempt()), uint8(f.index())}, t)
		}
	}
}

// collect is gc. Age is not modelled: anything staged may look old.
func (m *model) collect(s *state, v *view, emit emitter) {
	if !m.gc {
		return
	}
	for a := range m.attempts {
		n := &s.attempts[a]
		fenced := v.fenced>>a&1 == 1
		unfinished := false
		for i := range maxFiles {
			if n.token[i] != open {
				continue
			}
			unfinished = true
			if m.mayCollect(s, v, a, i) {
				t := *s
				t.attempts[a].token[i] = discarded
				emit(step{opCollect, uint8(a), uint8(i)}, t)
			}
		}
		if unfinished && !fenced && !(m.gcBlind && n.kind == repair) && (v.slot[a] == 0 || m.fenceUnchecked) && m.slotFree(s, v) {
			emit(step{opFence, uint8(a), 0}, m.occupy(s, v, record{kind: fence, ref: fileOf(a, 0)}))
		}
	}
}

func (m *model) mayCollect(s *state, v *view, a, i int) bool {
	n := &s.attempts[a]
	fenced := v.fenced>>a&1 == 1
	if v.slot[a] != 0 {
		return fenced && m.fenceUnchecked || n.named>>i&1 == 0 && !m.gcByAttempt
	}
	if n.kind == repair && !fenced && v.names(s, n.target) {
		// An upload under a key that the log names: the key tells nothing about the attempt that repairs it.
		return m.gcByKey || !m.gcBlind && (v.gone[n.target] != 0 || s.isMarked(v.slot[n.target.attempt()]))
	}
	return fenced || m.gcByAge
}
