package parquet

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	pqformat "github.com/parquet-go/parquet-go/format"
)

// readChunk reads all values of a required column of integers, one for each row of the group.
func readChunk(r io.ReaderAt, size int64, g *pqformat.RowGroup, column int) ([]int64, error) {
	if column >= len(g.Columns) {
		return nil, fmt.Errorf("the row group has %d columns", len(g.Columns))
	}
	meta := &g.Columns[column].MetaData
	start := meta.DataPageOffset
	if d := meta.DictionaryPageOffset; d > 0 && d < start {
		start = d
	}
	length := meta.TotalCompressedSize
	if start < int64(len(magic)) || length < 0 || start > size-length {
		return nil, fmt.Errorf("%d bytes at %d lie outside of the file", length, start)
	}
	if meta.NumValues != g.NumRows || g.NumRows < 0 {
		return nil, fmt.Errorf("%d values for %d rows", meta.NumValues, g.NumRows)
	}
	b, err := readAt(r, start, length)
	if err != nil {
		return nil, err
	}
	c := chunk{meta: meta, width: 8}
	if meta.Type == pqformat.Int32 {
		c.width = 4
	}
	for len(b) > 0 {
		n, err := c.page(b)
		if err != nil {
			return nil, fmt.Errorf("page at %d: %w", start+length-int64(len(b)), err)
		}
		b = b[n:]
	}
	if int64(len(c.values)) != g.NumRows {
		return nil, fmt.Errorf("%d values for %d rows", len(c.values), g.NumRows)
	}
	return c.values, nil
}

// A chunk is decoded page by page.
type chunk struct {
	meta       *pqformat.ColumnMetaData
	width      int // bytes of a PLAIN value
	dictionary []int64
	values     []int64
}

var errChecksum = errors.New("its checksum is another: it is damaged")

// maxPage bounds what a page may claim to hold. Ours hold 20,000 rows at most.
const maxPage = 64 << 20

// page decodes the page at the beginning of b, and says how long it is.
func (c *chunk) page(b []byte) (length int, err error) {
	var h pqformat.PageHeader
	n, err := decode(b, &h)
	if err != nil {
		return 0, err
	}
	size := int(h.CompressedPageSize)
	if size < 0 || size > len(b)-n || h.UncompressedPageSize < 0 || h.UncompressedPageSize > maxPage {
		return 0, fmt.Errorf("%d bytes that were %d, where %d are left", size, h.UncompressedPageSize, len(b)-n)
	}
	body := b[n : n+size]
	if crc32.ChecksumIEEE(body) != uint32(h.CRC) {
		return 0, errChecksum
	}
	if body, err = decompress(c.meta.Codec, body, int(h.UncompressedPageSize)); err != nil {
		return 0, err
	}
	switch {
	case h.Type == pqformat.DictionaryPage && h.DictionaryPageHeader.Valid:
		c.dictionary, err = c.plain(nil, body, h.DictionaryPageHeader.V.NumValues)
	case h.Type == pqformat.DataPage && h.DataPageHeader.Valid: // a required column has no levels
		err = c.data(body, h.DataPageHeader.V.Encoding, h.DataPageHeader.V.NumValues)
	default:
		err = fmt.Errorf("its type is %v", h.Type)
	}
	return n + size, err
}

func (c *chunk) data(b []byte, e pqformat.Encoding, values int32) (err error) {
	switch e {
	case pqformat.Plain:
		c.values, err = c.plain(c.values, b, values)
	case pqformat.RLEDictionary:
		c.values, err = c.indexes(b, values)
	default:
		err = fmt.Errorf("its encoding is %v", e)
	}
	return err
}

// plain appends n PLAIN values.
func (c *chunk) plain(dst []int64, b []byte, n int32) ([]int64, error) {
	if int64(len(b)) != int64(n)*int64(c.width) {
		return dst, fmt.Errorf("%d bytes do not hold %d values", len(b), n)
	}
	for len(b) > 0 {
		if c.width == 4 {
			dst = append(dst, int64(int32(binary.LittleEndian.Uint32(b))))
		} else {
			dst = append(dst, int64(binary.LittleEndian.Uint64(b)))
		}
		b = b[c.width:]
	}
	return dst, nil
}

var errIndexes = errors.New("malformed indexes of a dictionary")

// indexes appends n values of the dictionary, by the RLE and bit-packing hybrid.
func (c *chunk) indexes(b []byte, n int32) ([]int64, error) {
	dst := c.values
	if len(b) == 0 || b[0] > 32 || n < 0 {
		return dst, errIndexes
	}
	err := hybrid(b[1:], int(b[0]), int(n), func(index uint64) error {
		if index >= uint64(len(c.dictionary)) {
			return errIndexes
		}
		dst = append(dst, c.dictionary[index])
		return nil
	})
	return dst, err
}

// bitsAt reads width bits from bit at of b, which has them.
func bitsAt(b []byte, at, width int) uint64 {
	var v uint64
	for i := at / 8; i < (at+width+7)/8; i++ {
		v |= uint64(b[i]) << (8 * (i - at/8))
	}
	return v >> (at % 8) & (1<<width - 1)
}
