package main

import (
	"encoding/json"
	"unicode/utf8"

	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/record"
)

// peekedRecord is a line of `peek --json`. Of key and key_base64, value and value_base64 one is there, or neither where Kafka has none.
type peekedRecord struct {
	Topic       string          `json:"topic"`
	Partition   int32           `json:"partition"`
	Offset      int64           `json:"offset"`
	Timestamp   int64           `json:"timestamp"` // ms
	Time        string          `json:"time"`
	Key         *string         `json:"key,omitempty"`
	KeyBase64   []byte          `json:"key_base64,omitempty"`
	Headers     []peekedHeader  `json:"headers"`
	Value       *string         `json:"value,omitempty"`
	ValueBase64 []byte          `json:"value_base64,omitempty"`
	Tombstone   bool            `json:"tombstone,omitempty"`
	Row         json.RawMessage `json:"row,omitempty"`
	Bucket      string          `json:"bucket,omitempty"`
	Quarantine  *peekedBad      `json:"quarantine,omitempty"`
}

type peekedHeader struct {
	Key         *string `json:"key,omitempty"`
	KeyBase64   []byte  `json:"key_base64,omitempty"`
	Value       *string `json:"value,omitempty"`
	ValueBase64 []byte  `json:"value_base64,omitempty"`
}

type peekedBad struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
}

// peekedHole is a line of `peek --json` about offsets without a record.
type peekedHole struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	jobs.PeekHole
}

func (p peekPrinter) json(item *jobs.PeekItem) error {
	r := item.Record
	if r == nil {
		return ui.Lines(p.w, []peekedHole{{p.topic, p.partition, item.PeekHole}})
	}
	out := peekedRecord{Topic: p.topic, Partition: p.partition, Offset: r.Offset, Timestamp: r.Timestamp, Time: recordTime(r.Timestamp),
		Headers: peekedHeaders(r.Headers), Tombstone: r.Value == nil, Row: item.Row, Bucket: item.Bucket}
	out.Key, out.KeyBase64 = textOrBytes(r.Key)
	out.Value, out.ValueBase64 = textOrBytes(r.Value)
	if item.Bad != nil {
		out.Quarantine = &peekedBad{string(item.Bad.Reason), item.Bad.Detail}
	}
	return ui.Lines(p.w, []peekedRecord{out})
}

func peekedHeaders(headers []record.Header) []peekedHeader {
	out := []peekedHeader{}
	for _, h := range headers {
		var line peekedHeader
		line.Key, line.KeyBase64 = textOrBytes([]byte(h.Key))
		line.Value, line.ValueBase64 = textOrBytes(h.Value)
		out = append(out, line)
	}
	return out
}

// textOrBytes is UTF-8 as text, and anything else as bytes; neither for nil.
func textOrBytes(b []byte) (*string, []byte) {
	switch {
	case b == nil:
		return nil, nil
	case utf8.Valid(b):
		s := string(b)
		return &s, nil
	}
	return nil, b
}
