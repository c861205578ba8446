package record

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// headersField is the column of headers: they may repeat and keep their order, so a list and not a map.
func headersField() Field {
	return Field{Name: HeadersColumn, Type: Type{Kind: List, Elem: &Field{Name: "element", Type: Type{Kind: Struct, Fields: []Field{
		{Name: "key", Type: Type{Kind: String}},
		{Name: "value", Type: Type{Kind: Bytes}, Nullable: true},
	}}}}}
}

func checkHeaders(headers []Header) error {
	for i := range headers {
		if !utf8.ValidString(headers[i].Key) {
			return &BadRecord{Undecodable, fmt.Sprintf("headers[%d].key: found %s, expected UTF-8", i, Shorten([]byte(headers[i].Key)))}
		}
	}
	return nil
}

// appendHeaders appends a row's headers to the two leaves of headersField. Names that are not UTF-8 get replacement characters.
func appendHeaders(l []Column, headers []Header) {
	if len(headers) == 0 {
		l[0].AppendLevels(0, 0)
		l[1].AppendLevels(0, 0)
		return
	}
	rep := uint8(0)
	for i := range headers {
		h := &headers[i]
		l[0].AppendLevels(1, rep)
		if utf8.ValidString(h.Key) {
			l[0].AppendString(h.Key)
		} else {
			l[0].AppendString(strings.ToValidUTF8(h.Key, "\uFFFD"))
		}
		if h.Value == nil {
			l[1].AppendLevels(1, rep)
		} else {
			l[1].AppendLevels(2, rep)
			l[1].AppendBytes(h.Value)
		}
		rep = 1
	}
}
