package s3

import (
	"errors"
	"io"
)

const chunkSize = 64 << 10

// part is a part that is being filled or sent. It takes memory as it grows.
type part struct {
	s      *Store
	chunks []*[chunkSize]byte
	size   int
}

// fill appends as much of p as fits below limit, and returns how much that was.
func (b *part) fill(p []byte, limit int) int {
	total := 0
	for len(p) > 0 && b.size < limit {
		if b.size == len(b.chunks)*chunkSize {
			b.chunks = append(b.chunks, b.s.chunks.Get().(*[chunkSize]byte))
		}
		at := b.size % chunkSize
		n := copy(b.chunks[len(b.chunks)-1][at:min(chunkSize, at+limit-b.size)], p)
		p = p[n:]
		b.size += n
		total += n
	}
	return total
}

// held is the memory that the part takes.
func (b *part) held() int64 { return int64(len(b.chunks)) * chunkSize }

func (b *part) release() {
	for _, c := range b.chunks {
		b.s.chunks.Put(c)
	}
	b.chunks, b.size = nil, 0
}

// bytes are the filled chunks.
func (b *part) bytes() [][]byte {
	filled := make([][]byte, len(b.chunks))
	for i, c := range b.chunks {
		filled[i] = c[:min(chunkSize, b.size-i*chunkSize)]
	}
	return filled
}

// reader reads the part, again and again where a request is repeated.
func (b *part) reader() io.ReadSeeker { return &partReader{b: b} }

type partReader struct {
	b  *part
	at int
}

func (r *partReader) Read(p []byte) (int, error) {
	if r.at >= r.b.size {
		return 0, io.EOF
	}
	i := r.at / chunkSize
	n := copy(p, r.b.chunks[i][r.at%chunkSize:min(chunkSize, r.b.size-i*chunkSize)])
	r.at += n
	return n, nil
}

func (r *partReader) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += int64(r.at)
	case io.SeekEnd:
		offset += int64(r.b.size)
	}
	if offset < 0 || offset > int64(r.b.size) {
		return 0, errors.New("seek outside of the part")
	}
	r.at = int(offset)
	return offset, nil
}
