// Package process runs the testbed's servers as child processes that never outlive the process that started them.
package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// A Spec says what to run.
type Spec struct {
	Name string   // for messages
	Args []string // the program and its arguments
	Env  []string // added to this process' environment
	Dir  string   // working directory
	Log  string   // file that output is appended to; "" for none

	Stdin  *os.File // nil for none
	Stdout *os.File // instead of Log
	Stderr *os.File // instead of Log
}

// A Process is a running child in a process group of its own. It is safe for concurrent use.
type Process struct {
	spec  Spec
	cmd   *exec.Cmd
	start int64 // length of the log before this process wrote to it
	done  chan struct{}
}

// Start starts a child. On Linux the kernel kills it when this process ends, however it ends.
func Start(spec Spec) (*Process, error) {
	p := &Process{spec: spec, done: make(chan struct{})}
	p.cmd = exec.Command(spec.Args[0], spec.Args[1:]...)
	p.cmd.Env = append(os.Environ(), spec.Env...)
	p.cmd.Dir = spec.Dir
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	dieWithParent(p.cmd.SysProcAttr)
	if spec.Stdin != nil {
		p.cmd.Stdin = spec.Stdin
	}
	if spec.Log != "" {
		log, err := openLog(spec.Log)
		if err != nil {
			return nil, fmt.Errorf("testbed: start %s: %w", spec.Name, err)
		}
		defer log.Close()
		if p.start, err = log.Seek(0, io.SeekEnd); err != nil {
			return nil, fmt.Errorf("testbed: start %s: %w", spec.Name, err)
		}
		p.cmd.Stdout, p.cmd.Stderr = log, log
	}
	if spec.Stdout != nil {
		p.cmd.Stdout = spec.Stdout
	}
	if spec.Stderr != nil {
		p.cmd.Stderr = spec.Stderr
	}
	if err := startOnLastingThread(p.cmd); err != nil {
		return nil, fmt.Errorf("testbed: start %s: %w", spec.Name, err)
	}
	go func() {
		p.cmd.Wait() // its result is in ProcessState
		close(p.done)
	}()
	return p, nil
}

func openLog(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
}

// The kernel sends the death signal when the *thread* that started the child ends. All children are therefore started by one
// thread that lasts as long as the process.
var starter = struct {
	once sync.Once
	cmds chan *exec.Cmd
	errs chan error
	mu   sync.Mutex
}{cmds: make(chan *exec.Cmd), errs: make(chan error)}

func startOnLastingThread(cmd *exec.Cmd) error {
	starter.once.Do(func() {
		go func() {
			runtime.LockOSThread()
			for cmd := range starter.cmds {
				starter.errs <- cmd.Start()
			}
		}()
	})
	starter.mu.Lock()
	defer starter.mu.Unlock()
	starter.cmds <- cmd
	return <-starter.errs
}

// Pid is the child's process id, which is also that of its process group.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Done is closed when the child has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Running tells whether the child has not ended yet.
func (p *Process) Running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// ExitCode is that of a child that has ended; -1 if a signal ended it.
func (p *Process) ExitCode() int {
	<-p.done
	return p.cmd.ProcessState.ExitCode()
}

// Signal sends a signal to the child's process group. It is no error if the child has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	if !p.Running() {
		return nil
	}
	if err := syscall.Kill(-p.Pid(), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("testbed: signal %s: %w", p.spec.Name, err)
	}
	return nil
}

// Kill ends the child with SIGKILL and waits for its end.
func (p *Process) Kill() error {
	err := p.Signal(syscall.SIGKILL)
	<-p.done
	return err
}

// Stop asks the child to end, waits for as long as grace, then kills it. A child that had to be killed is an error.
func (p *Process) Stop(grace time.Duration) error {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	late := time.NewTimer(grace)
	defer late.Stop()
	select {
	case <-p.done:
		return nil
	case <-late.C:
		return errors.Join(fmt.Errorf("testbed: stop %s: still running after %s", p.spec.Name, grace), p.Kill())
	}
}

// Logged tells whether this child's part of the log contains text.
func (p *Process) Logged(text string) bool {
	log, err := p.log()
	return err == nil && bytes.Contains(log, []byte(text))
}

// Failure is an error that shows why the child ended, with the last lines that it logged.
func (p *Process) Failure() error {
	log, err := p.log()
	if err != nil {
		return fmt.Errorf("testbed: %s: %w", p.spec.Name, err)
	}
	lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
	lines = lines[max(0, len(lines)-20):]
	end := "still running"
	if !p.Running() {
		end = "ended early: " + p.cmd.ProcessState.String()
	}
	return fmt.Errorf("testbed: %s %s; log %s ends with\n%s", p.spec.Name, end, p.spec.Log, bytes.Join(lines, []byte("\n")))
}

func (p *Process) log() ([]byte, error) {
	f, err := os.Open(p.spec.Log)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if _, err := f.Seek(p.start, io.SeekStart); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}
