// Package record is what moves through shadoof: records as Kafka holds them, schemas, typed columns, and decoders from the one into
// the other.
package record

// A Raw is a record as Kafka holds it. Its slices alias memory of the reader and are valid only as long as the batch that they
// came in.
type Raw struct {
	Partition int32
	Offset    int64
	Timestamp int64 // milliseconds since 1970, as the record's type of timestamp says: by the producer or by the broker
	Key       []byte
	Value     []byte // nil: a tombstone
	Headers   []Header
}

// A Header is one header of a record. Keys may repeat.
type Header struct {
	Key   string
	Value []byte
}

// A Decoder appends records to columns. It is compiled for one pair of writer and target schema, and is not safe for concurrent
// use; a decoder may append to different [Columns] of its schema in turn.
type Decoder interface {
	// Schema is the target schema: what the columns that Decode fills must have been made for, without the Kafka columns.
	Schema() *Schema

	// Decode appends one row with the record's fields. On an error nothing has been appended; the error is a *BadRecord when
	// the record is at fault. It leaves the row open: the caller ends it by Columns.EndRow, after the Kafka columns, or takes
	// it back by Columns.Rollback.
	Decode(c *Columns, r *Raw) error
}

// UnknownFields is how many fields a decoder has left out of its rows because nobody has described them: members of documents and fields
// of messages that their schema does not name. It is 0 for decoders whose records cannot have any.
func UnknownFields(d Decoder) int64 {
	if c, ok := d.(interface{ UnknownFields() int64 }); ok {
		return c.UnknownFields()
	}
	return 0
}

// A Reason says in one word why a record was quarantined. The set is closed: scripts rely on it.
type Reason string

const (
	Undecodable Reason = "undecodable" // the bytes do not parse in the topic's format
	Unfit       Reason = "unfit"       // parses, and does not fit the schema
	BadTime     Reason = "bad_time"    // the partition field is missing, null, or not a time
	TimeBounds  Reason = "time_bounds" // the time lies outside partition.min and partition.max_future
	Tombstone   Reason = "tombstone"   // no value, and policy.tombstone is quarantine

	UnknownSchema Reason = "unknown_schema" // the registry has no schema of the record's id
	Misfit        Reason = "misfit"         // its schema cannot be read as the topic's
)

// A BadRecord is the error of a record that cannot become a row.
type BadRecord struct {
	Reason Reason
	Detail string // for people: which field, what was found, what was expected
}

func (e *BadRecord) Error() string { return string(e.Reason) + ": " + e.Detail }
