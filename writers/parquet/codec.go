package parquet

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// A codec compresses pages. It is safe for concurrent use.
type codec struct {
	id     pqformat.CompressionCodec
	encode func(dst, src []byte) ([]byte, error) // appends to dst, which is empty; nil: pages stay as they are
}

// codecByName is the closed set of compressions. LZ4 is not in it: parquet-go misreads LZ4_RAW, and Trino refuses it.
func codecByName(name string) (codec, error) {
	switch name {
	case "zstd":
		return codec{pqformat.Zstd, encodeZstd}, nil
	case "snappy":
		return codec{pqformat.Snappy, encodeSnappy}, nil
	case "gzip":
		return codec{pqformat.Gzip, encodeGzip}, nil
	case "none":
		return codec{pqformat.Uncompressed, nil}, nil
	}
	return codec{}, fmt.Errorf("compression %q is not one of zstd, snappy, gzip, none", name)
}

// Pages are compressed by zstd at its fastest level.
const (
	// A page is far smaller than the window of 4 MiB that the level would reserve.
	zstdWindow = 512 << 10
	// An encoder keeps 1.5 MiB. With so many at work, compression does not hold up what else there is to do on many more processors.
	zstdAtOnce = 16
)

// Each processor goes on with the encoder that it used last. Where small files are written, the table of another one, of 256 KiB, would have
// to come into its cache for each page anew.
var (
	zstdTurns    = make(chan struct{}, zstdAtOnce)
	zstdEncoders = sync.Pool{New: func() any {
		e, err := zstd.NewWriter(nil,
			zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithEncoderConcurrency(1),
			zstd.WithWindowSize(zstdWindow),
			zstd.WithEncoderCRC(false), // pages have their own
			zstd.WithZeroFrames(true))
		if err != nil {
			panic(err) // the options are constants
		}
		return e
	}}
)

func encodeZstd(dst, src []byte) ([]byte, error) {
	zstdTurns <- struct{}{}
	defer func() { <-zstdTurns }()
	e := zstdEncoders.Get().(*zstd.Encoder)
	defer zstdEncoders.Put(e)
	return e.EncodeAll(src, dst), nil
}

// encodeSnappy makes snappy blocks by s2, at less than half the cost of the snappy package.
func encodeSnappy(dst, src []byte) ([]byte, error) {
	return s2.EncodeSnappy(dst[:cap(dst)], src), nil
}

var gzipWriters = sync.Pool{New: func() any { return gzip.NewWriter(nil) }}

func encodeGzip(dst, src []byte) ([]byte, error) {
	z := gzipWriters.Get().(*gzip.Writer)
	defer gzipWriters.Put(z)
	b := bytes.NewBuffer(dst)
	z.Reset(b)
	if _, err := z.Write(src); err != nil {
		return dst, err
	}
	if err := z.Close(); err != nil {
		return dst, err
	}
	return b.Bytes(), nil
}
