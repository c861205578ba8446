package process

import (
	"fmt"
	"os"
	"syscall"
)

func dieWithParent(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }

// EndWithParent makes the kernel send this process a SIGTERM when its parent ends. It must be called from the main goroutine,
// before anything else.
func EndWithParent() error {
	parent := os.Getppid()
	if _, _, errno := syscall.RawSyscall(syscall.SYS_PRCTL, syscall.PR_SET_PDEATHSIG, uintptr(syscall.SIGTERM), 0); errno != 0 {
		return fmt.Errorf("testbed: end with parent: %w", errno)
	}
	if os.Getppid() != parent {
		return fmt.Errorf("testbed: the parent process %d has ended", parent)
	}
	return nil
}
