package jobs

import (
	"fmt"
	"io"

	"shadoof/partitioning"
	"shadoof/record"
	"shadoof/writers"
)

// A compiled is what settings mean: made anew for each lifter, since decoders are not shared between goroutines.
type compiled struct {
	decoder    record.Decoder
	format     writers.Format
	quarantine writers.Format // of records that did not fit, whatever the format of the others
	parts      *partitioning.Partitioner
	times      *partitioning.Fields // that hold the partition time; nil for the Kafka timestamp
	rowGroup   int64                // bytes of rows that are written at once; 0 for what is usual
}

// datumGroup is what is written at once of rows that are datums. Files have them in blocks of 1 MiB: nothing is won by more, and it
// would have to be kept in memory.
const datumGroup = 16 << 20

// compile makes decoder, format and partitioner. Its errors are about the configuration, and found before anything is touched. Where
// values name their schemas, find says what these are.
func (e *Env) compile(set *Settings, find FindSchema) (*compiled, error) {
	bad := func(err error) (*compiled, error) { return nil, usage(fmt.Errorf("%s: %w", set.Topic, err)) }
	c := &compiled{}
	var err error
	if c.decoder, err = e.drivers.Decoder(set, find); err != nil {
		return bad(err)
	}
	if c.format, err = e.drivers.Format(set.Output); err != nil {
		return bad(err)
	}
	if c.quarantine, err = e.drivers.Format(quarantineOutput(set.Output)); err != nil {
		return bad(err)
	}
	if c.decoder.Schema().Datum != nil {
		c.rowGroup = min(datumGroup, e.budget.Limit()/4)
	}
	schema := c.decoder.Schema()
	if set.Output.KafkaColumns {
		schema = schema.WithKafkaColumns()
		if err := schema.Validate(); err != nil {
			return bad(err)
		}
	}
	if _, err := c.format.NewEncoder(io.Discard, schema, nil); err != nil {
		return bad(err) // a schema that the format cannot hold
	}
	options, err := set.Partition.Options()
	if err != nil {
		return bad(err)
	}
	if c.parts, err = partitioning.New(options); err != nil {
		return bad(err)
	}
	if set.Partition.By == "field" && set.Decided() {
		if c.times, err = c.parts.Fields(c.decoder.Schema()); err != nil {
			return bad(err)
		}
	}
	return c, nil
}

// quarantineOutput is how quarantine files are written: always as Parquet.
func quarantineOutput(o OutputSettings) OutputSettings {
	o.Format = "parquet"
	return o
}
