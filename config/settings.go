package config

import (
	"encoding/json"
	"time"
)

// Settings is the canonical JSON of the keys of a job that decide the bytes of its files: with these, the schemas and the clock of a
// commit a file can be built again. Jobs that differ in other keys have equal settings.
func (j *Job) Settings() []byte {
	type object = map[string]any // encoding/json sorts the keys
	b, err := json.Marshal(object{
		"folder":   j.Folder,
		"headers":  j.Headers,
		"timezone": j.Timezone.String(),
		"value":    object{"format": j.Value.Format, "framing": j.Value.Framing, "schema": j.Value.Schema},
		"key":      object{"format": j.Key.Format},
		"partition": object{"by": j.Partition.By, "field": j.Partition.Field, "unit": j.Partition.Unit, "layout": j.Partition.Layout,
			"min": j.Partition.Min.UTC().Format(time.RFC3339Nano), "max_future": j.Partition.MaxFuture.String(), "otherwise": j.Partition.Otherwise},
		"output": object{"format": j.Output.Format, "compression": j.Output.Compression, "target_size": j.Output.TargetSize,
			"kafka_columns": j.Output.KafkaColumns},
		"policy": object{"bad_record": j.Policy.BadRecord, "tombstone": j.Policy.Tombstone, "lost_records": j.Policy.LostRecords,
			"topic_recreated": j.Policy.TopicRecreated, "truncated": j.Policy.Truncated, "unexplained_gap": j.Policy.UnexplainedGap},
	})
	if err != nil {
		panic(err) // plain data always marshals
	}
	return b
}
