package protobuf

import (
	"bytes"
	"hash/maphash"

	"shadoof/record"
)

// mapEntry reads an entry. One whose value is a number that its closed enum has not got is an unknown field as a whole.
func (d *Decoder) mapEntry(f *field, p, end int, rep uint8) bool {
	m := f.msg
	if d.scan(m, p, end, rep, noGroup) < 0 {
		return false
	}
	key, value := &m.fields[0], &m.fields[1]
	if m.lost && m.seen[0]&value.bit == 0 {
		d.undo(m, key)
		return true // still lost: the map has not got the entry
	}
	return d.finish(m, rep)
}

// texts reads an entry as it mostly is: a text for the key, then one for the value. Any other is left to mapEntry.
func (d *Decoder) texts(f *field, p, end int, rep uint8) bool {
	const keyTag, valueTag = 1<<3 | wireBytes, 2<<3 | wireBytes
	b := d.b[p:end]
	if len(b) < 4 || b[0] != keyTag || b[1] >= 0x80 || int(b[1]) > len(b)-4 {
		return false
	}
	key, b := b[2:2+b[1]], b[2+b[1]:]
	if b[0] != valueTag || int(b[1]) != len(b)-2 || b[1] >= 0x80 {
		return false
	}
	value := b[2:]
	if !record.ValidText(key) || !record.ValidText(value) {
		return false
	}
	keys, values := &d.leaves[f.leaf], &d.leaves[f.leaf+1]
	keys.AppendLevels(f.msg.fields[0].here, rep)
	keys.AppendBytes(key)
	values.AppendLevels(f.msg.fields[1].here, rep)
	values.AppendBytes(value)
	return true
}

// endMap drops the entries that others follow with the same key.
func (d *Decoder) endMap(f *field) {
	keys := &d.leaves[f.leaf]
	from := len(keys.Rep) - 1
	if keys.Rep[from] < f.rep {
		return // one entry
	}
	for keys.Rep[from] >= f.rep {
		from--
	}
	if n := len(keys.Rep) - from; d.repeatedKeys(keys, n) {
		for i := f.leaf; i < f.leaf+f.leaves; i++ {
			dropEntries(&d.leaves[i], f.rep, d.dropped)
		}
	}
}

// fewKeys are compared one by one.
const fewKeys = 8

var seed = maphash.MakeSeed()

// repeatedKeys notes which of the last n keys another follows that is the same, if there are such keys.
func (d *Decoder) repeatedKeys(keys *record.Column, n int) bool {
	first, any := len(keys.Ends)-n, false
	if n > fewKeys {
		return d.repeatedOfMany(keys, first, n)
	}
	for i := 1; i < n; i++ {
		for j := range i {
			if !bytes.Equal(keys.Value(first+i), keys.Value(first+j)) {
				continue
			}
			if !any {
				d.clearDropped(n)
			}
			any, d.dropped[j] = true, true
		}
	}
	return any
}

func (d *Decoder) clearDropped(n int) {
	if cap(d.dropped) < n {
		d.dropped = make([]bool, n)
	}
	d.dropped = d.dropped[:n]
	clear(d.dropped)
}

// repeatedOfMany looks each key up in a table of those before it.
func (d *Decoder) repeatedOfMany(keys *record.Column, first, n int) (any bool) {
	size := 32
	for size < 2*n {
		size *= 2
	}
	if cap(d.table) < size {
		d.table = make([]int32, size)
	}
	table := d.table[:size]
	clear(table)
	d.clearDropped(n)
	for i := range n {
		key := keys.Value(first + i)
		at := maphash.Bytes(seed, key) & uint64(size-1)
		for table[at] != 0 && !bytes.Equal(keys.Value(first+int(table[at])-1), key) {
			at = (at + 1) & uint64(size-1)
		}
		if table[at] != 0 {
			any, d.dropped[table[at]-1] = true, true
		}
		table[at] = int32(i + 1)
	}
	return any
}

// dropEntries takes entries out of the list that a leaf has at its end; rep is the list's level.
func dropEntries(c *record.Column, rep uint8, dropped []bool) {
	from := len(c.Rep) - 1
	for c.Rep[from] >= rep {
		from--
	}
	values := c.Values() - bytes.Count(c.Def[from:], []byte{c.MaxDef})
	start := int(end(c, min(values, len(c.Ends))))
	first, at, kept, entry := c.Rep[from], from, values, -1
	for i := from; i < len(c.Rep); i++ {
		if c.Rep[i] <= rep {
			entry++
		}
		has := c.Def[i] == c.MaxDef
		next := start
		if has && c.Physical == record.PhysByteArray {
			next = int(c.Ends[values])
		}
		if !dropped[entry] {
			c.Def[at], c.Rep[at] = c.Def[i], c.Rep[i]
			at++
			if has {
				moveValue(c, values, kept, start, next)
				kept++
			}
		}
		if has {
			values++
		}
		start = next
	}
	c.Rep[from] = first
	c.Def, c.Rep = c.Def[:at], c.Rep[:at]
	keepValues(c, kept)
}

// moveValue moves the value at from to at, before it; where it is bytes they lie in Data from start to next.
func moveValue(c *record.Column, from, at, start, next int) {
	switch c.Physical {
	case record.PhysBool:
		c.Bools[at] = c.Bools[from]
	case record.PhysInt32:
		c.Int32s[at] = c.Int32s[from]
	case record.PhysInt64:
		c.Int64s[at] = c.Int64s[from]
	case record.PhysFloat:
		c.Floats[at] = c.Floats[from]
	case record.PhysDouble:
		c.Doubles[at] = c.Doubles[from]
	case record.PhysFixedArray:
		copy(c.Value(at), c.Value(from))
	default:
		to := int(end(c, at))
		c.Ends[at] = uint32(to + copy(c.Data[to:], c.Data[start:next]))
	}
}

// keepValues drops the values from the n-th on.
func keepValues(c *record.Column, n int) {
	switch c.Physical {
	case record.PhysBool:
		c.Bools = c.Bools[:n]
	case record.PhysInt32:
		c.Int32s = c.Int32s[:n]
	case record.PhysInt64:
		c.Int64s = c.Int64s[:n]
	case record.PhysFloat:
		c.Floats = c.Floats[:n]
	case record.PhysDouble:
		c.Doubles = c.Doubles[:n]
	case record.PhysFixedArray:
		c.Data = c.Data[:n*c.Type.Size]
	default:
		c.Ends = c.Ends[:n]
		c.Data = c.Data[:end(c, n)]
	}
}
