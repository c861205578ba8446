package hdfsbed_test

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/servers"
)

func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

func bounded(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	t.Cleanup(cancel)
	return ctx
}

func TestFilesAndFolders(t *testing.T) {
	t.Parallel()
	ctx, c := bounded(t), servers.HDFS(t)
	root := c.NewFolder(t)
	user := c.FS(hdfsbed.User)
	must(t, user.WriteFile(ctx, root+"/a/x.txt", []byte("x")), user.WriteFile(ctx, root+"/b", []byte("bb")), user.MkdirAll(ctx, root+"/c", "750"))
	if err := user.WriteFile(ctx, root+"/b", []byte("other")); !errors.Is(err, fs.ErrExist) {
		t.Errorf("a second create: %v, want %v", err, fs.ErrExist)
	}
	must(t, user.Rename(ctx, root+"/a/x.txt", root+"/a/y.txt"))
	if got, err := user.ReadFile(ctx, root+"/a/y.txt"); err != nil || string(got) != "x" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := user.ReadFile(ctx, root+"/a/x.txt"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("read what was renamed: %v, want %v", err, fs.ErrNotExist)
	}
	var got []string
	must(t, user.Walk(ctx, root, func(s hdfsbed.Status) error {
		got = append(got, strings.TrimPrefix(s.Path, root)+" "+s.Type+" "+s.Owner+" "+s.Group)
		return nil
	}))
	want := []string{"/a DIRECTORY shadoof lake", "/a/y.txt FILE shadoof lake", "/b FILE shadoof lake", "/c DIRECTORY shadoof lake"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	must(t, user.RemoveAll(ctx, root+"/a"), user.RemoveAll(ctx, root+"/a"))
	if _, err := user.Stat(ctx, root+"/a"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("stat of what was removed: %v", err)
	}
}

func TestPermissionsAreEnforced(t *testing.T) {
	t.Parallel()
	ctx, c := bounded(t), servers.HDFS(t)
	root := c.NewFolder(t)
	user, colleague, stranger, admin := c.FS(hdfsbed.User), c.FS(hdfsbed.Colleague), c.FS(hdfsbed.Stranger), c.FS(hdfsbed.Superuser)
	must(t, user.WriteFile(ctx, root+"/x", []byte("x")), user.SetPermission(ctx, root+"/x", "640"))
	if _, err := colleague.ReadFile(ctx, root+"/x"); err != nil {
		t.Errorf("one of the group: %v", err)
	}
	if _, err := stranger.ReadFile(ctx, root+"/x"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a stranger: %v, want %v", err, fs.ErrPermission)
	}
	must(t, user.ModifyACL(ctx, root+"/x", "user:"+hdfsbed.Stranger+":r--"))
	if _, err := stranger.ReadFile(ctx, root+"/x"); err != nil {
		t.Errorf("a stranger with an ACL: %v", err)
	}
	if s, err := user.Stat(ctx, root+"/x"); err != nil || !s.ACL {
		t.Errorf("%+v, %v: want the ACL bit", s, err)
	}
	must(t, admin.SetOwner(ctx, root+"/x", hdfsbed.Stranger, ""))
	if s, err := user.Stat(ctx, root+"/x"); err != nil || s.Owner != hdfsbed.Stranger || s.Group != hdfsbed.Group {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestQuotaAndErasureCoding(t *testing.T) {
	t.Parallel()
	ctx, c := bounded(t), servers.HDFS(t)
	root := c.NewFolder(t)
	user, admin := c.FS(hdfsbed.User), c.FS(hdfsbed.Superuser)
	must(t, admin.SetQuota(ctx, root, 3, -1), user.WriteFile(ctx, root+"/1", nil), user.WriteFile(ctx, root+"/2", nil))
	remote := (*hdfsbed.RemoteError)(nil)
	if err := user.WriteFile(ctx, root+"/3", nil); !errors.As(err, &remote) || remote.Exception != "NSQuotaExceededException" {
		t.Errorf("a name too many: %v", err)
	}
	must(t, admin.SetQuota(ctx, root, -1, -1), user.WriteFile(ctx, root+"/3", nil))
	must(t, user.MkdirAll(ctx, root+"/ec", "755"), admin.SetErasureCoding(ctx, root+"/ec", "XOR-2-1-1024k"))
	if s, err := user.Stat(ctx, root+"/ec"); err != nil || !s.ErasureCoded {
		t.Errorf("%+v, %v: want erasure coding", s, err)
	}
}

func TestNodesSurviveKillAndPause(t *testing.T) {
	t.Parallel()
	ctx := bounded(t)
	c := servers.OwnHDFS(t, hdfsbed.Options{})
	root := c.NewFolder(t)
	user := c.FS(hdfsbed.User)
	must(t, user.WriteFile(ctx, root+"/x", []byte("x")))
	must(t, c.NameNode(1).Kill(), c.NameNode(1).Start(ctx), c.Ready(ctx))
	must(t, c.DataNode(1).Kill(), c.DataNode(1).Start(ctx), c.Ready(ctx))
	if got, err := user.ReadFile(ctx, root+"/x"); err != nil || string(got) != "x" {
		t.Errorf("read %q, %v", got, err)
	}
	must(t, c.NameNode(1).Pause())
	short, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if _, err := user.Stat(short, root); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a paused NameNode: %v", err)
	}
	must(t, c.NameNode(1).Resume(), c.SafeMode(ctx, true))
	remote := (*hdfsbed.RemoteError)(nil)
	if err := user.WriteFile(ctx, root+"/y", nil); !errors.As(err, &remote) || remote.Exception != "SafeModeException" {
		t.Errorf("a change in safe mode: %v", err)
	}
	must(t, c.SafeMode(ctx, false), user.WriteFile(ctx, root+"/y", nil))
}

func TestClientConfiguration(t *testing.T) {
	t.Parallel()
	c := servers.HDFS(t)
	core, err := os.ReadFile(filepath.Join(c.ConfDir(), "core-site.xml"))
	must(t, err)
	if !strings.Contains(string(core), c.URL()) {
		t.Errorf("core-site.xml does not name %s: %s", c.URL(), core)
	}
}
