package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"

	pqformat "github.com/parquet-go/parquet-go/format"
)

// A leaf reads a column of a row group value by value. It holds the dictionary and one page.
type leaf struct {
	r              io.ReaderAt
	at, left       int64  // of the chunk: what was not fetched yet
	buffer         []byte // fetched, and not taken
	numbers        chunk  // of a column of integers
	texts          [][]byte
	dictionary     [][]byte
	maxRep, maxDef uint8

	rep, def []uint8 // of the page's entries
	entries  int
	entry    int // the next one
	value    int // the next one that is not null
}

// fetchBytes is what is asked for at once.
const fetchBytes = 1 << 20

// What a page may claim to hold: a single record may fill one of bytes.
const (
	maxRecordPage = 1 << 30
	maxEntries    = 64 << 20
)

func newLeaf(r io.ReaderAt, size int64, meta *pqformat.ColumnMetaData, maxRep, maxDef uint8) (*leaf, error) {
	start := meta.DataPageOffset
	if d := meta.DictionaryPageOffset; d > 0 && d < start {
		start = d
	}
	length := meta.TotalCompressedSize
	if start < int64(len(magic)) || length < 0 || start > size-length {
		return nil, fmt.Errorf("%d bytes at %d lie outside of the file", length, start)
	}
	l := &leaf{r: r, at: start, left: length, numbers: chunk{meta: meta, width: 8}, maxRep: maxRep, maxDef: maxDef}
	if meta.Type == pqformat.Int32 {
		l.numbers.width = 4
	}
	return l, nil
}

// number is the next value of a required column of integers.
func (l *leaf) number() (int64, error) {
	if err := l.more(); err != nil {
		return 0, err
	}
	if l.value >= len(l.numbers.values) {
		return 0, errMalformed
	}
	v := l.numbers.values[l.value]
	l.entry, l.value = l.entry+1, l.value+1
	return v, nil
}

// bytes is the next entry of a column of bytes: its value, nil where there is none, and its definition level. The value is good until
// the entry after it is asked for.
func (l *leaf) bytes() (value []byte, def uint8, err error) {
	if err := l.more(); err != nil {
		return nil, 0, err
	}
	def = l.maxDef
	if l.maxDef > 0 {
		def = l.def[l.entry]
	}
	l.entry++
	if def < l.maxDef {
		return nil, def, nil
	}
	if l.value >= len(l.texts) {
		return nil, def, errMalformed
	}
	l.value++
	return l.texts[l.value-1], def, nil
}

// continues says whether the next entry belongs to the same row as the one before it. Pages begin with a row.
func (l *leaf) continues() bool { return l.entry < l.entries && l.rep[l.entry] > 0 }

// done says whether no entry is left.
func (l *leaf) done() bool { return l.entry == l.entries && len(l.buffer) == 0 && l.left == 0 }

// more makes sure that there is a next entry.
func (l *leaf) more() error {
	for l.entry == l.entries {
		if len(l.buffer) == 0 && l.left == 0 {
			return fmt.Errorf("the column has no more values: %w", io.ErrUnexpectedEOF)
		}
		at := l.at - int64(len(l.buffer))
		if err := l.page(); err != nil {
			return fmt.Errorf("page at %d: %w", at, err)
		}
	}
	return nil
}

// fetch makes the buffer so many bytes long, if the chunk has them.
func (l *leaf) fetch(n int) error {
	if len(l.buffer) >= n || l.left == 0 {
		return nil
	}
	want := min(l.left, int64(max(n-len(l.buffer), fetchBytes)))
	b := make([]byte, len(l.buffer), int64(len(l.buffer))+want)
	copy(b, l.buffer)
	more, err := readAt(l.r, l.at, want)
	if err != nil {
		return err
	}
	l.buffer, l.at, l.left = append(b, more...), l.at+want, l.left-want
	return nil
}

// page decodes the next page.
func (l *leaf) page() error {
	if err := l.fetch(min(fetchBytes, 64<<10)); err != nil {
		return err
	}
	var h pqformat.PageHeader
	n, err := decode(l.buffer, &h)
	if err != nil {
		return err
	}
	size := int64(h.CompressedPageSize)
	if size < 0 || size > int64(len(l.buffer)-n)+l.left || h.UncompressedPageSize < 0 ||
		h.UncompressedPageSize > maxRecordPage || int64(h.UncompressedPageSize) > l.numbers.meta.TotalUncompressedSize {
		return fmt.Errorf("%d bytes that were %d, where %d are left", size, h.UncompressedPageSize, int64(len(l.buffer)-n)+l.left)
	}
	if err := l.fetch(n + int(size)); err != nil {
		return err
	}
	body := l.buffer[n : n+int(size)]
	l.buffer = l.buffer[n+int(size):]
	if crc32.ChecksumIEEE(body) != uint32(h.CRC) {
		return errChecksum
	}
	if body, err = decompress(l.numbers.meta.Codec, body, int(h.UncompressedPageSize)); err != nil {
		return err
	}
	switch {
	case h.Type == pqformat.DictionaryPage && h.DictionaryPageHeader.Valid:
		return l.takeDictionary(body, h.DictionaryPageHeader.V.NumValues)
	case h.Type == pqformat.DataPage && h.DataPageHeader.Valid:
		return l.takeData(body, h.DataPageHeader.V)
	}
	return fmt.Errorf("its type is %v", h.Type)
}

