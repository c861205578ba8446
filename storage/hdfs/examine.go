package hdfs

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"shadoof/storage"
)

// Examine implements storage.Examiner.
func (s *Store) Examine(ctx context.Context, moves []storage.Move) []storage.Finding {
	x := &examination{s: s, ctx: ctx}
	x.nameNodes()
	_, err := s.call(ctx, func(c client) error {
		x.user(c)
		x.safeMode(c)
		x.space(c)
		x.folders(c, moves)
		x.quotas(c, moves)
		return nil
	})
	if err != nil {
		x.add("connection", storage.Absent, "%v", s.explain(err))
	}
	x.durability()
	return x.found
}

// examination collects what one call of Examine finds.
type examination struct {
	s     *Store
	ctx   context.Context
	found []storage.Finding
}

func (x *examination) add(name string, grade storage.Grade, format string, args ...any) {
	x.found = append(x.found, storage.Finding{Name: name, Grade: grade, Detail: fmt.Sprintf(format, args...)})
}

// nameNodes asks each address of the nameservice by itself.
func (x *examination) nameNodes() {
	const name = "name nodes"
	var lines, down []string
	active := 0
	for i, address := range x.s.cluster.addresses {
		state := x.s.state(x.ctx, i)
		switch {
		case state == nil:
			active++
			lines = append(lines, address+" is active")
		case strings.Contains(state.Error(), "StandbyException"):
			lines = append(lines, address+" is standby")
		default:
			down = append(down, fmt.Sprintf("%s does not answer (%v)", address, state))
		}
	}
	text := strings.Join(append(lines, down...), "; ")
	switch {
	case len(lines) == 0:
		x.add(name, storage.Absent, "%s: check store.url, Hadoop's configuration and the network", text)
	case active != 1:
		x.add(name, storage.Bad, "%s: exactly one must be active: see hdfs haadmin -getAllServiceState", text)
	case len(down) > 0:
		x.add(name, storage.Doubt, "%s: if the active one fails, none takes over", text)
	default:
		x.add(name, storage.Good, "%s", text)
	}
}

func (x *examination) user(c client) {
	const name = "user"
	super, err := c.Superuser()
	switch {
	case err != nil:
		x.add(name, storage.Unseen, "%s; whether that is a superuser was not answered: %v", c.User(), x.s.explain(err))
	case super:
		x.add(name, storage.Doubt, "%s, a superuser: a mistake in the configuration can touch any file of the cluster: use a user of its own", c.User())
	default:
		x.add(name, storage.Good, "%s", c.User())
	}
}

func (x *examination) safeMode(c client) {
	const name = "safe mode"
	err := c.Chmod(hello, 0o700)
	switch {
	case inSafeMode(err):
		x.add(name, storage.Bad, "on: nothing can be written until it ends: see hdfs dfsadmin -safemode get, and the name node's page for the reason")
	case !answered(err):
		x.add(name, storage.Unseen, "%v: look with hdfs dfsadmin -safemode get", x.s.explain(err))
	default:
		x.add(name, storage.Good, "off")
	}
}

func (x *examination) space(c client) {
	const name = "space"
	sp, err := c.Space()
	switch {
	case err != nil:
		x.add(name, storage.Unseen, "%v: look with hdfs dfsadmin -report", x.s.explain(err))
	case sp.capacity == 0:
		x.add(name, storage.Bad, "no data node has reported any: see hdfs dfsadmin -report")
	case sp.remaining < sp.capacity/20:
		x.add(name, storage.Doubt, "%s of %s are left for all replicas: make room", size(sp.remaining), size(sp.capacity))
	default:
		x.add(name, storage.Good, "%s of %s are left for all replicas", size(sp.remaining), size(sp.capacity))
	}
}

// nearest is the status of a directory, or of the nearest one above it that is there.
func nearest(c client, dir string) (at string, st status, err error) {
	for at = dir; ; at = path.Dir(at) {
		st, err = c.Stat(at)
		if !errors.Is(err, fs.ErrNotExist) || at == "/" {
			return at, st, err
		}
	}
}

