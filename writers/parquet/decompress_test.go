package parquet

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	pqformat "github.com/parquet-go/parquet-go/format"
)

// A page whose header was damaged, or that was made to fill the memory, is refused before there is room made for it.
func TestAPageIsAsLargeAsItSays(t *testing.T) {
	t.Parallel()
	page := bytes.Repeat([]byte("rows "), 100_000)
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var gz bytes.Buffer
	w := gzip.NewWriter(&gz)
	if _, err := w.Write(page); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for codec, packed := range map[pqformat.CompressionCodec][]byte{
		pqformat.Uncompressed: page, pqformat.Snappy: s2.EncodeSnappy(nil, page), pqformat.Zstd: z.EncodeAll(page, nil), pqformat.Gzip: gz.Bytes(),
	} {
		if got, err := decompress(codec, packed, len(page)); err != nil || !bytes.Equal(got, page) {
			t.Errorf("%v: %d bytes, %v", codec, len(got), err)
		}
		for _, size := range []int{0, 1, len(page) - 1, len(page) + 1, maxRecordPage} {
			if _, err := decompress(codec, packed, size); err == nil {
				t.Errorf("%v: %d bytes are taken for %d", codec, len(page), size)
			}
		}
	}
}
