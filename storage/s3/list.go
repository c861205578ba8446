package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/storage"
)

// errNoMarker ends a listing that would go round for ever.
var errNoMarker = fmt.Errorf("the server says that there is more, and not from where: %w", storage.ErrUnfit)

// List implements storage.Store. Staged files are selected by their keys; the entries of several uploads of one key come together.
func (s *Store) List(ctx context.Context, q storage.Query) iter.Seq2[storage.Entry, error] {
	return func(yield func(storage.Entry, error) bool) {
		err := storage.CheckQuery(q)
		switch {
		case err != nil:
			err = fmt.Errorf("list: %w", err)
		case q.Staged:
			err = s.failure("list uploads of", q.Prefix, s.listUploads(ctx, q, yield))
		default:
			err = s.failure("list", q.Prefix, s.listObjects(ctx, q, yield))
		}
		if err != nil && !errors.Is(err, errStopped) {
			yield(storage.Entry{}, err)
		}
	}
}

// errStopped says that the caller has broken out of the loop.
var errStopped = errors.New("stopped")

func (s *Store) listObjects(ctx context.Context, q storage.Query, yield func(storage.Entry, error) bool) error {
	in := &awss3.ListObjectsV2Input{Bucket: &s.o.Bucket, Prefix: s.key(q.Prefix)}
	if q.After != "" {
		in.StartAfter = s.key(q.After)
	}
	if q.Shallow {
		in.Delimiter = aws.String("/")
	}
	for {
		out, err := s.client.ListObjectsV2(ctx, in)
		if err != nil {
			return err
		}
		for _, e := range s.entries(out, q) {
			if !yield(e, nil) {
				return errStopped
			}
		}
		if !aws.ToBool(out.IsTruncated) {
			return nil
		}
		if aws.ToString(out.NextContinuationToken) == "" {
			return errNoMarker
		}
		in.ContinuationToken = out.NextContinuationToken
	}
}

// entries merges the objects and folders of a page in the order of their names.
func (s *Store) entries(out *awss3.ListObjectsV2Output, q storage.Query) []storage.Entry {
	entries := make([]storage.Entry, 0, len(out.Contents)+len(out.CommonPrefixes))
	add := func(key *string, e storage.Entry) {
		e.Name = strings.TrimPrefix(aws.ToString(key), s.o.Prefix)
		if e.Name > q.After {
			entries = append(entries, e)
		}
	}
	for _, o := range out.Contents {
		// Consoles make folders visible by empty objects whose names end in a slash.
		if key := aws.ToString(o.Key); !strings.HasSuffix(key, "/") && !storage.IsHidden(key) {
			add(o.Key, storage.Entry{Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified)})
		}
	}
	for _, p := range out.CommonPrefixes {
		add(p.Prefix, storage.Entry{})
	}
	slices.SortFunc(entries, func(a, b storage.Entry) int { return strings.Compare(a.Name, b.Name) })
	return entries
}

// listUploads goes on from page to page by keys alone: the marker for an upload within a key is an error to some servers. A key
// whose uploads do not end with the page is therefore left to the next page as a whole.
func (s *Store) listUploads(ctx context.Context, q storage.Query, yield func(storage.Entry, error) bool) error {
	in := &awss3.ListMultipartUploadsInput{Bucket: &s.o.Bucket, Prefix: s.key(q.Prefix)}
	if q.After != "" {
		in.KeyMarker = s.key(q.After)
	}
	for {
		out, err := s.client.ListMultipartUploads(ctx, in)
		if err != nil {
			return err
		}
		uploads := out.Uploads
		slices.SortStableFunc(uploads, func(a, b types.MultipartUpload) int {
			return cmp.Or(cmp.Compare(aws.ToString(a.Key), aws.ToString(b.Key)), cmp.Compare(aws.ToString(a.UploadId), aws.ToString(b.UploadId)))
		})
		more := aws.ToBool(out.IsTruncated)
		if more {
			if len(uploads) == 0 {
				return errNoMarker
			}
			uploads = wholeKeys(uploads)
		}
		for _, u := range uploads {
			e := storage.Entry{
				Name:     strings.TrimPrefix(aws.ToString(u.Key), s.o.Prefix),
				Modified: aws.ToTime(u.Initiated),
				Token:    token{UploadID: aws.ToString(u.UploadId)}.marshal(),
			}
			if e.Name > q.After && !yield(e, nil) {
				return errStopped
			}
		}
		if !more {
			return nil
		}
		in.KeyMarker = uploads[len(uploads)-1].Key
	}
}

// wholeKeys drops the uploads of the last key of a page, unless there is no other key: then those beyond the page are found once
// these are gone.
func wholeKeys(uploads []types.MultipartUpload) []types.MultipartUpload {
	last := aws.ToString(uploads[len(uploads)-1].Key)
	first := slices.IndexFunc(uploads, func(u types.MultipartUpload) bool { return aws.ToString(u.Key) == last })
	if first == 0 {
		return uploads
	}
	return uploads[:first]
}
