package protobuf

import (
	"math"
	"math/bits"
)

// finish ends a message: it appends what is there for the fields that it lacks, and ends those that could have gone on until now.
func (d *Decoder) finish(m *message, rep uint8) bool {
	for w, seen := range m.seen {
		m.seen[w] = 0
		for absent := m.all[w] &^ seen; absent != 0; absent &= absent - 1 {
			if !d.absent(&m.fields[w<<6+bits.TrailingZeros64(absent)], rep) {
				return false
			}
		}
		for open := m.late[w] & seen; open != 0; open &= open - 1 {
			if !d.end(&m.fields[w<<6+bits.TrailingZeros64(open)], rep) {
				return false
			}
		}
	}
	m.lost = false
	if m.final != finalNone {
		return d.final(m, rep)
	}
	return true
}

// absent appends what is there for a field that was not on the wire.
func (d *Decoder) absent(f *field, rep uint8) bool {
	switch f.absence {
	case absentNull:
		nulls(d.leaves, f, f.def-1, rep)
	case absentEmpty:
		nulls(d.leaves, f, f.def, rep)
	case absentConstant:
		f.constant.append(d.leaves, f, rep)
	case absentZero:
		switch f.op {
		case opString, opBytes, opText:
			c := &d.leaves[f.leaf]
			c.AppendLevels(f.here, rep)
			c.AppendBytes(nil)
		case opMessage:
			return d.finish(f.msg, rep)
		default:
			return d.number(f, 0, rep)
		}
	case absentJSON:
		return d.endJSON(f, rep)
	case absentRequired:
		d.undecodable(f.path, -1, "found no value, and the message's schema requires one")
		return false
	case absentRefused:
		d.unfit(f.path, -1, "found no value, and the target may not be null there")
		return false
	}
	return true
}

// end ends a field that could have gone on until its message ends.
func (d *Decoder) end(f *field, rep uint8) bool {
	switch f.op {
	case opMap:
		d.endMap(f)
	case opJSON:
		return d.endJSON(f, rep)
	case opMessage:
		return d.finish(f.msg, rep)
	}
	return true
}

// Bounds of a Timestamp and a Duration in seconds: years 1 to 9999, and 10,000 years.
const (
	firstSecond = -62135596800
	lastSecond  = 253402300799
	mostSeconds = 315576000000
)

// final appends what a message is in its one leaf.
func (d *Decoder) final(m *message, rep uint8) bool {
	c := &d.leaves[m.leaf]
	if m.final == finalPresence {
		c.Bools = append(c.Bools, true)
		c.AppendLevels(m.def, rep)
		return true
	}
	seconds, nanos := m.fields[0].number, int64(int32(m.fields[1].number))
	m.fields[0].number, m.fields[1].number = 0, 0
	if m.final == finalDuration {
		if !isDuration(seconds, nanos) {
			d.unfit(m.path, -1, "found a Duration of %d seconds and %d nanoseconds, expected at most %d seconds, and one sign", seconds, nanos, int64(mostSeconds))
			return false
		}
		c.Data = appendSeconds(c.Data, c.Type.Size, seconds, nanos)
		c.AppendLevels(m.def, rep)
		return true
	}
	if seconds < firstSecond || seconds > lastSecond || nanos < 0 || nanos >= 1e9 {
		d.unfit(m.path, -1, "found a Timestamp of %d seconds and %d nanoseconds, expected the years 1 to 9999, and less than a second", seconds, nanos)
		return false
	}
	var v int64
	switch m.final {
	case finalMillis:
		v = seconds*1e3 + nanos/1e6
	case finalMicros:
		v = seconds*1e6 + nanos/1e3
	default:
		if seconds < math.MinInt64/1_000_000_000 || seconds >= math.MaxInt64/1_000_000_000 {
			d.unfit(m.path, -1, "found a Timestamp of %d seconds, expected one that 64 bits of nanoseconds hold", seconds)
			return false
		}
		v = seconds*1e9 + nanos
	}
	c.Int64s = append(c.Int64s, v)
	c.AppendLevels(m.def, rep)
	return true
}

func isDuration(seconds, nanos int64) bool {
	return seconds >= -mostSeconds && seconds <= mostSeconds && nanos > -1e9 && nanos < 1e9 && (seconds <= 0 || nanos >= 0) && (seconds >= 0 || nanos <= 0)
}

// appendSeconds appends a decimal of nine places: seconds × 10^9 + nanos, in so many bytes.
func appendSeconds(dst []byte, size int, seconds, nanos int64) []byte {
	negative := seconds < 0 || nanos < 0
	s, n := uint64(seconds), uint64(nanos)
	if negative {
		s, n = -s, -n
	}
	high, low := bits.Mul64(s, 1_000_000_000)
	low, carry := bits.Add64(low, n, 0)
	high += carry
	if negative {
		var borrow uint64
		low, borrow = bits.Sub64(0, low, 0)
		high, _ = bits.Sub64(0, high, borrow)
	}
	for i := size - 1; i >= 0; i-- {
		switch {
		case i >= 16:
			dst = append(dst, byte(int64(high)>>63))
		case i >= 8:
			dst = append(dst, byte(high>>(8*(i-8))))
		default:
			dst = append(dst, byte(low>>(8*i)))
		}
	}
	return dst
}
