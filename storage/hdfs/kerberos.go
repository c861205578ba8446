package hdfs

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"
	"sync"

	krb "github.com/jcmturner/gokrb5/v8/client"
	"github.com/jcmturner/gokrb5/v8/config"
	"github.com/jcmturner/gokrb5/v8/credentials"
	"github.com/jcmturner/gokrb5/v8/keytab"
)

// tickets gives clients of Kerberos to connections.
type tickets struct {
	o    Kerberos
	conf *config.Config

	mu     sync.Mutex
	keytab *krb.Client // renews its tickets by itself
}

func newTickets(o Kerberos) (*tickets, error) {
	file := o.Krb5Conf
	if file == "" {
		file = os.Getenv("KRB5_CONFIG")
	}
	if file == "" {
		file = "/etc/krb5.conf"
	}
	c, err := config.Load(file)
	if err != nil {
		return nil, fmt.Errorf("kerberos: %s: %v: set store.hdfs.kerberos.krb5_conf or KRB5_CONFIG", file, err)
	}
	return &tickets{o: o, conf: c}, nil
}

// client returns who we are. Its errors wrap none of the operating system: that a keytab is not there says nothing of any object. A ticket cache is read anew each time: whoever keeps it renews it there.
func (t *tickets) client() (*krb.Client, error) {
	if t.o.Keytab == "" {
		return t.fromCache()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keytab != nil {
		return t.keytab, nil
	}
	keys, err := keytab.Load(t.o.Keytab)
	if err != nil {
		return nil, &setupError{fmt.Errorf("kerberos: keytab %s: %v: check store.hdfs.kerberos.keytab", t.o.Keytab, err)}
	}
	name, realm, ok := strings.Cut(t.o.Principal, "@")
	if !ok {
		realm = t.conf.LibDefaults.DefaultRealm
	}
	if realm == "" {
		return nil, &setupError{fmt.Errorf("kerberos: the principal %s names no realm, and krb5.conf has no default_realm", t.o.Principal)}
	}
	c := krb.NewWithKeytab(name, realm, keys, t.conf, krb.DisablePAFXFAST(true))
	if err := c.Login(); err != nil {
		err := fmt.Errorf("kerberos: log in as %s@%s with %s: %v: check principal, keytab and krb5.conf", name, realm, t.o.Keytab, err)
		if strings.Contains(err.Error(), "KDC_Error") {
			return nil, &setupError{err} // the KDC has answered
		}
		return nil, err
	}
	t.keytab = c
	return c, nil
}

func (t *tickets) fromCache() (*krb.Client, error) {
	file, err := cacheFile()
	if err != nil {
		return nil, &setupError{err}
	}
	cache, err := loadCache(file)
	if err != nil {
		return nil, &setupError{fmt.Errorf("kerberos: ticket cache %s: %v: run kinit, or set store.hdfs.kerberos.keytab and principal", file, err)}
	}
	c, err := krb.NewFromCCache(cache, t.conf, krb.DisablePAFXFAST(true))
	if err != nil {
		return nil, &setupError{fmt.Errorf("kerberos: ticket cache %s: %v: run kinit again", file, err)}
	}
	return c, nil
}

// loadCache reads a ticket cache; the library panics on some that are damaged.
func loadCache(file string) (cache *credentials.CCache, err error) {
	defer func() {
		if recover() != nil {
			cache, err = nil, errors.New("it is damaged")
		}
	}()
	return credentials.LoadCCache(file)
}

func cacheFile() (string, error) {
	name := os.Getenv("KRB5CCNAME")
	if name == "" {
		u, err := user.Current()
		if err != nil {
			return "", fmt.Errorf("kerberos: %w: set KRB5CCNAME", err)
		}
		return "/tmp/krb5cc_" + u.Uid, nil
	}
	if kind, file, ok := strings.Cut(name, ":"); ok {
		if kind != "FILE" {
			return "", fmt.Errorf("kerberos: the ticket cache %s is no file: only caches in files are read: set KRB5CCNAME=FILE:/path, or a keytab", name)
		}
		return file, nil
	}
	return name, nil
}

func (t *tickets) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.keytab != nil {
		t.keytab.Destroy()
		t.keytab = nil
	}
}
