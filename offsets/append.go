package offsets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"shadoof/storage"
)

// Append makes decide's record the next of the log. It is the only thing that decides anything.
//
// On each turn the log is extended and its newest record confirmed, and decide is asked anew, with a state that ends right before the
// slot to be filled. It checks what only it can: the preconditions of its record, and what of it still holds. An error of decide
// ends Append and is returned as it is. decide must not change a body that it returned before.
//
// The returned record is durable. After an error that does not wrap ErrUnresolved, no record of this call stands in the log or can
// still come to stand there; what was staged for it may be discarded. After ErrUnresolved nothing may be discarded.
func (l *Log) Append(ctx context.Context, decide func(*State) (Body, error)) (*Record, error) {
	var a attacher
	for {
		s, err := l.confirmed(ctx, true)
		if err != nil {
			return nil, err // not decided: nothing was sent, or each record that was has lost its slot to another's
		}
		body, err := decide(s)
		if err != nil {
			return nil, err // not decided, as above
		}
		p, err := l.freeze(ctx, s, body, &a)
		if err != nil {
			return nil, fmt.Errorf("propose record %d of %s: %w", s.V+1, l.o.Topic, err) // not decided, as above
		}
		won, err := l.propose(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("append record %d (%s) of %s: %w", p.V, p.Type, l.o.Topic, err)
		}
		if won {
			// Decided: the record stands in its slot for ever. From here on there is only forward.
			l.adopt(p.Record)
			return p.Record, nil
		}
		// Not decided: another's record stands in the slot for ever, so that this one, however late it arrives, is refused.
		now, err := l.Extend(ctx)
		if err != nil {
			return nil, err
		}
		if err := l.o.Backoff(ctx, int(max(1, now.V-s.V))); err != nil {
			return nil, err
		}
	}
}

// A proposal is a record whose bytes will not change any more.
type proposal struct {
	*Record
	name string
	data []byte
}

// freeze builds the record that follows s, and checks it as every reader will.
func (l *Log) freeze(ctx context.Context, s *State, body Body, a *attacher) (*proposal, error) {
	if lift := liftOf(body); lift != nil {
		if err := lift.check(); err != nil {
			return nil, err
		}
	}
	if attempt := attemptOf(body); attempt != "" {
		if v, ok := l.Named(attempt); ok {
			return nil, fmt.Errorf("record %d names attempt %s already", v, attempt)
		}
	}
	id, err := l.newID()
	if err != nil {
		return nil, err
	}
	format, level := needs(body)
	r := &Record{Body: body, Header: Header{
		Format: format, Level: level, V: s.V + 1, ID: id, Prev: s.ID,
		Time: l.o.Now().UTC().Truncate(time.Millisecond), Run: l.o.Run, Writer: l.o.Writer, Type: body.RecordType(),
	}}
	// Before anything is written for it: a record that is not valid would stop the topic for everybody.
	if _, err := fold(s, r); err != nil {
		return nil, fmt.Errorf("the %s is not valid there: %w", r.Type, err)
	}
	if r.Body, err = a.attach(ctx, l, body); err != nil {
		return nil, err
	}
	data, err := Encode(r)
	if err != nil {
		return nil, err
	}
	if _, err := Decode(data); err != nil {
		return nil, fmt.Errorf("the encoded record cannot be read back: %w", err)
	}
	return &proposal{r, LogName(l.o.Topic, r.V), data}, nil
}

func (l *Log) newID() (string, error) {
	l.mu.Lock() // the reader need not be safe for concurrent use
	defer l.mu.Unlock()
	return randomHex(l.o.Rand, 16)
}

