package shadoof_test

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
)

// The module's path, which begins the import paths of its packages.
const module = "shadoof"

// below says which packages of the module a package may import; a package below a listed one follows its parent (see mayImport).
var below = map[string][]string{
	// Layer 0: the standard library, and what the table of libraries allows.
	"storage":  {},
	"config":   {},
	"internal": {"internal"},
	// Between the layers.
	"offsets": {"storage", "config", "internal"},
	"record":  {"storage", "config", "internal"},
	// Layer 1.
	"extract":      {"record", "storage", "offsets"},
	"writers":      {"record", "storage"},
	"partitioning": {"record", "storage"},
	// Layer 2: the seams, never a driver.
	"jobs": {"config", "storage", "offsets", "record", "extract", "writers", "partitioning", "internal"},
	// Layer 3.
	"cmd": {"config", "storage", "offsets", "record", "extract", "writers", "partitioning", "internal", "jobs"},
}

// functions are packages below others that drive nothing: functions of their parent's types. Whoever may import the parent may import
// them.
var functions = []string{"record/evolve", "record/infer"}

// wiring is the one file of the binary that names drivers.
const wiring = "cmd/shadoof/wire.go"

// libraries says which packages may import a third-party library, by the beginning of its import path; "*" is all. A library is
// imported by one package, or one file, but for those of a list.
var libraries = map[string][]string{
	"github.com/twmb/franz-go/pkg/kgo":      {"extract", "internal/kafkatest"},
	"github.com/twmb/franz-go/pkg/kmsg":     {"extract", "internal/kafkatest"},
	"github.com/twmb/franz-go/pkg/kerr":     {"extract"},
	"github.com/twmb/franz-go/pkg/kadm":     {"extract"},
	"github.com/twmb/franz-go/pkg/kversion": {"extract"},
	"github.com/twmb/franz-go/pkg/sasl":     {"extract", "internal/kafkatest"},
	"github.com/twmb/franz-go/pkg/kfake":    {"internal/kafkatest"},
	"github.com/twmb/franz-go/pkg/sr":       {"record/registry", "internal/registrytest"},
	"github.com/parquet-go/parquet-go":      {"writers/parquet"},
	"github.com/twmb/avro":                  {"record/avro"},
	"github.com/bufbuild/protocompile":      {"record/protobuf"},
	"google.golang.org/protobuf":            {"record/protobuf"},
	"github.com/colinmarc/hdfs":             {"storage/hdfs"},
	"github.com/jcmturner/gokrb5":           {"storage/hdfs"},
	"github.com/aws/aws-sdk-go-v2":          {"storage/s3"},
	"github.com/aws/smithy-go":              {"storage/s3"},
	"golang.org/x/sys":                      {"storage/local"},
	"github.com/robfig/cron":                {"jobs/schedule.go"},
	"github.com/spf13/cobra":                {"cmd/shadoof"},
	"go.yaml.in/yaml":                       {"config"},
	"golang.org/x/term":                     {"internal/ui"},
	"github.com/vbauerster/mpb":             {"internal/ui"},
	"github.com/a-h/templ":                  {"internal/admin"},
	"github.com/klauspost/compress":         {"*"},
	"github.com/cenkalti/backoff":           {"*"},
	"github.com/prometheus/client_golang":   {"*"},
	"golang.org/x/sync/errgroup":            {"*"},
	"golang.org/x/time/rate":                {"jobs/throttle.go"},
}

// forTests are libraries that only tests, and packages that only tests import, may use.
var forTests = []string{"testing", "github.com/google/go-cmp", "github.com/rogpeppe/go-internal", "pgregory.net/rapid", "github.com/anishathalye/porcupine"}

// banned are packages that no file may import.
var banned = map[string]string{
	"text/template": "it turns off the linker's dead-code elimination",
	"html/template": "it turns off the linker's dead-code elimination",
}

// emptyNames are names of packages that say nothing.
var emptyNames = []string{"util", "utils", "common", "types", "helper", "helpers", "misc", "base", "shared"}

const (
	longestFile     = 500 // lines
	longestTestFile = 800
	longestFunction = 80
)

// A goFile is what the rules look at.
type goFile struct {
	name      string // from the root of the module
	dir       string
	test      bool
	generated bool // by a program: its shape is not ours
	pkg       string
	imports   []string
	lines     int
	functions map[string]int // lines by name
}

