package model

// Array bounds of a state. A config may use less.
const (
	maxSlots    = 7
	maxAttempts = 4
	maxFiles    = 2 // staged files of one attempt
)

// A kind says what an attempt wants to append.
type kind uint8

const (
	unused kind = iota
	commit
	fill
	replace
	repair
	wasted // dead, and no record of it can land any more: what it staged is gc's business
)

// A token is the one-shot right to make a staged file visible: an open multipart upload, a staged file to rename.
type token uint8

const (
	noToken    token = iota
	open             // can be used
	completing       // accepted by a store that is not atomic, object not visible yet (fault slow-complete)
	spent            // used
	discarded        // given up by a worker, a remover or gc
	aborted          // taken away by something outside the protocol
)

// An object is what stands under a file's key.
type object uint8

const (
	never   object = iota // nothing so far
	visible               // there
	deleted               // the key was deleted by a remover, whether or not it was there
	back                  // there after it was deleted: always a violation
)

func (o object) there() bool { return o == visible || o == back }

// seen says that some publisher has had the chance to see the object under its name.
func (o object) seen() bool { return o != never }

// A file is named by its attempt and its index in it. Its key is unique to it.
type file uint8

func fileOf(attempt, index int) file { return file(attempt*maxFiles + index) }
func (f file) attempt() int          { return int(f) / maxFiles }
func (f file) index() int            { return int(f) % maxFiles }

// An attempt is one planned record and the files staged for it. A repair stages one token for another attempt's key.
type attempt struct {
	kind      kind
	alive     bool            // its process still works on it
	renewed   bool            // its process resent the record under a second id (fault fresh-id)
	showFirst bool            // replace: swap
	target    file            // replace: a file of the bundle it removes. repair: the file it restages
	after     uint8           // repair: how many repairs of the file came before it (only if repairs are exclusive)
	seenAt    uint8           // slot in which somebody saw its record before it was durable (faults no-confirm, confirm-by-name)
	named     uint8           // set of files that the record names, frozen when it is sent
	from, to  [maxFiles]uint8 // ranges, by partition
	token     [maxFiles]token
	object    [maxFiles]object
}

// A recordKind is the type of a log record; the four kinds of attempts share ofAttempt.
type recordKind uint8

const (
	noRecord recordKind = iota
	ofAttempt
	drop
	fence
)

// A record stands in a log slot. ref names the attempt (index 0) or, for drop, the file.
type record struct {
	kind  recordKind
	empty bool // created, content not there yet (fault create-then-write)
	ref   file
}

// A state is everything that exists outside the heads of processes, plus which attempts have a live process.
//
// PUTs under way need one bit per attempt: proposers fold everything before their slot, so each PUT that can still
// land is for the first free slot; when one lands, all others can only be refused.
type state struct {
	log      [maxSlots]record // slot v is log[v-1]
	marked   uint8            // bit v-1: pub/<v> exists
	sent     uint8            // bit a: a PUT of attempt a's record to the first free slot may still land
	soft     bool             // the newest record is shown, and not durable: it may vanish (only with phantoms)
	changed  bool             // an object was overwritten (looked at only where repairs are exclusive)
	attempts [maxAttempts]attempt
}

func (s *state) isMarked(slot uint8) bool { return s.marked>>(slot-1)&1 == 1 }
func (s *state) isSent(a int) bool        { return s.sent>>a&1 == 1 }
func (s *state) objectOf(f file) object   { return s.attempts[f.attempt()].object[f.index()] }

// A view is the fold of a log: a pure function of the records. It ends before a record that is not durable: nobody concludes anything
// from that.
type view struct {
	tip      uint8                         // last occupied slot whose record is durable
	next     [maxFiles]uint8               // by partition
	cover    [maxFiles]uint8               // by partition, bit per committed offset
	slot     [maxAttempts]uint8            // slot of the record that names the attempt, 0: none
	gone     [maxAttempts * maxFiles]uint8 // by file, slot of the record that removes it, 0: none
	replaced [maxAttempts]uint8            // set of replaced bundles
	repairs  [maxAttempts * maxFiles]uint8 // by file, how many repairs the log holds
	fenced   uint8                         // set of attempts
	invalid  uint8                         // first slot whose record is not valid where it stands, 0: none
	overlap  bool                          // two commits or fills cover the same offset
}

// names says whether a record in the log names file f. A repair names a token, not a file of its own.
func (v *view) names(s *state, f file) bool {
	t := &s.attempts[f.attempt()]
	return v.slot[f.attempt()] != 0 && t.kind != repair && t.named>>f.index()&1 == 1
}

// live says whether f is named and no record removes it.
func (v *view) live(s *state, f file) bool { return v.names(s, f) && v.gone[f] == 0 }

