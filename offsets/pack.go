package offsets

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"shadoof/storage"
)

// A pack is the bytes of packSize records, one after the other, compressed.

// readPack returns the records of the pack that ends with record v, from record from on. Attachments are not read.
func (l *Log) readPack(ctx context.Context, v, from int64) ([]*Record, error) {
	data, err := l.get(ctx, PackName(l.o.Topic, v))
	if err != nil {
		return nil, err
	}
	return decodePack(data, v, from)
}

func decodePack(data []byte, v, from int64) ([]*Record, error) {
	z, err := zstd.NewReader(bytes.NewReader(data), zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(64<<20))
	if err != nil {
		return nil, err
	}
	defer z.Close()
	var records []*Record
	lines := bufio.NewReader(z)
	for next := max(v-packSize, 0) + 1; ; next++ {
		line, err := readLine(lines)
		if err == io.EOF && next == v+1 {
			return records, nil
		}
		if err != nil {
			return nil, fmt.Errorf("record %d of a pack up to %d: %w", next, v, err)
		}
		if next < from {
			continue
		}
		r, err := Decode(line)
		if err != nil {
			return nil, fmt.Errorf("record %d of a pack up to %d: %w", next, v, err)
		}
		if r.V != next || next > v {
			return nil, fmt.Errorf("a pack up to %d holds record %d in the place of %d", v, r.V, next)
		}
		records = append(records, r)
	}
}

// readLine reads up to a newline. At the very end it returns io.EOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case err == nil:
			return line, nil
		case err == io.EOF && len(line) > 0:
			return nil, io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		case len(line) > maxLine:
			return nil, errors.New("a line is too long")
		}
	}
}

// writePack creates the pack that ends with record v, if it is absent. Its records are durable.
func (l *Log) writePack(ctx context.Context, v int64) error {
	var packed bytes.Buffer
	z, err := zstd.NewWriter(&packed, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	for next := v - packSize + 1; next <= v; next += width {
		lines := make([][]byte, min(width, v-next+1))
		err := inParallel(len(lines), func(i int) (err error) {
			name := LogName(l.o.Topic, next+int64(i))
			if lines[i], err = l.get(ctx, name); err == nil {
				_, err = decodeSlot(name, next+int64(i), lines[i])
			}
			return err
		})
		if err != nil {
			return err
		}
		for _, line := range lines {
			if _, err := z.Write(line); err != nil {
				return err
			}
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	return l.cache(ctx, PackName(l.o.Topic, v), packed.Bytes())
}

// cache creates an object of which nothing depends, if it is absent.
func (l *Log) cache(ctx context.Context, name string, data []byte) error {
	switch answer, err := l.o.Store.PutNew(ctx, name, data); {
	case answer == storage.Created, answer == storage.Exists:
		return nil
	case err != nil:
		return fmt.Errorf("create %s: %w", name, err)
	default:
		return fmt.Errorf("create %s: the store's answer is %q", name, answer)
	}
}
