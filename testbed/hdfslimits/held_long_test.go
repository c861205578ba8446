//go:build long

package hdfslimits_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/process"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// held is a process of the product that stands at a point of the protocol until it is let go.
type held struct {
	p        *process.Process
	out, err string // files
	args     []string
}

// hold starts the product and returns when it has stopped itself at a point. With point "" it returns at once.
func hold(t *testing.T, j *product.Job, point string, args ...string) *held {
	t.Helper()
	dir := t.TempDir()
	h := &held{out: filepath.Join(dir, "out"), err: filepath.Join(dir, "err"), args: args}
	stdout, err := os.Create(h.out)
	must(t, err)
	defer stdout.Close()
	stderr, err := os.Create(h.err)
	must(t, err)
	defer stderr.Close()
	cmd := j.Command(t.Context(), product.Hooked(t), []string{"SHADOOF_LOST_AFTER=300ms"}, args...)
	env := cmd.Env
	if point != "" {
		env = append(env, "SHADOOF_STOP_AT="+point)
	}
	h.p, err = process.Start(process.Spec{Name: "shadoof at " + point, Args: cmd.Args, Env: env, Stdout: stdout, Stderr: stderr})
	must(t, err)
	t.Cleanup(func() { must(t, h.p.Kill()) })
	for late := time.Now().Add(time.Minute); point != "" && !stopped(h.p.Pid()); pause(t, 5*time.Millisecond) {
		if !h.p.Running() || time.Now().After(late) {
			o := h.outcome(t, 0)
			t.Fatalf("%s: it did not stop there, it exited %d\n%s%s", point, o.Code, o.Stdout, o.Stderr)
		}
	}
	if point != "" {
		must(t, h.p.Pause()) // all of its threads
	}
	return h
}

// stopped says whether a process is, by proc_pid_stat(5).
func stopped(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, ok := bytes.Cut(stat, []byte(") "))
	return ok && state[0] == 'T'
}

// outcome waits for the end of the process.
func (h *held) outcome(t *testing.T, within time.Duration) product.Outcome {
	t.Helper()
	select {
	case <-h.p.Done():
	case <-time.After(within):
		must(t, h.p.Kill())
		t.Errorf("it did not end within %s", within)
	}
	out, err := os.ReadFile(h.out)
	must(t, err)
	messages, err := os.ReadFile(h.err)
	must(t, err)
	return product.Outcome{Code: h.p.ExitCode(), Stdout: string(out), Stderr: string(messages)}
}

// ends is judge for a process that was held.
func (h *held) ends(t *testing.T, within time.Duration, code int, words ...string) {
	t.Helper()
	judge(t, h.outcome(t, within), code, words, h.args...)
}

// ownJob lifts the shared topic into a cluster of the test's own.
func ownJob(t *testing.T, c *hdfsbed.Cluster, settings, job string) *product.Job {
	t.Helper()
	return product.NewJob(t, servers.Kafka(t).Brokers(), product.HDFS(t, c, c.Authority()).As(settings), sharedTopic(t).Topic, "orphan_age: 1ms\n", job)
}
