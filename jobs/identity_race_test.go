package jobs

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"shadoof/offsets"
	"shadoof/storage/memory"
)

// TestARecreatedTopicIsRecordedOnce lets two workers find at once that a topic is another one, or was cut back, where the policy is to go on.
func TestARecreatedTopicIsRecordedOnce(t *testing.T) {
	t.Parallel()
	for _, what := range []string{"recreated", "truncated"} {
		for n := 1; ; n++ {
			w := newWorld(t)
			w.configure(testConfig + "    policy: {truncated: record, topic_recreated: record}\n")
			topic := twoHours(w)
			w.runClean()
			change := func() {
				if what == "recreated" {
					topic = w.source.create("orders", strings.Repeat("cd", 16), 2)
					topic.add(0, 9, day.Add(3*time.Hour), time.Minute)
				} else {
					topic.parts[0].slots = topic.parts[0].slots[:10]
				}
				topic.add(1, 2, day.Add(3*time.Hour), time.Minute)
			}
			s := w.store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
				if c.Seq == n {
					change()
					w.runClean()
					topic.add(1, 2, day.Add(3*time.Hour), time.Minute)
				}
				return memory.Proceed
			}})
			err := runOnce(w, w.process(s))
			w.runClean()
			ends := map[string]int64{}
			for _, r := range w.records() {
				if r.Type == offsets.TypeIncarnate {
					ends["incarnations"]++
				}
				if l := r.Lift(); l != nil {
					for _, b := range l.Bundles {
						for _, seg := range b.Segments {
							at := fmt.Sprint(l.Incarnation, "/", seg.Partition)
							if seg.Partition == 1 && seg.From < ends[at] {
								t.Errorf("%s before operation %d (%v): partition 1 is lifted again from %d", what, n, err, seg.From)
							}
							ends[at] = seg.To
						}
					}
				}
			}
			if ends["incarnations"] > 1 {
				t.Errorf("%s before operation %d (%v): recorded %d times\n%s", what, n, err, ends["incarnations"], s.Trace())
			}
			w.checkVerified(fmt.Sprintf("%s before operation %d", what, n))
			if s.Operations() < n {
				break
			}
		}
	}
}