func (l *leaf) isNumber() bool { return l.numbers.meta.Type != pqformat.ByteArray }

func (l *leaf) takeDictionary(b []byte, n int32) (err error) {
	if l.isNumber() {
		l.numbers.dictionary, err = l.numbers.plain(nil, b, n)
	} else {
		l.dictionary, err = texts(nil, b, int(n))
	}
	return err
}

func (l *leaf) takeData(b []byte, h pqformat.DataPageHeader) (err error) {
	n := int(h.NumValues)
	if n < 0 || n > maxEntries || int64(n) > l.numbers.meta.NumValues {
		return errMalformed
	}
	if l.rep, b, err = takeLevels(l.rep, b, l.maxRep, n); err != nil {
		return err
	}
	if l.def, b, err = takeLevels(l.def, b, l.maxDef, n); err != nil {
		return err
	}
	if l.maxRep > 0 && n > 0 && l.rep[0] > 0 {
		return errors.New("it begins within a row")
	}
	values := n
	if l.maxDef > 0 {
		values = 0
		for _, d := range l.def {
			if d == l.maxDef {
				values++
			}
		}
	}
	l.entries, l.entry, l.value = n, 0, 0
	if l.isNumber() {
		l.numbers.values = l.numbers.values[:0]
		return l.numbers.data(b, h.Encoding, int32(values))
	}
	l.texts = l.texts[:0]
	switch h.Encoding {
	case pqformat.Plain:
		l.texts, err = texts(l.texts, b, values)
	case pqformat.RLEDictionary:
		if len(b) == 0 || b[0] > 32 {
			return errIndexes
		}
		err = hybrid(b[1:], int(b[0]), values, func(index uint64) error {
			if index >= uint64(len(l.dictionary)) {
				return errIndexes
			}
			l.texts = append(l.texts, l.dictionary[index])
			return nil
		})
	default:
		err = fmt.Errorf("its encoding is %v", h.Encoding)
	}
	return err
}

// texts appends n PLAIN values of bytes.
func texts(dst [][]byte, b []byte, n int) ([][]byte, error) {
	for range n {
		if len(b) < 4 {
			return dst, errMalformed
		}
		size := binary.LittleEndian.Uint32(b)
		if uint64(size) > uint64(len(b)-4) {
			return dst, errMalformed
		}
		end := 4 + int(size)
		dst = append(dst, b[4:end:end])
		b = b[end:]
	}
	if len(b) > 0 {
		return dst, errMalformed
	}
	return dst, nil
}

// takeLevels reads the levels of n entries, with their length before them, and returns what follows.
func takeLevels(dst []uint8, b []byte, most uint8, n int) (levels []uint8, rest []byte, err error) {
	if most == 0 {
		return nil, b, nil
	}
	if len(b) < 4 {
		return nil, nil, errMalformed
	}
	size := binary.LittleEndian.Uint32(b)
	if uint64(size) > uint64(len(b)-4) {
		return nil, nil, errMalformed
	}
	dst = dst[:0]
	err = hybrid(b[4:4+size], bits.Len8(most), n, func(v uint64) error {
		if v > uint64(most) {
			return errMalformed
		}
		dst = append(dst, uint8(v))
		return nil
	})
	return dst, b[4+size:], err
}

// hybrid decodes n numbers of width bits by the RLE and bit-packing hybrid.
func hybrid(b []byte, width, n int, each func(uint64) error) error {
	for left := uint64(n); left > 0; {
		header, k := binary.Uvarint(b)
		if k <= 0 || header>>1 > math.MaxInt32 {
			return errIndexes
		}
		b = b[k:]
		run, bytes := header>>1, (width+7)/8 // a value that repeats
		packed := header&1 == 1
		if packed { // groups of eight values
			run, bytes = 8*run, width*int(run)
		}
		if bytes > len(b) || run == 0 || !packed && run > left {
			return errIndexes
		}
		for i := range min(run, left) {
			at := 0
			if packed {
				at = int(i) * width
			}
			if err := each(bitsAt(b[:bytes], at, width)); err != nil {
				return err
			}
		}
		left -= min(run, left)
		b = b[bytes:]
	}
	return nil
}
