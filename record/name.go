package record

import "strings"

// FoldName is the same for names that differ only in case. Most readers of columns do not tell such names apart.
func FoldName(name string) string { return strings.ToLower(name) }

// IsAvroName says whether Avro allows a name of a field, a type or a symbol: letters of ASCII, digits and _, and no digit first.
func IsAvroName(s string) bool {
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', b == '_':
		case '0' <= b && b <= '9' && i > 0:
		default:
			return false
		}
	}
	return s != ""
}
