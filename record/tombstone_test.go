package record

import "testing"

func TestATombstoneIsARowOfNulls(t *testing.T) {
	t.Parallel()
	list := Type{Kind: List, Elem: &Field{Name: "element", Type: Type{Kind: Int64}}}
	s := &Schema{Fields: []Field{{Name: "id", Type: Type{Kind: Int64}, Nullable: true}, {Name: "tags", Type: list, Nullable: true}}}
	d := WithNulls(nothingDecoder{s})
	c := NewColumns(s.WithKafkaColumns())
	for offset := range int64(2) {
		if err := d.Decode(c, &Raw{}); err != nil {
			t.Fatal(err)
		}
		c.AppendKafka(0, offset, 0)
		c.EndRow()
	}
	if got, want := string(NewPrinter(c).Next(nil, 2)), `{"id":null,"tags":null}`; got != want || c.Rows() != 2 {
		t.Errorf("%d rows, the first is %s, want %s", c.Rows(), got, want)
	}
	if err := d.Decode(c, &Raw{Value: []byte{}}); err == nil {
		t.Error("an empty value is none of nulls")
	}
}

// A nothingDecoder reads nothing.
type nothingDecoder struct{ schema *Schema }

func (d nothingDecoder) Schema() *Schema { return d.schema }

func (d nothingDecoder) Decode(*Columns, *Raw) error { return &BadRecord{Reason: Undecodable} }
