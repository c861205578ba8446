package infer

import (
	"strconv"
	"strings"

	"shadoof/record"
)

// fieldNames gives the columns of one struct names that all readers take: those of Avro, no two of which differ only in case.
type fieldNames map[string]string

func newNames(kids []*place, top bool) fieldNames {
	names, taken := fieldNames{}, map[string]bool{}
	if top {
		for _, name := range []string{record.PartitionColumn, record.OffsetColumn, record.TimestampColumn} {
			taken[name] = true
		}
	}
	for _, kid := range kids { // who can keep a name keeps it, whoever came before
		if lower := strings.ToLower(kid.name); avroName(kid.name) == kid.name && !taken[lower] {
			taken[lower] = true
			names[kid.name] = kid.name
		}
	}
	for _, kid := range kids {
		if _, done := names[kid.name]; done {
			continue
		}
		base := avroName(kid.name)
		name := base
		for i := 2; taken[strings.ToLower(name)]; i++ {
			name = base + "_" + strconv.Itoa(i)
		}
		taken[strings.ToLower(name)] = true
		names[kid.name] = name
	}
	return names
}

func (n fieldNames) of(name string) string { return n[name] }

// avroName is the name with _ for what Avro does not allow.
func avroName(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z':
			b.WriteRune(r)
		case '0' <= r && r <= '9':
			if i == 0 {
				b.WriteByte('_')
			}
			b.WriteRune(r)
		default:
			b.WriteByte('_')
		}
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}
