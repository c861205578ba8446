package faults

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"shadoof/testbed/faults/history"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/product"
	"shadoof/testbed/s3bed"
)

// A store is a root as others see it, who have nothing to do with the product. Names are relative to the root. All of it fails while
// the server is down.
type store interface {
	// list lists the objects below a folder of the root, and those of a log as it shows them.
	list(ctx context.Context, below string) ([]history.Object, error)
	read(ctx context.Context, name string) ([]byte, error)

	// staged lists what is staged, and take takes one of that away.
	staged(ctx context.Context) ([]stagedFile, error)
	take(ctx context.Context, s stagedFile) error
}

// A stagedFile is an upload, or a file.
type stagedFile struct{ name, upload string }

func (s stagedFile) String() string { return strings.TrimSpace(s.name + " " + s.upload) }

// localStore is a folder of the local disk.
type localStore struct{ dir string }

func (s *localStore) list(_ context.Context, below string) (out []history.Object, err error) {
	err = filepath.WalkDir(filepath.Join(s.dir, below), func(name string, d os.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(s.dir, name)
		tag := fmt.Sprintf("%d-%d", info.Size(), info.ModTime().UnixNano())
		if st, ok := info.Sys().(*syscall.Stat_t); ok {
			tag += fmt.Sprintf("-%d", st.Ino)
		}
		out = append(out, history.Object{Key: filepath.ToSlash(rel), Bytes: info.Size(), Tag: tag})
		return nil
	})
	return out, err
}

func (s *localStore) read(_ context.Context, name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(s.dir, name))
}

func (s *localStore) staged(ctx context.Context) ([]stagedFile, error) { return stagedOf(ctx, s) }

func (s *localStore) take(_ context.Context, f stagedFile) error {
	err := os.Remove(filepath.Join(s.dir, f.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// stagedOf lists staged files where they are files.
func stagedOf(ctx context.Context, s store) (out []stagedFile, err error) {
	all, err := s.list(ctx, "_shadoof/topics")
	for _, o := range all {
		if strings.HasSuffix(o.Key, ".staged") {
			out = append(out, stagedFile{name: o.Key})
		}
	}
	return out, err
}

// s3Store is a prefix in a bucket, asked directly and not through what is broken for workers.
type s3Store struct {
	client         *s3.Client
	bucket, prefix string
}

func newS3Store(server *s3bed.Server, root *product.Root) (*s3Store, error) {
	client, err := server.Client()
	if err != nil {
		return nil, err
	}
	s := &s3Store{client: client}
	s.bucket, s.prefix = root.Bucket()
	return s, nil
}

func (s *s3Store) list(ctx context.Context, below string) (out []history.Object, err error) {
	prefix := s.prefix + "/" + below + "/"
	pages := s3.NewListObjectsV2Paginator(s.client, &s3.ListObjectsV2Input{Bucket: &s.bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		for _, o := range page.Contents {
			out = append(out, history.Object{Key: strings.TrimPrefix(*o.Key, s.prefix+"/"), Bytes: *o.Size, Tag: strings.Trim(*o.ETag, `"`)})
		}
	}
	return out, nil
}

func (s *s3Store) read(ctx context.Context, name string) ([]byte, error) {
	key := s.prefix + "/" + name
	o, err := s.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &s.bucket, Key: &key})
	if err != nil {
		return nil, err
	}
	defer o.Body.Close()
	return io.ReadAll(o.Body)
}

// staged leaves out what a check of the store uploads: a store that loses that within seconds is unfit, and is called so. gc has nothing
// to do with it.
func (s *s3Store) staged(ctx context.Context) (out []stagedFile, err error) {
	in := &s3.ListMultipartUploadsInput{Bucket: &s.bucket}
	for {
		page, err := s.client.ListMultipartUploads(ctx, in)
		if err != nil {
			return nil, err
		}
		for _, u := range page.Uploads {
			if !strings.Contains("/"+*u.Key, "/_shadoof/probe/") {
				out = append(out, stagedFile{*u.Key, *u.UploadId})
			}
		}
		if page.IsTruncated == nil || !*page.IsTruncated {
			return out, nil
		}
		in.KeyMarker, in.UploadIdMarker = page.NextKeyMarker, page.NextUploadIdMarker
	}
}

func (s *s3Store) take(ctx context.Context, f stagedFile) error {
	_, err := s.client.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &s.bucket, Key: &f.name, UploadId: &f.upload})
	if err != nil && strings.Contains(err.Error(), "NoSuchUpload") {
		return nil
	}
	return err
}

// hdfsStore is a folder in HDFS. A record of a log is a folder with one file there, and counts as an object.
type hdfsStore struct {
	fs     *hdfsbed.FS
	folder string
}

func (s *hdfsStore) list(ctx context.Context, below string) (out []history.Object, err error) {
	err = s.fs.Walk(ctx, path.Join(s.folder, below), func(f hdfsbed.Status) error {
		name := strings.TrimPrefix(f.Path, s.folder+"/")
		// Whole seconds: whoever confirms a file sets its own time again, and the client knows no parts of a second.
		o := history.Object{Key: name, Bytes: f.Length, Tag: fmt.Sprintf("%d-%d", f.Length, f.ModificationTime/1000)}
		switch base := path.Base(name); {
		case f.IsDir() && strings.HasSuffix(base, ".json") && !strings.HasPrefix(base, "."):
			out = append(out, o)
			return fs.SkipDir
		case f.IsDir() && strings.HasPrefix(base, ".tmp-"):
			return fs.SkipDir
		case !f.IsDir():
			out = append(out, o)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return out, err
}

func (s *hdfsStore) read(ctx context.Context, name string) ([]byte, error) {
	at := path.Join(s.folder, name)
	if st, err := s.fs.Stat(ctx, at); err != nil {
		return nil, err
	} else if st.IsDir() {
		inside, err := s.fs.List(ctx, at)
		if err != nil {
			return nil, err
		}
		if len(inside) != 1 {
			return nil, fmt.Errorf("%s holds %d files", at, len(inside))
		}
		at = inside[0].Path
	}
	return s.fs.ReadFile(ctx, at)
}

func (s *hdfsStore) staged(ctx context.Context) ([]stagedFile, error) { return stagedOf(ctx, s) }

func (s *hdfsStore) take(ctx context.Context, f stagedFile) error {
	err := s.fs.RemoveAll(ctx, path.Join(s.folder, f.name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
