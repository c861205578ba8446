package extract

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// bufferPool lends the buffers that batches are decompressed into. The decompressor takes them; a reader gives them back when the
// loop body that saw them has returned.
type bufferPool struct{ pool sync.Pool }

var _ kgo.PoolDecompressBytes = (*bufferPool)(nil)

const (
	firstBuffer = 256 << 10
	maxPooled   = 8 << 20 // a rare giant is left to the garbage collector
)

// GetDecompressBytes implements kgo.PoolDecompressBytes.
func (p *bufferPool) GetDecompressBytes([]byte, kgo.CompressionCodecType) []byte {
	if b, ok := p.pool.Get().(*[]byte); ok {
		return *b
	}
	return make([]byte, 0, firstBuffer)
}

// PutDecompressBytes implements kgo.PoolDecompressBytes.
func (p *bufferPool) PutDecompressBytes(b []byte) {
	if c := cap(b); c == 0 || c > maxPooled {
		return
	}
	b = b[:0]
	p.pool.Put(&b)
}
