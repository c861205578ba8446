package avro

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
)

const (
	magic     = "Obj\x01"
	syncBytes = 16

	reserved  = "avro." // begins the keys that are Avro's own
	schemaKey = reserved + "schema"
	codecKey  = reserved + "codec"
)

// A header is how a file begins.
type header struct {
	bytes []byte
	sync  [syncBytes]byte
}

// newHeader writes the metadata: schema and codec, then meta in the order of its keys.
//
// The sync marker is the beginning of the SHA-256 of all that stands before it, so that the same rows make the same file. That it is
// not random does no harm. Files with the same marker are in no one's way: a marker is compared within its file only. What could harm is
// a marker that occurs within a block, for whoever looks for a place to start from in the middle. By chance it does so with a
// probability of 2^-128 per byte, and on purpose it cannot be put there: meta has the attempt, which is drawn at random after the
// records that it reads were produced.
func newHeader(codec, schema string, meta map[string]string) (*header, error) {
	h := &header{bytes: []byte(magic)}
	h.bytes = appendLong(h.bytes, int64(2+len(meta)))
	h.entry(schemaKey, schema)
	h.entry(codecKey, codec)
	for _, k := range slices.Sorted(maps.Keys(meta)) {
		if strings.HasPrefix(k, reserved) {
			return nil, fmt.Errorf("metadata %q: keys that begin with %s are Avro's own", k, reserved)
		}
		h.entry(k, meta[k])
	}
	h.bytes = append(h.bytes, 0)
	sum := sha256.Sum256(h.bytes)
	h.bytes = append(h.bytes, sum[:syncBytes]...)
	copy(h.sync[:], sum[:])
	return h, nil
}

func (h *header) entry(k, v string) {
	for _, s := range []string{k, v} {
		h.bytes = append(appendLong(h.bytes, int64(len(s))), s...)
	}
}
