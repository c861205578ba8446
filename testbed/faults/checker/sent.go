package checker

import (
	"time"

	"shadoof/testbed/faults/history"
)

// sent is what is known of a topic from the side of its producers.
type sent struct {
	records     map[int64]*record // by sequence number
	generations map[string]int    // by topic id
	deleted     map[int]time.Time // when a generation began to go
	trimmed     map[place][]trim
	latest      map[keyed]int64 // the last offset of a key
}

type record struct {
	history.Sent
	generation int
	acked      bool
	fate       string // of its transaction; "" without one
}

// place is a partition of a generation.
type place struct {
	generation int
	partition  int32
}

type trim struct {
	at    time.Time
	below int64
}

type keyed struct {
	place
	key string
}

func newSent() *sent {
	return &sent{records: map[int64]*record{}, generations: map[string]int{}, deleted: map[int]time.Time{}, trimmed: map[place][]trim{}, latest: map[keyed]int64{}}
}

// produced gathers what was sent.
func (c *check) produced() {
	c.sent = map[string]*sent{}
	for topic := range c.h.Topics {
		c.sent[topic] = newSent()
	}
	fates := map[string]string{}
	for _, e := range c.h.Events {
		if e.What == history.Transaction {
			fates[e.Transaction] = e.Outcome
		}
	}
	for _, e := range c.h.Events {
		s := c.sent[e.Topic]
		if s == nil {
			continue
		}
		switch e.What {
		case history.Created:
			s.generations[e.TopicID] = e.Generation
		case history.Deleted:
			s.deleted[e.Generation] = e.At
		case history.Trimmed:
			for p, below := range e.Positions {
				k := place{e.Generation, p}
				s.trimmed[k] = append(s.trimmed[k], trim{e.At, below})
			}
		case history.Produced, history.Unclear:
			fate := ""
			if e.Transaction != "" {
				if fate = fates[e.Transaction]; fate == "" {
					fate = "unclear"
				}
			}
			for _, r := range e.Records {
				s.records[r.Seq] = &record{r, e.Generation, e.What == history.Produced, fate}
				k := keyed{place{e.Generation, r.Partition}, r.Key}
				if e.What == history.Unclear {
					r.Offset = 1 << 62 // anywhere
				}
				s.latest[k] = max(s.latest[k], r.Offset)
			}
		}
	}
}

// gone tells whether Kafka may have lost an offset by the time.
func (s *sent) gone(generation int, partition int32, offset int64, by time.Time) bool {
	if at, ok := s.deleted[generation]; ok && !at.After(by) {
		return true
	}
	for _, t := range s.trimmed[place{generation, partition}] {
		if offset < t.below && !t.at.After(by) {
			return true
		}
	}
	return false
}
