package hdfslimits_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// umasked is a copy of a cluster's client configuration with a umask.
func umasked(t *testing.T, c *hdfsbed.Cluster, umask string) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.CopyFS(dir, os.DirFS(c.ConfDir())))
	name := filepath.Join(dir, "core-site.xml")
	text, err := os.ReadFile(name)
	must(t, err)
	property := "<property><name>fs.permissions.umask-mode</name><value>" + umask + "</value></property></configuration>"
	must(t, os.WriteFile(name, []byte(strings.Replace(string(text), "</configuration>", property, 1)), 0o644))
	return dir
}

// modes are what files and folders of a root have: owner, group and permissions, with how many of them.
func modes(t *testing.T, fs *hdfsbed.FS, root string) map[string]bool {
	t.Helper()
	all := map[string]bool{}
	must(t, fs.Walk(t.Context(), root, func(s hdfsbed.Status) error {
		all[fmt.Sprintf("%s %s:%s %s", s.Type, s.Owner, s.Group, s.Permission)] = true
		return nil
	}))
	return all
}

// checkModes runs a job that asks for a group and modes of its own.
func checkModes(t *testing.T, c *hdfsbed.Cluster, umask string) {
	t.Helper()
	root := product.HDFS(t, c, c.Authority())
	fs := c.FS(hdfsbed.Superuser)
	must(t, fs.SetOwner(t.Context(), root.Dir(), "", "staff"))
	settings := fmt.Sprintf(`conf_dir: %q, user: shadoof, replication: 1, group: lake, file_mode: "0660", dir_mode: "0771"`, umasked(t, c, umask))
	j := newJob(t, root.As(settings), "")
	dies(t, j, "staged", "run")
	want := map[string]bool{"FILE shadoof:lake 660": true, "DIRECTORY shadoof:lake 771": true}
	if diff := cmp.Diff(want, modes(t, fs, root.Dir())); diff != "" {
		t.Errorf("while files are staged: (-want +got)\n%s", diff)
	}
	ends(t, j, 0, nil, "run")
	if diff := cmp.Diff(want, modes(t, fs, root.Dir())); diff != "" {
		t.Errorf("after a run: (-want +got)\n%s", diff)
	}
	exact(t, j)
}

func TestModesAreThoseOfTheConfiguration(t *testing.T) {
	t.Parallel()
	for _, umask := range []string{"000", "077"} {
		if umask == "000" && !long() {
			continue
		}
		t.Run(umask, func(t *testing.T) {
			t.Parallel()
			checkModes(t, servers.HDFS(t), umask)
		})
	}
}

// TestTheLeastThatAWorkerNeeds makes folders beforehand, so that neither the worker nor a reader may change anything else.
func TestTheLeastThatAWorkerNeeds(t *testing.T) {
	t.Parallel()
	j := newJob(t, newRoot(t).As(`user: shadoof, replication: 1, group: lake, dir_mode: "0750", file_mode: "0640"`), "")
	give(t, at(j), hdfsbed.Superuser, "supergroup", "711")
	give(t, at(j, "_shadoof"), hdfsbed.User, "shadoof", "700")
	give(t, topicFolder(j), hdfsbed.User, hdfsbed.Group, "750")
	ends(t, j, 0, nil, "run")
	exact(t, j)

	// One of the group reads the topic's files, and can neither look below _shadoof nor change anything. A stranger sees nothing.
	reader := servers.HDFS(t).FS(hdfsbed.Colleague)
	file := at(j, visible(t, j)[0])
	if _, err := reader.ReadFile(t.Context(), file); err != nil {
		t.Error(err)
	}
	if _, err := reader.List(t.Context(), at(j, "_shadoof")); err == nil {
		t.Error("a reader lists _shadoof")
	}
	if err := reader.RemoveAll(t.Context(), file); err == nil {
		t.Error("a reader removes a file")
	}
	if _, err := servers.HDFS(t).FS(hdfsbed.Stranger).ReadFile(t.Context(), file); err == nil {
		t.Error("a stranger reads a file")
	}
}

// TestAStickyRoot is a folder in which everybody makes his own, as in /tmp.
func TestAStickyRoot(t *testing.T) {
	t.Parallel()
	j := newJob(t, newRoot(t), "")
	give(t, at(j), hdfsbed.Superuser, "supergroup", "1777")
	dies(t, j, "mid-publish:2", "run")
	ends(t, j, 0, nil, "run")
	exact(t, j)
}
