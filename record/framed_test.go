package record_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/record"
)

// A tagging decoder appends its tag, and the value that it got.
type tagging struct {
	schema *record.Schema
	tag    int64
}

func (d tagging) Schema() *record.Schema { return d.schema }

func (d tagging) Decode(c *record.Columns, r *record.Raw) error {
	if string(r.Value) == "bad" {
		return &record.BadRecord{Reason: record.Undecodable, Detail: "bad"}
	}
	c.Leaves[0].Int64s = append(c.Leaves[0].Int64s, d.tag+r.Offset)
	c.Leaves[1].AppendBytes(r.Value)
	return nil
}

var taggedSchema = &record.Schema{Fields: []record.Field{{Name: "tag", Type: record.Type{Kind: record.Int64}}, {Name: "value", Type: record.Type{Kind: record.Bytes}}}}

// framed is a value of a schema id below 2^16.
func framed(id int, value string) []byte {
	return append([]byte{0, 0, 0, byte(id >> 8), byte(id)}, value...)
}

// Whatever ids come in which order, each value is decoded by its own schema's decoder, which is looked for once.
func TestFramedDecodersAreThoseOfTheirIDs(t *testing.T) {
	t.Parallel()
	asked := map[int32]int{}
	unknown := errors.New("not yet")
	dec := record.NewFramedDecoder(taggedSchema, func(id int32) (record.Decoder, error) {
		asked[id]++
		if id == 300 && asked[id] == 1 {
			return nil, unknown
		}
		return tagging{taggedSchema, int64(id) * 1000}, nil
	})
	c := record.NewColumns(taggedSchema)
	var tags []int64
	var values string
	decode := func(offset, id int) error {
		r := &record.Raw{Offset: int64(offset), Value: framed(id, string(rune('a'+id%26)))}
		err := dec.Decode(c, r)
		if err == nil {
			tags, values = append(tags, int64(id)*1000+r.Offset), values+string(r.Value[record.HeaderBytes:])
			c.EndRow()
		}
		return err
	}
	ids := []int{1, 1, 2, 3, 1, 2, 3, 3, 0, 256, 1}
	for id := range 100 {
		ids = append(ids, id, id/2, 7)
	}
	for i, id := range ids {
		if err := decode(i, id); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
	}
	for _, want := range []error{unknown, nil, nil} {
		if err := decode(500, 300); !errors.Is(err, want) {
			t.Errorf("error %v, want %v", err, want)
		}
	}
	if err := dec.Decode(c, &record.Raw{Value: framed(1, "bad")}); err == nil {
		t.Error("the decoder's error is lost")
	}
	if diff := cmp.Diff(tags, c.Leaves[0].Int64s); diff != "" {
		t.Errorf("tags -want +got\n%s", diff)
	}
	if diff := cmp.Diff(values, string(c.Leaves[1].Data)); diff != "" {
		t.Errorf("values -want +got\n%s", diff)
	}
	for id, n := range asked {
		if want := map[bool]int{true: 2, false: 1}[id == 300]; n != want {
			t.Errorf("schema %d was looked for %d times, want %d", id, n, want)
		}
	}
}

// BenchmarkFramed is what framing costs beside the decoder, which does nothing.
func BenchmarkFramed(b *testing.B) {
	idle := idle{taggedSchema}
	for name, ids := range map[string]int{"ids=1": 1, "ids=3": 3, "ids=20": 20} {
		b.Run(name, func(b *testing.B) {
			dec := record.NewFramedDecoder(taggedSchema, func(int32) (record.Decoder, error) { return idle, nil })
			c := record.NewColumns(taggedSchema)
			var values [][]byte
			for id := range ids {
				values = append(values, framed(100+id, "value"))
			}
			r, i := &record.Raw{}, 0
			for b.Loop() {
				r.Value = values[i]
				if i++; i == ids {
					i = 0
				}
				if err := dec.Decode(c, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

type idle struct{ schema *record.Schema }

func (d idle) Schema() *record.Schema                  { return d.schema }
func (idle) Decode(*record.Columns, *record.Raw) error { return nil }
