package hdfslimits_test

import (
	"errors"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/readers"
	"shadoof/testbed/servers"
)

// inTopic stages within the topic's folder.
const inTopic = "user: shadoof, replication: 1, staging: topic"

// TestReadersDoNotSeeWhatIsStagedInATopic leaves a dead attempt in the topic's folder. Polars is not asked: it refuses folders in which
// there is anything else than data.
func TestReadersDoNotSeeWhatIsStagedInATopic(t *testing.T) {
	t.Parallel()
	for format, all := range map[string][]readers.Query{
		"parquet": {{Reader: readers.PyArrow}, {Reader: readers.PyArrow, Hive: true}, {Reader: readers.DuckDB}, {Reader: readers.DuckDB, Hive: true}},
		"avro":    {{Reader: readers.FastAvro}},
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t).As(inTopic), "output: {format: "+format+"}")
			dies(t, j, "staged", "run")
			dead := staged(t, j)
			ends(t, j, 0, nil, "run")
			if diff := cmp.Diff(dead, staged(t, j)); diff != "" || len(dead) == 0 || !strings.HasPrefix(dead[0], j.Topic+"/_staging/") {
				t.Errorf("staged are, after the run that died and after the next, %q\n%s", dead, diff)
			}
			folder := j.Root.Folder(t, j.Topic)
			for _, q := range all {
				q.Folder, q.Columns = folder, []string{"seq"}
				got, err := servers.Readers(t).Digest(t.Context(), q)
				if err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(digest(t, sharedTopic(t)), got); diff != "" {
					t.Errorf("%s: -want +got\n%s", q.Reader, diff)
				}
			}
			j.Must(t, 0, "verify", "--deep")
			collected(t, j)
			if _, err := admin(t).Stat(t.Context(), at(j, j.Topic, "_staging")); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the empty _staging stays: %v", err)
			}
		})
	}
}

// TestGcFindsWhatWasStagedElsewhere changes the setting between a run that died and gc.
func TestGcFindsWhatWasStagedElsewhere(t *testing.T) {
	t.Parallel()
	j := newJob(t, newRoot(t).As(inTopic), "")
	dies(t, j, "staged", "run")
	now := newJob(t, j.Root.As("user: shadoof, replication: 1"), "")
	ends(t, now, 0, nil, "run")
	exact(t, now)
}

// TestAnACLIsThatOfTheStagingFolder shows what a rename does: it keeps the list that a file got where it was made.
func TestAnACLIsThatOfTheStagingFolder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		settings string
		reads    bool
	}{{"user: shadoof, replication: 1", false}, {inTopic, true}} {
		t.Run(path.Base(c.settings), func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t).As(c.settings+`, file_mode: "0640", dir_mode: "0750"`), "")
			give(t, topicFolder(j), hdfsbed.User, hdfsbed.Group, "750")
			must(t, admin(t).SetPermission(t.Context(), at(j), "755"),
				admin(t).ModifyACL(t.Context(), topicFolder(j), "user:stranger:r-x,default:user:stranger:r-x"))
			ends(t, j, 0, nil, "run")
			exact(t, j)
			file := at(j, visible(t, j)[0])
			s, err := admin(t).Stat(t.Context(), file)
			must(t, err)
			_, err = servers.HDFS(t).FS(hdfsbed.Stranger).ReadFile(t.Context(), file)
			if s.ACL != c.reads || (err == nil) != c.reads {
				t.Errorf("the file has a list: %v; whom the folder's list lets read: %v", s.ACL, err)
			}
		})
	}
}

// TestAQuotaCountsWhatIsStagedInATopic: with staging in the topic's folder its quota is met before the commit, not after it.
func TestAQuotaCountsWhatIsStagedInATopic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		names, bytes int64
		words        string
	}{{"names", 8, noLimit, tooManyNames}, {"bytes", noLimit, 1, tooManyBytes}} {
		if c.bytes == 1 && !long() {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t).As(inTopic), "")
			limit(t, topicFolder(j), c.names, c.bytes)
			ends(t, j, 1, []string{c.words, topicFolder(j) + " is exceeded"}, "run")
			nothing(t, j)
			limit(t, topicFolder(j), noLimit, noLimit)
			ends(t, j, 0, nil, "run")
			exact(t, j)
		})
	}
}

// TestErasureCodingIsRefused finds it wherever files would be made.
func TestErasureCodingIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, settings string
		folder         func(j *product.Job) string
		late           bool // the topic has a log already
	}{
		{"the root", "", func(j *product.Job) string { return at(j) }, false},
		{"_shadoof", "", func(j *product.Job) string { return at(j, "_shadoof") }, false},
		{"the topic's folder", "", topicFolder, false},
		{"the topic's folder, staging in it", ", staging: topic", topicFolder, false},
		{"the folder of a topic with a log", "", topicFolder, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			j := newJob(t, newRoot(t).As("user: shadoof, replication: 1"+c.settings), "")
			if c.late {
				dies(t, j, "after-init", "run")
			}
			give(t, c.folder(j), hdfsbed.User, hdfsbed.Group, "755")
			must(t, admin(t).SetErasureCoding(t.Context(), c.folder(j), "XOR-2-1-1024k"))
			ends(t, j, 4, []string{c.folder(j), " is erasure-coded, which this client does not write correctly", "hdfs ec -setPolicy"}, "run")
			nothing(t, j)
			if got := staged(t, j); len(got) > 0 {
				t.Errorf("staged are %q", got)
			}
		})
	}
}
