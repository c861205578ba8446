package faults

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/twmb/avro/ocf"

	"shadoof/testbed/faults/history"
)

// A body is the value of a record, which says all that the checker has to know of it.
type body struct {
	Seq        int64  `json:"seq"`
	Generation int    `json:"generation"`
	Fate       string `json:"fate"`
	Padding    string `json:"padding"`
}

// bodySchema is the schema of the values.
const bodySchema = `{"type":"record","name":"Body","fields":[{"name":"seq","type":"long"},{"name":"generation","type":"int"},
 {"name":"fate","type":"string"},{"name":"padding","type":"string","default":""}]}`

// A row is what is read of a data file.
type row struct {
	Seq        int64  `parquet:"seq"`
	Generation int32  `parquet:"generation"`
	Fate       string `parquet:"fate"`
	Partition  int32  `parquet:"_kafka_partition"`
	Offset     int64  `parquet:"_kafka_offset"`
}

// A misfit is what is read of a file of quarantine.
type misfit struct {
	Partition int32  `parquet:"_kafka_partition"`
	Offset    int64  `parquet:"_kafka_offset"`
	Value     []byte `parquet:"value,optional"`
	Reason    string `parquet:"reason"`
}

// readFile reads the rows of a file with readers that are not the product's.
func readFile(key string, content []byte) (f *history.File) {
	f = &history.File{Bytes: int64(len(content))}
	defer func() {
		if p := recover(); p != nil {
			f.Error = fmt.Sprintf("reading it panics: %v", p)
		}
	}()
	var err error
	switch {
	case strings.HasSuffix(key, ".avro"):
		f.Rows, err = readAvro(content)
	case strings.Contains(key, "/quarantine/"):
		f.Rows, err = readQuarantine(content)
	default:
		var rows []row
		rows, err = readParquet[row](content)
		for _, r := range rows {
			f.Rows = append(f.Rows, history.Row{Partition: r.Partition, Offset: r.Offset, Seq: r.Seq, Generation: int(r.Generation), Fate: r.Fate})
		}
	}
	if err != nil {
		f.Error = err.Error()
	}
	return f
}

func readParquet[T any](content []byte) ([]T, error) {
	r := parquet.NewGenericReader[T](bytes.NewReader(content))
	defer r.Close()
	rows := make([]T, r.NumRows())
	n, err := r.Read(rows)
	if errors.Is(err, io.EOF) && n == len(rows) {
		err = nil
	}
	return rows[:n], err
}

func readQuarantine(content []byte) (out []history.Row, err error) {
	misfits, err := readParquet[misfit](content)
	for _, m := range misfits {
		var b body
		if err := json.Unmarshal(m.Value, &b); err != nil {
			return nil, fmt.Errorf("quarantined record at %d@%d: %w", m.Partition, m.Offset, err)
		}
		out = append(out, history.Row{Partition: m.Partition, Offset: m.Offset, Seq: b.Seq, Generation: b.Generation, Fate: b.Fate})
	}
	return out, err
}

func readAvro(content []byte) (out []history.Row, err error) {
	r, err := ocf.NewReader(bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	for {
		var v struct {
			Seq        int64  `avro:"seq"`
			Generation int32  `avro:"generation"`
			Fate       string `avro:"fate"`
			Padding    string `avro:"padding"`
			Partition  int32  `avro:"_kafka_partition"`
			Offset     int64  `avro:"_kafka_offset"`
			Timestamp  int64  `avro:"_kafka_timestamp"`
		}
		switch err := r.Decode(&v); {
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, err
		}
		out = append(out, history.Row{Partition: v.Partition, Offset: v.Offset, Seq: v.Seq, Generation: int(v.Generation), Fate: v.Fate})
	}
}
