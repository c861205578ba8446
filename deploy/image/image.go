package main

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"golang.org/x/crypto/x509roots/fallback/bundle"
)

// user is who the process is, unless the pod says otherwise. Charts and people rely on the number.
const user = "65532:65532"

const entrypoint = "/usr/local/bin/shadoof"

// build makes the image of one platform. Nothing in it comes from the machine that it is built on, but the Go toolchain.
func build(ctx context.Context, o options, platform string) (v1.Image, error) {
	goos, arch, ok := strings.Cut(platform, "/")
	if !ok || goos != "linux" {
		return nil, fmt.Errorf("want a platform such as linux/amd64")
	}
	binary, err := compile(ctx, o, goos, arch)
	if err != nil {
		return nil, err
	}
	// Certificates and the binary are layers of their own: the first hardly ever changes.
	base, err := layer(
		file{"etc/group", 0o644, []byte("shadoof:x:65532:\n")},
		file{"etc/passwd", 0o644, []byte("shadoof:x:65532:65532:shadoof:/:/sbin/nologin\n")},
		file{"etc/ssl/certs/ca-certificates.crt", 0o644, authorities()})
	if err != nil {
		return nil, err
	}
	top, err := layer(file{strings.TrimPrefix(entrypoint, "/"), 0o755, binary})
	if err != nil {
		return nil, err
	}
	image, err := mutate.AppendLayers(mutate.MediaType(empty.Image, types.OCIManifestSchema1), base, top)
	if err != nil {
		return nil, err
	}
	// No creation time: it would make two builds of one source differ.
	return mutate.ConfigFile(image, &v1.ConfigFile{
		OS: goos, Architecture: arch,
		RootFS: rootFS(image),
		Config: v1.Config{
			User:       user,
			Entrypoint: []string{entrypoint},
			WorkingDir: "/",
			Env:        []string{"PATH=/usr/local/bin", "SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt"},
			Labels:     labels(o),
		},
	})
}

func rootFS(image v1.Image) v1.RootFS {
	config, err := image.ConfigFile()
	if err != nil {
		panic(err) // it was made in memory, above
	}
	return config.RootFS
}

func labels(o options) map[string]string {
	l := map[string]string{
		"org.opencontainers.image.title":       "shadoof",
		"org.opencontainers.image.description": "Lifts Kafka topics into HDFS, object storage and local folders, exactly once",
		"org.opencontainers.image.licenses":    "Apache-2.0",
		"org.opencontainers.image.version":     o.version,
	}
	if o.revision != "" {
		l["org.opencontainers.image.revision"] = o.revision
	}
	return l
}

// compile builds the static binary.
func compile(ctx context.Context, o options, goos, arch string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "shadoof-image-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "shadoof")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -X main.version="+o.version, "-o", out, "./cmd/shadoof")
	cmd.Dir = o.source
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS="+goos, "GOARCH="+arch)
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build the binary: %w\n%s", err, text)
	}
	return os.ReadFile(out)
}

// authorities are those that Mozilla trusts, in the form of a system's bundle. The few that are trusted for some names or until some
// day only are left out: a bundle cannot say so.
func authorities() []byte {
	var out bytes.Buffer
	for root := range bundle.Roots() {
		if root.Constraint == nil {
			pem.Encode(&out, &pem.Block{Type: "CERTIFICATE", Bytes: root.Certificate})
		}
	}
	return out.Bytes()
}

type file struct {
	path string
	mode int64
	data []byte
}

// layer is a tar archive with the files and the folders that they are in, all of root, all of the year 1970.
func layer(files ...file) (v1.Layer, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	var folders []string
	for _, f := range files {
		for dir := filepath.Dir(f.path); dir != "."; dir = filepath.Dir(dir) {
			folders = append(folders, dir+"/")
		}
	}
	slices.Sort(folders)
	for _, dir := range slices.Compact(folders) {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755}); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: f.mode, Size: int64(len(f.data))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(out.Bytes())), nil },
		tarball.WithMediaType(types.OCILayer))
}

// indexOf joins the images of several platforms.
func indexOf(images map[string]v1.Image) (v1.ImageIndex, error) {
	index := mutate.IndexMediaType(empty.Index, types.OCIImageIndex)
	var platforms []string
	for p := range images {
		platforms = append(platforms, p)
	}
	slices.Sort(platforms)
	for _, p := range platforms {
		goos, arch, _ := strings.Cut(p, "/")
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: images[p], Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: goos, Architecture: arch}}})
	}
	return index, nil
}
