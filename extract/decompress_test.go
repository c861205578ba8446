package extract

import (
	"bytes"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Whoever may produce can send a megabyte that becomes gigabytes: it must cost no more memory than there is for it.
func TestABatchThatBecomesTooLargeIsRefused(t *testing.T) {
	t.Parallel()
	const size = 32 << 20
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			bomb := plainBatch(0, strings.Repeat("a", size)).bytes(t, codec)
			c := startClusterWithFetch(t, "delete", func(_ *kmsg.FetchRequest, p *kmsg.FetchResponseTopicPartition) { p.RecordBatches = bomb })
			_, err := readRange(t.Context(), t, openKafka(t, c, func(o *Options) { o.MaxBatch = 2 * size }), "a", "", Range{Next: 1})
			if err != nil {
				t.Errorf("read with room for it: %v", err)
			}
			_, err = readRange(t.Context(), t, openKafka(t, c, func(o *Options) { o.MaxBatch = 1 << 20 }), "a", "", Range{Next: 1})
			if err == nil || !strings.Contains(err.Error(), "record batch at offset 0") || !strings.Contains(err.Error(), "become more than 1048576") {
				t.Errorf("read: %v", err)
			}
		})
	}
}

func TestDecompressorsOfAllFormatsAreBounded(t *testing.T) {
	t.Parallel()
	d, err := newDecompressor(1<<10, &bufferPool{})
	if err != nil {
		t.Fatal(err)
	}
	for _, codec := range []kgo.CompressionCodec{kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression()} {
		for size, want := range map[int]bool{1 << 9: true, 1 << 11: false} {
			packed, used := compressor(t, codec).Compress(new(bytes.Buffer), bytes.Repeat([]byte{'a'}, size))
			out, err := d.Decompress(packed, used)
			if (err == nil) != want || want && len(out) != size {
				t.Errorf("%v of %d bytes: %d, %v", used, size, len(out), err)
			}
		}
	}
}
