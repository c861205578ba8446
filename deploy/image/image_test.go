package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

const source = "../.."

var platform = "linux/" + runtime.GOARCH

// image is built once for all tests.
var image = sync.OnceValues(func() (v1.Image, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	return build(ctx, options{source: source, version: "1.2.3", revision: "abc"}, platform)
})

func theImage(t *testing.T) v1.Image {
	t.Helper()
	i, err := image()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func digest(t *testing.T, i v1.Image) v1.Hash {
	t.Helper()
	d, err := i.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestTheSameSourceGivesTheSameImage, from another folder and another temporary directory.
func TestTheSameSourceGivesTheSameImage(t *testing.T) {
	first := theImage(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	if err := copySource(elsewhere); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", t.TempDir())
	t.Setenv("GOFLAGS", "-buildvcs=true")
	second, err := build(t.Context(), options{source: elsewhere, version: "1.2.3", revision: "abc"}, platform)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := digest(t, first), digest(t, second); a != b {
		t.Errorf("%s and %s", a, b)
	}
}

// copySource copies the product, without the folders that have modules of their own.
func copySource(into string) error {
	root := os.DirFS(source)
	return fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if _, err := fs.Stat(root, path+"/go.mod"); path != "." && err == nil || strings.HasPrefix(path, ".git") || path == "bin" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(into, path), 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := fs.ReadFile(root, path)
		return errors.Join(err, os.WriteFile(filepath.Join(into, path), text, 0o644))
	})
}

func TestImageHoldsTheBinaryAndLittleElse(t *testing.T) {
	t.Parallel()
	files := tar.NewReader(mutate.Extract(theImage(t)))
	var got []string
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(time.Unix(0, 0)) || h.Uid != 0 || h.Gid != 0 {
			t.Errorf("%s: of %v, user %d", h.Name, h.ModTime, h.Uid)
		}
		got = append(got, fmt.Sprintf("%s %04o", h.Name, h.Mode))
	}
	slices.Sort(got)
	want := []string{
		"etc 0755", "etc/group 0644", "etc/passwd 0644", "etc/ssl 0755", "etc/ssl/certs 0755", "etc/ssl/certs/ca-certificates.crt 0644",
		"usr 0755", "usr/local 0755", "usr/local/bin 0755", "usr/local/bin/shadoof 0755",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	config, err := theImage(t).ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c := config.Config; c.User != "65532:65532" || !slices.Equal(c.Entrypoint, []string{"/usr/local/bin/shadoof"}) || c.Cmd != nil {
		t.Errorf("runs %v %v as %s", c.Entrypoint, c.Cmd, c.User)
	}
	if l := config.Config.Labels; l["org.opencontainers.image.version"] != "1.2.3" || l["org.opencontainers.image.revision"] != "abc" {
		t.Errorf("labels %v", l)
	}
	if len(config.RootFS.DiffIDs) != 2 || config.Architecture != runtime.GOARCH {
		t.Errorf("%+v, %s", config.RootFS, config.Architecture)
	}
}

// TestAuthoritiesAreThoseOfASystem: some well-known ones are there, and every one parses.
func TestAuthoritiesAreThoseOfASystem(t *testing.T) {
	t.Parallel()
	rest, names := authorities(), map[string]bool{}
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		names[c.Subject.CommonName] = true
	}
	if len(bytes.TrimSpace(rest)) > 0 || len(names) < 100 {
		t.Errorf("%d authorities, and %d bytes that are none", len(names), len(rest))
	}
	for _, want := range []string{"Amazon Root CA 1", "ISRG Root X1", "GTS Root R1", "DigiCert Global Root G2"} {
		if !names[want] {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestImageIsWrittenAndPushed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	to := strings.TrimPrefix(server.URL, "http://") + "/shadoof:1.2.3"
	if err := push(t.Context(), to, map[string]v1.Image{platform: theImage(t)}); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(to)
	if err != nil {
		t.Fatal(err)
	}
	pulled, err := remote.Image(ref)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := digest(t, pulled), digest(t, theImage(t)); got != want {
		t.Errorf("pulled %s, pushed %s", got, want)
	}
	o := options{out: filepath.Join(t.TempDir(), "shadoof.tar"), tag: "shadoof:1.2.3"}
	if err := write(o, theImage(t)); err != nil {
		t.Fatal(err)
	}
	tag, err := name.NewTag(o.tag)
	if err != nil {
		t.Fatal(err)
	}
	loaded, err := tarball.ImageFromPath(o.out, &tag)
	if err != nil {
		t.Fatal(err)
	}
	was, err := theImage(t).ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	if is, err := loaded.ConfigName(); err != nil || is != was {
		t.Errorf("the image in the file is %v, not %v: %v", is, was, err)
	}
}

func TestIndexNamesItsPlatforms(t *testing.T) {
	t.Parallel()
	index, err := indexOf(map[string]v1.Image{"linux/arm64": theImage(t), "linux/amd64": theImage(t)})
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range manifest.Manifests {
		got = append(got, m.Platform.String())
	}
	if diff := cmp.Diff([]string{"linux/amd64", "linux/arm64"}, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestMistakesAreRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    options
		want string
	}{
		{options{platforms: "linux/amd64"}, "nothing to do: give -o FILE or -push NAME"},
		{options{platforms: "linux/amd64,linux/arm64", out: "x.tar"}, "a file holds one platform"},
		{options{platforms: "windows/amd64", out: "x.tar"}, "want a platform such as linux/amd64"},
		{options{platforms: "linux/amd64", out: "x.tar", source: "/nowhere"}, "build the binary"},
	} {
		if err := run(t.Context(), c.o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}
