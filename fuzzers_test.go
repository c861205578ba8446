package shadoof_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A fuzzer that no suite runs finds nothing.
func TestTheMakefileRunsEveryFuzzer(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	named := regexp.MustCompile(`(?m)^func (Fuzz\w+)\(`)
	err = filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		for _, m := range named.FindAllSubmatch(text, -1) {
			want = append(want, "./"+filepath.ToSlash(filepath.Dir(path))+":"+string(m[1]))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range regexp.MustCompile(`\./[\w/]+:Fuzz\w+`).FindAll(makefile, -1) {
		got = append(got, string(m))
	}
	slices.Sort(want)
	slices.Sort(got)
	for _, f := range want {
		if !slices.Contains(got, f) {
			t.Errorf("add %s to MORE_FUZZERS", f)
		}
	}
	for i, f := range got {
		if !slices.Contains(want, f) || i > 0 && got[i-1] == f {
			t.Errorf("%s is not there, or named twice", f)
		}
	}
}
