package record_test

import (
	"strings"
	"testing"

	"shadoof/record"
)

// Types that lack what they need are refused wherever they stand.
func TestValidateLooksIntoEveryType(t *testing.T) {
	t.Parallel()
	for _, bad := range []struct {
		typ  record.Type
		want string
	}{
		{record.Type{Kind: record.Decimal, Precision: 4, Scale: 5}, "decimal(4,5): the precision is at least 1"},
		{record.Type{Kind: record.Decimal, Precision: 4, Scale: -1}, "decimal(4,-1)"},
		{record.Type{Kind: record.Decimal, Precision: -1}, "decimal(-1,0)"},
		{record.Type{Kind: record.Fixed, Size: -1}, "fixed of -1 bytes"},
		{record.Type{Kind: record.Map}, "a map without a type"},
		{record.Type{Kind: record.Struct}, "has no fields"},
		{record.Type{}, `unknown kind ""`},
	} {
		for path, typ := range map[string]record.Type{
			"field a":   bad.typ,
			"field a.b": {Kind: record.Struct, Fields: []record.Field{{Name: "b", Type: bad.typ}}},
			"field a[]": {Kind: record.List, Elem: &record.Field{Type: bad.typ}},
			"field a{}": {Kind: record.Map, Elem: &record.Field{Type: bad.typ}},
		} {
			s := &record.Schema{Fields: []record.Field{{Name: "a", Type: typ}}}
			if err := s.Validate(); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), bad.want) {
				t.Errorf("error %v, want %s: %s", err, path, bad.want)
			}
		}
	}
}
