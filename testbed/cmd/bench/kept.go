package main

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"shadoof/record"
)

// kept are the records of a topic in memory, for programs that measure what comes after the fetch.
type kept struct {
	partitions [partitions][]record.Raw // by offset
	records    int
	bytes      int64 // of values
}

func keep(ctx context.Context, t task) (*kept, error) {
	k := &kept{}
	var room []byte
	n, err := consume(ctx, t, func(r *kgo.Record) error {
		of := &k.partitions[r.Partition]
		if r.Offset != int64(len(*of)) {
			return fmt.Errorf("offset %d follows record %d of partition %d", r.Offset, len(*of)-1, r.Partition)
		}
		if len(room)+len(r.Value) > cap(room) {
			room = make([]byte, 0, max(1<<20, len(r.Value)))
		}
		from := len(room)
		room = append(room, r.Value...)
		*of = append(*of, record.Raw{Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp.UnixMilli(), Value: room[from:len(room):len(room)]})
		k.bytes += int64(len(r.Value))
		return nil
	})
	k.records = n
	return k, err
}

// all are the records of all partitions, one after the other.
func (k *kept) all() []record.Raw {
	all := make([]record.Raw, 0, k.records)
	for _, p := range k.partitions {
		all = append(all, p...)
	}
	return all
}

// decodeInto appends records as rows with the Kafka columns.
func decodeInto(c *record.Columns, dec record.Decoder, records []record.Raw) error {
	for i := range records {
		r := &records[i]
		if err := dec.Decode(c, r); err != nil {
			return err
		}
		c.AppendKafka(r.Partition, r.Offset, r.Timestamp)
		c.EndRow()
	}
	return nil
}
