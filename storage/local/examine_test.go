package local

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"shadoof/storage"
)

// imagined is a disk with another volume and umask.
type imagined struct {
	disk
	v    volume
	mask fs.FileMode
}

func (i imagined) Volume(string) (volume, error) { return i.v, nil }
func (i imagined) Umask() (fs.FileMode, bool)    { return i.mask, true }

// separate says that the folder of a topic is another mount.
type separate struct{ imagined }

func (s separate) Mount(name string) (mount, error) {
	if strings.HasSuffix(name, "orders") {
		return mount{id: 2}, nil
	}
	return mount{id: 1}, nil
}

func expect(t *testing.T, found []storage.Finding, grade storage.Grade, name, says string) {
	t.Helper()
	for _, f := range found {
		if f.Name == name && f.Grade == grade && strings.Contains(f.Detail, says) {
			return
		}
	}
	t.Errorf("no finding %q is %s and says %q:", name, grade, says)
	for _, f := range found {
		t.Logf("%-11s %-15s %s", f.Grade, f.Name, f.Detail)
	}
}

var large = volume{kind: "ext4", free: 1 << 40, size: 1 << 41, files: 1 << 30}

func TestTheFileSystemIsExamined(t *testing.T) {
	t.Parallel()
	with := func(change func(*volume)) volume { v := large; change(&v); return v }
	for name, test := range map[string]struct {
		files files
		grade storage.Grade
		about string
		says  string
	}{
		"ext4":          {imagined{v: large}, storage.Good, "file system", "ext4"},
		"read-only":     {imagined{v: with(func(v *volume) { v.readOnly = true })}, storage.Bad, "file system", "read-only"},
		"nfs":           {imagined{v: with(func(v *volume) { v.kind = "nfs4" })}, storage.Doubt, "file system", "lookupcache=positive"},
		"soft nfs":      {imagined{v: with(func(v *volume) { v.kind, v.options = "nfs", "rw,soft" })}, storage.Bad, "file system", "mount it hard"},
		"nfs, noac":     {imagined{v: with(func(v *volume) { v.kind, v.options = "nfs", "rw,noac" })}, storage.Doubt, "file system", "not cached"},
		"tmpfs":         {imagined{v: with(func(v *volume) { v.kind = "tmpfs" })}, storage.Doubt, "file system", "memory"},
		"overlay":       {imagined{v: with(func(v *volume) { v.kind = "overlay" })}, storage.Doubt, "file system", "volume"},
		"fuse":          {imagined{v: with(func(v *volume) { v.kind = "fuse" })}, storage.Doubt, "file system", "fsync"},
		"unknown":       {imagined{v: with(func(v *volume) { v.kind = "" })}, storage.Unseen, "file system", "df -T"},
		"full":          {imagined{v: with(func(v *volume) { v.free = 1 << 20 })}, storage.Bad, "free space", "make room"},
		"nearly full":   {imagined{v: with(func(v *volume) { v.free = 1 << 30 })}, storage.Doubt, "free space", "1.0 GiB of 2048.0 GiB"},
		"few inodes":    {imagined{v: with(func(v *volume) { v.files = 5000 })}, storage.Doubt, "free inodes", "5000"},
		"no inodes":     {imagined{v: with(func(v *volume) { v.files = 5 })}, storage.Bad, "free inodes", "5"},
		"btrfs":         {imagined{v: with(func(v *volume) { v.files = -1 })}, storage.Good, "free inodes", "no limit"},
		"umask 022":     {imagined{v: large, mask: 0o022}, storage.Good, "umask", "0644"},
		"umask 077":     {imagined{v: large, mask: 0o077}, storage.Doubt, "umask", "0600"},
		"one mount":     {imagined{v: large}, storage.Good, "one mount", "renamed"},
		"mounted apart": {separate{imagined{v: large}}, storage.Bad, "one mount", "different mounts"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := filepath.Join(t.TempDir(), "lake")
			if err := os.MkdirAll(filepath.Join(root, "orders"), 0o755); err != nil {
				t.Fatal(err)
			}
			s, err := open(root, test.files)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, s.Examine(t.Context(), []storage.Move{{Staging: "_shadoof/topics/orders/staging", Folder: "orders"}}), test.grade, test.about, test.says)
		})
	}
}

func TestTheRootIsExamined(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	look := func(dir string) []storage.Finding {
		s, err := New(dir)
		if err != nil {
			t.Fatal(err)
		}
		return s.Examine(t.Context(), nil)
	}
	expect(t, look(root), storage.Good, "folder", root)
	expect(t, look(filepath.Join(root, "a", "b")), storage.Good, "folder", "it will be made in "+root)
	if err := os.Chmod(root, 0o777); err != nil {
		t.Fatal(err)
	}
	expect(t, look(root), storage.Doubt, "folder", "everybody may delete")
	found := look(root)
	for _, f := range found {
		t.Logf("%-11s %-15s %s", f.Grade, f.Name, f.Detail)
	}
	expect(t, found, storage.Good, "free inodes", "")
}