// violations are all breaches of the rules in a tree, sorted.
func violations(tree fs.FS) ([]string, error) {
	files, err := goFiles(tree)
	if err != nil {
		return nil, err
	}
	// A package that uses a library for tests is there for tests. Its name says so, and nothing else imports it.
	testSupport := map[string]bool{}
	for _, f := range files {
		if !f.test && slices.ContainsFunc(f.imports, isForTests) {
			testSupport[f.dir] = true
		}
	}
	var found []string
	for _, f := range files {
		report := func(format string, args ...any) { found = append(found, f.name+": "+fmt.Sprintf(format, args...)) }
		checkShape(f, report)
		for _, i := range f.imports {
			if why, no := banned[i]; no {
				report("imports %s: %s", i, why)
			}
		}
		switch {
		case f.test:
		case testSupport[f.dir]:
			if !strings.HasSuffix(f.pkg, "test") {
				report("imports %s: only tests do, and packages for tests, whose names end in test", f.imports[slices.IndexFunc(f.imports, isForTests)])
			}
		default:
			checkImports(f, testSupport, report)
		}
	}
	slices.Sort(found)
	return found, nil
}

func checkShape(f goFile, report func(string, ...any)) {
	if f.generated {
		return
	}
	most := longestFile
	if f.test {
		most = longestTestFile
	}
	if f.lines > most {
		report("%d lines, the most is %d", f.lines, most)
	}
	if slices.Contains(emptyNames, strings.TrimSuffix(f.pkg, "_test")) {
		report("the name of package %s says nothing", f.pkg)
	}
	for name, lines := range f.functions {
		if !f.test && lines > longestFunction {
			report("%s has %d lines, the most is %d", name, lines, longestFunction)
		}
	}
}

func checkImports(f goFile, testSupport map[string]bool, report func(string, ...any)) {
	for _, i := range f.imports {
		target, own := strings.CutPrefix(i, module+"/")
		switch {
		case own && testSupport[target]:
			report("imports %s, which is for tests", i)
		case own && !mayImport(f, target):
			report("imports %s: the layering forbids it", i)
		case !own && strings.Contains(strings.Split(i, "/")[0], "."):
			if users, known := usersOf(i); !known {
				report("imports %s: no rule says who may import this library", i)
			} else if !slices.Contains(users, "*") && !slices.Contains(users, f.dir) && !slices.Contains(users, f.name) {
				report("imports %s: only %s may", i, strings.Join(users, " and "))
			}
		}
	}
}

// mayImport says whether a file may import a package of the module.
func mayImport(f goFile, target string) bool {
	top, _, nested := strings.Cut(f.dir, "/")
	targetTop, _, targetNested := strings.Cut(target, "/")
	driver := targetNested && !slices.Contains(functions, target) && targetTop != "internal" && targetTop != "cmd"
	switch {
	case f.name == wiring:
		return slices.Contains(below["cmd"], targetTop)
	case nested && top != "cmd" && top != "internal" && target == top:
		return true // a driver imports its parent
	case driver:
		// A package may use what lies within it in a folder internal.
		within, _, internal := strings.Cut(target, "/internal/")
		return internal && (f.dir == within || strings.HasPrefix(f.dir, within+"/"))
	}
	return slices.Contains(below[top], targetTop)
}

func usersOf(library string) (users []string, known bool) {
	for prefix, users := range libraries {
		if library == prefix || strings.HasPrefix(library, prefix+"/") {
			return users, true
		}
	}
	return nil, false
}

func isForTests(i string) bool {
	return slices.ContainsFunc(forTests, func(lib string) bool { return i == lib || strings.HasPrefix(i, lib+"/") })
}

// goFiles parses the Go files of a module, in the order of their names; folders that are modules of their own are left out.
func goFiles(tree fs.FS) ([]goFile, error) {
	var files []goFile
	err := fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if e.IsDir() {
			_, err := fs.Stat(tree, path.Join(name, "go.mod"))
			if name != "." && (err == nil || e.Name() == "testdata" || strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_")) {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(name) != ".go" {
			return nil
		}
		f, err := parse(tree, name)
		files = append(files, f)
		return err
	})
	slices.SortFunc(files, func(a, b goFile) int { return cmp.Compare(a.name, b.name) })
	return files, err
}

func parse(tree fs.FS, name string) (goFile, error) {
	text, err := fs.ReadFile(tree, name)
	if err != nil {
		return goFile{}, err
	}
	set := token.NewFileSet()
	syntax, err := parser.ParseFile(set, name, text, parser.SkipObjectResolution|parser.ParseComments)
	if err != nil {
		return goFile{}, err
	}
	f := goFile{
		name: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"), pkg: syntax.Name.Name,
		generated: ast.IsGenerated(syntax), lines: bytes.Count(text, []byte("\n")), functions: map[string]int{},
	}
	for _, i := range syntax.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return f, fmt.Errorf("%s: %w", name, err)
		}
		f.imports = append(f.imports, p)
	}
	for _, d := range syntax.Decls {
		if fn, ok := d.(*ast.FuncDecl); ok {
			f.functions[fn.Name.Name] = set.Position(fn.End()).Line - set.Position(fn.Pos()).Line + 1
		}
	}
	return f, nil
}
