package checker

import (
	"encoding/json"
	"time"

	"shadoof/testbed/faults/history"
)

type feedLine struct {
	V       int64      `json:"v"`
	Type    string     `json:"type"`
	Added   []feedFile `json:"added"`
	Removed []feedFile `json:"removed"`
}

type feedFile struct {
	Key  string `json:"key"`
	Rows int64  `json:"rows"`
}

// feed applies the lines that a reader got, and holds the result against the live files.
func (c *check) feed(topic string) {
	l := c.logs[topic]
	if l == nil {
		return
	}
	have := map[string]bool{}
	next := int64(1)
	for _, e := range c.h.Events {
		if e.What != history.Fed || e.Topic != topic {
			continue
		}
		var line feedLine
		if err := json.Unmarshal(e.Feed, &line); err != nil {
			c.violate(RuleFeed, e.Who, e.At, "%s: %v in %s", topic, err, e.Feed)
			continue
		}
		if line.V != next {
			c.violate(RuleFeed, e.Who, e.At, "%s: version %d comes where %d should", topic, line.V, next)
		}
		next = line.V + 1
		for _, f := range line.Removed {
			if !have[f.Key] {
				c.violate(RuleFeed, e.Who, e.At, "%s: version %d removes %s, which is not there", topic, line.V, f.Key)
			}
			delete(have, f.Key)
		}
		for _, f := range line.Added {
			if have[f.Key] {
				c.violate(RuleFeed, e.Who, e.At, "%s: version %d adds %s once more", topic, line.V, f.Key)
			}
			have[f.Key] = true
		}
	}
	if end := int64(len(l.records)); next != end+1 {
		c.violate(RuleFeed, "", time.Time{}, "%s: it ends at version %d, and the log at %d", topic, next-1, end)
		return
	}
	for ref, f := range l.files {
		if f.live && !have[ref.Key] {
			c.violate(RuleFeed, "", time.Time{}, "%s: it lacks %s of version %d", topic, ref.Key, ref.V)
		}
		if !f.live && have[ref.Key] {
			c.violate(RuleFeed, "", time.Time{}, "%s: it still has %s of version %d", topic, ref.Key, ref.V)
		}
	}
}
