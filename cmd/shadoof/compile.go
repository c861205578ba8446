package main

import (
	"fmt"

	"shadoof/config"
	"shadoof/jobs"
	"shadoof/partitioning"
	"shadoof/record"
)

// compileProblems are problems that only the parts can see: layouts, and schemas as far as their files are known without Kafka.
func compileProblems(file string, cfg *config.Config) config.Problems {
	var ps config.Problems
	for i, j := range cfg.Jobs {
		report := func(key string, err error) {
			ps = append(ps, config.Problem{File: file, Line: j.Line, Path: fmt.Sprintf("jobs[%d].%s", i, key), Message: err.Error()})
		}
		p := j.Partition
		parts, err := partitioning.New(partitioning.Options{By: p.By, Field: p.Field, Unit: p.Unit, Layout: p.Layout, Zone: j.Timezone, Min: p.Min,
			MaxFuture: p.MaxFuture, Otherwise: p.Otherwise})
		if err != nil {
			report("partition", err)
		}
		for _, topic := range writtenOut(j) {
			text, err := readSchema(j, topic)
			if err != nil {
				report("value.schema", err)
				continue
			}
			s := &jobs.Settings{Topic: topic, Format: j.Value.Format, Framing: j.Value.Framing, Schema: text, Key: j.Key.Format, Headers: j.Headers}
			dec, err := newDecoder(s)
			if err != nil {
				report("value.schema", fmt.Errorf("topic %s: %w", topic, err))
				continue
			}
			if p.By == "field" && parts != nil {
				if err := checkField(parts, dec.Schema(), p.Field); err != nil {
					report("partition.field", fmt.Errorf("topic %s: %w", topic, err))
				}
			}
		}
	}
	return ps
}

// checkField says whether the time of a record can be taken from a field.
func checkField(parts *partitioning.Partitioner, s *record.Schema, name string) error {
	_, field, ok := s.Leaf(name)
	if !ok {
		return fmt.Errorf("%q is not a plain field of the schema", name)
	}
	return parts.CheckField(field)
}

// writtenOut are the topics that a job names literally.
func writtenOut(j *config.Job) []string {
	var topics []string
	for _, p := range j.Topics {
		if p.Literal != "" && j.Matches(p.Literal) {
			topics = append(topics, p.Literal)
		}
	}
	return topics
}
