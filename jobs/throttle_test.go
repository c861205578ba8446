package jobs

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/internal/kafkatest"
)

// heavy fills topics with records of a hundred bytes, and returns how many bytes they are.
func heavy(w *world, topics, partitions, records int) (bytes int64) {
	for i := range topics {
		topic := w.source.create(fmt.Sprint("orders-", i), fmt.Sprint("id", i), partitions)
		for p := range partitions {
			for n := range records {
				s := memSlot{ts: day.Add(time.Duration(n) * time.Second).UnixMilli(), key: "key", val: []byte(strings.Repeat("v", 97))}
				topic.addSlots(p, s)
				bytes += 100
			}
		}
	}
	return bytes
}

// throttled is a configuration of several topics whose bundles are lifted side by side.
const throttledConfig = `
kafka: {brokers: ["127.0.0.1:9092"]}
store: {url: "file:///nowhere"}
jobs:
  - name: tests
    topics: ["orders-.*"]
    value: {format: string}
    output: {target_size: 1KiB}
    limits: {bytes_per_second: 10KiB}
`

func TestAThrottleHoldsOverAllLifters(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(throttledConfig)
		bytes := heavy(w, 3, 4, 200)
		e := w.process(w.store)
		e.parallel = 4
		began := time.Now()
		r := w.run(e)
		if r.ExitCode() != ExitDone {
			t.Fatal(reportText(r))
		}
		rate := float64(bytes) / time.Since(began).Seconds()
		t.Logf("%d bytes in %v: %.0f a second", bytes, time.Since(began), rate)
		if rate > 1.01*10*1024 || rate < 0.95*10*1024 {
			t.Errorf("%.0f bytes a second, want %d", rate, 10*1024)
		}
	})
}

func TestWhoIsThrottledStopsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.configure(strings.Replace(throttledConfig, "10KiB", "1KiB", 1))
		heavy(w, 2, 4, 1000)
		e := w.process(w.store)
		e.parallel = 4
		ctx, stop := context.WithCancel(t.Context())
		time.AfterFunc(5*time.Second+300*time.Millisecond, stop)
		began := time.Now()
		r, err := e.Run(ctx, RunOptions{Hard: t.Context()})
		if err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took != 5*time.Second+300*time.Millisecond {
			t.Errorf("it ended after %v", took)
		}
		for _, topic := range r.Topics {
			if topic.Commits != 1 || topic.Rows == 0 {
				t.Errorf("%s: %d commits of %d rows: what was read by then is committed", topic.Topic, topic.Commits, topic.Rows)
			}
		}
	})
}

// What was not used is saved up for one second.
func TestAThrottleSavesUpASecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newWorld(t).process(nil)
		job := &config.Job{Name: "a", Limits: config.Limits{BytesPerSecond: 1000}}
		th := e.throttle(job)
		if e.throttle(job) != th || e.throttle(&config.Job{Name: "b"}) != nil {
			t.Error("a job has one throttle in a process, and one without a limit has none")
		}
		for _, step := range []struct {
			idle  time.Duration
			bytes int64
			want  time.Duration
		}{
			{0, 3500, 3500 * time.Millisecond}, // more than the bucket holds
			{400 * time.Millisecond, 1000, 600 * time.Millisecond},
			{time.Hour, 1500, 500 * time.Millisecond},
		} {
			time.Sleep(step.idle)
			began := time.Now()
			th.wait(t.Context(), step.bytes)
			if got := time.Since(began); (got - step.want).Abs() > time.Millisecond {
				t.Errorf("%d bytes after %v took %v, want %v", step.bytes, step.idle, got, step.want)
			}
		}
	})
}

// TestAThrottleInEarnest reads from a cluster by the protocol, by the clock of the wall.
func TestAThrottleInEarnest(t *testing.T) {
	t.Parallel()
	c, err := kafkatest.Start(kafkatest.Options{Topics: map[string]int{"orders-0": 4}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	const perSecond, bytes = 1 << 20, 3 << 20
	value := []byte(strings.Repeat("v", 1000))
	for range 12 {
		var rs []kafkatest.Record
		for i := range bytes / 12 / len(value) {
			rs = append(rs, kafkatest.Record{Partition: int32(i % 4), Time: day, Value: value})
		}
		if err := c.Produce(t.Context(), "orders-0", rs...); err != nil {
			t.Fatal(err)
		}
	}
	w := newWorld(t)
	w.configure(strings.Replace(throttledConfig, "10KiB", "1MiB", 1))
	e := w.process(w.store)
	e.parallel = 4
	k, err := extract.Open(t.Context(), extract.Options{Brokers: c.Brokers()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(k.Close)
	e.source = k
	began := time.Now()
	r := w.run(e)
	if r.ExitCode() != ExitDone {
		t.Fatal(reportText(r))
	}
	rate := bytes / time.Since(began).Seconds()
	t.Logf("%.0f bytes a second, %.3f of what is allowed", rate, rate/perSecond)
	// What it is below on a machine that has other work says nothing; virtual time tells in the other tests.
	if rate > 1.1*perSecond || rate < 0.2*perSecond {
		t.Errorf("%.0f bytes a second, want %d", rate, perSecond)
	}
}
