package s3bed

import (
	"os"
	"path/filepath"
	"syscall"
)

// hasAttributes tells whether files in dir can carry extended attributes, in which the server keeps what S3 knows of objects. Where
// they cannot, it keeps that in a folder of its own.
func hasAttributes(dir string) bool {
	path := filepath.Join(dir, "attributes-probe")
	if os.WriteFile(path, nil, 0o600) != nil {
		return false
	}
	defer os.Remove(path)
	return syscall.Setxattr(path, "user.testbed", []byte("1"), 0) == nil
}
