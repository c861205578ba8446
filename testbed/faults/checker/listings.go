package checker

import (
	"sort"
	"time"

	"shadoof/testbed/faults/history"
)

// files holds what is visible at the end against the log.
func (c *check) files() {
	live := map[string]bool{}
	for topic, l := range c.logs {
		for ref, f := range l.files {
			if !f.live {
				continue
			}
			live[ref.Key] = true
			switch read := c.h.Files[ref.Key]; {
			case read == nil:
				c.violate(RuleVisible, "", time.Time{}, "%s: %s of version %d is not to be seen", topic, ref.Key, ref.V)
			case read.Error != "":
				c.violate(RuleVisible, "", time.Time{}, "%s of version %d: %s", ref.Key, ref.V, read.Error)
			}
		}
	}
	for key := range c.h.Files {
		if !live[key] {
			c.violate(RuleVisible, "", time.Time{}, "%s is visible, and no record has it as live", key)
		}
	}
}

// listings judges what a lister saw all the while. A listing takes its time: what it shows was there at some moment of it. So a listing of
// the log that began after it must have the records that explain it.
func (c *check) listings() {
	gone, unsure := map[string]bool{}, map[string]bool{}
	for i, e := range c.h.Events {
		if e.What != history.Listed {
			continue
		}
		shaky := c.shaky(e)
		for _, o := range e.Appeared {
			if unsure[o.Key] = shaky; shaky {
				continue // it may never have been there; if it was, the end tells
			}
			topic, v := c.namer(o.Key)
			switch after := c.after(i, topic); {
			case v == 0:
				c.violate(RuleEarly, e.Who, e.Until, "%s was visible, and no record ever names it", o.Key)
			case after < v:
				c.violate(RuleEarly, e.Who, e.Until, "%s was visible when version %d was the newest, and version %d names it", o.Key, after, v)
			}
			if gone[o.Key] {
				c.violate(RuleBack, e.Who, e.Until, "%s", o.Key)
			}
		}
		for _, key := range e.Gone {
			if shaky || unsure[key] {
				continue
			}
			gone[key] = true
			topic, _ := c.namer(key)
			if after := c.after(i, topic); !c.removed(topic, key, after) {
				c.violate(RuleVanished, e.Who, e.Until, "%s was gone when version %d was the newest, and no record up to that removes it", key, after)
			}
		}
		for _, key := range e.Changed {
			c.violate(RuleChanged, e.Who, e.Until, "%s", key)
		}
	}
}

// unsynced is for how long before its death a NameNode may have shown changes that its journal never got.
const unsynced = 5 * time.Second

// shaky tells whether what was seen may not have survived: a NameNode shows a change before its journal has it.
func (c *check) shaky(e history.Event) bool {
	for _, begin := range c.deaths {
		if e.Until.After(begin.Add(-unsynced)) && e.At.Before(begin.Add(unsynced)) {
			return true
		}
	}
	return false
}

// namer is the record that names a key.
func (c *check) namer(key string) (topic string, v int64) {
	for topic, l := range c.logs {
		if v := l.named[key]; v > 0 {
			return topic, v
		}
	}
	return "", 0
}

func (c *check) removed(topic, key string, through int64) bool {
	if l := c.logs[topic]; l != nil {
		for _, v := range l.removed[key] {
			if v <= through {
				return true
			}
		}
	}
	return false
}

// after is the newest version in the first listing of the log that began after event i ended.
func (c *check) after(i int, topic string) int64 {
	ended := c.h.Events[i].Until
	from := sort.Search(len(c.looked), func(n int) bool { return !c.looked[n].At.Before(ended) })
	for _, e := range c.looked[from:] {
		if v, ok := e.Newest[topic]; ok {
			return v
		}
	}
	if l := c.logs[topic]; l != nil {
		return int64(len(l.records)) // nobody looked again but at the end
	}
	return 0
}
