package model

import "fmt"

// violation names the first invariant that s breaks, or is empty.
func (m *model) violation(s *state) string {
	v := m.fold(s)
	switch {
	case v.invalid != 0:
		return fmt.Sprintf("INVALID: the record in slot %d is not valid where it stands", v.invalid)
	case s.changed:
		return "CHANGED: a visible object was overwritten by another token of its file"
	case v.overlap:
		return "OVERLAP: two commits cover the same offset"
	}
	if e := m.badCoverage(&v); e != "" {
		return e
	}
	for f := range file(m.attempts * maxFiles) {
		if e := m.badFile(s, &v, f); e != "" {
			return fmt.Sprintf("%s (attempt %d file %d)", e, f.attempt(), f.index())
		}
	}
	if e := m.badToken(s, &v); e != "" {
		return e
	}
	if e := m.badSwap(s, &v); e != "" {
		return e
	}
	return m.duplicate(s, &v)
}

// badCoverage: next is where coverage ends, and what lies between start and next is covered.
func (m *model) badCoverage(v *view) string {
	for p := range m.partitions {
		if v.cover[p]&^span(0, m.start) != span(m.start, v.next[p]) {
			return fmt.Sprintf("COVERAGE: partition %d, next %d does not agree with the covered offsets", p, v.next[p])
		}
	}
	return ""
}

// badFile checks one key: G2, G3, and that the rows of a committed file cannot get lost.
func (m *model) badFile(s *state, v *view, f file) string {
	n := &s.attempts[f.attempt()]
	o := s.objectOf(f)
	named := v.names(s, f) || n.kind == repair && m.repairNewKey && v.slot[f.attempt()] != 0
	switch {
	case o.there() && !named:
		return "UNNAMED: visible, and no record names it"
	case o == back:
		return "BACK: visible again after it was removed"
	case !v.names(s, f):
		return ""
	}
	if g := v.gone[f]; g != 0 {
		if o.there() && s.isMarked(g) {
			return "REMOVED: visible although the record that removes it has its marker"
		}
		return ""
	}
	if o == deleted {
		return "LOSS: deleted, and no record removes it"
	}
	if o != never || m.repairNewKey {
		return ""
	}
	if s.isMarked(v.slot[f.attempt()]) {
		return "MARKER: its version has a marker, and it was never visible"
	}
	// Not visible yet: each token must still work, or have been taken by something outside the protocol; from that
	// state repair or drop goes on.
	lost, usable := false, 0
	m.tokens(s, v, f, func(_, _ int, k token) {
		lost = lost || k == discarded || k == spent
		if k == open {
			usable++
		}
	})
	switch {
	case lost:
		return "LOSS: committed, never visible, and the protocol itself used up a token of it"
	case usable > 1 && m.exclusive && !m.repairOverwrites:
		return "TOKENS: two tokens can make it visible"
	}
	return ""
}

// badToken: an open token is always somebody's duty. Either its attempt has a live process, or gc will find it, or a
// record that it concerns has no marker yet, so that the next recovery comes by.
func (m *model) badToken(s *state, v *view) string {
	for a := range m.attempts {
		n := &s.attempts[a]
		for i := range maxFiles {
			if n.token[i] != open || n.alive {
				continue
			}
			f := fileOf(a, i)
			slot := v.slot[a]
			switch {
			case slot == 0 && n.kind == repair && m.gcBlind:
				return fmt.Sprintf("LEAK: repair attempt %d died, and gc cannot tell its upload from the original's", a)
			case slot == 0:
				continue // gc, behind a fence or by the key
			case n.kind != repair && n.named>>i&1 == 0:
				if m.gcByAttempt {
					return fmt.Sprintf("LEAK: attempt %d is named by the log, its file %d is not: nobody discards it", a, i)
				}
				continue
			case n.kind == repair:
				f = n.target
				if m.repairUnmarked {
					slot = v.slot[f.attempt()]
				}
			}
			pending := !s.isMarked(slot)
			if g := v.gone[f]; g != 0 {
				pending = pending || !s.isMarked(g) && !(m.dropUnmarked && s.log[g-1].kind == drop)
			}
			if !pending {
				return fmt.Sprintf("LEAK: token %d of attempt %d is open, and every record about it has its marker", i, a)
			}
		}
	}
	for f := range file(m.attempts * maxFiles) {
		if g := v.gone[f]; g != 0 && s.objectOf(f).there() && m.dropUnmarked && s.log[g-1].kind == drop {
			return fmt.Sprintf("LEAK: attempt %d file %d is dropped and visible, and nobody comes back for it", f.attempt(), f.index())
		}
	}
	return ""
}

// badSwap: a show-first swap never hides before all of its new files were visible.
func (m *model) badSwap(s *state, v *view) string {
	for a := range m.attempts {
		n := &s.attempts[a]
		if n.kind != replace || !n.showFirst || v.slot[a] == 0 {
			continue
		}
		shown := true
		for i := range maxFiles {
			f := fileOf(a, i)
			shown = shown && (n.named>>i&1 == 0 || v.gone[f] != 0 || s.objectOf(f).seen())
		}
		for i := range maxFiles {
			old := fileOf(n.target.attempt(), i)
			if v.gone[old] == v.slot[a] && s.objectOf(old) == deleted && !shown {
				return fmt.Sprintf("GAP: attempt %d hides file %d of attempt %d before it is shown itself", a, i, n.target.attempt())
			}
		}
	}
	return ""
}

// duplicate: an offset is visible at most once. Each file index of a bundle holds its own share of the rows, so the
// count is by offset and index. Between a show-first replace and its marker its new files may stand beside the old.
func (m *model) duplicate(s *state, v *view) string {
	for i := range m.partitions * m.files {
		var once uint8
		for a := range m.attempts {
			n := &s.attempts[a]
			if n.kind == repair && m.repairNewKey && i == n.target.index() && n.object[0].there() {
				if c := m.rangeOf(s, n.target); once&c != 0 || s.objectOf(n.target).there() {
					return fmt.Sprintf("DUPLICATE: offsets of attempt %d are visible twice, once under the repair's key", n.target.attempt())
				}
			}
			f := fileOf(a, i)
			if n.kind == repair || !s.objectOf(f).there() {
				continue
			}
			if n.kind == replace && n.showFirst && v.slot[a] != 0 && !s.isMarked(v.slot[a]) && v.gone[fileOf(n.target.attempt(), i)] == v.slot[a] {
				// Inside the window: beside the old file, but beside nothing else.
				if n.object[i].there() && m.overlapsOther(s, a, n.target.attempt(), i) {
					return fmt.Sprintf("DUPLICATE: attempt %d file %d, and not by its own swap", a, i)
				}
				continue
			}
			c := m.rangeOf(s, f)
			if once&c != 0 {
				return fmt.Sprintf("DUPLICATE: an offset of attempt %d file %d is visible twice", a, i)
			}
			once |= c
		}
	}
	return ""
}

// overlapsOther says whether a visible file besides those of attempts a and old shares an offset with file i of a.
func (m *model) overlapsOther(s *state, a, old, i int) bool {
	for b := range m.attempts {
		f := fileOf(b, i)
		if b != a && b != old && s.attempts[b].kind != repair && s.objectOf(f).there() && m.rangeOf(s, f)&m.rangeOf(s, fileOf(a, i)) != 0 {
			return true
		}
	}
	return false
}

func (m *model) rangeOf(s *state, f file) uint8 {
	n, b := &s.attempts[f.attempt()], m.bundle(f.index())
	return span(n.from[b], n.to[b])
}
