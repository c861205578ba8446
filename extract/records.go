package extract

import (
	"fmt"
	"math"

	"shadoof/record"
)

// A cursor reads the variable-length fields of records. Once something does not fit, bad stays set and all values are zero.
type cursor struct {
	b   []byte
	at  int
	bad bool
}

// varint reads a zigzag varint of up to 64 bits.
func (c *cursor) varint() int64 {
	b := c.b
	at := c.at
	if at < len(b) && b[at] < 0x80 { // most are one byte long
		c.at = at + 1
		return int64(b[at]>>1) ^ -int64(b[at]&1)
	}
	var u uint64
	for shift := uint(0); shift < 70 && at < len(b); shift += 7 {
		x := b[at]
		at++
		u |= uint64(x&0x7f) << shift
		if x < 0x80 {
			if shift == 63 && x > 1 {
				break
			}
			c.at = at
			return int64(u>>1) ^ -int64(u&1)
		}
	}
	c.bad = true
	return 0
}

func (c *cursor) skip(n int) {
	if n > len(c.b)-c.at {
		c.bad = true
		return
	}
	c.at += n
}

// bytes reads a length and as many bytes; nil for length -1.
func (c *cursor) bytes() []byte {
	n := c.varint()
	if n < 0 || n > int64(len(c.b)-c.at) {
		c.bad = c.bad || n != -1
		return nil
	}
	from := c.at
	c.at += int(n)
	return c.b[from:c.at:c.at]
}

// rows collects the records of a batch that is yielded, and the headers they share.
type rows struct {
	partition int32
	records   []record.Raw
	headers   []record.Header
	names     map[string]string // of headers: few, and the same in all records
	maxTime   int64
}

const maxNames = 256

func (r *rows) reset() {
	clear(r.records) // nothing of it may keep a fetched answer alive
	clear(r.headers)
	r.records, r.headers, r.maxTime = r.records[:0], r.headers[:0], 0
}

func (r *rows) name(b []byte) string {
	if s, ok := r.names[string(b)]; ok {
		return s
	}
	s := string(b)
	if r.names == nil {
		r.names = map[string]string{}
	}
	if len(r.names) < maxNames {
		r.names[s] = s
	}
	return s
}

func (r *rows) add(raw record.Raw) {
	if len(r.records) == 0 || raw.Timestamp > r.maxTime {
		r.maxTime = raw.Timestamp
	}
	r.records = append(r.records, raw)
}

// decode appends the records of a batch (magic 2) with offsets in [lo, hi) and returns how many there are; with keep false it only
// counts them. A batch that does not hold what its header says is refused: the client library's ProcessFetchPartition leaves out the
// rest of such a batch, and goes on behind it when another one follows. Timestamps are computed in milliseconds and never as a time.Time: a producer that sends microseconds is beyond what
// nanoseconds since 1970 can hold, and would wrap around to some harmless date.
func (r *rows) decode(h *header, body []byte, lo, hi int64, keep bool) (int64, error) {
	c := cursor{b: body}
	prev := h.base - 1
	var n int64
	for i := int32(0); i < h.records; i++ {
		length := c.varint()
		if c.bad || length < 0 || length > int64(len(body)-c.at) {
			return n, fmt.Errorf("%w at offset %d: record %d of %d does not fit in", errCorrupt, h.base, i+1, h.records)
		}
		end := c.at + int(length)
		rec := cursor{b: body[:end], at: c.at}
		rec.skip(1) // attributes: none are defined
		timeDelta := rec.varint()
		delta := rec.varint()
		offset := h.base + delta
		if rec.bad || delta < 0 || delta > math.MaxInt32 || offset <= prev || offset > h.last {
			return n, fmt.Errorf("%w at offset %d: record %d has offset %d, after %d", errCorrupt, h.base, i+1, offset, prev)
		}
		prev = offset
		if offset >= hi {
			return n, nil
		}
		if offset >= lo {
			n++
			if keep {
				if err := r.fields(h, &rec, offset, timeDelta); err != nil {
					return n, err
				}
			}
		}
		c.at = end
	}
	if c.at != len(body) {
		return n, fmt.Errorf("%w at offset %d: %d bytes follow its %d records", errCorrupt, h.base, len(body)-c.at, h.records)
	}
	return n, nil
}

// fields reads key, value and headers of a record.
func (r *rows) fields(h *header, c *cursor, offset, timeDelta int64) error {
	raw := record.Raw{Partition: r.partition, Offset: offset, Timestamp: h.firstTime + timeDelta}
	if h.attrs&appendTimeBit != 0 {
		raw.Timestamp = h.maxTime
	}
	raw.Key = c.bytes()
	raw.Value = c.bytes()
	if count := c.varint(); count != 0 {
		if count < 0 || count > int64(len(c.b)-c.at) {
			c.bad = true
			count = 0
		}
		from := len(r.headers)
		for range count {
			name := c.bytes()
			r.headers = append(r.headers, record.Header{Key: r.name(name), Value: c.bytes()})
		}
		raw.Headers = r.headers[from:len(r.headers):len(r.headers)]
	}
	if c.bad || c.at != len(c.b) {
		return fmt.Errorf("%w: the fields of the record at offset %d do not fit its length", errCorrupt, offset)
	}
	r.add(raw)
	return nil
}
