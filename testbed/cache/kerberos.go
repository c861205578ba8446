package cache

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// KerberosTools are the paths of MIT Kerberos' programs.
type KerberosTools struct {
	KDC   string // krb5kdc
	Util  string // kdb5_util
	Admin string // kadmin.local
	Init  string // kinit
}

// Kerberos finds the programs of a KDC, on the PATH or where Debian has them, which is not on everybody's PATH.
func Kerberos() (KerberosTools, error) {
	var t KerberosTools
	for name, path := range map[string]*string{"krb5kdc": &t.KDC, "kdb5_util": &t.Util, "kadmin.local": &t.Admin, "kinit": &t.Init} {
		found, err := exec.LookPath(name)
		if err != nil {
			found = filepath.Join("/usr/sbin", name)
			if _, err := os.Stat(found); err != nil {
				return t, errors.New("testbed: " + name + " is missing: install MIT Kerberos (Debian: krb5-kdc krb5-admin-server krb5-user)")
			}
		}
		*path = found
	}
	return t, nil
}
