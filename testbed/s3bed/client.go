package s3bed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
)

// Client is a client of the server, independent of the product's.
func (s *Server) Client() (*s3.Client, error) {
	transport, err := s.HTTPClient()
	if err != nil {
		return nil, err
	}
	return s3.New(s3.Options{
		BaseEndpoint: aws.String(s.Endpoint),
		Region:       s.Region,
		UsePathStyle: true,
		HTTPClient:   transport,
		Credentials:  credentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	}), nil
}

// CreateBucket makes a bucket with a name of its own.
func (s *Server) CreateBucket(ctx context.Context) (string, error) {
	client, err := s.Client()
	if err != nil {
		return "", err
	}
	var id [6]byte
	rand.Read(id[:])
	name := "bucket-" + hex.EncodeToString(id[:])
	if _, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: &name}); err != nil {
		return "", fmt.Errorf("testbed: s3: create bucket: %w", err)
	}
	return name, nil
}

// TB is the part of testing.TB that NewBucket needs.
type TB interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
}

// NewBucket makes a bucket with a name of its own, or ends the test.
func (s *Server) NewBucket(tb TB) string {
	tb.Helper()
	name, err := s.CreateBucket(tb.Context())
	if err != nil {
		tb.Fatal(err)
	}
	return name
}

// Keys lists the keys of a bucket that start with prefix, in ascending order.
func (s *Server) Keys(ctx context.Context, bucket, prefix string) ([]string, error) {
	client, err := s.Client()
	if err != nil {
		return nil, err
	}
	var keys []string
	pages := s3.NewListObjectsV2Paginator(client, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("testbed: s3: list %s/%s: %w", bucket, prefix, err)
		}
		for _, o := range page.Contents {
			keys = append(keys, *o.Key)
		}
	}
	return keys, nil
}

// Download copies the objects whose keys start with prefix into a local folder, which mirrors their keys.
func (s *Server) Download(ctx context.Context, bucket, prefix, dir string) error {
	keys, err := s.Keys(ctx, bucket, prefix)
	if err != nil {
		return err
	}
	client, err := s.Client()
	if err != nil {
		return err
	}
	for _, key := range keys {
		if strings.HasSuffix(key, "/") {
			continue
		}
		if err := download(ctx, client, bucket, key, filepath.Join(dir, filepath.FromSlash(key))); err != nil {
			return fmt.Errorf("testbed: s3: download %s/%s: %w", bucket, key, err)
		}
	}
	return nil
}

func download(ctx context.Context, client *s3.Client, bucket, key, path string) error {
	object, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return err
	}
	defer object.Body.Close()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, object.Body)
	return errors.Join(err, f.Close())
}
