//go:build long

package power_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// A disk is a file with an ext4 file system, mounted on a folder.
type disk struct {
	image, folder string
}

// newDisk makes a disk. It is gone with the test, also when that is killed.
func newDisk(t *testing.T) *disk {
	t.Helper()
	d := &disk{image: filepath.Join(t.TempDir(), "image"), folder: t.TempDir()}
	if os.Geteuid() != 0 {
		lacking(t, "this user may not mount: run it as root")
	}
	for _, tool := range []string{"mkfs.ext4", "mount", "umount"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%s is missing (Debian: e2fsprogs and mount)", tool)
		}
	}
	file, err := os.Create(d.image)
	if err == nil {
		err = file.Truncate(1 << 30) // a sparse one
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := tool("mkfs.ext4", "-q", "-F", d.image); err != nil {
		t.Fatal(err)
	}
	// When this process is killed its end of the pipe is closed, and what it has mounted is taken away. The loop device goes with the mount.
	guard := exec.Command("sh", "-c", `cat >/dev/null; umount -l "$1" 2>/dev/null; rm -f "$2"`, "guard", d.folder, d.image)
	guard.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	pipe, err := guard.StdinPipe()
	if err == nil {
		err = guard.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		pipe.Close()
		if err := guard.Wait(); err != nil {
			t.Error(err)
		}
		if err := exec.Command("mountpoint", "-q", d.folder).Run(); err == nil {
			t.Errorf("%s is still mounted", d.folder)
		}
	})
	if err := d.mount(); err != nil {
		t.Fatalf("%v: a file cannot be mounted as a disk here; this test needs loop devices", err)
	}
	return d
}

// lacking fails where everything must be there, and skips elsewhere.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

func tool(name string, args ...string) error {
	if out, err := exec.Command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

func (d *disk) mount() error   { return tool("mount", "-o", "loop", d.image, d.folder) }
func (d *disk) unmount() error { return tool("umount", d.folder) }

// cutPower stops the file system as it is: nothing that was not synced comes to the disk any more, not even the journal.
func (d *disk) cutPower() error {
	f, err := os.Open(d.folder)
	if err != nil {
		return err
	}
	defer f.Close()
	const shutdown, withoutJournal = 0x8004587d, 2 // EXT4_IOC_SHUTDOWN, EXT4_GOING_FLAGS_NOLOGFLUSH: fs/ext4/ext4.h
	return unix.IoctlSetPointerInt(int(f.Fd()), shutdown, withoutJournal)
}
