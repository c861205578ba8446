package recordtest

import (
	"encoding/binary"
	"encoding/hex"
	"math"
	"strings"
)

// AppendAvro encodes a row of a record. r picks among the ways to write the same: blocks of arrays and maps, bytes of decimals.
func AppendAvro(dst []byte, r Rand, t *Type, row []any) []byte {
	for _, f := range t.Fields {
		if f.Type.Kind != "null" {
			dst = appendAvro(dst, r, f.Type, row[0])
			row = row[1:]
		}
	}
	return dst
}

func appendAvro(dst []byte, r Rand, t *Type, v any) []byte {
	switch t.Kind {
	case "union":
		return appendUnion(dst, r, t, v)
	case "record":
		return AppendAvro(dst, r, t, v.([]any))
	case "array":
		list := v.([]any)
		return appendBlocks(dst, r, len(list), func(dst []byte, i int) []byte { return appendAvro(dst, r, t.Elem, list[i]) })
	case "map":
		entries := v.([]Entry)
		return appendBlocks(dst, r, len(entries), func(dst []byte, i int) []byte {
			return appendAvro(appendText(dst, entries[i].Key), r, t.Elem, entries[i].Value)
		})
	}
	switch v := v.(type) {
	case bool:
		if v {
			return append(dst, 1)
		}
		return append(dst, 0)
	case int32:
		return binary.AppendVarint(dst, int64(v))
	case int64:
		return binary.AppendVarint(dst, v)
	case float32:
		return binary.LittleEndian.AppendUint32(dst, math.Float32bits(v))
	case float64:
		return binary.LittleEndian.AppendUint64(dst, math.Float64bits(v))
	}
	s := v.(string)
	switch {
	case t.Kind == "enum":
		for i, symbol := range t.Symbols {
			if symbol == s {
				return binary.AppendVarint(dst, int64(i))
			}
		}
		panic("no symbol " + s)
	case t.Kind == "fixed" && t.Logical == "uuid":
		b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
		if err != nil {
			panic(err)
		}
		return append(dst, b...)
	case t.Kind == "fixed":
		return append(dst, s...)
	case t.Logical == "decimal" && r.IntN(3) > 0:
		for len(s) > 1 && (s[0] == 0 && s[1] < 0x80 || s[0] == 0xff && s[1] >= 0x80) {
			s = s[1:]
		}
		if r.IntN(3) == 0 { // more bytes than it takes
			s = strings.Repeat(string([]byte{byte(int8(s[0]) >> 7)}), 3) + s
		}
	}
	return appendText(dst, s)
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}

func appendUnion(dst []byte, r Rand, t *Type, v any) []byte {
	in, null := t.nullable()
	member := 0
	for i, b := range t.Branches {
		switch {
		case b.Kind == "null":
			if v == nil {
				return binary.AppendVarint(dst, int64(i))
			}
		case null:
			if v != nil {
				return appendAvro(binary.AppendVarint(dst, int64(i)), r, in, v)
			}
		default:
			if v != nil && v.([]any)[member] != nil {
				return appendAvro(binary.AppendVarint(dst, int64(i)), r, b, v.([]any)[member])
			}
			member++
		}
	}
	panic("no branch")
}

func appendBlocks(dst []byte, r Rand, n int, entry func(dst []byte, i int) []byte) []byte {
	for i := 0; i < n; {
		k := 1 + r.IntN(n-i)
		var block []byte
		for range k {
			block = entry(block, i)
			i++
		}
		if r.IntN(2) == 0 {
			dst = binary.AppendVarint(dst, int64(k))
		} else {
			dst = binary.AppendVarint(dst, -int64(k))
			dst = binary.AppendVarint(dst, int64(len(block)))
		}
		dst = append(dst, block...)
	}
	return append(dst, 0)
}
