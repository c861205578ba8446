package parquet

import (
	"bytes"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	pqformat "github.com/parquet-go/parquet-go/format"
)

var zstdDecoder = sync.OnceValues(func() (*zstd.Decoder, error) {
	return zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxRecordPage), zstd.WithDecodeAllCapLimit(true))
})

// decompress returns the size bytes that b was, or an error if it was not as many. It takes no more memory than that, whatever b
// claims to be.
func decompress(codec pqformat.CompressionCodec, b []byte, size int) (out []byte, _ error) {
	switch codec {
	case pqformat.Uncompressed:
		out = b
	case pqformat.Snappy:
		n, err := s2.DecodedLen(b)
		if err != nil {
			return nil, err
		}
		if n != size {
			return nil, fmt.Errorf("%d bytes, and its header says %d", n, size)
		}
		if out, err = s2.Decode(nil, b); err != nil {
			return nil, err
		}
	case pqformat.Zstd:
		// Who has all of a page at once says how long it is: then nothing is allocated for a page header that says otherwise.
		var h zstd.Header
		if h.Decode(b) == nil && h.HasFCS && !h.Skippable && h.FrameContentSize != uint64(size) {
			return nil, fmt.Errorf("%d bytes, and its header says %d", h.FrameContentSize, size)
		}
		d, err := zstdDecoder()
		if err != nil {
			return nil, err
		}
		if out, err = d.DecodeAll(b, make([]byte, 0, size)); err != nil {
			return nil, err
		}
	case pqformat.Gzip:
		z, err := gzip.NewReader(bytes.NewReader(b))
		if err != nil {
			return nil, err
		}
		if out, err = io.ReadAll(io.LimitReader(z, int64(size)+1)); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("its codec is %v", codec)
	}
	if len(out) != size {
		return nil, fmt.Errorf("%d bytes or more, and its header says %d", len(out), size)
	}
	return out, nil
}
