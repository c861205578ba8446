package runs

import (
	"sync"

	"shadoof/testbed/cache"
)

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
