package offsets

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// Format and Level are the newest that this build reads. It writes the lowest that a record can have: see needs.
const (
	Format = 2
	Level  = 2
)

// needs is the format that has all members of a body, and the lowest protocol level that may write after it: whoever does not know that
// folders can be complete must not add to them.
func needs(body Body) (format, level int) {
	format, level = 1, 1
	switch b := body.(type) {
	case *Complete:
		return 2, 2
	case *Replace:
		if len(b.Reopens) > 0 {
			format = 2
		}
	case *Drop:
		if len(b.Reopens) > 0 {
			format = 2
		}
	case *Incarnate:
		if slices.ContainsFunc(b.Partitions, func(p PartitionStart) bool { return p.Mark != nil }) {
			format = 2
		}
	}
	l := liftOf(body)
	if l == nil {
		return format, level
	}
	if len(l.Late) > 0 {
		format = 2
	}
	for _, b := range l.Bundles {
		for i := range b.Segments {
			if b.Segments[i].Passed != nil || b.Segments[i].Epochs != nil {
				format = 2
			}
		}
	}
	return format, level
}

// Encode returns the bytes of a record as its slot holds them. The bundles of a lift with an attachment are left out: they stand
// in the attachment.
func Encode(r *Record) ([]byte, error) {
	if r.Body == nil || r.Body.RecordType() != r.Type {
		return nil, fmt.Errorf("encode record %d: its type is %q, its body a %T", r.V, r.Type, r.Body)
	}
	header, err := marshal(r.Header)
	if err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.V, err)
	}
	body := r.Body
	if l := r.Lift(); l != nil && l.Attached != nil {
		bare := *l
		bare.Bundles = nil
		body = withLift(body, bare)
	}
	members, err := marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode record %d: %w", r.V, err)
	}
	object := append(header[:len(header)-1], ',')
	return seal(append(object, members[1:]...)), nil
}

// Decode parses the bytes of a record. It is strict: whatever it does not know in full is damage, and every error wraps ErrDamaged.
// The bundles of a record with an attachment are not there yet.
func Decode(b []byte) (*Record, error) {
	r, err := decode(b)
	if err == nil {
		return r, nil
	}
	// A newer format may differ in anything, so this is asked only after the record turned out not to be one of ours.
	var peek struct{ Format, Level int }
	if json.Unmarshal(b, &peek) == nil && (peek.Format > Format || peek.Level > Level) {
		return nil, &newerError{peek.Format, peek.Level}
	}
	return nil, fmt.Errorf("%w: %w", err, ErrDamaged)
}

// A newerError wraps ErrDamaged, and does not say so: the log is as it should be.
type newerError struct{ format, level int }

func (e *newerError) Error() string {
	return fmt.Sprintf("%v (format %d, level %d; this one knows format %d, level %d), upgrade this installation", ErrNewer, e.format, e.level, Format, Level)
}

func (e *newerError) Unwrap() []error { return []error{ErrNewer, ErrDamaged} }

func decode(b []byte) (*Record, error) {
	object, err := unseal(b)
	if err != nil {
		return nil, err
	}
	header, body, err := splitMembers(object)
	if err != nil {
		return nil, err
	}
	r := new(Record)
	if err := strict(header, &r.Header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if err := r.Header.check(); err != nil {
		return nil, err
	}
	if r.Body = newBody(r.Type); r.Body == nil {
		return nil, fmt.Errorf("unknown type %.40q", r.Type)
	}
	if err := strict(body, r.Body); err != nil {
		return nil, fmt.Errorf("%s: %w", r.Type, err)
	}
	if format, level := needs(r.Body); r.Format < format || r.Level < level {
		return nil, fmt.Errorf("a %s that has format %d, level %d, and takes %d, %d", r.Type, r.Format, r.Level, format, level)
	}
	if l := r.Lift(); l != nil && l.Attached != nil && l.Bundles != nil {
		return nil, errors.New("bundles stand in the record and in an attachment")
	}
	return r, nil
}

func (h *Header) check() error {
	switch {
	case h.Format < 1 || h.Format > Format || h.Level < 1 || h.Level > Level:
		return fmt.Errorf("format %d, level %d", h.Format, h.Level)
	case h.V < 1:
		return fmt.Errorf("version %d", h.V)
	case !isHex(h.ID, 32):
		return fmt.Errorf("id %.40q is not 32 hex digits", h.ID)
	case h.V == 1 && h.Prev != "", h.V > 1 && !isHex(h.Prev, 32):
		return fmt.Errorf("prev %.40q does not go with version %d", h.Prev, h.V)
	case h.Time.IsZero():
		return errors.New("no time")
	}
	return nil
}

func newBody(t Type) Body {
	switch t {
	case TypeInit:
		return new(Init)
	case TypeCommit:
		return new(Commit)
	case TypeFill:
		return new(Fill)
	case TypeReplace:
		return new(Replace)
	case TypeDrop:
		return new(Drop)
	case TypeSkip:
		return new(Skip)
	case TypeRepair:
		return new(Repair)
	case TypeFence:
		return new(Fence)
	case TypeIncarnate:
		return new(Incarnate)
	case TypeComplete:
		return new(Complete)
	}
	return nil
}

// Lift returns what a commit, fill or replace lifted, and nil for other types.
func (r *Record) Lift() *Lift { return liftOf(r.Body) }

func liftOf(body Body) *Lift {
	switch b := body.(type) {
	case *Commit:
		return &b.Lift
	case *Fill:
		return &b.Lift
	case *Replace:
		return &b.Lift
	}
	return nil
}

// withLift returns a copy of body with another lift.
func withLift(body Body, l Lift) Body {
	switch b := body.(type) {
	case *Commit:
		return &Commit{l}
	case *Fill:
		return &Fill{l}
	case *Replace:
		c := *b
		c.Lift = l
		return &c
	}
	return body
}

// marshal is json.Marshal without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// strict parses one JSON value that fills the whole of b and has no unknown members.
func strict(b []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("more than one JSON value")
	}
	return nil
}

const sealBefore, sealAfter = `,"sha256":"`, "\"}\n"

// seal closes an object with the hash of all that it holds, and a newline.
func seal(object []byte) []byte {
	open := bytes.TrimSuffix(object, []byte{'}'})
	sum := sha256.Sum256(open)
	out := make([]byte, 0, len(open)+len(sealBefore)+2*len(sum)+len(sealAfter))
	out = append(append(out, open...), sealBefore...)
	return append(hex.AppendEncode(out, sum[:]), sealAfter...)
}

// unseal checks the hash and returns the object without it.
func unseal(b []byte) ([]byte, error) {
	at := len(b) - len(sealBefore) - 2*sha256.Size - len(sealAfter)
	if at < 0 || !bytes.HasPrefix(b[at:], []byte(sealBefore)) || !bytes.HasSuffix(b, []byte(sealAfter)) {
		return nil, fmt.Errorf("%d bytes do not end in a sha256 and a newline", len(b))
	}
	sum := sha256.Sum256(b[:at])
	if got := string(b[at+len(sealBefore) : len(b)-len(sealAfter)]); got != hex.EncodeToString(sum[:]) {
		return nil, fmt.Errorf("the bytes hash to %x, not to the recorded sha256 %.64q", sum, got)
	}
	return append(slices.Clone(b[:at]), '}'), nil
}
