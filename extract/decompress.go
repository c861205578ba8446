package extract

import (
	"errors"
	"fmt"
	"math"

	"github.com/twmb/franz-go/pkg/kgo"
)

// defaultMaxBatch is how many bytes a record batch may become when it is decompressed, where the options do not say.
const defaultMaxBatch = 256 << 20

// A boundedDecompressor makes no more than so many bytes of a batch, whatever the batch says of itself: a megabyte that anybody may
// produce can become a gigabyte and more.
type boundedDecompressor struct {
	kgo.Decompressor
	most int64
}

// newDecompressor bounds what a batch may become. The library's own bound, of 2 GiB, can be set for a client only, so this is the
// decompressor of one that connects to nothing.
func newDecompressor(most int64, pools ...kgo.Pool) (boundedDecompressor, error) {
	most = min(most, math.MaxInt32)
	c, err := kgo.NewClient(kgo.MaxDecompressBatchBytes(int(most)), kgo.WithPools(pools...))
	if err != nil {
		return boundedDecompressor{}, fmt.Errorf("bound the decompression of batches at %d bytes: %w", most, err)
	}
	defer c.Close()
	d, ok := c.OptValue(kgo.WithDecompressor).(kgo.Decompressor)
	if !ok {
		return boundedDecompressor{}, errors.New("the client library tells no decompressor")
	}
	return boundedDecompressor{d, most}, nil
}

func (d boundedDecompressor) Decompress(src []byte, codec kgo.CompressionCodecType) ([]byte, error) {
	out, err := d.Decompressor.Decompress(src, codec)
	if errors.Is(err, kgo.ErrMaxDecompress) {
		return nil, fmt.Errorf("its %d bytes become more than %d, half of `memory`: give more memory, or pass over it with `shadoof offsets skip`", len(src), d.most)
	}
	return out, err
}
