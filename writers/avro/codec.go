package avro

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"sync"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
)

// Names of codecs as they stand in files.
const (
	codecNull    = "null"
	codecDeflate = "deflate"
	codecSnappy  = "snappy"
	codecZstd    = "zstandard"
)

// A codec compresses blocks.
type codec struct {
	name   string
	append func(dst, src []byte) ([]byte, error) // appends the compressed src
}

// codecByName is the closed set of compressions.
func codecByName(name string) (codec, error) {
	switch name {
	case "zstd":
		return codec{codecZstd, appendZstd}, nil
	case "snappy":
		return codec{codecSnappy, appendSnappy}, nil
	case "gzip":
		return codec{codecDeflate, appendDeflate}, nil
	case "none":
		return codec{codecNull, func(dst, src []byte) ([]byte, error) { return append(dst, src...), nil }}, nil
	}
	return codec{}, fmt.Errorf("compression %q is not one of zstd, snappy, gzip, none", name)
}

const (
	zstdWindow = 1 << 20 // a block, but for one with a row that is larger
	// A worker keeps some MiB. With so many, compression does not hold up what else there is to do on many more processors.
	zstdEncoders = 16
)

// zstdEncoder is one for the whole process. Blocks have no checksum of their own in this format, so zstd's is on.
var zstdEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(min(zstdEncoders, runtime.GOMAXPROCS(0))),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(true))
})

func appendZstd(dst, src []byte) ([]byte, error) {
	e, err := zstdEncoder()
	if err != nil {
		return dst, err
	}
	return e.EncodeAll(src, dst), nil
}

// appendSnappy compresses by s2, at less than half the cost of the snappy package, and adds the checksum of what it compressed.
func appendSnappy(dst, src []byte) ([]byte, error) {
	most := s2.MaxEncodedLen(len(src))
	if most < 0 {
		return dst, fmt.Errorf("a block of %d bytes is too large for snappy", len(src))
	}
	dst = slices.Grow(dst, most+crc32.Size)
	encoded := s2.EncodeSnappy(dst[len(dst):len(dst)+most], src)
	return binary.BigEndian.AppendUint32(dst[:len(dst)+len(encoded)], crc32.ChecksumIEEE(src)), nil
}

var deflaters = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

func appendDeflate(dst, src []byte) ([]byte, error) {
	out := &appender{dst}
	w := deflaters.Get().(*flate.Writer)
	w.Reset(out)
	_, err := w.Write(src)
	if closeErr := w.Close(); err == nil {
		err = closeErr
	}
	w.Reset(io.Discard)
	deflaters.Put(w)
	return out.b, err
}

type appender struct{ b []byte }

func (a *appender) Write(b []byte) (int, error) {
	a.b = append(a.b, b...)
	return len(b), nil
}
