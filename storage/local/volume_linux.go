package local

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

func (d disk) Volume(name string) (volume, error) {
	var s unix.Statfs_t
	if err := unix.Statfs(name, &s); err != nil {
		return volume{}, &os.PathError{Op: "statfs", Path: name, Err: err}
	}
	v := volume{
		readOnly: s.Flags&unix.ST_RDONLY != 0, free: int64(s.Bavail) * s.Bsize, size: int64(s.Blocks) * s.Bsize, files: int64(s.Ffree),
	}
	if s.Files == 0 {
		v.files = -1 // btrfs and others make inodes as they need them
	}
	v.kind = kinds[int64(s.Type)]
	if v.kind == "" {
		v.kind = fmt.Sprintf("type %#x", s.Type)
	}
	m, err := d.Mount(name)
	if err != nil {
		return v, nil // the rest is good to know, no more
	}
	table, err := os.ReadFile("/proc/self/mountinfo")
	if err == nil {
		v.describe(table, m.id)
	}
	return v, nil
}

// kinds are names of file systems by their magic numbers, where the table of mounts cannot be read.
var kinds = map[int64]string{
	unix.EXT4_SUPER_MAGIC: "ext4", unix.XFS_SUPER_MAGIC: "xfs", unix.BTRFS_SUPER_MAGIC: "btrfs", unix.NFS_SUPER_MAGIC: "nfs", unix.TMPFS_MAGIC: "tmpfs",
	unix.RAMFS_MAGIC: "ramfs", unix.OVERLAYFS_SUPER_MAGIC: "overlay", unix.FUSE_SUPER_MAGIC: "fuse", unix.SMB_SUPER_MAGIC: "cifs", unix.CIFS_SUPER_MAGIC: "cifs",
	unix.SMB2_SUPER_MAGIC: "smb2", unix.V9FS_MAGIC: "9p", 0x2fc12fc1: "zfs", 0x00c36400: "ceph", 0x47504653: "gpfs", 0x0bd00bd0: "lustre",
}

// describe fills in what the table of mounts says of one: proc_pid_mountinfo(5).
func (v *volume) describe(table []byte, id uint64) {
	for lines := bufio.NewScanner(bytes.NewReader(table)); lines.Scan(); {
		fields := strings.Fields(lines.Text())
		if len(fields) < 10 || fields[0] != strconv.FormatUint(id, 10) {
			continue
		}
		for i := 6; i+3 < len(fields); i++ {
			if fields[i] != "-" {
				continue
			}
			v.point, v.options = fields[4], fields[5]
			v.kind, _, _ = strings.Cut(fields[i+1], ".") // fuse.s3fs
			for _, o := range strings.Split(fields[i+3], ",") {
				if telling(o) && !strings.Contains(","+v.options+",", ","+o+",") {
					v.options += "," + o
				}
			}
			return
		}
	}
}

// telling says whether an option of a mount is worth a place in a line.
func telling(option string) bool {
	name, _, _ := strings.Cut(option, "=")
	switch name {
	case "ro", "soft", "hard", "noac", "actimeo", "acregmax", "acdirmax", "lookupcache", "vers", "sync", "nobarrier", "data", "commit":
		return true
	}
	return false
}

// Umask asks the table of processes: the system call would change it for a moment.
func (disk) Umask() (os.FileMode, bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	for line := range strings.Lines(string(status)) {
		if text, ok := strings.CutPrefix(line, "Umask:"); ok {
			n, err := strconv.ParseUint(strings.TrimSpace(text), 8, 32)
			return os.FileMode(n), err == nil
		}
	}
	return 0, false
}
