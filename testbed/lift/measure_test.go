package lift_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"shadoof/testbed/product"
)

// A measurement is what a process took.
type measurement struct {
	cpu, wall time.Duration
	peak      int64 // MiB of memory at its worst moment
	stdout    string
	stderr    string
}

// measure runs the released binary once. Linux counts the memory of the process that starts another as the other's too, so that what it
// reports at the end is of no use here.
func measure(t *testing.T, j *product.Job, env []string, args ...string) measurement {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
	defer cancel()
	cmd := j.Command(ctx, product.Release(t), env, args...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGQUIT) }
	cmd.WaitDelay = 5 * time.Second
	var out, log bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &log
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var m measurement
	for running := true; running; {
		select {
		case <-tick.C:
			m.peak = max(m.peak, highWater(cmd.Process.Pid))
		case err := <-ended:
			if err != nil {
				t.Fatalf("shadoof %s: %v\n%s%s", strings.Join(args, " "), err, out.Bytes(), log.Bytes())
			}
			running = false
		}
	}
	m.wall = time.Since(began)
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "level=WARN") {
			t.Log(strings.TrimSpace(line))
		}
	}
	m.cpu, m.peak, m.stdout, m.stderr = cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime(), m.peak>>10, out.String(), log.String()
	return m
}

func (m measurement) String() string {
	return fmt.Sprintf("%.1f s, %.1f s of CPU, %d MiB", m.wall.Seconds(), m.cpu.Seconds(), m.peak)
}
