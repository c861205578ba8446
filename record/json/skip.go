package json

// maxDepth is how deep values may be nested within a field that is left out, or within a JSON column.
const maxDepth = 512

// skip checks the value at p and returns the position after it, or -1.
func (d *Decoder) skip(p int) int {
	var objects [maxDepth / 64]uint64 // bit set: which of the open levels are objects
	b, depth := d.b, 0
	for {
		if p >= len(b) {
			return d.syntax(p, "a value")
		}
		opened := false
		switch c := b[p]; c {
		case '"':
			_, p = d.unquote(p)
		case '{', '[':
			if depth == maxDepth {
				return d.syntax(p, "values nested at most 512 deep")
			}
			bit := uint64(1) << (depth & 63)
			if objects[depth>>6] &^= bit; c == '{' {
				objects[depth>>6] |= bit
			}
			depth++
			opened = true
			p = space(b, p+1)
		case 't':
			p = d.literal(p, "true")
		case 'f':
			p = d.literal(p, "false")
		case 'n':
			p = d.literal(p, "null")
		default:
			_, p = d.number(p)
		}
		if p < 0 {
			return -1
		}
		// Close what ends here, then go on to the next value.
		for {
			if depth == 0 {
				return p
			}
			object := objects[(depth-1)>>6]>>((depth-1)&63)&1 != 0
			if !opened {
				p = space(b, p)
			}
			if p < len(b) && (object && b[p] == '}' || !object && b[p] == ']') {
				p++
				depth--
				opened = false
				continue
			}
			if !opened {
				if p >= len(b) || b[p] != ',' {
					return d.syntax(p, "a comma or the end of an array or object")
				}
				p = space(b, p+1)
			}
			if object {
				if p >= len(b) || b[p] != '"' {
					return d.syntax(p, "a name")
				}
				if _, p = d.unquote(p); p < 0 {
					return -1
				}
				if p = d.colon(p); p < 0 {
					return -1
				}
			}
			break
		}
	}
}
