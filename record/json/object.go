package json

import (
	"bytes"
	"hash/maphash"
	"math/bits"

	"shadoof/record"
)

// object reads an object as a record. It guesses that fields come in the order that they came in last time, and looks the name up
// only where that is wrong.
func (d *Decoder) object(n *node, p int, rep uint8) int {
	b := d.b
	if b[p] != '{' {
		return d.mismatch(n, p)
	}
	clear(n.seen)
	for i := range n.aliases {
		n.aliases[i].at = -1
	}
	left := len(n.fields)
	guess := &n.first
	p = space(b, p+1)
	if p < len(b) && b[p] == '}' {
		return d.rest(n, p+1, rep)
	}
	for {
		var f *field
		i := *guess
		at := p
		if key := n.fields[i].key; len(b)-p > len(key) && string(b[p:p+len(key)]) == key {
			p = space(b, p+len(key))
			f = &n.fields[i]
		} else {
			if i, p = d.name(n, p); p < 0 {
				return -1
			}
			switch k := int(i) - len(n.fields); {
			case k >= 0:
				if n.aliases[k].at >= 0 {
					return d.syntax(at, "a name that the object does not have yet")
				}
				n.aliases[k].at = p // as if it were unknown, until it is known that the name is not there
			case i >= 0:
				f = &n.fields[i]
				*guess = i
			}
		}
		if f == nil {
			d.unknown++
			p = d.skip(p)
		} else {
			if n.seen[i>>6]>>(i&63)&1 != 0 {
				return d.syntax(at, "a name that the object does not have yet")
			}
			n.seen[i>>6] |= 1 << (i & 63)
			left--
			guess = &f.next
			p = d.value(f.node, p, rep)
		}
		if p < 0 {
			return -1
		}
		if p < len(b) && b[p] <= ' ' {
			p = space(b, p)
		}
		switch {
		case p < len(b) && b[p] == ',':
			if p++; p < len(b) && b[p] <= ' ' {
				p = space(b, p)
			}
		case p < len(b) && b[p] == '}':
			if left == 0 {
				return p + 1
			}
			return d.rest(n, p+1, rep)
		default:
			return d.syntax(p, "a comma or }")
		}
	}
}

// name reads a field's name and the colon, and finds the field: -1 for one that the schema does not have; from len(n.fields) on they
// are aliases.
func (d *Decoder) name(n *node, p int) (int32, int) {
	if p >= len(d.b) || d.b[p] != '"' {
		return -1, d.syntax(p, "a name or }")
	}
	name, end := d.unquote(p)
	if end < 0 {
		return -1, -1
	}
	i, ok := n.index[string(name)]
	if !ok {
		i = -1
	}
	return i, d.colon(end)
}

// rest fills the fields that the object did not have, and returns p.
func (d *Decoder) rest(n *node, p int, rep uint8) int {
	for w, seen := range n.seen {
		unseen := ^seen
		if end := len(n.fields) - w*64; end < 64 {
			unseen &= 1<<end - 1
		}
		for ; unseen != 0; unseen &= unseen - 1 {
			i := w*64 + bits.TrailingZeros64(unseen)
			f := n.fields[i].node
			if at := n.aliased(i); at >= 0 {
				d.unknown--
				if d.value(f, at, rep) < 0 {
					return -1
				}
			} else if !d.missing(f, rep) {
				return d.unfit(f, "missing, expected "+f.expects())
			}
		}
	}
	return p
}

// An alias is another name of a field.
type alias struct {
	field int
	at    int // where its value begins in the object that is read, or -1
}

// aliased is where the value of a field stands under the first of its aliases that the object has, or -1.
func (n *node) aliased(field int) int {
	for _, a := range n.aliases {
		if a.field == field && a.at >= 0 {
			return a.at
		}
	}
	return -1
}

// A keySet finds names that stand twice in a map. The keys of the map that is read are the last ones of its column.
type keySet struct {
	from  int     // first key of this map
	table []int32 // open addressing: 1 + the number of the key in the map; unused for a few keys
	seed  maphash.Seed
}

// few keys are compared one by one.
const few = 8

func (s *keySet) begin(keys *record.Column) { s.from = len(keys.Ends) }

// addLast adds the last key of the column, and says whether it was there.
func (s *keySet) addLast(keys *record.Column) bool {
	last := len(keys.Ends) - 1
	key := keys.Value(last)
	n := last - s.from
	if n < few {
		for i := s.from; i < last; i++ {
			if bytes.Equal(keys.Value(i), key) {
				return true
			}
		}
		return false
	}
	switch {
	case n == few:
		if s.table == nil {
			s.seed = maphash.MakeSeed()
		}
		s.rebuild(keys, 64, n)
	case 2*n >= len(s.table):
		s.rebuild(keys, 2*len(s.table), n)
	}
	return s.insert(keys, key, n)
}

func (s *keySet) rebuild(keys *record.Column, size, n int) {
	if cap(s.table) < size {
		s.table = make([]int32, size)
	}
	s.table = s.table[:size]
	clear(s.table)
	for i := range n {
		s.insert(keys, keys.Value(s.from+i), i)
	}
}

func (s *keySet) insert(keys *record.Column, key []byte, n int) (was bool) {
	mask := uint64(len(s.table) - 1)
	at := maphash.Bytes(s.seed, key) & mask
	for ; s.table[at] != 0; at = (at + 1) & mask {
		if bytes.Equal(keys.Value(s.from+int(s.table[at])-1), key) {
			return true
		}
	}
	s.table[at] = int32(n + 1)
	return false
}
