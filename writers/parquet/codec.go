package parquet

import (
	"fmt"
	"runtime"
	"sync"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	pq "github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/gzip"
	pqencoding "github.com/parquet-go/parquet-go/encoding"
)

type encoding = pqencoding.Encoding

// codecByName is the closed set of compressions. LZ4 is not in it: parquet-go misreads LZ4_RAW, and Trino refuses it.
func codecByName(name string) (compress.Codec, error) {
	switch name {
	case "zstd":
		return zstdCodec{&pq.Zstd}, nil
	case "snappy":
		return snappyCodec{&pq.Snappy}, nil
	case "gzip":
		return &gzip.Codec{Level: gzip.DefaultCompression}, nil
	case "none":
		return &pq.Uncompressed, nil
	}
	return nil, fmt.Errorf("compression %q is not one of zstd, snappy, gzip, none", name)
}

// zstdCodec compresses at the fastest level with one encoder for the whole process.
type zstdCodec struct{ compress.Codec }

const (
	// A page is far smaller than the window of 4 MiB that the level would reserve for each of its workers.
	zstdWindow = 512 << 10
	// A worker keeps 1.5 MiB. With so many, compression does not hold up what else there is to do on many more processors.
	zstdEncoders = 16
)

var zstdEncoder = sync.OnceValues(func() (*zstd.Encoder, error) {
	return zstd.NewWriter(nil,
		zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(min(zstdEncoders, runtime.GOMAXPROCS(0))),
		zstd.WithWindowSize(zstdWindow),
		zstd.WithEncoderCRC(false), // pages have their own
		zstd.WithZeroFrames(true))
})

func (zstdCodec) Encode(dst, src []byte) ([]byte, error) {
	e, err := zstdEncoder()
	if err != nil {
		return dst, err
	}
	return e.EncodeAll(src, dst[:0]), nil
}

// snappyCodec writes snappy blocks by s2, at less than half the cost of the snappy package.
type snappyCodec struct{ compress.Codec }

func (snappyCodec) Encode(dst, src []byte) ([]byte, error) {
	return s2.EncodeSnappy(dst[:cap(dst)], src), nil
}
