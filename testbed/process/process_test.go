package process_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"shadoof/testbed/process"
)

// TestMain can also be a process that has children, for others to kill.
func TestMain(m *testing.M) {
	if os.Getenv("PROCESS_TEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	// Of two children one was started by a goroutine whose thread is gone.
	for range 2 {
		pids := make(chan int)
		go func() {
			p, err := process.Start(process.Spec{Name: "sleep", Args: []string{"sleep", "600"}})
			if err != nil {
				panic(err)
			}
			pids <- p.Pid()
		}()
		fmt.Println(<-pids)
	}
	select {}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !is() {
		select {
		case <-late:
			t.Fatalf("%s: not after 20 s", what)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// gone tells whether a process has ended; it may still be waiting for its parent to take notice.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return syscall.Kill(pid, 0) != nil
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return strings.HasPrefix(state, "Z")
}

func TestChildrenEndWithAKilledParent(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	parent := exec.Command(self)
	parent.Env = append(os.Environ(), "PROCESS_TEST_PARENT=1")
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	var pids []int
	for len(pids) < 2 && lines.Scan() {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		pids = append(pids, pid)
	}
	parent.Process.Kill()
	parent.Wait()
	for _, pid := range pids {
		eventually(t, fmt.Sprintf("end of child %d", pid), func() bool { return gone(pid) })
	}
	if len(pids) != 2 {
		t.Errorf("the parent had the children %v", pids)
	}
}

func start(t *testing.T, script string) *process.Process {
	t.Helper()
	p, err := process.Start(process.Spec{Name: "script", Args: []string{"sh", "-c", script}, Log: filepath.Join(t.TempDir(), "script.log")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Kill() })
	return p
}

func TestStopKillsWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	p := start(t, `trap "" TERM; echo ready; while :; do sleep 0.01; done`)
	eventually(t, "readiness", func() bool { return p.Logged("ready") })
	if err := p.Stop(50 * time.Millisecond); err == nil || !strings.Contains(err.Error(), "still running after 50ms") {
		t.Errorf("error %v", err)
	}
	if p.Running() {
		t.Error("it is still running")
	}
}

func TestFailureShowsTheLog(t *testing.T) {
	t.Parallel()
	p := start(t, `echo one; echo two >&2; exit 3`)
	<-p.Done()
	err := p.Failure()
	for _, want := range []string{"script ended early: exit status 3", "one\ntwo"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not say %q", err, want)
		}
	}
	if p.ExitCode() != 3 {
		t.Errorf("exit code %d", p.ExitCode())
	}
}

func TestLoggedIsAboutThisProcessOnly(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "x.log")
	for _, word := range []string{"first", "second"} {
		p, err := process.Start(process.Spec{Name: "echo", Args: []string{"echo", word}, Log: log})
		if err != nil {
			t.Fatal(err)
		}
		<-p.Done()
		if !p.Logged(word) || word == "second" && p.Logged("first") {
			t.Errorf("after %s: first %v, second %v", word, p.Logged("first"), p.Logged("second"))
		}
	}
}
