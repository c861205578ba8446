package memory

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
)

// Op is a kind of operation, as traces show it.
type Op string

// The operations. What a StageWriter does counts as operations, too.
const (
	OpStage      Op = "stage"
	OpPart       Op = "part" // one for every PartSize bytes
	OpFinish     Op = "finish"
	OpAbort      Op = "abort"
	OpPublish    Op = "publish"
	OpDiscard    Op = "discard"
	OpPutNew     Op = "put-new"
	OpOpen       Op = "open"
	OpSize       Op = "size" // an Open that asks for the size only
	OpList       Op = "list" // one for every page
	OpListStaged Op = "list-staged"
	OpDelete     Op = "delete"
	OpConfirm    Op = "confirm"
)

// Mutates says whether the operation can change what the store holds.
func (o Op) Mutates() bool {
	switch o {
	case OpOpen, OpSize, OpList, OpListStaged, OpConfirm:
		return false
	}
	return true
}

// A Call is an operation that is about to happen.
type Call struct {
	Seq  int // 1 for the first operation of this client
	Op   Op
	Name string // the object's name or key; the prefix of a listing
}

// A Verdict is what becomes of an operation.
type Verdict int

const (
	// Proceed carries it out.
	Proceed Verdict = iota

	// Lose does not carry it out, and answers with an error.
	Lose

	// LoseReply carries it out, and answers with an error. A reader ends half way; a listing fails after half a page.
	LoseReply

	// Repeat carries it out twice and gives the second answer, as a client does that retries behind the caller's back after a lost
	// reply: the winner of a PutNew is told that the object exists.
	Repeat

	// Delay answers with an error now, and carries it out when Land is called. Reads fail as by Lose.
	Delay

	// Echo carries it out and gives the answer, and carries it out once more when Land is called: the network had the request twice.
	// Reads proceed.
	Echo

	// Unsettle carries it out, answers with an error, and leaves the change to vanish at Crash, unless Confirm or the success of a
	// later change has made it durable.
	Unsettle
)

// ErrInjected is wrapped by the errors of operations that a hook made fail.
var ErrInjected = errors.New("injected fault")

// Counts is how often each operation was asked for.
type Counts map[Op]int

// Of is the sum over some kinds of operations.
func (c Counts) Of(ops ...Op) int {
	n := 0
	for _, op := range ops {
		n += c[op]
	}
	return n
}

// Reads is the number of objects that were opened.
func (c Counts) Reads() int { return c.Of(OpOpen) }

// Lists is the number of pages that were listed.
func (c Counts) Lists() int { return c.Of(OpList, OpListStaged) }

// Counts returns the operations of this client since its beginning, or since Reset.
func (s *Store) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.count)
}

// Operations is the sequence number of the last operation.
func (s *Store) Operations() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seq
}

// Trace returns a line per operation of this client, in the order in which they were carried out: "put-new log/1 -> created".
func (s *Store) Trace() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.trace) == 0 {
		return ""
	}
	return strings.Join(s.trace, "\n") + "\n"
}

// Reset forgets trace and counts, and numbers the operations from 1 again.
func (s *Store) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seq, s.count, s.trace = 0, Counts{}, nil
}

func (s *Store) note(op Op, name, answer string) {
	if s.o.Note != nil {
		s.o.Note(op, name, answer)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trace = append(s.trace, fmt.Sprintf("%s %s -> %s", op, name, answer))
}

// ask numbers an operation and lets the hook decide.
func (s *Store) ask(ctx context.Context, op Op, name string) (Verdict, error) {
	if err := ctx.Err(); err != nil {
		return Lose, fmt.Errorf("%s %s: %w", op, name, err)
	}
	s.mu.Lock()
	s.seq++
	c := Call{s.seq, op, name}
	s.count[op]++
	s.mu.Unlock()
	if s.o.Hook == nil {
		return Proceed, nil
	}
	return s.o.Hook(c), nil
}

// change carries out apply, under the lock of the memory, as the hook wants it. Its error is nil if the answer that apply left
// behind is the one to give.
func (s *Store) change(ctx context.Context, op Op, name string, apply func() string) error {
	v, err := s.ask(ctx, op, name)
	if err != nil {
		return err
	}
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	later := func() {
		d.delayed = append(d.delayed, delayed{Call{Op: op, Name: name}, func() { s.note(op, name, d.settledLocked(apply)+", late") }})
	}
	switch v {
	case Echo:
		s.note(op, name, d.settledLocked(apply))
		later()
		return nil
	case Proceed, Repeat:
		answer := d.settledLocked(apply)
		if v == Repeat {
			answer = d.settledLocked(apply)
		}
		s.note(op, name, answer)
		return nil
	case LoseReply:
		s.note(op, name, d.settledLocked(apply)+", reply lost")
		return injected(op, name, "reply lost")
	case Unsettle:
		d.undo = nil
		answer := apply()
		if d.undo != nil {
			d.unsettled = append(d.unsettled, unsettled{name, d.undo})
		}
		s.note(op, name, answer+", unsettled, reply lost")
		return injected(op, name, "reply lost")
	case Delay:
		later()
		s.note(op, name, "delayed")
		return injected(op, name, "timed out")
	default:
		s.note(op, name, "failed")
		return injected(op, name, "not carried out")
	}
}

// look is change for operations that only read.
func (s *Store) look(ctx context.Context, op Op, name string, read func() string) (Verdict, error) {
	v, err := s.ask(ctx, op, name)
	if err != nil {
		return Lose, err
	}
	switch v {
	case Lose, Delay:
		s.note(op, name, "failed")
		return Lose, injected(op, name, "not carried out")
	case LoseReply:
	default:
		v = Proceed
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.note(op, name, read())
	return v, nil
}

func injected(op Op, name, how string) error {
	return fmt.Errorf("%s %s: %w: %s", op, name, ErrInjected, how)
}
