// Package broken_test lifts topics of which one record in a hundred is broken, in many ways, with the real binary from a real Kafka
// and a real schema registry: what is good has to become rows, and what is not has to be in quarantine for its own reason.
package broken_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"

	"shadoof/testbed/produce"
)

// An event is what a good record is about. Every tenth has its time in seconds instead of at, and some have no note.
type event struct {
	id      int64
	count   int32
	name    string
	level   int // index of levels
	ok      bool
	ratio   float64
	tags    []string
	millis  int64 // since 1970, ends with half a second
	seconds bool  // it is told in seconds
	note    string
	depth   int // of a tree
}

var levels = []string{"LOW", "MID", "HIGH"}

func newEvent(b produce.Body) event {
	e := event{
		id: b.Seq, count: int32(b.Seq*7919) - 1<<30, name: fmt.Sprintf("näme of %s", b.Key), level: int(b.Seq % 3), ok: b.Seq%2 == 0, ratio: float64(b.Seq) + 0.25,
		millis: b.Time - b.Time%1000 + 500, seconds: b.Seq%10 == 0, depth: int(b.Seq % 5),
	}
	for i := range b.Seq % 4 {
		e.tags = append(e.tags, fmt.Sprint("tag-", i))
	}
	if b.Seq%3 > 0 {
		e.note = strings.Repeat("n", int(b.Seq%20)+1)
	}
	return e
}

// row is what readers of the folder see of it, as far as all formats have it.
func (e event) row() map[string]any {
	tags := append([]string{}, e.tags...)
	r := map[string]any{"id": e.id, "count": e.count, "name": e.name, "level": levels[e.level], "ok": e.ok, "ratio": e.ratio, "tags": tags, "at": e.millis * 1e6, "seconds": nil, "note": nil}
	if e.seconds {
		r["at"], r["seconds"] = nil, float64(e.millis)/1000
	}
	if e.note != "" {
		r["note"] = e.note
	}
	return r
}

// with changes one column of a row.
func with(row map[string]any, name string, value any) map[string]any {
	row[name] = value
	return row
}

// A part is one field as a format writes it.
type part struct {
	name string
	data string
}

type parts []part

// put gives a field other bytes, or adds one.
func (ps parts) put(name, data string) parts {
	for i := range ps {
		if ps[i].name == name {
			ps[i].data = data
			return ps
		}
	}
	return append(ps, part{name, data})
}

// cut takes a field out.
func (ps parts) cut(name string) (out parts) {
	for _, p := range ps {
		if p.name != name {
			out = append(out, p)
		}
	}
	return out
}

// plain puts the fields one after the other.
func (ps parts) plain() []byte {
	var b bytes.Buffer
	for _, p := range ps {
		b.WriteString(p.data)
	}
	return b.Bytes()
}

// framed puts the header of a registry before a value.
func framed(id int32, value []byte) []byte {
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(id)), value...)
}

// A kind is a way in which a record is broken.
type kind struct {
	name   string
	reason string               // of quarantine; "": it is a row all the same
	detail string               // a part of what quarantine says of it
	value  func(e event) []byte // nil is a tombstone
	row    rowOf                // of one that is a row; nil: as if nothing was wrong
}

// Times that no record has.
const (
	in1970 = int64(3_600_000)
	in2200 = int64(7_258_118_400_500)
)

const (
	undecodable   = "undecodable"
	unfit         = "unfit"
	badTime       = "bad_time"
	timeBounds    = "time_bounds"
	tombstone     = "tombstone"
	unknownSchema = "unknown_schema"
	misfit        = "misfit"
)

// nobody is a schema id that no registry has given.
const nobody = 2_000_000_011