// propose sends the bytes of p until the fate of its slot is known: won says whose record stands there.
func (l *Log) propose(ctx context.Context, p *proposal) (won bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err // not decided: nothing was sent
	}
	inFlight := false // whether a put of these bytes was not clearly refused, so that it may land at any time while the slot is empty
	for tries := 1; ; tries++ {
		// The commit point: in this request, or in one that went before it with the same bytes, the record comes to stand in its slot.
		answer, putErr := l.o.Store.PutNew(ctx, p.name, p.data)
		switch answer {
		case storage.Created:
			return true, nil // decided: ours, and durable by the store's promise
		case storage.Refused: // this one will not land; those before it may
		default:
			// Unknown: it may have landed, or may still. "Exists" is no better: it may be our own, by this request or an earlier one,
			// or a record that vanishes again.
			inFlight = true
		}
		fate, err := l.lookUp(ctx, p, inFlight)
		if err != nil {
			return false, err
		}
		switch {
		case fate == ours:
			return true, nil // decided
		case fate == others:
			return false, nil // decided against us, for ever
		case !inFlight:
			return false, refused(p.name, putErr) // not decided: no put of these bytes can land
		}
		// Unknown: the slot is empty, and a put of ours may be under way. As long as it is, only one thing is safe: to send the same
		// bytes again until somebody's record stands in the slot.
		l.o.Logger.Warn("the slot is still empty after an unclear answer, sending the same record again",
			"version", p.V, "id", p.ID, "try", tries, "answer", answer.String(), "error", putErr)
		if err := l.o.Backoff(ctx, tries); err != nil {
			return false, unresolved(err)
		}
	}
}

type fate int

const (
	empty  fate = iota // there was nothing in the slot at one moment
	ours               // our record stands in the slot for ever
	others             // another's does
)

// lookUp reads the slot of p, after a put whose answer was not a clean success, until what it holds is definite. It fails only with
// ErrUnresolved.
func (l *Log) lookUp(ctx context.Context, p *proposal, inFlight bool) (fate, error) {
	for tries := 1; ; tries++ {
		f, definite, err := l.lookOnce(ctx, p)
		switch {
		case definite:
			return f, err
		case ctx.Err() != nil:
			return f, unresolved(errors.Join(ctx.Err(), err)) // unknown: stop, and leave everything as it is
		case !inFlight && tries == patience:
			// Refused, but the slot cannot be read. By the store's word nothing can land, but nothing has confirmed it.
			return f, unresolved(err)
		}
		l.o.Logger.Warn("the fate of a record is unclear, looking again", "version", p.V, "id", p.ID, "try", tries, "error", err)
		if err := l.o.Backoff(ctx, tries); err != nil {
			return f, unresolved(err)
		}
	}
}

func (l *Log) lookOnce(ctx context.Context, p *proposal) (f fate, definite bool, err error) {
	_, err = l.get(ctx, p.name)
	if errors.Is(err, fs.ErrNotExist) {
		return empty, true, nil
	}
	if err != nil {
		return empty, false, err
	}
	// Something is there, but it may not survive. Only after the store has confirmed what the slot holds, a look at it counts.
	if answer, err := l.o.Store.Confirm(ctx, p.name); answer != storage.Durable {
		return empty, false, errors.Join(fmt.Errorf("what the slot holds is %s", answer), err)
	}
	data, err := l.get(ctx, p.name)
	if err != nil {
		return empty, false, err
	}
	if bytes.Equal(data, p.data) {
		return ours, true, nil
	}
	r, err := decodeSlot(p.name, p.V, data)
	switch {
	case err != nil:
		// Whose it is cannot be told: perhaps ours, mangled. A person must look, and until then nothing of ours may go.
		return empty, true, unresolved(err)
	case r.ID == p.ID:
		return empty, true, unresolved(fmt.Errorf("%s holds our record with other bytes: %w", p.name, ErrDamaged))
	}
	return others, true, nil
}

// unresolved wraps ErrUnresolved. Of why it keeps ErrDamaged, and never the error of a context: to stop for it would look harmless.
func unresolved(why error) error {
	if errors.Is(why, ErrDamaged) {
		return fmt.Errorf("%w: %w", ErrUnresolved, why)
	}
	return fmt.Errorf("%w (the next run will find out; until then nothing may be discarded): %v", ErrUnresolved, why)
}

// adopt folds our own record, which is durable.
func (l *Log) adopt(r *Record) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if r.V > l.state.V+1 {
		return // Load started from scratch meanwhile, and will come to it
	}
	if err := l.take(r); err != nil {
		// It was valid after a durable state, which is still the one before it. Whoever reads on will meet the same contradiction.
		l.o.Logger.Error("the record that was appended does not fit the state", "version", r.V, "error", err)
		return
	}
	if l.state.V == r.V && l.state.ID == r.ID {
		l.settle(l.state)
	}
}
