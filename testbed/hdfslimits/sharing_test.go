package hdfslimits_test

import (
	"path"
	"strings"
	"testing"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
)

// others is the job of a second user with the same settings.
func others(t *testing.T, j *product.Job, settings string) *product.Job {
	t.Helper()
	return newJob(t, j.Root.As("user: "+hdfsbed.Colleague+", replication: 1"+settings), "")
}

// Modes of a root that the members of a group share. With the second one a user cannot touch the files of another, so that what was
// read of the log has to be confirmed by a change elsewhere.
const (
	allForTheGroup     = `, group: lake, file_mode: "0664", dir_mode: "0775"`
	foldersForTheGroup = `, group: lake, file_mode: "0644", dir_mode: "0775"`
)

// TestTwoUsersShareARoot has a second user, of the same group, finish what the first one left at each stage.
func TestTwoUsersShareARoot(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, settings, point string
		long                  bool
	}{
		{"staged", allForTheGroup, "staged", true},
		{"the commit is not learnt", allForTheGroup, "put-applied", false},
		{"some files are published", allForTheGroup, "mid-publish:2", true},
		{"no marker", allForTheGroup, "before-marker", true},
		{"files of their owners, committed", foldersForTheGroup, "committed", true},
		{"files of their owners, some are published", foldersForTheGroup, "mid-publish:2", false},
	} {
		if c.long && !long() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			mine, their := twoUsers(t, c.settings)
			dies(t, mine, c.point, "run")
			ends(t, their, 0, nil, "run")
			exact(t, their)
			ends(t, mine, 0, []string{"up_to_date"}, "run")
			exact(t, mine)
		})
	}
}

// twoUsers are the jobs of two members of a group with one root.
func twoUsers(t *testing.T, settings string) (mine, their *product.Job) {
	t.Helper()
	root := newRoot(t)
	must(t, admin(t).SetPermission(t.Context(), root.Dir(), "775"))
	mine = newJob(t, root.As("user: "+hdfsbed.User+", replication: 1"+settings), "")
	return mine, others(t, mine, settings)
}

// TestAStickyBitOnAStagingFolder keeps a second user from publishing what the first one staged. The first one still may.
func TestAStickyBitOnAStagingFolder(t *testing.T) {
	t.Parallel()
	mine, their := twoUsers(t, allForTheGroup)
	dies(t, mine, "committed", "run")
	attempt := path.Dir(at(mine, staged(t, mine)[0]))
	must(t, admin(t).SetPermission(t.Context(), attempt, "1775"))
	ends(t, their, 4, []string{"permission denied for user colleague", attempt + " is shadoof:lake 1775", "sticky bit", "it is committed"}, "run")
	ends(t, mine, 0, nil, "run")
	exact(t, mine)
}

// TestAnotherUserMayOnlyRead has a second user come to a root that is the first one's alone: a run and a gc are refused, and say why;
// whatever only looks works.
func TestAnotherUserMayOnlyRead(t *testing.T) {
	t.Parallel()
	j := newJob(t, newRoot(t), "")
	dies(t, j, "committed", "run")
	their := others(t, j, "")
	refused := []string{"confirm record 2 of " + j.Topic, "permission denied for user colleague", "_shadoof/tmp is shadoof:lake 0755"}
	ends(t, their, 1, refused, "run")
	ends(t, j, 0, nil, "run")
	exact(t, j)
	for _, command := range []string{"verify --deep", "files --topic " + j.Topic, "commits list --topic " + j.Topic, "offsets show", "plan"} {
		ends(t, their, 0, nil, strings.Fields(command)...)
	}
	ends(t, their, 1, []string{"permission denied for user colleague"}, "gc")
	ends(t, their, 1, refused, "run")
}
