package main

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"shadoof/record"
	"shadoof/record/avro"
	jsonrecord "shadoof/record/json"
	"shadoof/record/protobuf"
	"shadoof/testbed/corpus"
)

// The formats of records.
const (
	jsonFormat     = "json"
	avroFormat     = "avro"
	protobufFormat = "protobuf"
	registryFormat = "registry" // Avro; a record's schema is one of three generations, in turns, and before it stands the id that it has in a registry
	newestFormat   = "newest"   // the same events as of registryFormat, all of them by the newest schema and without ids
)

// formatNames are those that can be asked for.
var formatNames = []string{jsonFormat, avroFormat, protobufFormat, registryFormat}

// formatList are the formats that were asked for, of those that there are.
func (o options) formatList() ([]string, error) {
	list := strings.Split(o.formats, ",")
	for _, f := range list {
		if !slices.Contains(formatNames, f) {
			return nil, fmt.Errorf("no format is called %q: %s are", f, strings.Join(formatNames, ", "))
		}
	}
	return list, nil
}

const (
	newest  = len(corpus.Generations) - 1
	firstID = 101 // of the oldest generation in the registry
)

// encodeEvent makes the value of a topic's i-th record.
func encodeEvent(format string, i int, e *corpus.Event) ([]byte, error) {
	generation := i % len(corpus.Generations)
	switch format {
	case jsonFormat:
		return json.Marshal(e)
	case protobufFormat:
		return e.AppendProto(nil), nil
	case registryFormat:
		id := binary.BigEndian.AppendUint32([]byte{0}, uint32(firstID+generation))
		return corpus.GenerationEncoder(generation).AppendEncode(id, e)
	case newestFormat:
		return corpus.GenerationEncoder(newest).AppendEncode(nil, e.As(generation))
	}
	return corpus.Encoder.AppendEncode(nil, e)
}

// A pinned schema is a file that the product decodes by.
type pinned struct{ format, file, text string }

// pins are the formats whose schema is a file.
var pins = map[string]pinned{
	jsonFormat:     {"json", "event.avsc", corpus.Schema},
	avroFormat:     {"avro", "event.avsc", corpus.Schema},
	protobufFormat: {"protobuf", "event.proto", corpus.Proto},
	newestFormat:   {"avro", "event.avsc", corpus.Generations[newest]},
}

// decoder is the product's for the events.
func decoder(format string) (record.Decoder, error) {
	if format == registryFormat {
		return framedDecoder()
	}
	schema := &record.SchemaText{Format: pins[format].format, Text: pins[format].text}
	if format == protobufFormat {
		w, err := protobuf.Parse(schema, record.ReadOptions{})
		if err != nil {
			return nil, err
		}
		return w.Decoder(w.Rows())
	}
	w, err := avro.ParseWriter(schema, record.ReadOptions{})
	if err != nil {
		return nil, err
	}
	if format == jsonFormat {
		return jsonrecord.NewDecoder(w.Rows())
	}
	return w.Decoder(w.Rows())
}

// framedDecoder reads all generations into rows of the newest.
func framedDecoder() (record.Decoder, error) {
	var writers []*avro.Writer
	for _, text := range corpus.Generations {
		w, err := avro.ParseWriter(&record.SchemaText{Format: "avro", Text: text}, record.ReadOptions{})
		if err != nil {
			return nil, err
		}
		writers = append(writers, w)
	}
	rows := writers[newest].Rows()
	return record.NewFramedDecoder(rows, func(id int32) (record.Decoder, error) { return writers[id-firstID].Decoder(rows) }), nil
}
