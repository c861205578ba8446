//go:build long

package hdfsfaults_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"shadoof/testbed/product"
)

// A running is a process of the product that is not at its end yet.
type running struct {
	t        *testing.T
	cmd      *exec.Cmd
	out, err bytes.Buffer
	ended    time.Time
	done     chan struct{}
}

// start runs the binary with hooks. It stops itself at a point, such as batch:2, if one is given.
func start(t *testing.T, j *product.Job, point string, args ...string) *running {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	r := &running{t: t, done: make(chan struct{})}
	r.cmd = j.Command(ctx, product.Hooked(t), []string{"SHADOOF_STOP_AT=" + point}, args...)
	r.cmd.Stdout, r.cmd.Stderr = &r.out, &r.err
	must(t, r.cmd.Start())
	go func() {
		_ = r.cmd.Wait() // its code tells
		r.ended = time.Now()
		close(r.done)
	}()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// stopped waits until the process stands.
func (r *running) stopped() {
	r.t.Helper()
	ctx := bounded(r.t, 45*time.Second)
	for {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.cmd.Process.Pid))
		_, state, ok := bytes.Cut(stat, []byte(") "))
		if err == nil && ok && state[0] == 'T' {
			return
		}
		select {
		case <-r.done:
			r.t.Fatalf("it did not stop, it exited %d\n%s%s", r.cmd.ProcessState.ExitCode(), &r.out, &r.err)
		case <-ctx.Done():
			r.t.Fatal("it did not stop")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

func (r *running) goOn() {
	r.t.Helper()
	must(r.t, r.cmd.Process.Signal(syscall.SIGCONT))
}

// end waits for the process, which prints where it hangs if it takes longer than that.
func (r *running) end(within time.Duration) product.Outcome {
	r.t.Helper()
	select {
	case <-r.done:
	case <-time.After(within):
		_ = r.cmd.Process.Signal(syscall.SIGQUIT)
		<-r.done
		r.t.Fatalf("it hangs after %s\n%s", within, &r.err)
	}
	return product.Outcome{Code: r.cmd.ProcessState.ExitCode(), Stdout: r.out.String(), Stderr: r.err.String()}
}

// took is how long it ran after a moment.
func (r *running) took(since time.Time) time.Duration {
	<-r.done
	return r.ended.Sub(since).Round(100 * time.Millisecond)
}
