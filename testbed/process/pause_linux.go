package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
)

// stands says whether every thread of a process is stopped, by proc_pid_stat(5).
func stands(pid int) bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", pid))
	if err != nil || len(threads) == 0 {
		return false
	}
	for _, name := range threads {
		stat, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		_, state, ok := bytes.Cut(stat, []byte(") ")) // the name before it may hold anything but its own end
		if !ok || state[0] != 'T' && state[0] != 't' {
			return false
		}
	}
	return true
}
