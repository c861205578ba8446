package main

import (
	"fmt"

	"shadoof/config"
	"shadoof/jobs"
)

// compileProblems are problems that only the parts can see: layouts, and schemas as far as their files are known without Kafka.
func compileProblems(file string, cfg *config.Config) config.Problems {
	var ps config.Problems
	for i, j := range cfg.Jobs {
		report := func(key string, err error) {
			ps = append(ps, config.Problem{File: file, Line: j.Line, Path: fmt.Sprintf("jobs[%d].%s", i, key), Message: err.Error()})
		}
		for _, topic := range writtenOut(j) {
			text, err := readSchema(j, topic)
			if err != nil {
				report("value.schema", err)
				continue
			}
			s := &jobs.Settings{Topic: topic, Format: j.Value.Format, Framing: j.Value.Framing, Schema: text, Key: j.Key.Format, Headers: j.Headers}
			if _, err := newDecoder(s); err != nil {
				report("value.schema", fmt.Errorf("topic %s: %w", topic, err))
			}
		}
	}
	return ps
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
