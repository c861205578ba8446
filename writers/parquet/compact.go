package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/encoding/thrift"
)

// decode reads a thrift structure at the beginning of b, and says how long it is. It looks it over first: the decoder makes room
// for as many elements as a list claims, and a footer has no checksum.
func decode(b []byte, v any) (length int, err error) {
	w := &walker{rest: b}
	if err := w.structure(0); err != nil {
		return 0, err
	}
	length = len(b) - len(w.rest)
	return length, thrift.Unmarshal(new(thrift.CompactProtocol), b[:length], v)
}

// A walker goes through a structure of thrift's compact protocol.
type walker struct{ rest []byte }

var errMalformed = errors.New("malformed metadata")

const maxNesting = 32

// Types of the compact protocol.
const (
	compactTrue   = 1
	compactFalse  = 2
	compactByte   = 3
	compactInt16  = 4
	compactInt64  = 6
	compactDouble = 7
	compactBinary = 8
	compactList   = 9
	compactSet    = 10
	compactMap    = 11
	compactStruct = 12
)

func (w *walker) structure(nesting int) error {
	if nesting > maxNesting {
		return errMalformed
	}
	for {
		header, err := w.byte()
		if err != nil || header == 0 {
			return err
		}
		if header>>4 == 0 { // the field's id follows
			if _, err := w.varint(); err != nil {
				return err
			}
		}
		if t := header & 0xF; t != compactTrue && t != compactFalse { // these are their own value
			if err := w.value(t, nesting); err != nil {
				return err
			}
		}
	}
}

func (w *walker) value(t byte, nesting int) error {
	switch {
	case t == compactTrue, t == compactFalse, t == compactByte:
		return w.skip(1)
	case t >= compactInt16 && t <= compactInt64:
		_, err := w.varint()
		return err
	case t == compactDouble:
		return w.skip(8)
	case t == compactBinary:
		n, err := w.varint()
		if err != nil {
			return err
		}
		return w.skip(n)
	case t == compactList, t == compactSet:
		return w.list(nesting + 1)
	case t == compactMap:
		return w.mapping(nesting + 1)
	case t == compactStruct:
		return w.structure(nesting + 1)
	}
	return errMalformed
}

func (w *walker) list(nesting int) error {
	header, err := w.byte()
	if err != nil {
		return err
	}
	n := uint64(header >> 4)
	if n == 15 {
		if n, err = w.varint(); err != nil {
			return err
		}
	}
	return w.values(n, nesting, header&0xF)
}

func (w *walker) mapping(nesting int) error {
	n, err := w.varint()
	if err != nil || n == 0 {
		return err
	}
	types, err := w.byte()
	if err != nil {
		return err
	}
	return w.values(n, nesting, types>>4, types&0xF)
}

// values goes through n elements of some types each. Every value takes a byte at least.
func (w *walker) values(n uint64, nesting int, types ...byte) error {
	if n > uint64(len(w.rest)) || nesting > maxNesting {
		return errMalformed
	}
	for range n {
		for _, t := range types {
			if err := w.value(t, nesting); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) byte() (byte, error) {
	if len(w.rest) == 0 {
		return 0, errMalformed
	}
	b := w.rest[0]
	w.rest = w.rest[1:]
	return b, nil
}

func (w *walker) varint() (uint64, error) {
	v, n := binary.Uvarint(w.rest)
	if n <= 0 {
		return 0, errMalformed
	}
	w.rest = w.rest[n:]
	return v, nil
}

func (w *walker) skip(n uint64) error {
	if n > math.MaxInt32 || n > uint64(len(w.rest)) {
		return errMalformed
	}
	w.rest = w.rest[n:]
	return nil
}

// recovered turns a panic of parquet-go into an error.
func recovered(err *error) {
	if p := recover(); p != nil {
		if e, ok := p.(error); ok {
			*err = fmt.Errorf("parquet: %w", e)
		} else {
			*err = fmt.Errorf("parquet: %v", p)
		}
	}
}
