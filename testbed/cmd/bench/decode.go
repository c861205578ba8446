package main

import (
	"context"
	"fmt"
	"io"

	"github.com/bytedance/sonic"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/dynamicpb"

	"shadoof/record"
	"shadoof/testbed/corpus"
	"shadoof/writers/parquet"
)

// What decode finds out, in nanoseconds of CPU time for a record.
const (
	nsColumns    = "decode to columns, ns"
	nsDictionary = "dictionaries, ns"
	nsValues     = "decode to values by the library, ns"
)

const (
	decodeRecords = 100_000 // at most; they are decoded again and again
	decodeGroup   = 50_000  // rows that the columns hold
	decodeSeconds = 1.5     // of CPU time for each figure
)

// decode compares the product's decoder with the library that decodes to Go's values: twmb/avro to any, sonic to maps, dynamicpb.
func decode(ctx context.Context, t task) (m measurement, err error) {
	k, err := keep(ctx, t)
	if err != nil {
		return m, err
	}
	records := k.all()
	records = records[:min(len(records), decodeRecords)]
	m.Records, m.Figures = k.records, map[string]float64{}
	if m.Figures[nsColumns], err = decodeColumns(t.Format, records); err != nil {
		return m, err
	}
	if m.Figures[nsDictionary], err = dictionaryTime(t.Format, records); err != nil {
		return m, err
	}
	m.Figures[nsValues], err = repeated(len(records), func() error { return decodeValues(t.Format, records) })
	return m, err
}

// repeated does something with n records until enough CPU time has gone, and returns that of a record in nanoseconds.
func repeated(n int, once func() error) (ns float64, err error) {
	if err := once(); err != nil { // caches and pools are warm then
		return 0, err
	}
	times := 0
	cpu, _, err := timed(func() error {
		for from := cpuTime(); (cpuTime() - from).Seconds() < decodeSeconds; times++ {
			if err := once(); err != nil {
				return err
			}
		}
		return nil
	})
	return cpu / float64(times*n) * 1e9, err
}

func decodeColumns(format string, records []record.Raw) (float64, error) {
	dec, err := decoder(format)
	if err != nil {
		return 0, err
	}
	c := record.NewColumns(dec.Schema().WithKafkaColumns())
	return repeated(len(records), func() error {
		for from := 0; from < len(records); from += decodeGroup {
			c.Reset()
			if err := decodeInto(c, dec, records[from:min(from+decodeGroup, len(records))]); err != nil {
				return err
			}
		}
		return nil
	})
}

func decodeValues(format string, records []record.Raw) error {
	decode := libraries[format]
	for i := range records {
		if err := decode(records[i].Value); err != nil {
			return err
		}
	}
	return nil
}

// libraries decode a record to values of Go. Where there are generations each record is read by the schema that wrote it.
var libraries = map[string]func(value []byte) error{
	jsonFormat: func(value []byte) error {
		var v map[string]any
		return sonic.Unmarshal(value, &v)
	},
	avroFormat: func(value []byte) error {
		var v any
		_, err := corpus.Encoder.Decode(value, &v)
		return err
	},
	protobufFormat: func(value []byte) error { return proto.Unmarshal(value, dynamicpb.NewMessage(corpus.Message())) },
	registryFormat: func(value []byte) error {
		id, _ := record.SchemaID(value)
		var v any
		_, err := corpus.GenerationEncoder(int(id-firstID)).Decode(value[record.HeaderBytes:], &v)
		return err
	},
}

// dictionaryTime is what the product's encoder spends on finding out which columns get a dictionary, and on these. That is done inside
// the encoder, so it is a share of a CPU profile of encoding without compression.
func dictionaryTime(format string, records []record.Raw) (float64, error) {
	dec, err := decoder(format)
	if err != nil {
		return 0, err
	}
	c := record.NewColumns(dec.Schema().WithKafkaColumns())
	if err := decodeInto(c, dec, records[:min(len(records), decodeGroup)]); err != nil {
		return 0, err
	}
	files, err := parquet.New(parquet.Options{Compression: "none"})
	if err != nil {
		return 0, err
	}
	var ns float64
	share, err := profiledShare(dictionaryCode, func() (err error) {
		ns, err = repeated(c.Rows(), func() error {
			e, err := files.NewEncoder(io.Discard, c.Schema, nil)
			if err != nil {
				return err
			}
			if err := e.WriteRows(c); err != nil {
				return err
			}
			return e.Close()
		})
		return err
	})
	if err == nil && share == 0 {
		err = fmt.Errorf("a CPU profile shows nothing of %v: the dictionaries moved to another file", dictionaryCode)
	}
	return share * ns, err
}

// jsonLibrary is what decodes JSON to maps here: sonic falls back to the standard library where it does not know Go's version.
func jsonLibrary() string {
	if sonic.APIKind == sonic.UseStdJSON {
		return "encoding/json (sonic does not know this version of Go)"
	}
	return "sonic"
}
