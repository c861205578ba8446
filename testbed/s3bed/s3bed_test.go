package s3bed_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

func client(t *testing.T, s *s3bed.Server) *s3.Client {
	t.Helper()
	c, err := s.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func read(t *testing.T, c *s3.Client, bucket, key string) []byte {
	t.Helper()
	object, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	defer object.Body.Close()
	content, err := io.ReadAll(object.Body)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func put(t *testing.T, c *s3.Client, bucket, key string, content []byte) {
	t.Helper()
	if _, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: &key, Body: bytes.NewReader(content)}); err != nil {
		t.Fatal(err)
	}
}

// begin starts a multipart upload and sends its parts.
func begin(t *testing.T, c *s3.Client, bucket, key string, parts ...[]byte) *s3.CompleteMultipartUploadInput {
	t.Helper()
	upload, err := c.CreateMultipartUpload(t.Context(), &s3.CreateMultipartUploadInput{Bucket: &bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	end := &s3.CompleteMultipartUploadInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{}}
	for i, content := range parts {
		n := aws.Int32(int32(i + 1))
		part, err := c.UploadPart(t.Context(), &s3.UploadPartInput{Bucket: &bucket, Key: &key, UploadId: upload.UploadId, PartNumber: n, Body: bytes.NewReader(content)})
		if err != nil {
			t.Fatal(err)
		}
		end.MultipartUpload.Parts = append(end.MultipartUpload.Parts, types.CompletedPart{PartNumber: n, ETag: part.ETag})
	}
	return end
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*s3bed.Server{"http": servers.S3(t), "https": servers.S3TLS(t), "sidecar": servers.OwnS3(t, s3bed.Options{Sidecar: true})} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, bucket := client(t, s), s.NewBucket(t)
			put(t, c, bucket, "a/b", []byte("small"))
			large := bytes.Repeat([]byte("0123456789abcdef"), 5<<20/16)
			end := begin(t, c, bucket, "a/large", large, []byte("tail"))
			if _, err := c.CompleteMultipartUpload(t.Context(), end); err != nil {
				t.Fatal(err)
			}
			if got := read(t, c, bucket, "a/b"); string(got) != "small" {
				t.Errorf("read %q", got)
			}
			if got := read(t, c, bucket, "a/large"); !bytes.Equal(got, append(large, "tail"...)) {
				t.Errorf("read %d bytes that differ", len(got))
			}
			keys, err := s.Keys(t.Context(), bucket, "a/")
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"a/b", "a/large"}, keys); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCreateIfAbsent(t *testing.T) {
	t.Parallel()
	s := servers.S3(t)
	c, bucket := client(t, s), s.NewBucket(t)
	create := func() error {
		_, err := c.PutObject(t.Context(), &s3.PutObjectInput{Bucket: &bucket, Key: aws.String("once"), Body: bytes.NewReader([]byte("1")), IfNoneMatch: aws.String("*")})
		return err
	}
	if err := create(); err != nil {
		t.Fatal(err)
	}
	var api smithy.APIError
	if err := create(); !errors.As(err, &api) || api.ErrorCode() != "PreconditionFailed" {
		t.Errorf("second create: %v, want PreconditionFailed", err)
	}
}

func TestOpenUploadSurvivesAKill(t *testing.T) {
	t.Parallel()
	s := servers.OwnS3(t, s3bed.Options{})
	c, bucket := client(t, s), s.NewBucket(t)
	put(t, c, bucket, "whole", []byte("whole"))
	end := begin(t, c, bucket, "open", []byte("open"))
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.CompleteMultipartUpload(t.Context(), end); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"whole", "open"} {
		if got := read(t, c, bucket, key); string(got) != key {
			t.Errorf("%s: read %q", key, got)
		}
	}
}

func TestDownloadMirrorsKeys(t *testing.T) {
	t.Parallel()
	s := servers.S3(t)
	c, bucket := client(t, s), s.NewBucket(t)
	put(t, c, bucket, "topic/dt=1/x.parquet", []byte("x"))
	put(t, c, bucket, "other/y.parquet", []byte("y"))
	dir := t.TempDir()
	if err := s.Download(t.Context(), bucket, "topic/", dir); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "topic", "dt=1", "x.parquet")); err != nil || string(got) != "x" {
		t.Errorf("read %q, %v", got, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "other")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("other/: %v, want it not to be copied", err)
	}
}
