package runs_test

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"testing"

	"shadoof/testbed/runs"
)

func write(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte("x"), 0o644)); err != nil {
		t.Fatal(err)
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func TestFoldersOfOthersAreLeftAlone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	mine, err := runs.NewFolder(t.Context(), "mine")
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(mine.Path, "data", "x"))
	if _, err := runs.NewFolder(t.Context(), "next"); err != nil {
		t.Fatal(err)
	}
	if !exists(filepath.Join(mine.Path, "data", "x")) {
		t.Error("the next folder's sweep took a folder that is in use")
	}
}

func TestAbandonedFoldersKeepOnlyLogs(t *testing.T) {
	tmp := t.TempDir()
	t.Setenv("TMPDIR", tmp)
	first, err := runs.NewFolder(t.Context(), "first")
	if err != nil {
		t.Fatal(err)
	}
	abandoned, empty := filepath.Join(filepath.Dir(first.Path), "abandoned-1"), filepath.Join(filepath.Dir(first.Path), "abandoned-2")
	write(t, filepath.Join(abandoned, "node1", "server.log"))
	write(t, filepath.Join(abandoned, "node1", "server.properties"))
	write(t, filepath.Join(abandoned, "node1", "data", "00.log"))
	write(t, filepath.Join(empty, "data", "x"))
	if _, err := runs.NewFolder(t.Context(), "next"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		filepath.Join(abandoned, "node1", "server.log"):        true,
		filepath.Join(abandoned, "node1", "server.properties"): false,
		filepath.Join(abandoned, "node1", "data"):              false,
		empty: false,
	} {
		if exists(path) != want {
			t.Errorf("%s exists: %v", path, !want)
		}
	}
}

func TestRemove(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for _, logs := range []bool{false, true} {
		f, err := runs.NewFolder(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(f.Path, "x.log"))
		if err := f.Remove(logs); err != nil {
			t.Fatal(err)
		}
		if exists(filepath.Join(f.Path, "x.log")) != logs {
			t.Errorf("asked to keep logs: %v, kept: %v", logs, !logs)
		}
	}
}

func TestPortsAreFreeAndOnlyOurs(t *testing.T) {
	t.Parallel()
	seen := make(map[int]bool)
	for range 20 {
		ports, err := runs.Ports(5)
		if err != nil {
			t.Fatal(err)
		}
		for _, port := range ports {
			if seen[port] {
				t.Errorf("port %d was given out twice", port)
			}
			seen[port] = true
			l, err := net.Listen("tcp", runs.Address(port))
			if err != nil {
				t.Error(err)
				continue
			}
			l.Close()
		}
	}
}
