package avro

import (
	"errors"
	"fmt"
	"sort"

	"shadoof/record"
)

// kafkaFields are the Kafka columns as they stand behind the last field of a schema.
const kafkaFields = `,{"name":"` + record.PartitionColumn + `","type":"int"},{"name":"` + record.OffsetColumn + `","type":"long"},{"name":"` +
	record.TimestampColumn + `","type":{"type":"long","logicalType":"timestamp-millis"}}`

// datumPlan is the plan of files whose rows are datums: they are written as they are, under the schema of their author.
func datumPlan(s *record.Schema) (*plan, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	text := s.Datum.Before
	if s.HasKafkaColumns() {
		text += kafkaFields
	}
	return &plan{schema: s, text: text + s.Datum.After, datums: true}, nil
}

// writeDatums writes the rows block by block. Each is a piece of the column as it is.
func (e *encoder) writeDatums(c *record.Columns, s *scratch) error {
	if c.Schema.Datum == nil {
		return errors.New("rows that were taken apart, for a file of datums")
	}
	l := &c.Leaves[0]
	if len(l.Ends) != c.Rows() || l.Ends[len(l.Ends)-1] != uint32(len(l.Data)) {
		return fmt.Errorf("column %s: %d datums and %d bytes for %d rows", l.Path[0], len(l.Ends), len(l.Data), c.Rows())
	}
	from := uint32(0)
	for ends := l.Ends; len(ends) > 0; {
		n := min(len(ends), 1+sort.Search(len(ends), func(i int) bool { return ends[i]-from >= blockBytes }))
		if err := e.block(s, l.Data[from:ends[n-1]], n); err != nil {
			return fmt.Errorf("block of %d rows: %w", n, err)
		}
		from, ends = ends[n-1], ends[n:]
	}
	return nil
}
