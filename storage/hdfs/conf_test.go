package hdfs

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
)

// site writes a configuration: lines of name=value for each file.
func site(t *testing.T, core, hdfs string) string {
	t.Helper()
	dir := t.TempDir()
	for name, lines := range map[string]string{"core-site.xml": core, "hdfs-site.xml": hdfs} {
		if lines == "" {
			continue
		}
		xml := "<?xml version=\"1.0\"?>\n<configuration>\n"
		for line := range strings.SplitSeq(lines, "\n") {
			key, value, ok := strings.Cut(line, "=")
			if !ok || key[0] == '<' {
				xml += line
				continue
			}
			xml += "<property><name>" + key + "</name><value> " + value + " </value></property>\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(xml+"</configuration>"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const ha = `dfs.nameservices=lake,pond
dfs.ha.namenodes.lake=a,b
dfs.namenode.rpc-address.lake.a=127.0.0.1:1
dfs.namenode.rpc-address.lake.b=${host}
host=127.0.0.2
dfs.ha.namenodes.pond=a
dfs.namenode.rpc-address.pond.a=127.0.0.3:1`

func clusterOf(t *testing.T, dir string, o Options) (cluster, error) {
	t.Helper()
	o.ConfDir = dir
	if err := o.validate(); err != nil {
		return cluster{}, err
	}
	c, err := loadConf(o.ConfDir)
	if err != nil {
		return cluster{}, err
	}
	return c.cluster(t.Context(), o)
}

func TestAddressesAreThoseOfTheURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		authority, core string
		want            []string
	}{
		{"lake", "", []string{"127.0.0.1:1", "127.0.0.2:8020"}},
		{"pond", "fs.defaultFS=hdfs://lake", []string{"127.0.0.3:1"}},
		{"", "fs.defaultFS=hdfs://lake", []string{"127.0.0.1:1", "127.0.0.2:8020"}},
		{"", "fs.default.name=hdfs://127.0.0.9:99/", []string{"127.0.0.9:99"}},
		{"127.0.0.7", "", []string{"127.0.0.7:8020"}},
		{"[::1]:5", "", []string{"[::1]:5"}},
	} {
		got, err := clusterOf(t, site(t, c.core, ha), Options{Authority: c.authority, User: "u"})
		if err != nil {
			t.Errorf("%s: %v", c.authority, err)
		}
		if diff := cmp.Diff(c.want, got.addresses); diff != "" {
			t.Errorf("%s: %s", c.authority, diff)
		}
	}
}

func TestAWrongConfigurationIsNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		authority, core, hdfs string
		want                  []string
		unfit                 bool
	}{
		{"", "", ha, []string{"fs.defaultFS", "core-site.xml"}, false},
		{"", "fs.defaultFS=file:///", ha, []string{"fs.defaultFS", "file:///", "core-site.xml"}, false},
		{"lake", "", "dfs.ha.namenodes.lake=a,b\ndfs.namenode.rpc-address.lake.a=h:1", []string{"dfs.namenode.rpc-address.lake.b", "hdfs-site.xml"}, false},
		{"lake", "", "dfs.ha.namenodes.lake=a\ndfs.namenode.rpc-address.lake.a=hdfs://h:1", []string{"dfs.namenode.rpc-address.lake.a", "no host:port"}, false},
		{"lake", "", "dfs.nameservices=lake", []string{"dfs.ha.namenodes.lake", "hdfs-site.xml"}, false},
		{"no-such-host.invalid", "", ha, []string{"no-such-host.invalid", "dfs.nameservices lake,pond", "hdfs-site.xml"}, false},
		{"lake", "hadoop.security.authentication=Kerberos", ha, []string{"dfs.namenode.kerberos.principal", "hdfs-site.xml"}, false},
		{"lake", "", ha + "\ndfs.encrypt.data.transfer=true", []string{"dfs.encrypt.data.transfer", "cannot read it back", "hdfs-site.xml"}, true},
		{"lake", "hadoop.security.authentication=kerberos", ha + "\ndfs.namenode.kerberos.principal=nn/_HOST@R\ndfs.data.transfer.protection=privacy", []string{"dfs.data.transfer.protection", "privacy", "authentication,privacy"}, true},
		{"lake", "", ha + "\ndfs.ha.allow.stale.reads=true", []string{"dfs.ha.allow.stale.reads"}, true},
		{"lake", "<xi:include href=\"other.xml\"/>", ha, []string{"other.xml", "core-site.xml"}, false},
		{"lake", "<property>", ha, []string{"core-site.xml", "XML"}, false},
	} {
		dir := site(t, c.core, c.hdfs)
		_, err := clusterOf(t, dir, Options{Authority: c.authority, User: "u"})
		if err == nil || errors.Is(err, storage.ErrUnfit) != c.unfit {
			t.Errorf("%v: %v", c.want, err)
			continue
		}
		for _, w := range c.want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%q is missing in: %v", w, err)
			}
		}
		t.Log(err)
	}
	if _, err := loadConf(t.TempDir()); err == nil || !strings.Contains(err.Error(), "neither core-site.xml nor hdfs-site.xml") {
		t.Error(err)
	}
}

func TestWeakerProtectionIsChosenWhereItIsAllowed(t *testing.T) {
	t.Parallel()
	dir := site(t, "hadoop.security.authentication=kerberos\nhadoop.rpc.protection=privacy",
		ha+"\ndfs.namenode.kerberos.principal=nn/_HOST@R\ndfs.data.transfer.protection=authentication,privacy")
	c, err := clusterOf(t, dir, Options{Authority: "lake"})
	if err != nil || c.protection != "authentication" || !c.kerberos {
		t.Errorf("%+v, %v", c, err)
	}
	// Without Kerberos it has no effect.
	dir = site(t, "", ha+"\ndfs.data.transfer.protection=privacy")
	if c, err := clusterOf(t, dir, Options{Authority: "lake", User: "u"}); err != nil || c.protection != "" {
		t.Errorf("%+v, %v", c, err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	dir := site(t, "", ha)
	for want, o := range map[string]Options{
		"absolute":       {Path: "a"},
		"a clean":        {Path: "/a/"},
		"colon":          {Path: "/a:b"},
		"replication":    {Replication: 1000},
		"multiple of":    {BlockSize: 1000},
		"modes":          {FileMode: os.ModeDir},
		"neither core-s": {ConfDir: t.TempDir()},
	} {
		o.Authority = "lake"
		if o.ConfDir == "" {
			o.ConfDir = dir
		}
		if _, err := New(context.Background(), o); err == nil || !strings.Contains(strings.ReplaceAll(err.Error(), "no clean", "a clean"), want) || !strings.Contains(err.Error(), "open store hdfs://lake") {
			t.Errorf("%s: %v", want, err)
		}
	}
	s, err := New(t.Context(), Options{Authority: "lake", Path: "/a", ConfDir: dir, User: "u"})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.String() != "hdfs://lake/a" {
		t.Error(s)
	}
	for _, name := range []string{"a:b", "a//b", ".tmp-x", "x.staged"} {
		if _, err := s.Open(t.Context(), name, 0, 0); !errors.Is(err, os.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestATicketCacheMustBeAFile(t *testing.T) {
	dir := t.TempDir()
	krb5 := filepath.Join(dir, "krb5.conf")
	if err := os.WriteFile(krb5, []byte("[libdefaults]\n default_realm = R\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "damaged"), []byte("\x05\x04\x00"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"KEYRING:persistent:0": "only caches in files", "FILE:" + dir + "/none": "run kinit", dir + "/damaged": "run kinit"} {
		t.Setenv("KRB5CCNAME", name)
		tickets, err := newTickets(Kerberos{Krb5Conf: krb5})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tickets.client(); err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newTickets(Kerberos{Krb5Conf: dir + "/none"}); err == nil || !strings.Contains(err.Error(), "krb5_conf") {
		t.Error(err)
	}
	tickets, err := newTickets(Kerberos{Krb5Conf: krb5, Keytab: dir + "/none", Principal: "me"})
	if err != nil {
		t.Fatal(err)
	}
	var setup *setupError
	if _, err := tickets.client(); !errors.As(err, &setup) || errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
}

func TestBlocksAreAsLargeAsHadoopsConfigurationSays(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]int64{"": 0, "1048576": 1 << 20, "128m": 128 << 20, "1G": 1 << 30, "2t": 2 << 40, "4k": 4 << 10,
		"x": -1, "m": -1, "0": -1, "-1": -1, "100": -1, "12mm": -1, "9999999999999t": -1} {
		c := &conf{values: map[string]string{"dfs.blocksize": value}}
		got, err := c.blockSize()
		if want < 0 && err == nil || want >= 0 && (got != want || err != nil) {
			t.Errorf("%q: %d, %v", value, got, err)
		}
	}
}
