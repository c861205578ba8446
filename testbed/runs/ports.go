package runs

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"shadoof/testbed/cache"
)

const portsName = "ports"

// The ports lie below the range from which Linux (32768) and macOS (49152) take the local ports of outgoing connections: otherwise
// a client could be given the port of a server that a test has stopped and is about to start again.
const firstPort, lastPort = 15000, 29999

// Ports reserves n free loopback ports for this process, until it ends. Processes that use this package never get the same one.
func Ports(n int) ([]int, error) {
	dir, err := root()
	if err != nil {
		return nil, err
	}
	dir = filepath.Join(dir, portsName)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("testbed: ports: %w", err)
	}
	ports := make([]int, 0, n)
	for range 1000 {
		if len(ports) == n {
			return ports, nil
		}
		port := firstPort + rand.IntN(lastPort-firstPort+1)
		free, err := reserve(dir, port)
		if err != nil {
			return nil, err
		}
		if free {
			ports = append(ports, port)
		}
	}
	return nil, fmt.Errorf("testbed: no %d free ports between %d and %d", n, firstPort, lastPort)
}

func reserve(dir string, port int) (bool, error) {
	// Never unlocked: the reservation ends with the process. A second lock from the same process fails too.
	lock, err := cache.TryLock(filepath.Join(dir, strconv.Itoa(port)))
	if errors.Is(err, cache.ErrLocked) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	l, err := net.Listen("tcp", Address(port))
	if err != nil {
		lock.Unlock()
		return false, nil
	}
	reserved.add(lock)
	return true, l.Close()
}

// Address is a port on the loopback interface.
func Address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// reserved keeps the locks of this process' ports reachable: an os.File closes itself when it is collected.
var reserved reservations

type reservations struct {
	mu    sync.Mutex
	locks []*cache.FileLock
}

func (r *reservations) add(l *cache.FileLock) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.locks = append(r.locks, l)
}
