package shadoof_test

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// docs/architecture.md says why. The imports are parsed here, in this process: a test that runs go list is served stale from the
// cache of test results.
func TestPackagesKeepToTheirLayers(t *testing.T) {
	t.Parallel()
	found, err := violations(os.DirFS("."))
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range found {
		t.Error(v)
	}
}

func TestEveryRuleCanBeBroken(t *testing.T) {
	t.Parallel()
	imports := func(pkg string, paths ...string) string {
		text := "package " + pkg + "\n"
		for _, p := range paths {
			text += "import _ \"" + p + "\"\n"
		}
		return text
	}
	function := func(name string, lines int) string {
		return "func " + name + "() {" + strings.Repeat("\n", lines-1) + "}\n"
	}
	for _, c := range []struct {
		name, file, text string
		want             string // of the violation; "" for none
	}{
		{"layer 0 imports the standard library", "storage/a.go", imports("storage", "os", "net/http"), ""},
		{"layer 0 imports nothing else", "storage/a.go", imports("storage", "shadoof/record"), "imports shadoof/record: the layering forbids it"},
		{"internal imports nothing else of the module", "internal/ui/a.go", imports("ui", "shadoof/config"), "imports shadoof/config: the layering forbids it"},
		{"internal imports internal", "internal/admin/a.go", imports("admin", "shadoof/internal/ui"), ""},
		{"offsets stand on layer 0", "offsets/a.go", imports("offsets", "shadoof/storage"), ""},
		{"offsets do not know extract", "offsets/a.go", imports("offsets", "shadoof/extract"), "imports shadoof/extract: the layering forbids it"},
		{"record does not know offsets", "record/a.go", imports("record", "shadoof/offsets"), "imports shadoof/offsets: the layering forbids it"},
		{"writers do not know extract", "writers/a.go", imports("writers", "shadoof/extract"), "imports shadoof/extract: the layering forbids it"},
		{"a driver imports its parent", "writers/parquet/a.go", imports("parquet", "shadoof/writers", "shadoof/record"), ""},
		{"a driver imports no other driver", "writers/parquet/a.go", imports("parquet", "shadoof/writers/avro"), "imports shadoof/writers/avro: the layering forbids it"},
		{"a parent imports no driver", "storage/a.go", imports("storage", "shadoof/storage/local"), "imports shadoof/storage/local: the layering forbids it"},
		{"jobs import seams", "jobs/a.go", imports("jobs", "shadoof/extract", "shadoof/storage", "shadoof/offsets", "shadoof/config"), ""},
		{"jobs import no drivers", "jobs/a.go", imports("jobs", "shadoof/record/avro"), "imports shadoof/record/avro: the layering forbids it"},
		{"wire.go imports drivers", "cmd/shadoof/wire.go", imports("main", "shadoof/storage/s3", "shadoof/jobs"), ""},
		{"other files of the binary do not", "cmd/shadoof/run.go", imports("main", "shadoof/storage/s3"), "imports shadoof/storage/s3: the layering forbids it"},
		{"nobody imports the binary", "jobs/a.go", imports("jobs", "shadoof/cmd/shadoof"), "imports shadoof/cmd/shadoof: the layering forbids it"},
		{"a new package needs a rule", "novel/a.go", imports("novel", "shadoof/storage"), "imports shadoof/storage: the layering forbids it"},
		{"what is internal to a package is its own", "record/json/a.go", imports("json", "shadoof/record/internal/scan"), ""},
		{"and not another's", "writers/a.go", imports("writers", "shadoof/record/internal/scan"), "imports shadoof/record/internal/scan: the layering forbids it"},
		{"a library has one user", "jobs/a.go", imports("jobs", "github.com/twmb/franz-go/pkg/kgo"), "imports github.com/twmb/franz-go/pkg/kgo: only extract and internal/kafkatest may"},
		{"also by a package of it", "offsets/a.go", imports("offsets", "github.com/aws/aws-sdk-go-v2/service/s3"), "imports github.com/aws/aws-sdk-go-v2/service/s3: only storage/s3 may"},
		{"or by one file", "jobs/schedule.go", imports("jobs", "github.com/robfig/cron/v3"), ""},
		{"and no other", "jobs/a.go", imports("jobs", "github.com/robfig/cron/v3"), "imports github.com/robfig/cron/v3: only jobs/schedule.go may"},
		{"some libraries are everybody's", "offsets/a.go", imports("offsets", "golang.org/x/sync/errgroup"), ""},
		{"a library that no rule knows", "jobs/a.go", imports("jobs", "example.com/left-pad"), "imports example.com/left-pad: no rule says who may import this library"},
		{"tests import what they like", "jobs/a_test.go", imports("jobs", "testing", "shadoof/storage/memory", "github.com/google/go-cmp/cmp"), ""},
		{"testing stays in tests", "jobs/a.go", imports("jobs", "testing"), "imports testing: only tests do, and packages for tests, whose names end in test"},
		{"testing/fstest too", "jobs/a.go", imports("jobs", "testing/fstest"), "imports testing/fstest: only tests do, and packages for tests, whose names end in test"},
		{"packages for tests", "record/internal/recordtest/a.go", imports("recordtest", "testing", "shadoof/record"), ""},
		{"templates", "internal/ui/a.go", imports("ui", "text/template"), "imports text/template: it turns off the linker's dead-code elimination"},
		{"templates in tests", "internal/ui/a_test.go", imports("ui", "html/template"), "imports html/template: it turns off the linker's dead-code elimination"},
		{"long files", "jobs/a.go", "package jobs\n" + strings.Repeat("\n", 500), "501 lines, the most is 500"},
		{"long tests", "jobs/a_test.go", "package jobs\n" + strings.Repeat("\n", 800), "801 lines, the most is 800"},
		{"as long as may be", "jobs/a_test.go", "package jobs\n" + strings.Repeat("\n", 799), ""},
		{"generated files are as long as they are", "jobs/a.go", "// Code generated by x. DO NOT EDIT.\n\npackage jobs\n" + strings.Repeat("\n", 500), ""},
		{"long functions", "jobs/a.go", "package jobs\n" + function("lift", 81), "lift has 81 lines, the most is 80"},
		{"functions as long as may be", "jobs/a.go", "package jobs\n" + function("lift", 80), ""},
		{"names that say nothing", "internal/util/a.go", imports("util"), "the name of package util says nothing"},
		{"test data is not Go", "jobs/testdata/a.go", imports("util"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			found, err := violations(fstest.MapFS{c.file: {Data: []byte(c.text)}, "testbed/go.mod": {}, "testbed/a.go": {Data: []byte(imports("util"))}})
			if err != nil {
				t.Fatal(err)
			}
			var want []string
			if c.want != "" {
				want = []string{c.file + ": " + c.want}
			}
			if diff := cmp.Diff(want, found); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestPackagesForTestsStayInTests(t *testing.T) {
	t.Parallel()
	found, err := violations(fstest.MapFS{
		"internal/clocktest/a.go": {Data: []byte("package clocktest\nimport _ \"testing\"\n")},
		"jobs/a.go":               {Data: []byte("package jobs\nimport _ \"shadoof/internal/clocktest\"\n")},
		"jobs/a_test.go":          {Data: []byte("package jobs\nimport _ \"shadoof/internal/clocktest\"\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"jobs/a.go: imports shadoof/internal/clocktest, which is for tests"}, found); diff != "" {
		t.Error(diff)
	}
}
