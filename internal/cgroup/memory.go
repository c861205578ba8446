// Package cgroup tells what the control group of this process allows it.
package cgroup

import (
	"bytes"
	"io/fs"
	"path"
	"strconv"
	"strings"
)

// unlimited is a bound above which a limit is none: version 1 says 2^63 less a page.
const unlimited = 1 << 60

// MemoryLimit is the least memory limit of the control groups that the process is in, in bytes, by the files of versions 1 and 2 of
// cgroups below root, which is the file system's root. ok is false where there is no limit, or where it cannot be read: a system
// without cgroups has none.
func MemoryLimit(root fs.FS) (bytes int64, ok bool) {
	for _, g := range groups(root) {
		// In a container the path may be the host's, of which only the root is mounted: what is not there is passed over.
		for dir := g.path; ; dir = path.Dir(dir) {
			if n, found := limit(root, path.Join(g.mount, dir, g.file)); found && (!ok || n < bytes) {
				bytes, ok = n, true
			}
			if dir == "/" || dir == "." {
				break
			}
		}
	}
	return bytes, ok
}

// A group is where a hierarchy keeps the limit of the process.
type group struct{ mount, path, file string }

// groups reads the hierarchies that may limit memory from /proc/self/cgroup, see cgroups(7): lines of number:controllers:path.
func groups(root fs.FS) []group {
	text, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return nil
	}
	var out []group
	for line := range strings.Lines(string(text)) {
		number, rest, _ := strings.Cut(strings.TrimSpace(line), ":")
		controllers, at, ok := strings.Cut(rest, ":")
		switch {
		case !ok || !strings.HasPrefix(at, "/"):
		case number == "0" && controllers == "":
			out = append(out, group{"sys/fs/cgroup", at, "memory.max"})
		case controllers == "memory" || strings.Contains(","+controllers+",", ",memory,"):
			out = append(out, group{"sys/fs/cgroup/memory", at, "memory.limit_in_bytes"})
		}
	}
	return out
}

func limit(root fs.FS, file string) (int64, bool) {
	text, err := fs.ReadFile(root, file)
	if err != nil {
		return 0, false
	}
	n, err := strconv.ParseInt(string(bytes.TrimSpace(text)), 10, 64) // "max" is no limit
	return n, err == nil && n > 0 && n < unlimited
}