// fold reads the log from its first slot.
func (m *model) fold(s *state) view {
	var v view
	for p := range m.partitions {
		v.next[p] = m.start
	}
	for i := range m.slots {
		r := s.log[i]
		if r.kind == noRecord || s.soft && m.newest(s, i) {
			break
		}
		v.tip = uint8(i + 1)
		if r.empty {
			continue
		}
		if !m.valid(s, &v, r) && v.invalid == 0 {
			v.invalid = v.tip
		}
		m.apply(s, &v, r)
	}
	return v
}

// newest says whether slot i+1 is the last occupied one.
func (m *model) newest(s *state, i int) bool {
	return i+1 == m.slots || s.log[i+1].kind == noRecord
}

// bundle is the index of the bundle, equal to its partition, that file index i belongs to.
func (m *model) bundle(i int) int {
	if m.partitions > 1 {
		return i
	}
	return 0
}

// filesOf is the set of file indices of bundle b.
func (m *model) filesOf(b int) uint8 {
	if m.partitions > 1 {
		return 1 << b
	}
	return 1<<m.files - 1
}

// valid is the column "valid iff" of the table of records.
func (m *model) valid(s *state, v *view, r record) bool {
	a := r.ref.attempt()
	t := &s.attempts[a]
	switch {
	case r.kind == fence:
		return true
	case r.kind == drop:
		return v.live(s, r.ref) || m.dropsForgotten && v.names(s, r.ref)
	case v.fenced>>a&1 == 1 || v.slot[a] != 0:
		return false
	}
	switch t.kind {
	case commit:
		for i := range maxFiles {
			if t.named>>i&1 == 1 && t.from[m.bundle(i)] != v.next[m.bundle(i)] {
				return false
			}
		}
		return t.named != 0
	case fill:
		return (t.to[0] <= v.next[0] || m.fillAboveNext) && v.cover[0]&span(t.from[0], t.to[0]) == 0
	case replace:
		old := t.target.attempt()
		return v.names(s, t.target) && (v.replaced[old]>>m.bundle(t.target.index())&1 == 0 || m.replaceUnchecked)
	default: // repair
		if m.exclusive && !m.repairOverwrites && t.after != v.repairs[t.target] {
			return false
		}
		return v.live(s, t.target) || m.dropsForgotten && v.names(s, t.target)
	}
}

func (m *model) apply(s *state, v *view, r record) {
	a := r.ref.attempt()
	t := &s.attempts[a]
	switch r.kind {
	case fence:
		v.fenced |= 1 << a
		return
	case drop:
		if v.gone[r.ref] == 0 {
			v.gone[r.ref] = v.tip
		}
		return
	}
	v.slot[a] = v.tip
	switch t.kind {
	case repair:
		v.repairs[t.target]++
	case commit, fill:
		for b := range m.partitions {
			if t.named&m.filesOf(b) == 0 {
				continue
			}
			c := span(t.from[b], t.to[b])
			v.overlap = v.overlap || v.cover[b]&c != 0
			v.cover[b] |= c
			if t.kind == commit {
				v.next[b] = t.to[b]
			}
		}
	case replace:
		old, b := t.target.attempt(), m.bundle(t.target.index())
		v.replaced[old] |= 1 << b
		for i := range maxFiles {
			if f := fileOf(old, i); m.filesOf(b)>>i&1 == 1 && v.gone[f] == 0 {
				v.gone[f] = v.tip
			}
		}
	}
}

// span is the set of offsets from ≤ o < to.
func span(from, to uint8) uint8 { return 1<<to - 1<<from }

// tokens calls fn with every token that the log gives file f: its own and those of repairs.
func (m *model) tokens(s *state, v *view, f file, fn func(a, i int, t token)) {
	if v.names(s, f) {
		fn(f.attempt(), f.index(), s.attempts[f.attempt()].token[f.index()])
	}
	for a := range m.attempts {
		if t := &s.attempts[a]; t.kind == repair && t.target == f && v.slot[a] != 0 {
			fn(a, 0, t.token[0])
		}
	}
}

// closed says that no token of f is left open: whoever discards them all gets an answer for each.
func (m *model) closed(s *state, v *view, f file) bool {
	ok := true
	m.tokens(s, v, f, func(_, _ int, t token) { ok = ok && t != open })
	return ok
}

// canonical forgets what no later step and no invariant can tell apart, so that fewer states are visited.
func (m *model) canonical(s *state) {
	v := m.fold(s)
	if int(v.tip) == m.slots {
		s.sent = 0 // no free slot within the bounds
	}
	for a := range m.attempts {
		n := &s.attempts[a]
		if n.kind == unused || n.kind == wasted {
			continue
		}
		if v.slot[a] == 0 {
			if !n.alive && !s.isSent(a) && !m.createThenWrite && !m.gcBlind {
				*n = attempt{kind: wasted}
			}
			continue
		}
		for i := range maxFiles {
			f := fileOf(a, i)
			if n.kind == repair {
				f = n.target
			}
			// How a token was closed matters only while its file was never visible.
			if k := n.token[i]; (k == discarded || k == aborted) && (v.gone[f] != 0 || s.objectOf(f).seen()) {
				n.token[i] = spent
			}
		}
	}
}
