package process

import (
	"fmt"
	"syscall"
	"time"
)

// Pause stops the process, and returns when all of its threads stand: the signal alone takes effect at some later moment.
func (p *Process) Pause() error {
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	for deadline := time.Now().Add(5 * time.Second); !stands(p.Pid()); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("testbed: pause %s: it goes on", p.spec.Name)
		}
	}
	return nil
}

// Resume lets a paused process go on.
func (p *Process) Resume() error { return p.Signal(syscall.SIGCONT) }
