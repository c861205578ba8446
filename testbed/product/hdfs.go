package product

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"shadoof/testbed/hdfsbed"
)

// HDFS is a root in a folder of its own. authority is that of the cluster, or of something between.
func HDFS(tb testing.TB, c *hdfsbed.Cluster, authority string) *Root {
	tb.Helper()
	r := &Root{Name: "hdfs", hdfs: c, folder: c.NewFolder(tb)}
	r.url = fmt.Sprintf("hdfs://%s%s", authority, r.folder)
	return r.As("user: " + hdfsbed.User + ", replication: 1")
}

// As is the same root in HDFS with other settings of store.hdfs, such as "user: colleague, staging: topic", and with variables of the
// environment. What they do not name is the default, but for conf_dir.
func (r *Root) As(settings string, env ...string) *Root {
	as := *r
	if !strings.Contains(settings, "conf_dir:") {
		settings = fmt.Sprintf("conf_dir: %q, %s", r.hdfs.ConfDir(), settings)
	}
	as.yaml, as.env = fmt.Sprintf("store:\n  url: %s\n  hdfs: {%s}\n", r.url, settings), env
	return &as
}

// Created objects are folders with one file. A log of them is not to cost a request for each: their numbers tell them.
var (
	numbered = regexp.MustCompile(`^[0-9]{20}(\.|$)`)
	content  = regexp.MustCompile(`^[0-9a-f]{32}(\.|$)`)
)

func (r *Root) keysHDFS(ctx context.Context, f *hdfsbed.FS, below string) ([]string, error) {
	var out []string
	err := f.Walk(ctx, path.Join(r.folder, below), func(s hdfsbed.Status) error {
		name := strings.TrimPrefix(s.Path, r.folder+"/")
		dir, base := path.Split(name)
		switch {
		case s.IsDir() && numbered.MatchString(base):
			out = append(out, name)
			return fs.SkipDir
		case s.IsDir():
		case content.MatchString(base) && path.Ext(path.Clean(dir)) == path.Ext(base):
			out = append(out, path.Clean(dir))
		default:
			out = append(out, name)
		}
		return nil
	})
	return out, err
}

func (r *Root) readHDFS(ctx context.Context, f *hdfsbed.FS, name string) ([]byte, error) {
	at := path.Join(r.folder, name)
	s, err := f.Stat(ctx, at)
	if err == nil && s.IsDir() {
		var inside []hdfsbed.Status
		if inside, err = f.List(ctx, at); err == nil && len(inside) != 1 {
			return nil, fmt.Errorf("%s holds %d files", at, len(inside))
		}
		if err == nil {
			at = inside[0].Path
		}
	}
	if err != nil {
		return nil, err
	}
	return f.ReadFile(ctx, at)
}

// download copies the folder of a topic.
func (r *Root) download(ctx context.Context, topic, dir string) error {
	f := r.hdfs.FS(hdfsbed.Superuser)
	from := path.Join(r.folder, topic)
	return f.Walk(ctx, from, func(s hdfsbed.Status) error {
		to := filepath.Join(dir, strings.TrimPrefix(s.Path, from))
		if s.IsDir() {
			return os.MkdirAll(to, 0o755)
		}
		b, err := f.ReadFile(ctx, s.Path)
		return errors.Join(err, os.WriteFile(to, b, 0o644))
	})
}
