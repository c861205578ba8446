package jsonschema

import (
	"strconv"

	"shadoof/record"
)

// formats are the kinds of strings. A time of day in JSON Schema has a zone, which no column of times keeps: it stays a string.
var formats = map[string]record.Kind{"date-time": record.TimestampMicros, "date": record.Date, "uuid": record.UUID}

// integers are the titles by which Kafka Connect and Debezium say what their integers count.
var integers = map[string]record.Kind{
	"org.apache.kafka.connect.data.Date":      record.Date,
	"org.apache.kafka.connect.data.Time":      record.TimeMillis,
	"org.apache.kafka.connect.data.Timestamp": record.TimestampMillis,
	"io.debezium.time.Date":                   record.Date,
	"io.debezium.time.Time":                   record.TimeMillis,
	"io.debezium.time.MicroTime":              record.TimeMicros,
	"io.debezium.time.Timestamp":              record.LocalMillis,
	"io.debezium.time.MicroTimestamp":         record.LocalMicros,
	"io.debezium.time.NanoTimestamp":          record.LocalNanos,
}

const connectDecimal = "org.apache.kafka.connect.data.Decimal"

// logical reads what numbers and strings stand for.
func logical(s *shape, v *value) {
	title := v.Str("title")
	if s.kinds&number == whole && !s.soft {
		s.number.Kind = integers[title]
	}
	if title == connectDecimal && s.kinds&fraction != 0 {
		p := v.Get("connect.parameters")
		if p == nil {
			p = &value{}
		}
		scale, precision := parameter(p, "scale", 0), parameter(p, "connect.decimal.precision", 38)
		if precision >= 1 && precision <= 38 && scale >= 0 && scale <= precision {
			s.number = record.Type{Kind: record.Decimal, Precision: precision, Scale: scale}
		}
	}
	switch {
	case v.Str("contentEncoding") == "base64", v.Str("connect.type") == "bytes" && s.kinds&text != 0:
		s.text.Kind = record.Bytes
	case v.Get("enum") != nil || v.Get("const") != nil:
	case title == "io.debezium.time.ZonedTimestamp":
		s.text.Kind = record.TimestampMicros
	default:
		s.text.Kind = formats[v.Str("format")]
	}
}

func parameter(p *value, name string, otherwise int) int {
	m := p.Get(name)
	if !m.Is("\"0") {
		return otherwise
	}
	n, err := strconv.Atoi(m.Text)
	if err != nil {
		return -1
	}
	return n
}
