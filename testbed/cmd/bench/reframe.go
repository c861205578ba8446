package main

import (
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/klauspost/compress/zstd"

	"shadoof/record"
)

// A block of an Avro container file, before compression.
const reframeBlock = 1 << 20

// reframe is the least that a copy from Avro to Avro costs after the fetch: datums and their Kafka columns are copied into blocks, and
// these are compressed and written into a file for each hour. Nothing is looked at.
func reframe(ctx context.Context, t task) (m measurement, err error) {
	k, err := keep(ctx, t)
	if err != nil {
		return m, err
	}
	z, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(reframeBlock), zstd.WithEncoderCRC(true))
	if err != nil {
		return m, err
	}
	m.Records = k.records
	m.CPU, m.Wall, err = timed(func() error {
		files := map[int64]*reframed{}
		for _, records := range k.partitions {
			for i := range records {
				if err := reframeRecord(files, z, t.Out, &records[i]); err != nil {
					return err
				}
			}
		}
		var err error
		for _, f := range files {
			err = errors.Join(err, f.block(z), f.out.Close())
		}
		return err
	})
	return m, err
}

// reframed is one hour's file.
type reframed struct {
	out      *os.File
	raw      []byte
	rows     int64
	finished []byte
}

func reframeRecord(files map[int64]*reframed, z *zstd.Encoder, folder string, r *record.Raw) error {
	hour := r.Timestamp / time.Hour.Milliseconds()
	f := files[hour]
	if f == nil {
		out, err := os.Create(filepath.Join(folder, time.UnixMilli(r.Timestamp).UTC().Format("2006010215")+".avro"))
		if err != nil {
			return err
		}
		f = &reframed{out: out, raw: make([]byte, 0, reframeBlock+reframeBlock/16)}
		files[hour] = f
	}
	f.raw = append(f.raw, r.Value...)
	f.raw = binary.AppendVarint(f.raw, int64(r.Partition))
	f.raw = binary.AppendVarint(f.raw, r.Offset)
	f.raw = binary.AppendVarint(f.raw, r.Timestamp)
	f.rows++
	if len(f.raw) >= reframeBlock {
		return f.block(z)
	}
	return nil
}

// block writes a block: the number of rows, the number of bytes, the rows, a marker.
func (f *reframed) block(z *zstd.Encoder) error {
	const prefix = 2 * binary.MaxVarintLen64
	var marker [16]byte
	f.finished = z.EncodeAll(f.raw, append(f.finished[:0], make([]byte, prefix)...))
	size := int64(len(f.finished) - prefix)
	_, err := f.out.Write(binary.AppendVarint(binary.AppendVarint(nil, f.rows), size))
	if err == nil {
		_, err = f.out.Write(append(f.finished[prefix:], marker[:]...))
	}
	f.raw, f.rows = f.raw[:0], 0
	return err
}
