package main

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// Code of text/template in the binary means that methods are called by names that the linker does not know: it then keeps every
// method of every type, which is ten megabytes. The tables that html/template begins with are harmless: templ imports it and calls nothing.
func TestLinkerCanLeaveOutDeadCode(t *testing.T) {
	t.Parallel()
	if testing.Short() || runtime.GOOS != "linux" {
		t.Skip("links the whole binary")
	}
	name := filepath.Join(t.TempDir(), "shadoof")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", name, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	f, err := elf.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	main := false
	for _, s := range symbols {
		main = main || s.Name == "main.main"
		switch {
		case strings.HasPrefix(s.Name, "text/template.(*Template)."), strings.HasPrefix(s.Name, "html/template.(*Template)."):
			t.Fatalf("%s is in the binary: build with -ldflags=-dumpdep to see what keeps it", s.Name)
		case strings.HasPrefix(s.Name, "testing.(*T)."):
			t.Fatalf("%s is in the binary", s.Name)
		}
	}
	if !main {
		t.Error("the binary has no symbols to look at")
	}
}
