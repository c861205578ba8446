package hdfslimits_test

import (
	"errors"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"shadoof/storage"
	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

const (
	tooManyNames = "The NameSpace quota (directories and files)"
	tooManyBytes = "The DiskSpace quota"
	noLimit      = -1
)

// limit sets quotas on a folder, which is made if it is not there, and belongs to the product's user then.
func limit(t *testing.T, folder string, names, bytes int64) {
	t.Helper()
	_, err := admin(t).Stat(t.Context(), folder)
	if err != nil {
		must(t, admin(t).MkdirAll(t.Context(), folder, "755"), admin(t).SetOwner(t.Context(), folder, hdfsbed.User, hdfsbed.Group))
	}
	must(t, admin(t).SetQuota(t.Context(), folder, names, bytes))
}

// TestAQuotaIsReachedBeforeTheCommit has a first run meet a quota at different moments before it commits. The quota of bytes is charged
// a whole block for each file that is written.
func TestAQuotaIsReachedBeforeTheCommit(t *testing.T) {
	t.Parallel()
	root := func(j *product.Job) string { return at(j) }
	shadoof := func(j *product.Job) string { return at(j, "_shadoof") }
	for _, c := range []struct {
		name         string
		folder       func(j *product.Job) string
		names, bytes int64
		words        string
		long         bool
	}{
		{"the topic's folder takes no name", topicFolder, 1, noLimit, tooManyNames, false},
		{"_shadoof takes no name", shadoof, 1, noLimit, tooManyNames, true},
		{"_shadoof takes no folder of a file", shadoof, 6, noLimit, tooManyNames, true},
		{"_shadoof takes no more staged files", shadoof, 24, noLimit, tooManyNames, false},
		{"the root takes no name", root, 1, noLimit, tooManyNames, true},
		{"the root takes no byte", root, noLimit, 1, tooManyBytes, true},
		{"_shadoof takes one file at a time", shadoof, noLimit, 65 << 20, tooManyBytes, false},
	} {
		if c.long && !long() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t), "")
			limit(t, c.folder(j), c.names, c.bytes)
			ends(t, j, 1, []string{c.words, c.folder(j) + " is exceeded", "-setSpaceQuota"}, "run")
			if n, files := commits(t, j), visible(t, j); n != 0 || len(files) != 0 {
				t.Errorf("%d commits, visible are %q", n, files)
			}
			limit(t, c.folder(j), noLimit, noLimit)
			ends(t, j, 0, nil, "run")
			exact(t, j)
		})
	}
}

// TestAQuotaIsReachedAfterTheCommit leaves committed files behind that the topic's folder has no room for.
func TestAQuotaIsReachedAfterTheCommit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		names, bytes int64
		words        string
		long         bool
	}{
		{"names", 5, noLimit, tooManyNames, true}, // the folders of the buckets
		{"bytes", noLimit, 1, tooManyBytes, false},
	} {
		if c.long && !long() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t), "")
			limit(t, topicFolder(j), c.names, c.bytes)
			words := []string{c.words, "is exceeded", "-setSpaceQuota", "it is committed, the next run publishes it"}
			ends(t, j, 3, words, "run")
			if n, files := commits(t, j), visible(t, j); n != 1 || len(files) != 0 {
				t.Errorf("%d commits, visible are %q", n, files)
			}
			j.Must(t, 0, "gc")
			limit(t, topicFolder(j), noLimit, noLimit)
			ends(t, j, 0, nil, "run")
			if n := commits(t, j); n != 1 {
				t.Errorf("%d commits: what was committed was lifted again", n)
			}
			exact(t, j)
		})
	}
}

// TestNoMarkerFits has the marker of a published version meet a quota.
func TestNoMarkerFits(t *testing.T) {
	t.Parallel()
	j := newJob(t, newRoot(t), "")
	dies(t, j, "before-marker", "run")
	limit(t, at(j, "_shadoof"), 1, noLimit)
	ends(t, j, 1, []string{tooManyNames, "-setQuota"}, "run")
	limit(t, at(j, "_shadoof"), noLimit, noLimit)
	ends(t, j, 0, nil, "run")
	exact(t, j)
}

// TestAFileThatHitsAQuotaInItsMiddleIsNoFile shows that a file whose second block has no room is given up: the client's own Close would
// complete what is there of it.
func TestAFileThatHitsAQuotaInItsMiddleIsNoFile(t *testing.T) {
	t.Parallel()
	c := servers.HDFS(t)
	folder := c.NewFolder(t)
	s, err := hdfs.New(t.Context(), hdfs.Options{Authority: c.Authority(), Path: folder, ConfDir: c.ConfDir(), User: hdfsbed.User, BlockSize: hdfsbed.MinBlockSize, Replication: 1})
	must(t, err)
	defer s.Close()
	limit(t, folder, noLimit, 3*hdfsbed.MinBlockSize)
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: "orders/dt=1/x.parquet", Staging: "_shadoof/topics/orders/staging/1/x.staged"})
	must(t, err)
	_, err = io.CopyN(w, rand.NewChaCha8([32]byte{}), 5*hdfsbed.MinBlockSize)
	if err == nil {
		_, err = w.Finish(t.Context())
	} else if _, again := w.Finish(t.Context()); again == nil {
		t.Error("finished after a failed write")
	}
	if err == nil || !strings.Contains(err.Error(), tooManyBytes) || !strings.Contains(err.Error(), "-setSpaceQuota") {
		t.Errorf("five blocks where three have room: %v", err)
	}
	must(t, w.Abort(t.Context()))
	must(t, admin(t).Walk(t.Context(), folder, func(f hdfsbed.Status) error {
		if !f.IsDir() {
			return errors.New(f.Path + " is there")
		}
		return nil
	}))
}
