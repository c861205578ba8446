package product

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/testbed/hdfsbed"
)

// Read reads an object of the root, by its name below the root. A missing one is fs.ErrNotExist.
func (r *Root) Read(tb testing.TB, name string) ([]byte, error) {
	tb.Helper()
	return r.read(tb.Context(), name)
}

func (r *Root) read(ctx context.Context, name string) ([]byte, error) {
	switch {
	case r.hdfs != nil:
		return r.readHDFS(ctx, r.hdfs.FS(hdfsbed.Superuser), name)
	case r.s3 == nil:
		return os.ReadFile(filepath.Join(r.folder, name))
	}
	client, err := r.s3.Client()
	if err != nil {
		return nil, err
	}
	key := r.prefix + "/" + name
	o, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &r.bucket, Key: &key})
	if gone := (*types.NoSuchKey)(nil); errors.As(err, &gone) {
		return nil, fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	defer o.Body.Close()
	return io.ReadAll(o.Body)
}

// AbortStaged takes away all staged bytes of the root, as a lifecycle rule or another tool does, and returns how many files that were.
func (r *Root) AbortStaged(tb testing.TB) int {
	tb.Helper()
	n := 0
	if r.s3 == nil {
		for _, name := range r.Keys(tb, "_shadoof") {
			if strings.HasSuffix(name, ".staged") {
				if err := r.remove(tb.Context(), name); err != nil {
					tb.Fatal(err)
				}
				n++
			}
		}
		return n
	}
	client, err := r.s3.Client()
	if err != nil {
		tb.Fatal(err)
	}
	uploads, err := client.ListMultipartUploads(tb.Context(), &s3.ListMultipartUploadsInput{Bucket: &r.bucket})
	if err != nil {
		tb.Fatal(err)
	}
	for _, u := range uploads.Uploads {
		if _, err := client.AbortMultipartUpload(tb.Context(), &s3.AbortMultipartUploadInput{Bucket: &r.bucket, Key: u.Key, UploadId: u.UploadId}); err != nil {
			tb.Fatal(err)
		}
		n++
	}
	return n
}

func (r *Root) remove(ctx context.Context, name string) error {
	if r.hdfs != nil {
		return r.hdfs.FS(hdfsbed.Superuser).RemoveAll(ctx, path.Join(r.folder, name))
	}
	return os.Remove(filepath.Join(r.folder, name))
}

// Staged counts the staged files of the root.
func (r *Root) Staged(tb testing.TB) int {
	tb.Helper()
	n := 0
	if r.s3 == nil {
		for _, name := range r.Keys(tb, "_shadoof") {
			if strings.HasSuffix(name, ".staged") {
				n++
			}
		}
		return n
	}
	client, err := r.s3.Client()
	if err != nil {
		tb.Fatal(err)
	}
	uploads, err := client.ListMultipartUploads(tb.Context(), &s3.ListMultipartUploadsInput{Bucket: &r.bucket})
	if err != nil {
		tb.Fatal(err)
	}
	return len(uploads.Uploads)
}
