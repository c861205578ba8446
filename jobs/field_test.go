package jobs

import (
	"strings"
	"testing"
	"time"

	"shadoof/config"
)

// timesOutOfOrder appends records whose values jump between hours; every fifth is written in another way, every seventh is no time, every eleventh out of bounds.
func timesOutOfOrder(t *memTopic, n int) (bad int64) {
	for i := range n {
		at := day.Add(time.Duration(i*37%240) * time.Minute)
		value := at.Format(time.RFC3339)
		switch {
		case i%5 == 4:
			value = at.Format("2006-01-02 15:04")
		case i%7 == 6:
			value, bad = "yesterday", bad+1
		case i%11 == 10:
			value, bad = "1970-01-01T00:00:00Z", bad+1
		}
		t.addSlots(0, memSlot{ts: day.UnixMilli(), val: []byte(value)})
	}
	return bad
}

func TestRecordsGoToTheHourOfTheirField(t *testing.T) {
	t.Parallel()
	for _, repaired := range []bool{false, true} {
		w := newWorld(t)
		// Values that are their times: a configuration allows a field only where values have some.
		w.cfg.Jobs[0].Partition.By = "field"
		w.cfg.Jobs[0].Partition.Fields = []config.TimeField{{Path: "nowhere"}, {Path: "value", Pattern: []string{"%Y-%m-%d %H:%M", "rfc3339"}, Timezone: time.UTC}}
		topic := w.source.create("orders", strings.Repeat("ab", 16), 1)
		bad := timesOutOfOrder(topic, 200)
		if repaired {
			w.lose("")
		}
		w.runClean()
		w.checkVerified("by field")
		rows := int64(0)
		for _, name := range w.store.Objects() {
			if !strings.HasPrefix(name, "orders/") {
				continue
			}
			in, err := parseLines(w.store.Bytes(name))
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range in {
				rows++
				value := string(topic.parts[0].slots[r.offset].val)
				at, err := time.Parse(time.RFC3339, value)
				if err != nil {
					at, err = time.Parse("2006-01-02 15:04", value)
				}
				if err != nil || !strings.HasPrefix(name, at.Format("orders/dt=2006-01-02/hr=15/")) {
					t.Fatalf("offset %d with the time %s is in %s", r.offset, topic.parts[0].slots[r.offset].val, name)
				}
			}
		}
		if rows != 200-bad {
			t.Errorf("repaired %v: %d rows, want %d", repaired, rows, 200-bad)
		}
	}
}
