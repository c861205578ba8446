package record

import (
	"encoding/binary"
	"strings"
)

// A Datum says of a schema that its rows are kept as they came, each as the bytes of one Avro datum, and not taken apart into fields.
//
// [Columns] of such a schema have a leaf of bytes with one datum per row, to which AppendKafka adds: an Avro record is the
// concatenation of its fields. Behind it, and in no file, there is one more leaf where the value of a field is wanted besides.
type Datum struct {
	// The text of the rows' Avro schema, cut behind the last field of the record at the top, where more fields can be put in.
	Before string `json:"before"`
	After  string `json:"after"`

	// Field is the dotted path of the field that has a leaf of its own; "" for none.
	Field string `json:"field,omitempty"`
}

// Leaves of a schema whose rows are datums.
const (
	datumLeaf = iota
	datumFieldLeaf
)

// datumLeaves are the leaves of a schema whose rows are datums.
func (s *Schema) datumLeaves() []Column {
	leaves := []Column{datumLeaf: {Path: []string{"datum"}, Type: Type{Kind: Bytes}, Physical: PhysicalOf(Bytes)}}
	if path := s.Datum.Field; path != "" {
		if c, ok := plainColumn(s.Fields, path); ok {
			leaves = append(leaves, c)
		}
	}
	return leaves
}

// plainColumn is the column of the plain field at a dotted path, as it is where rows are taken apart.
func plainColumn(fields []Field, path string) (c Column, ok bool) {
	_, f, ok := findLeaf(fields, path)
	if !ok {
		return c, false
	}
	for name := range strings.SplitSeq(path, ".") {
		for i := range fields {
			if fields[i].Name != name {
				continue
			}
			if fields[i].Nullable {
				c.MaxDef++
			}
			fields = fields[i].Type.Fields
			break
		}
		c.Path = append(c.Path, name)
	}
	c.setType(f.Type)
	return c, true
}

// appendKafkaFields adds the Kafka columns to the datum of the open row.
func (c *Column) appendKafkaFields(partition int32, offset, timestamp int64) {
	c.Data = binary.AppendVarint(c.Data, int64(partition))
	c.Data = binary.AppendVarint(c.Data, offset)
	c.Data = binary.AppendVarint(c.Data, timestamp)
	c.Ends[len(c.Ends)-1] = uint32(len(c.Data))
}
