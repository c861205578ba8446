package cgroup_test

import (
	"testing"
	"testing/fstest"

	"shadoof/internal/cgroup"
)

func TestTheLeastLimitCounts(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		files map[string]string
		want  int64 // 0: none
	}{
		"no cgroups": {},
		"version 2, in a container": {map[string]string{
			"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "536870912\n"}, 512 << 20},
		"version 2, without a limit": {map[string]string{
			"proc/self/cgroup": "0::/user.slice\n", "sys/fs/cgroup/user.slice/memory.max": "max\n"}, 0},
		"version 2, the parent has less": {map[string]string{
			"proc/self/cgroup":                             "0::/a.slice/b.service\n",
			"sys/fs/cgroup/a.slice/b.service/memory.max":   "3000\n",
			"sys/fs/cgroup/a.slice/memory.max":             "2000\n",
			"sys/fs/cgroup/a.slice/other.slice/memory.max": "1\n"}, 2000},
		"version 1, on the host": {map[string]string{
			"proc/self/cgroup": "12:cpu,cpuacct:/x\n4:memory:/x/y\n0::/\n",
			"sys/fs/cgroup/memory/x/y/memory.limit_in_bytes": "4096\n",
			"sys/fs/cgroup/memory/memory.limit_in_bytes":     "9223372036854771712\n"}, 4096},
		"version 1, in a container that sees the host's path": {map[string]string{
			"proc/self/cgroup": "4:memory:/docker/0123\n", "sys/fs/cgroup/memory/memory.limit_in_bytes": "8192\n"}, 8192},
		"not a number": {map[string]string{
			"proc/self/cgroup": "0::/\n0::\nx\n0:", "sys/fs/cgroup/memory.max": "-5\n"}, 0},
	} {
		root := fstest.MapFS{}
		for file, text := range c.files {
			root[file] = &fstest.MapFile{Data: []byte(text)}
		}
		got, ok := cgroup.MemoryLimit(root)
		if got != c.want && ok || ok != (c.want > 0) {
			t.Errorf("%s: %d, %v, want %d", name, got, ok, c.want)
		}
	}
}
