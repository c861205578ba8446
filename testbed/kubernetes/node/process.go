package node

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	core "k8s.io/api/core/v1"
)

// A Process is that of a container.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{}
}

// starter starts processes, one after the other, on a thread that lasts as long as the node: the kernel kills what a thread has
// started when that thread ends.
func (n *Node) starter(ctx context.Context) {
	runtime.LockOSThread()
	for {
		select {
		case <-ctx.Done():
			return
		case start := <-n.starts:
			start()
		}
	}
}

// start starts a container's process in its root. As root it becomes the pod's user; as anybody else it is that in a user namespace.
func (n *Node) start(ctx context.Context, p *core.Pod, root string, env []string, i *image, log string) (*Process, error) {
	c := p.Spec.Containers[0]
	command := c.Command
	if len(command) == 0 {
		command = i.Entrypoint
	}
	args := c.Args
	if len(args) == 0 && len(c.Command) == 0 {
		args = i.Cmd
	}
	argv := append(append([]string{}, command...), args...)
	out, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	uid, gid := int(*p.Spec.SecurityContext.RunAsUser), int(*p.Spec.SecurityContext.RunAsGroup)
	attr := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL, Chroot: root}
	if os.Getuid() == 0 {
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		if group := p.Spec.SecurityContext.FSGroup; group != nil {
			attr.Credential.Groups = []uint32{uint32(*group)}
		}
	} else {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: os.Getgid(), Size: 1}}
	}
	// No lookup here: the program is in the container's root.
	cmd := &exec.Cmd{Path: argv[0], Args: argv, Env: env, Dir: "/", Stdout: out, Stderr: out, SysProcAttr: attr}
	started := make(chan error)
	select {
	case n.starts <- func() { started <- cmd.Start() }:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if err := <-started; err != nil {
		return nil, err
	}
	if _, frozen := n.frozen.Load(p.Namespace); frozen {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGSTOP); err != nil {
			return nil, err
		}
	}
	process := &Process{cmd: cmd, log: log, done: make(chan struct{})}
	go func() {
		cmd.Wait() // its result is in ProcessState
		close(process.done)
	}()
	return process, nil
}

// Done is closed when the process has ended.
func (p *Process) Done() <-chan struct{} { return p.done }

// Log is what it has written so far.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// Signal sends a signal; it is no error if the process has ended.
func (p *Process) Signal(sig syscall.Signal) error {
	if err := syscall.Kill(-p.cmd.Process.Pid, sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

// Exit waits for the end, and is the code that a container runtime reports.
func (p *Process) Exit() int32 {
	<-p.done
	if status := p.cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signaled() {
		return 128 + int32(status.Signal())
	}
	return int32(p.cmd.ProcessState.ExitCode())
}

// stop asks the process to end, and kills it after the grace.
func (p *Process) stop(grace time.Duration) {
	p.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(grace):
		p.Signal(syscall.SIGKILL)
		<-p.done
	}
}

func podDir(n *Node, p *core.Pod) string { return filepath.Join(n.opts.Dir, "pods", string(p.UID)) }
