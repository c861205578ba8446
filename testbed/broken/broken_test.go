package broken_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"shadoof/testbed/produce"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
)

var formats = map[string]func(t *testing.T, topic string) *format{"avro": newAvro, "avro-files": newAvroFiles, "json": newJSON, "json-pinned": newPinned, "protobuf": newProtobuf}

// TestOneInAHundredIsBroken lifts a topic of each format in several commits.
func TestOneInAHundredIsBroken(t *testing.T) {
	t.Parallel()
	for name, format := range formats {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			topic := produce.Name("broken-" + name)
			spec, by := produce.Spec{Records: 11_000, Partitions: 3}, []string{readers.PyArrow}
			if long() {
				spec.Records, by = 110_000, readers.Parquet
			}
			tp := fill(t, topic, format(t, topic), spec, every, false)
			t.Logf("%d of %d records are broken, in %d ways", len(tp.broken), spec.Records, len(tp.f.kinds))
			j := tp.job(t, product.Local(t), "commit_every: {bytes: 700KiB}\n")
			runMeasured(t, j)
			checkAll(t, j, tp, by...)
		})
	}
}

// What a process with `memory: 128MiB` may have in memory at its worst moment, in MiB.
const mostMemory = 128*13/10 + 64

// runMeasured runs the released binary once. It has to end well, and in little memory.
func runMeasured(t *testing.T, j *product.Job) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	cmd := j.Command(ctx, product.Release(t), nil, "run")
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 5 * time.Second
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var peak int64
	for running := true; running; {
		select {
		case <-tick.C:
			peak = max(peak, highWater(cmd.Process.Pid))
		case err := <-ended:
			if err != nil {
				t.Fatalf("shadoof run: %v\n%s", err, out.Bytes())
			}
			running = false
		}
	}
	t.Logf("%.1f s, at most %d MiB in memory", time.Since(began).Seconds(), peak>>10)
	if peak>>10 > mostMemory {
		t.Errorf("the process had %d MiB in memory, want at most %d", peak>>10, mostMemory)
	}
	if strings.Contains(out.String(), "goroutine ") {
		t.Errorf("it says\n%s", out.String())
	}
}

// highWater is the most memory that a process has had so far, in KiB; 0 when it has ended.
func highWater(pid int) int64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	var n int64
	_, _ = fmt.Sscan(after, &n)
	return n
}
