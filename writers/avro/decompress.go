package avro

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// A decompressor opens the blocks of a file, one after the other. What may become far larger than the block is never held as a whole.
type decompressor struct {
	codec  string
	ctx    *contextReader
	source bytes.Reader
	zstd   *zstd.Decoder
	flate  io.ReadCloser
	plain  []byte // snappy
	values values
}

// maxWindow bounds what a frame of zstd may ask for. Ours ask for a block.
const maxWindow = 8 << 20

var zstdDecoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(maxWindow))
	if err != nil {
		panic(err) // the options are constants
	}
	return d
}}

func newDecompressor(ctx context.Context, codec string) (*decompressor, error) {
	d := &decompressor{codec: codec, ctx: &contextReader{ctx: ctx}}
	switch codec {
	case codecNull, codecSnappy:
	case codecDeflate:
		d.flate = flate.NewReader(&d.source)
		d.ctx.r = d.flate
	case codecZstd:
		d.zstd = zstdDecoders.Get().(*zstd.Decoder)
		d.ctx.r = d.zstd
	default:
		return nil, fmt.Errorf("the codec %q is not one of ours", codec)
	}
	return d, nil
}

// close gives back what others can use.
func (d *decompressor) close() {
	if d.zstd != nil && d.zstd.Reset(nil) == nil {
		zstdDecoders.Put(d.zstd)
	}
}

// open returns the values of a block. They are valid until the next call, or until b changes.
func (d *decompressor) open(b []byte) *values {
	v := &d.values
	v.window, v.p, v.source, v.err, v.rest = nil, 0, nil, nil, nil
	d.source.Reset(b)
	switch d.codec {
	case codecNull:
		v.window = b
	case codecSnappy:
		v.window, v.err = d.snappy(b)
	case codecDeflate:
		v.err = d.flate.(flate.Resetter).Reset(&d.source, nil)
		v.source, v.rest = d.ctx, &d.source
	case codecZstd:
		v.err = d.zstd.Reset(io.MultiReader(&d.source)) // which hides what would make it decompress all at once
		v.source, v.rest = d.ctx, &d.source
	}
	return v
}

// snappyRatio is more than the most that three bytes can say in snappy: 64 bytes.
const snappyRatio = 32

func (d *decompressor) snappy(b []byte) ([]byte, error) {
	if len(b) < crc32.Size {
		return nil, io.ErrUnexpectedEOF
	}
	sum := binary.BigEndian.Uint32(b[len(b)-crc32.Size:])
	b = b[:len(b)-crc32.Size]
	n, err := s2.DecodedLen(b)
	if err != nil {
		return nil, err
	}
	if n > snappyRatio*len(b) {
		return nil, fmt.Errorf("%d bytes of snappy claim to be %d: %w", len(b), n, errMalformed)
	}
	if d.plain, err = s2.Decode(d.plain[:cap(d.plain)], b); err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(d.plain) != sum {
		return nil, errChecksum
	}
	return d.plain, nil
}

var errChecksum = errors.New("its checksum is another: it is damaged")
