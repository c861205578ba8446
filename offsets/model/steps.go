package model

import (
	"fmt"
	"strings"
)

// A step is one atomic action of a process, of the network or of the world outside.
type step struct {
	op   op
	a, i uint8 // attempt and file index, or slot
}

type op uint8

const (
	opNone op = iota
	opPlanCommit
	opPlanFill
	opPlanHideFirst
	opPlanShowFirst
	opPlanRepair
	opSend
	opLand
	opContent
	opAbandon
	opForget
	opRenew
	opCrash
	opComplete
	opDestroy
	opAppear
	opEarly
	opMark
	opTidy
	opRemoveToken
	opDeleteKey
	opFence
	opCollect
	opDrop
	opAbort
	opRetire
	opShow
	opHarden
	opVanish
	opGlance
)

var opText = map[op]string{
	opPlanCommit:    "worker: plans attempt {a} as a commit and stages it",
	opPlanFill:      "worker: plans attempt {a} as a fill and stages it",
	opPlanHideFirst: "worker: plans attempt {a} as a hide-first replace and stages it",
	opPlanShowFirst: "worker: plans attempt {a} as a show-first replace and stages it",
	opPlanRepair:    "worker: holds a file for lost, stages attempt {a} as its repair",
	opSend:          "worker: folds the log, sends the record of attempt {a} to the first free slot",
	opLand:          "network: the record of attempt {a} is created in the first free slot, the reply is lost",
	opContent:       "network: the content of slot {a} arrives",
	opAbandon:       "worker: discards the tokens of attempt {a}, no put of it is unresolved",
	opForget:        "worker: discards the tokens of attempt {a} in the belief that it lost",
	opRenew:         "worker: slot is empty, resends attempt {a} under a fresh id",
	opCrash:         "worker: of attempt {a} dies",
	opComplete:      "publisher (perhaps stale): completes the token of attempt {a} file {i}",
	opDestroy:       "publisher: conditional complete of attempt {a} file {i} answers 409 and destroys the token",
	opAppear:        "store: the object of the completed token of attempt {a} file {i} appears",
	opEarly:         "worker: completes the token of attempt {a} file {i} before the commit",
	opMark:          "publisher: writes the marker of slot {a}",
	opTidy:          "publisher: discards the unused token of attempt {a} file {i}",
	opRemoveToken:   "remover: discards the token of attempt {a} file {i}",
	opDeleteKey:     "remover: deletes the key of attempt {a} file {i}",
	opFence:         "gc: appends a fence for attempt {a}",
	opCollect:       "gc: discards the token of attempt {a} file {i}",
	opDrop:          "operator: appends a drop of attempt {a} file {i}",
	opAbort:         "outside: aborts the token of attempt {a} file {i}",
	opShow:          "store: shows the record of attempt {a} in the first free slot, it is not durable, the reply is lost",
	opHarden:        "store: the newest record is durable",
	opVanish:        "store: fails over, the newest record is gone",
	opGlance:        "somebody: reads the record of attempt {a}",
	opRetire:        "worker: discards the old tokens of the file that attempt {a} repairs, then finds its key absent",
}

func (st step) String() string {
	return strings.NewReplacer("{a}", fmt.Sprint(st.a), "{i}", fmt.Sprint(st.i)).Replace(opText[st.op])
}

// An emitter receives each successor of a state.
type emitter func(step, state)

// successors calls emit with every state that one step leads to.
func (m *model) successors(s *state, emit emitter) {
	v := m.fold(s)
	m.land(s, &v, emit)
	m.plan(s, &v, emit)
	for a := range m.attempts {
		if s.attempts[a].alive {
			m.work(s, &v, a, emit)
		}
	}
	m.publish(s, &v, emit)
	m.mark(s, &v, emit)
	m.remove(s, &v, emit)
	m.collect(s, &v, emit)
	m.outside(s, &v, emit)
}

// slotFree says whether a proposer may send a record: there is a slot after the newest record, and that is durable.
func (m *model) slotFree(s *state, v *view) bool { return int(v.tip) < m.slots && !s.soft }

// occupy puts a record in the first free slot; every PUT still under way for that slot can only be refused now.
func (m *model) occupy(s *state, v *view, r record) state {
	t := *s
	t.log[v.tip] = r
	t.sent = 0
	return t
}

// land lets a PUT arrive, however late.
func (m *model) land(s *state, v *view, emit emitter) {
	if s.soft {
		m.settle(s, v, emit)
		return
	}
	for a := range m.attempts {
		if !s.isSent(a) || int(v.tip) >= m.slots {
			continue
		}
		if m.phantoms {
			// The requests of others are refused as long as it stands, but they are not lost: their senders repeat them.
			t := *s
			t.log[v.tip] = record{kind: ofAttempt, ref: fileOf(a, 0)}
			t.soft = true
			emit(step{opShow, uint8(a), 0}, t)
		}
		t := m.occupy(s, v, record{kind: ofAttempt, ref: fileOf(a, 0), empty: m.createThenWrite})
		// A correct process that reads its own id back is done: what follows is what recovery does, by anybody.
		t.attempts[a].alive = t.attempts[a].alive && m.ownerMatters()
		emit(step{opLand, uint8(a), 0}, t)
	}
	for i := range m.slots {
		if s.log[i].empty {
			t := *s
			t.log[i].empty = false
			emit(step{opContent, uint8(i + 1), 0}, t)
		}
	}
}

// settle makes the newest record durable, because somebody confirms it or by itself, or lets it vanish. While it stands, no other PUT
// can land, and no proposer goes on to the next slot.
func (m *model) settle(s *state, v *view, emit emitter) {
	r := s.log[v.tip]
	a := r.ref.attempt()
	t := *s
	t.soft, t.sent = false, 0
	t.attempts[a].alive = t.attempts[a].alive && m.ownerMatters()
	emit(step{opHarden, 0, 0}, t)
	t = *s
	t.soft, t.log[v.tip] = false, record{}
	emit(step{opVanish, 0, 0}, t)
	if m.noConfirm || m.confirmByName {
		t = *s
		t.attempts[a].seenAt = v.tip + 1
		emit(step{opGlance, uint8(a), 0}, t)
	}
}

// believed: somebody concludes that attempt a's record is in the log because it was there once.
func (m *model) believed(s *state, v *view, a int) bool {
	at := s.attempts[a].seenAt
	return at != 0 && !s.soft && (m.noConfirm || m.confirmByName && at <= v.tip)
}

// outside is what happens without the protocol's doing, or at an operator's wish.
func (m *model) outside(s *state, v *view, emit emitter) {
	for a := range m.attempts {
		for i := range maxFiles {
			if m.aborts && s.attempts[a].token[i] == open {
				t := *s
				t.attempts[a].token[i] = aborted
				emit(step{opAbort, uint8(a), uint8(i)}, t)
			}
			if f := fileOf(a, i); m.drops && v.live(s, f) && m.slotFree(s, v) {
				emit(step{opDrop, uint8(a), uint8(i)}, m.occupy(s, v, record{kind: drop, ref: f}))
			}
		}
	}
}
