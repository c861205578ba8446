package record

// A Writer is a schema by which records were written, in one of the formats. It is immutable and safe for concurrent use.
type Writer interface {
	// Rows is the schema of rows that keep all that its records have.
	Rows() *Schema

	// Decoder makes a decoder of its records, of values without framing, into rows of a target, by the format's rules for what reads
	// what. It is a *MisfitError when its records cannot be rows of the target, whatever is in them. What the target does not
	// have is left out.
	Decoder(target *Schema) (Decoder, error)
}

// A MisfitError says that what a schema wrote cannot be read as another.
type MisfitError struct {
	Path   string // of the field, dotted; "" for the whole
	Detail string // what the writer has, what the target wants
}

func (e *MisfitError) Error() string {
	if e.Path == "" {
		return e.Detail
	}
	return "field " + e.Path + ": " + e.Detail
}

// ReadOptions say how a schema is made into rows, where there is a choice.
type ReadOptions struct {
	Message string   // protobuf: full name of the message, where the schema has several; "" is its first
	AsJSON  []string // dotted paths of fields that become one column of JSON each: the way out for recursive types

	// ElseJSON has fields that cannot be columns, such as those of a type within itself, become JSON without being named. It is for
	// schemas that rows are not made of: a target that lacks these fields has the others read. Without it they are an error.
	ElseJSON bool
}
