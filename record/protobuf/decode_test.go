package protobuf_test

import (
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"shadoof/record"
	"shadoof/record/internal/recordtest"
	"shadoof/record/protobuf"
)

// unknowns is what a decoder tells about fields that it left out.
type unknowns interface{ UnknownFields() int64 }

// A verdict compares decoder and oracle, message by message, in the same columns.
type verdict struct {
	md   protoreflect.MessageDescriptor
	dec  record.Decoder
	c    *record.Columns
	want [][]any

	unknown           int64
	accepted, refused int
}

func newVerdict(t testing.TB, w *protobuf.Writer, md protoreflect.MessageDescriptor) *verdict {
	t.Helper()
	dec, err := w.Decoder(w.Rows())
	if err != nil {
		t.Fatal(err)
	}
	return &verdict{md: md, dec: dec, c: record.NewColumns(dec.Schema())}
}

// reset forgets what was decoded, and keeps what was compiled.
func (v *verdict) reset() {
	v.c.Reset()
	v.want, v.unknown = v.want[:0], v.dec.(unknowns).UnknownFields()
}

// again decodes a message whose row is known.
func (v *verdict) again(t testing.TB, wire []byte, row []any) {
	t.Helper()
	if err := v.dec.Decode(v.c, &record.Raw{Value: wire}); err != nil {
		t.Fatalf("%x: %v", wire, err)
	}
	v.c.EndRow()
	v.want = append(v.want, row)
	v.unknown = v.dec.(unknowns).UnknownFields()
}

func (v *verdict) decode(t testing.TB, wire []byte) {
	t.Helper()
	err := v.dec.Decode(v.c, &record.Raw{Value: wire})
	row, filter, wantErr := oracle(v.md, wire)
	if (err != nil) != (wantErr != nil) {
		var bad *record.BadRecord
		if errors.As(err, &bad) && filter.replaced && (bad.Reason == record.Unfit || strings.Contains(bad.Detail, "expected UTF-8") || strings.Contains(bad.Detail, "requires one")) {
			return // of a value that gave way to another
		}
		t.Fatalf("%x: got the error %v, want %v", wire, err, wantErr)
	}
	if err != nil {
		var bad *record.BadRecord
		if !errors.As(err, &bad) || bad.Reason != record.Undecodable && bad.Reason != record.Unfit {
			t.Fatalf("%x: %v", wire, err)
		}
		v.refused++
		return
	}
	v.c.EndRow()
	v.accepted++
	v.want = append(v.want, row)
	if v.unknown += filter.unknown; v.dec.(unknowns).UnknownFields() != v.unknown {
		t.Fatalf("%x: %d unknown fields, want %d", wire, v.dec.(unknowns).UnknownFields(), v.unknown)
	}
}

func (v *verdict) check(t testing.TB) {
	t.Helper()
	got, err := recordtest.Rows(v.c)
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		if diff := recordtest.DiffRows(comparable(v.c.Schema.Fields, got[i]), v.want[i]); diff != "" {
			t.Fatalf("row %d (-got +want)\n%s", i, diff)
		}
	}
}

func TestRandomMessagesAreWhatDynamicMessagesAre(t *testing.T) {
	t.Parallel()
	schemas, accepted, refused := 60, 0, 0
	if testing.Short() {
		schemas = 30
	}
	first := rand.Uint64()
	t.Logf("seed %d", first)
	for i := range schemas {
		seed := first + uint64(i)
		g := &generator{Rand: rand.New(rand.NewPCG(seed, 1))}
		set, md := g.schema()
		b, err := proto.Marshal(set)
		if err != nil {
			t.Fatal(err)
		}
		w, err := protobuf.ParseDescriptorSet(b, record.ReadOptions{Message: string(md.FullName())})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		t.Run("", func(t *testing.T) {
			v := newVerdict(t, w, md)
			defer func() {
				if t.Failed() {
					t.Logf("seed %d", seed)
				}
			}()
			for range 60 {
				wire := g.wire(md, 0)
				switch n := g.IntN(12); {
				case n == 0 && len(wire) > 0:
					wire = wire[:g.IntN(len(wire))]
				case n == 1 && len(wire) > 0:
					wire[g.IntN(len(wire))] ^= 1 << g.IntN(8)
				}
				if wire == nil {
					wire = []byte{}
				}
				v.decode(t, wire)
			}
			v.check(t)
			accepted, refused = accepted+v.accepted, refused+v.refused
		})
	}
	t.Logf("%d messages accepted, %d refused", accepted, refused)
	if accepted < schemas*20 || refused < schemas {
		t.Errorf("%d messages accepted, %d refused: that says little", accepted, refused)
	}
}
