package main

import "shadoof/record"

// An unframed decoder takes the header of Confluent's framing off before the value is decoded.
type unframed struct{ record.Decoder }

func unframe(d record.Decoder, framed bool) record.Decoder {
	if !framed {
		return d
	}
	return unframed{d}
}

func (u unframed) Decode(c *record.Columns, r *record.Raw) error {
	if r.Value == nil {
		return u.Decoder.Decode(c, r)
	}
	if _, ok := record.SchemaID(r.Value); !ok {
		return &record.BadRecord{Reason: record.Undecodable, Detail: "no header of a zero byte and a schema id before the value: value.framing is confluent"}
	}
	bare := *r
	bare.Value = r.Value[record.HeaderBytes:]
	return u.Decoder.Decode(c, &bare)
}
