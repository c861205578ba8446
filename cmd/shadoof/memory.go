package main

import (
	"io/fs"
	"runtime/debug"

	"shadoof/config"
	"shadoof/internal/cgroup"
)

// limitMemory gives the process the memory of the configuration. Where that does not say how much, a container's limit does. The
// runtime's collector works harder from there on; GOMEMLIMIT, where somebody set it, has precedence with the runtime.
func (a *app) limitMemory(cfg *config.Config, root fs.FS) {
	if limit, ok := cgroup.MemoryLimit(root); ok {
		if !cfg.MemoryGiven {
			cfg.Memory = within(limit)
		}
		if most(cfg.Memory) > limit {
			a.log.Warn("the container has less memory than shadoof may need: raise its limit, or lower memory in the configuration",
				"limit", config.FormatSize(limit), "memory", config.FormatSize(cfg.Memory), "may_need", config.FormatSize(most(cfg.Memory)))
		}
	}
	if _, set := a.env("GOMEMLIMIT"); set {
		return
	}
	limit := cfg.Memory
	if _, set := a.env("GOGC"); !set {
		// Nobody touches it, so that it takes address space and no memory. For the collector it is alive, and as much again may be
		// allocated before the next collection: as long as little is alive beside it, little is won by collecting often.
		a.weight = make([]byte, cfg.Memory/weightOfMemory)
		limit += int64(len(a.weight))
	}
	debug.SetMemoryLimit(limit)
}

// weightOfMemory says which part of the memory may be allocated between collections, beside as much as is alive.
const weightOfMemory = 16

// most is the resident memory of a process at most: see docs/performance.md.
func most(memory int64) int64 { return memory/10*13 + 64<<20 }

// within is the memory to configure where a process may have so much. More than some gigabytes make no run faster.
func within(limit int64) int64 {
	n := (limit - 64<<20) / 13 * 10
	return min(max(n&^(1<<20-1), config.LeastMemory), 4<<30)
}
