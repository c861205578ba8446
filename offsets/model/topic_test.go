package model

import (
	"strings"
	"testing"
)

func topicModelOf(t *testing.T, name string) *topicModel {
	t.Helper()
	for _, c := range topicConfigs {
		if c.name == name {
			m := c.model
			return &m
		}
	}
	t.Fatalf("unknown configuration %q", name)
	return nil
}

func TestTheRightTopicAndTheRightLogAreRead(t *testing.T) {
	for _, c := range topicConfigs {
		if !asked(c.size) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			r := exploreTopic(topicModelOf(t, c.name), limit)
			t.Log(r)
			if r.Violation != "" || !r.Complete {
				t.Errorf("%s\n%s\n%s", r, r.Violation, strings.Join(r.Trace, "\n"))
			}
		})
	}
}

func TestEveryBrokenRuleAboutTopicsGivesACounterexample(t *testing.T) {
	for _, f := range topicFaults {
		t.Run(f.name, func(t *testing.T) {
			m := topicModelOf(t, f.config)
			f.set(&m.topicFault)
			r := exploreTopic(m, limit)
			t.Logf("%s: %s\n%s\n%s", f.about, r, r.Violation, strings.Join(r.Trace, "\n"))
			if r.Violation == "" {
				t.Errorf("%s: %s", f.about, r)
			}
		})
	}
}
