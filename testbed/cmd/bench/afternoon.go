package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/twmb/franz-go/pkg/kgo"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/dynamicpb"

	"shadoof/testbed/corpus"
)

// afternoon is the program that one writes in an afternoon: decode each record to maps, and write these into a file per hour. It has
// no offsets, no commit, and loses or repeats records when it is killed. It can take any schema, as the product can.
func afternoon(ctx context.Context, t task) (measurement, error) {
	return hourly(ctx, t, mapDecoder(t.Format))
}

func mapDecoder(format string) func([]byte) (any, error) {
	switch format {
	case avroFormat:
		return func(v []byte) (row any, err error) {
			_, err = corpus.Encoder.Decode(v, &row)
			return row, err
		}
	case protobufFormat:
		return func(v []byte) (any, error) {
			m := dynamicpb.NewMessage(corpus.Message())
			err := proto.Unmarshal(v, m)
			return messageMap(m), err
		}
	}
	return func(v []byte) (row any, err error) {
		err = json.Unmarshal(v, &row)
		return row, err
	}
}

// messageMap is a message as a map, with fields by their names: null where one knows that it was not set.
func messageMap(m protoreflect.Message) map[string]any {
	fields := m.Descriptor().Fields()
	row := make(map[string]any, fields.Len())
	for i := range fields.Len() {
		f := fields.Get(i)
		switch v := m.Get(f); {
		case f.HasPresence() && !m.Has(f):
			row[string(f.Name())] = nil
		case f.IsList():
			list := make([]any, v.List().Len())
			for i := range list {
				list[i] = messageValue(f, v.List().Get(i))
			}
			row[string(f.Name())] = list
		case f.IsMap():
			entries := make(map[string]any, v.Map().Len())
			v.Map().Range(func(key protoreflect.MapKey, v protoreflect.Value) bool {
				entries[key.String()] = messageValue(f.MapValue(), v)
				return true
			})
			row[string(f.Name())] = entries
		default:
			row[string(f.Name())] = messageValue(f, v)
		}
	}
	return row
}

func messageValue(f protoreflect.FieldDescriptor, v protoreflect.Value) any {
	switch {
	case f.Message() != nil:
		return messageMap(v.Message())
	case f.Enum() != nil:
		if named := f.Enum().Values().ByNumber(v.Enum()); named != nil {
			return string(named.Name())
		}
	}
	return v.Interface()
}

// typed is the same program for one type of event alone, which is compiled into it.
func typed(ctx context.Context, t task) (measurement, error) {
	decode := func(v []byte) (row corpus.Event, err error) {
		err = json.Unmarshal(v, &row)
		return row, err
	}
	if t.Format == avroFormat {
		decode = func(v []byte) (row corpus.Event, err error) {
			_, err = corpus.Encoder.Decode(v, &row)
			return row, err
		}
	}
	return hourly(ctx, t, decode)
}

// hourFile is one hour's.
type hourFile[T any] struct {
	f    *os.File
	w    *parquet.GenericWriter[T]
	rows []T // that were not written yet
}

func hourly[T any](ctx context.Context, t task, decode func([]byte) (T, error)) (measurement, error) {
	files := map[string]*hourFile[T]{}
	n, err := consume(ctx, t, func(r *kgo.Record) error {
		row, err := decode(r.Value)
		if err != nil {
			return err
		}
		hour := r.Timestamp.UTC().Format("dt=2006-01-02/hr=15")
		f := files[hour]
		if f == nil {
			if f, err = create[T](filepath.Join(t.Out, hour), t.Codec); err != nil {
				return err
			}
			files[hour] = f
		}
		if f.rows = append(f.rows, row); len(f.rows) == cap(f.rows) {
			return f.flush()
		}
		return nil
	})
	for _, f := range files {
		err = errors.Join(err, f.flush(), f.w.Close(), f.f.Close())
	}
	return measurement{Records: n}, err
}

// The codecs as parquet-go has them: what one finds there first, but for zstd's level, which is the product's.
var libraryCodecs = map[string]compress.Codec{"snappy": &parquet.Snappy, "zstd": &zstd.Codec{Level: zstd.SpeedFastest}}

func create[T any](dir, codec string) (*hourFile[T], error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, time.Now().Format("20060102T150405.000000000")+".parquet"))
	if err != nil {
		return nil, err
	}
	w := parquet.NewGenericWriter[T](f, parquet.SchemaOf(corpus.Event{}), parquet.Compression(libraryCodecs[codec]), parquet.MaxRowsPerRowGroup(250_000))
	return &hourFile[T]{f: f, w: w, rows: make([]T, 0, 1024)}, nil
}

func (f *hourFile[T]) flush() error {
	_, err := f.w.Write(f.rows)
	clear(f.rows)
	f.rows = f.rows[:0]
	return err
}
