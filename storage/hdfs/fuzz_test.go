package hdfs

import (
	"strings"
	"testing"

	"shadoof/storage"
)

func FuzzConfiguration(f *testing.F) {
	f.Add("<configuration><property><name>a</name><value>${b}</value></property></configuration>", "a")
	f.Add("<configuration><property><name>a</name><value>${a}${env.HOME}${</value></property></configuration>", "a")
	f.Fuzz(func(t *testing.T, document, name string) {
		c := &conf{values: map[string]string{}, files: map[string]string{}}
		if c.add("core-site.xml", []byte(document)) != nil {
			return
		}
		c.get(name) // comes to an end
		for key := range c.values {
			c.list(key)
		}
	})
}

func FuzzToken(f *testing.F) {
	f.Add(`{"path":"_shadoof/topics/orders/staging/1a2b/a.staged","key":"orders/a.parquet"}`)
	f.Add(`{"path":"../x.staged"}`)
	f.Add(`{"upload_id":"x"}`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseToken(storage.Token(raw))
		if err != nil {
			return
		}
		// No token leads out of the root.
		if strings.Contains("/"+got.Path+"/", "/../") || strings.HasPrefix(got.Path, "/") || !strings.HasSuffix(got.Path, storage.StagedSuffix) {
			t.Errorf("%q is taken", got.Path)
		}
		if again, err := parseToken(got.marshal()); err != nil || again != got {
			t.Errorf("%+v came back as %+v, %v", got, again, err)
		}
	})
}
