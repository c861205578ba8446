package jobs

import (
	"errors"
	"sync"

	"shadoof/record"
)

// oneRegistry opens the registry when it is first asked for, and answers with it from then on: what it said once holds for a run.
func (e *Env) oneRegistry() func() (record.Registry, error) {
	return sync.OnceValues(func() (record.Registry, error) {
		if e.openRegistry == nil {
			return nil, errNoRegistry
		}
		return e.openRegistry()
	})
}

var errNoRegistry = errors.New("there is no schema registry: set registry.url")
