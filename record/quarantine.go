package record

import "strings"

// QuarantineSchema is the schema of files with records that did not fit: where each lies, its raw parts, and why it is there.
func QuarantineSchema() *Schema {
	return &Schema{Fields: []Field{
		{Name: PartitionColumn, Type: Type{Kind: Int32}},
		{Name: OffsetColumn, Type: Type{Kind: Int64}},
		{Name: TimestampColumn, Type: Type{Kind: TimestampMillis}},
		{Name: KeyColumn, Type: Type{Kind: Bytes}, Nullable: true},
		{Name: ValueColumn, Type: Type{Kind: Bytes}, Nullable: true},
		headersField(),
		{Name: "reason", Type: Type{Kind: String}},
		{Name: "detail", Type: Type{Kind: String}},
	}}
}

// AppendQuarantine appends and ends one row of QuarantineSchema. It takes any record: what is not UTF-8 in the name of a header or
// in the detail gets replacement characters.
func AppendQuarantine(c *Columns, r *Raw, bad *BadRecord) {
	l := c.Leaves
	l[0].Int32s = append(l[0].Int32s, r.Partition)
	l[1].Int64s = append(l[1].Int64s, r.Offset)
	l[2].Int64s = append(l[2].Int64s, toMicros(r.Timestamp))
	l[3].appendOptional(r.Key)
	l[4].appendOptional(r.Value)
	appendHeaders(l[5:7], r.Headers)
	l[7].AppendString(string(bad.Reason))
	l[8].AppendString(strings.ToValidUTF8(bad.Detail, "\uFFFD"))
	c.EndRow()
}
