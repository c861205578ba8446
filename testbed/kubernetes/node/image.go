package node

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// An image is one that lies unpacked on the node.
type image struct {
	root       string
	Entrypoint []string
	Cmd        []string
	Env        []string
}

// unpack reads a file as docker save writes it.
func unpack(file, into string) (*image, error) {
	members, err := archive(file)
	if err != nil {
		return nil, err
	}
	var manifest []struct {
		Config string
		Layers []string
	}
	if err := json.Unmarshal(members["manifest.json"], &manifest); err != nil || len(manifest) != 1 {
		return nil, fmt.Errorf("%s is not one image: %w", file, err)
	}
	var config struct {
		Config struct{ Entrypoint, Cmd, Env []string }
	}
	if err := json.Unmarshal(members[manifest[0].Config], &config); err != nil {
		return nil, err
	}
	for _, name := range manifest[0].Layers {
		layer, err := gzip.NewReader(bytes.NewReader(members[name]))
		if err != nil {
			return nil, err
		}
		if err := extract(layer, into); err != nil {
			return nil, err
		}
	}
	c := config.Config
	return &image{root: into, Entrypoint: c.Entrypoint, Cmd: c.Cmd, Env: c.Env}, nil
}

func archive(file string) (map[string][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	members := map[string][]byte{}
	for r := tar.NewReader(f); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return members, nil
		}
		if err != nil {
			return nil, err
		}
		if members[h.Name], err = io.ReadAll(r); err != nil {
			return nil, err
		}
	}
}

// extract writes a layer. Files that take others away do not occur in our images.
func extract(layer io.Reader, into string) error {
	for r := tar.NewReader(layer); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		path := filepath.Join(into, filepath.Clean("/"+h.Name))
		if h.Typeflag == tar.TypeDir {
			if err := os.MkdirAll(path, h.FileInfo().Mode().Perm()); err != nil {
				return err
			}
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, data, h.FileInfo().Mode().Perm()); err != nil {
			return err
		}
	}
}

// copyTo makes the root of a container: the image's files, by hard links.
func (i *image) copyTo(root string) error {
	return filepath.WalkDir(i.root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		below, err := filepath.Rel(i.root, path)
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(root, below), 0o755)
		}
		return os.Link(path, filepath.Join(root, below))
	})
}