// folders compares the directories between which files are moved: a rename keeps the group, the access control list, the zone and the
// coding that a file got where it was staged.
func (x *examination) folders(c client, moves []storage.Move) {
	var unfit, lists, groups, unseen []string
	seen := map[string]status{}
	look := func(dir string) (st status, ok bool) {
		at, st, err := nearest(c, dir)
		if err != nil {
			unseen = append(unseen, x.s.explain(err).Error())
			return st, false
		}
		if _, twice := seen[at]; twice {
			return st, true
		}
		seen[at] = st
		if st.encrypted {
			unfit = append(unfit, at+" is in an encryption zone")
		}
		if st.coded {
			unfit = append(unfit, at+" is erasure-coded")
		}
		return st, true
	}
	look(x.s.root)
	for _, m := range moves {
		from, okFrom := look(x.s.path(m.Staging))
		to, okTo := look(x.s.path(m.Folder))
		if !okFrom || !okTo {
			continue
		}
		if to.acl != from.acl || to.acl && path.Dir(m.Staging) != m.Folder {
			lists = append(lists, fmt.Sprintf("%s (staged in %s)", x.s.path(m.Folder), x.s.path(m.Staging)))
		}
		if x.s.o.Group == "" && to.group != from.group {
			groups = append(groups, fmt.Sprintf("%s has group %s, and files for it are staged with group %s", x.s.path(m.Folder), to.group, from.group))
		}
	}
	for _, f := range []struct {
		name, good, advice string
		grade              storage.Grade
		lines              []string
	}{
		{"encryption zones, erasure coding", "none", "this client does not write such files correctly: use folders without", storage.Bad, unfit},
		{"access control lists", "staging folders and topics agree", "a file keeps the list of the folder in which it is staged: set store.hdfs.staging to topic", storage.Doubt, lists},
		{"groups", "staging folders and topics agree", "a file keeps the group of the folder in which it is staged: set store.hdfs.group, or store.hdfs.staging to topic", storage.Doubt, groups},
		{"folders", "all could be looked at", "look with hdfs dfs -ls -d, hdfs dfs -getfacl", storage.Unseen, unseen},
	} {
		slices.Sort(f.lines)
		f.lines = slices.Compact(f.lines)
		if len(f.lines) == 0 {
			x.add(f.name, storage.Good, "%s", f.good)
			continue
		}
		x.add(f.name, f.grade, "%s: %s", some(f.lines), f.advice)
	}
}

// some shows the first lines of many.
func some(lines []string) string {
	const most = 5
	if len(lines) <= most {
		return strings.Join(lines, "; ")
	}
	return fmt.Sprintf("%s; and %d more", strings.Join(lines[:most], "; "), len(lines)-most)
}

// quotas looks at the limits of the root and of the topics' folders; those of directories above the root show when they are hit.
func (x *examination) quotas(c client, moves []storage.Move) {
	const name = "quotas"
	dirs := []string{x.s.root}
	for _, m := range moves {
		dirs = append(dirs, x.s.path(m.Folder))
	}
	slices.Sort(dirs)
	grade := storage.Good
	var lines, unseen []string
	for _, dir := range slices.Compact(dirs) {
		q, err := c.Quota(dir)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			continue
		case err != nil:
			unseen = append(unseen, x.s.explain(err).Error())
			continue
		}
		for _, l := range []struct {
			used, limit int64
			what        string
		}{{q.names, q.nameLimit, "names"}, {q.bytes, q.byteLimit, "bytes with all replicas"}} {
			if l.limit < 0 {
				continue
			}
			lines = append(lines, fmt.Sprintf("%s uses %d of %d %s", dir, l.used, l.limit, l.what))
			switch {
			case l.used >= l.limit:
				grade = max(grade, storage.Bad)
			case l.used >= l.limit-l.limit/10:
				grade = max(grade, storage.Doubt)
			}
		}
	}
	switch {
	case grade != storage.Good:
		x.add(name, grade, "%s: raise them (hdfs dfsadmin -setQuota, -setSpaceQuota) or make room; a committed file waits until its folder has room", some(lines))
	case len(lines) > 0:
		x.add(name, storage.Good, "%s", some(lines))
	case len(unseen) == 0:
		x.add(name, storage.Good, "none on the root and the topics' folders")
	}
	if len(unseen) > 0 {
		x.add(name, storage.Unseen, "%s: look with hdfs dfs -count -q", some(unseen))
	}
}

// durability says what a loss of power may cost: only the servers' own configuration knows.
func (x *examination) durability() {
	const name = "sync on close"
	switch value := x.s.cluster.synconclose; {
	case strings.EqualFold(value, "true"):
		x.add(name, storage.Good, "dfs.datanode.synconclose is true in the client's configuration: let the data nodes' say so, too")
	case value == "":
		x.add(name, storage.Unseen, "data nodes do not tell a client: unless dfs.datanode.synconclose is true on them, files of the last seconds can be lost when all their replicas lose power at once: look with hdfs getconf -confKey dfs.datanode.synconclose on a data node")
	default:
		x.add(name, storage.Doubt, "dfs.datanode.synconclose is %s: files of the last seconds can be lost when all their replicas lose power at once: set it to true on the data nodes", value)
	}
}

func size(n int64) string {
	const units = "KMGTPE"
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n), -1
	for f >= 1<<10 && unit < len(units)-1 {
		f /= 1 << 10
		unit++
	}
	return fmt.Sprintf("%.1f %ciB", f, units[unit])
}
