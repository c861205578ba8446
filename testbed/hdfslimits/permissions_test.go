package hdfslimits_test

import (
	"fmt"
	"testing"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
)

// give makes a folder, unless it is there, and gives it an owner, a group and a mode.
func give(t *testing.T, folder, owner, group, mode string) {
	t.Helper()
	must(t, admin(t).MkdirAll(t.Context(), folder, mode), admin(t).SetOwner(t.Context(), folder, owner, group), admin(t).SetPermission(t.Context(), folder, mode))
}

// nothing fails the test if anything was committed or can be seen.
func nothing(t *testing.T, j *product.Job) {
	t.Helper()
	if n, files := commits(t, j), visible(t, j); n != 0 || len(files) != 0 {
		t.Errorf("%d commits, visible are %q", n, files)
	}
}

// TestAFirstRunIsRefused takes away what a worker needs, one thing at a time. The first run finds out before it has read anything.
func TestAFirstRunIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		folder func(j *product.Job) string
		mode   string
	}{
		{"the root", func(j *product.Job) string { return at(j) }, "755"},
		{"_shadoof", func(j *product.Job) string { return at(j, "_shadoof") }, "755"},
		{"the topic's folder", topicFolder, "755"},
		{"the topic's folder, with a sticky bit", topicFolder, "1755"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t), "")
			give(t, c.folder(j), hdfsbed.Stranger, "others", c.mode)
			words := []string{"permission denied for user " + hdfsbed.User, fmt.Sprintf("%s is %s:others %04s", c.folder(j), hdfsbed.Stranger, c.mode), "let this user, or a group they are in, read and write"}
			ends(t, j, 4, words, "run")
			nothing(t, j)
			give(t, c.folder(j), hdfsbed.User, hdfsbed.Group, "755")
			ends(t, j, 0, nil, "run")
			exact(t, j)
		})
	}
}

// TestATopicsFolderChangesHands takes the folder away from a topic that has a log.
func TestATopicsFolderChangesHands(t *testing.T) {
	t.Parallel()
	t.Run("before the commit", func(t *testing.T) {
		t.Parallel()
		j := newJob(t, newRoot(t), "")
		dies(t, j, "after-init", "run")
		give(t, topicFolder(j), hdfsbed.Stranger, "others", "755")
		ends(t, j, 1, []string{"permission denied", topicFolder(j) + " is stranger:others 0755"}, "run")
		nothing(t, j)
		give(t, topicFolder(j), hdfsbed.User, hdfsbed.Group, "755")
		ends(t, j, 0, nil, "run")
		exact(t, j)
	})
	t.Run("after the commit", func(t *testing.T) {
		t.Parallel()
		j := newJob(t, newRoot(t), "")
		dies(t, j, "committed", "run")
		n := commits(t, j)
		hour := at(j, j.Topic, "dt=2026-11-20", "hr=01")
		give(t, hour, hdfsbed.Stranger, "others", "755")
		ends(t, j, 4, []string{"permission denied", hour + " is stranger:others 0755", "it is committed"}, "run")
		give(t, hour, hdfsbed.User, hdfsbed.Group, "755")
		ends(t, j, 0, nil, "run")
		if got := commits(t, j); got != n {
			t.Errorf("%d commits, want %d", got, n)
		}
		exact(t, j)
	})
}

// TestAGroupThatTheUserIsNotIn asks for files of a group that only others may give.
func TestAGroupThatTheUserIsNotIn(t *testing.T) {
	t.Parallel()
	j := newJob(t, newRoot(t).As("user: shadoof, replication: 1, group: others"), "")
	ends(t, j, 4, []string{"only the owner can give it the group others of store.hdfs.group, and only if they are in it"}, "run")
	nothing(t, j)
}
