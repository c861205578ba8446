package extract

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// A header is the fixed part of a record batch (magic 2), or of one message of the formats before it (magic 0 and 1), which stands
// here as a batch of its own. https://kafka.apache.org/documentation/#recordbatch
type header struct {
	magic int8
	base  int64 // first offset; for magic 0 and 1 the last, the first of a compressed set is not in its header
	last  int64 // last offset, which stays when compaction removes the record
	epoch int32 // leader epoch, -1 for magic 0 and 1
	crc   uint32
	attrs int16

	firstTime, maxTime int64
	producer           int64
	records            int32 // that are left; 0 for magic 0 and 1
}

const (
	frameBytes       = 12 // offset and length, which the length does not count
	batchHeaderBytes = 61 // of magic 2
	messageBytes     = 26 // smallest message of magic 0

	codecBits      = 0x07
	appendTimeBit  = 0x08
	transactionBit = 0x10
	controlBit     = 0x20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (h *header) control() bool       { return h.magic == 2 && h.attrs&controlBit != 0 }
func (h *header) transactional() bool { return h.magic == 2 && h.attrs&transactionBit != 0 }

// whole is true when compaction took nothing out of the batch: every offset of its span has a record.
func (h *header) whole() bool { return int64(h.records) == h.last-h.base+1 }

// mark is the batch's fingerprint.
func (h *header) mark() Mark {
	return Mark{Offset: h.last, Timestamp: h.maxTime, CRC: h.crc, Cleaned: h.magic == 2 && !h.whole()}
}

var errCorrupt = errors.New("corrupt record batch")

// frame splits the first batch off b. It returns n == 0 when b ends within the batch, as the last one of an answer may; need is
// then the batch's length, if that much is known.
func frame(b []byte) (n, need int, err error) {
	if len(b) < frameBytes {
		return 0, 0, nil
	}
	length := int32(binary.BigEndian.Uint32(b[8:]))
	if length < messageBytes-frameBytes || length > math.MaxInt32-frameBytes {
		return 0, 0, fmt.Errorf("%w: its length is %d", errCorrupt, length)
	}
	need = int(length) + frameBytes
	if len(b) < need {
		return 0, need, nil
	}
	return need, need, nil
}

// readHeader parses the header of a whole batch.
func readHeader(b []byte) (header, error) {
	h := header{magic: int8(b[16]), base: int64(binary.BigEndian.Uint64(b)), epoch: -1, producer: -1}
	switch h.magic {
	case 0, 1:
		h.last = h.base
		h.crc = binary.BigEndian.Uint32(b[12:])
		h.attrs = int16(b[17])
		h.maxTime = -1
		if h.magic == 1 {
			h.maxTime = int64(binary.BigEndian.Uint64(b[18:]))
		}
		h.firstTime = h.maxTime
	case 2:
		if len(b) < batchHeaderBytes {
			return h, fmt.Errorf("%w at offset %d: %d bytes are too short for a header", errCorrupt, h.base, len(b))
		}
		h.epoch = int32(binary.BigEndian.Uint32(b[12:]))
		h.crc = binary.BigEndian.Uint32(b[17:])
		h.attrs = int16(binary.BigEndian.Uint16(b[21:]))
		h.last = h.base + int64(int32(binary.BigEndian.Uint32(b[23:])))
		h.firstTime = int64(binary.BigEndian.Uint64(b[27:]))
		h.maxTime = int64(binary.BigEndian.Uint64(b[35:]))
		h.producer = int64(binary.BigEndian.Uint64(b[43:]))
		h.records = int32(binary.BigEndian.Uint32(b[57:]))
	default:
		return h, fmt.Errorf("record batch at offset %d has the unknown format %d: a newer shadoof may know it", h.base, h.magic)
	}
	if h.base < 0 || h.last < h.base || h.last == math.MaxInt64 || h.records < 0 || int64(h.records) > h.last-h.base+1 {
		return h, fmt.Errorf("%w at offset %d: last offset %d, %d records", errCorrupt, h.base, h.last, h.records)
	}
	return h, nil
}

// checkCRC compares a batch of magic 2 with its checksum.
func (h *header) checkCRC(b []byte) error {
	if crc := crc32.Checksum(b[21:], castagnoli); crc != h.crc {
		return fmt.Errorf("%w at offset %d: its checksum is %08x, its bytes have %08x", errCorrupt, h.base, h.crc, crc)
	}
	return nil
}

// A span is what the headers of an answer say.
type span struct {
	whole []byte // the batches that are there to their end
	next  int64  // offset after the last of them that ends at or after the wanted one; -1 when there is none
	epoch int32  // leader epoch of that batch
	need  int    // length of the cut batch that follows them, 0 when unknown or none
	any   bool   // whole holds a batch, or there was a cut one
}

// scan walks over the headers of an answer to a fetch from offset want.
func scan(b []byte, want int64) (span, error) {
	s := span{next: -1, epoch: -1, any: len(b) > 0}
	rest, end := b, int64(0)
	for {
		n, need, err := frame(rest)
		if err != nil {
			return s, err
		}
		if n == 0 {
			s.need = need
			s.whole = b[:len(b)-len(rest)]
			return s, nil
		}
		h, err := readHeader(rest[:n])
		if err != nil {
			return s, err
		}
		if h.base < end {
			return s, fmt.Errorf("%w at offset %d: the batch before it ends at %d", errCorrupt, h.base, end)
		}
		end = h.last + 1
		if h.last >= want {
			s.next, s.epoch = end, h.epoch
		}
		rest = rest[n:]
	}
}

// aborts tells for each batch in order whether its transaction was aborted. Brokers list per answer the aborted transactions in it:
// the producer, and the first offset; a transaction ends at its producer's next abort marker.
type aborts map[int64][]int64

func newAborts(list []kmsg.FetchResponseTopicPartitionAbortedTransaction) aborts {
	if len(list) == 0 {
		return nil
	}
	a := aborts{}
	for _, t := range list {
		a[t.ProducerID] = append(a[t.ProducerID], t.FirstOffset)
	}
	for _, firsts := range a {
		slices.Sort(firsts) // some brokers list newer ones first
	}
	return a
}

// aborted is asked for data batches.
func (a aborts) aborted(h *header) bool {
	if len(a) == 0 || !h.transactional() {
		return false
	}
	firsts := a[h.producer]
	return len(firsts) > 0 && firsts[0] <= h.base
}

// marker is told of control batches.
func (a aborts) marker(h *header, body []byte) {
	firsts := a[h.producer]
	if len(firsts) == 0 || firsts[0] > h.base || !abortMarker(body) {
		return
	}
	a[h.producer] = firsts[1:]
}

// abortMarker looks at the key of a control batch's record: a version and a type, both 16 bits; type 0 aborts.
func abortMarker(body []byte) bool {
	c := cursor{b: body}
	c.varint() // length
	c.skip(1)  // attributes
	c.varint() // timestamp
	c.varint() // offset
	key := c.bytes()
	return !c.bad && len(key) >= 4 && key[2] == 0 && key[3] == 0
}
