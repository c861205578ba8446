package main

import (
	"errors"
	"fmt"
	"strings"

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
		parts, err := newPartitioner(j)
		if err != nil {
			report("partition", errors.New(strings.TrimPrefix(err.Error(), "partition.")))
		}
		for _, topic := range writtenOut(j) {
			if j.Value.Registered() || j.Key.Registered() {
				continue // the registry knows
			}
			dec, err := staticDecoder(j, topic)
			if err != nil {
				report("value.schema", fmt.Errorf("topic %s: %w", topic, err))
				continue
			}
			if j.Partition.By == "field" && parts != nil {
				if _, err := parts.Fields(dec.Schema()); err != nil {
					report("partition.field", fmt.Errorf("topic %s: %s", topic, strings.TrimLeft(strings.TrimPrefix(err.Error(), "partition.field"), ": ")))
				}
			}
		}
	}
	return ps
}

// staticDecoder is the decoder of a job that needs no registry.
func staticDecoder(j *config.Job, topic string) (record.Decoder, error) {
	value, err := staticSchema(j.Value, topic)
	if err != nil {
		return nil, err
	}
	s := &jobs.Settings{Topic: topic, SchemaSettings: *value, Key: j.Key.Format, Headers: j.Headers}
	if j.Key.Decoded() {
		if s.KeySchema, err = staticSchema(j.Key, topic); err != nil {
			return nil, fmt.Errorf("key: %w", err)
		}
	}
	return newDecoder(s, nil)
}

func staticSchema(v config.Value, topic string) (*jobs.SchemaSettings, error) {
	text, kind, err := readSchema(v, topic)
	return &jobs.SchemaSettings{Format: v.Format, Framing: v.Framing, Schema: text, Kind: kind, Message: v.Message, AsJSON: v.AsJSON}, err
}

func newPartitioner(j *config.Job) (*partitioning.Partitioner, error) {
	o, err := jobs.PartitionOptions(j)
	if err != nil {
		return nil, err
	}
	return partitioning.New(o)
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
