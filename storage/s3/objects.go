package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/storage"
)

// PutNew implements storage.Store.
func (s *Store) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if err := storage.CheckName(name); err != nil {
		return storage.Refused, fmt.Errorf("create: %w", err)
	}
	in := &awss3.PutObjectInput{
		Bucket:         &s.o.Bucket,
		Key:            s.key(name),
		IfNoneMatch:    aws.String("*"),
		Body:           bytes.NewReader(data),
		ContentLength:  aws.Int64(int64(len(data))),
		ChecksumCRC32C: aws.String(checksum(data)),
		ACL:            types.ObjectCannedACL(s.o.ACL),
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = s.encryption()
	ctx, sent := marked(ctx)
	// Never again by itself: after a lost reply, the answer to a second request would be that the object exists, by which nobody
	// could tell that it is this one.
	_, err := s.client.PutObject(ctx, in, func(o *awss3.Options) { o.Retryer = aws.NopRetryer{} })
	if err == nil {
		return storage.Created, nil
	}
	if !sent.Load() && ctx.Err() == nil {
		return storage.Refused, s.failure("create", name, err)
	}
	put := judgePut(answerOf(err))
	if put == storage.Exists {
		return put, nil
	}
	return put, s.failure("create", name, err)
}

func judgePut(a answer) storage.Put {
	switch {
	case a.status == http.StatusPreconditionFailed:
		return storage.Exists
	case a.denied(), a.expired(), a.code == "BadDigest", a.code == "IncompleteBody":
		return storage.Refused // it may pass, but this request was not carried out
	case a.passing():
		return storage.PutUnknown
	case a.status >= 300 && a.status < 500 || a.status == http.StatusNotImplemented:
		return storage.Refused
	}
	return storage.PutUnknown
}

func (s *Store) encryption() (types.ServerSideEncryption, *string) {
	if s.o.KMSKey == "" {
		return types.ServerSideEncryption(s.o.SSE), nil
	}
	return types.ServerSideEncryption(s.o.SSE), &s.o.KMSKey
}

// Open implements storage.Store.
func (s *Store) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if err := storage.CheckName(name); err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	if from < 0 {
		return nil, fmt.Errorf("open %s: negative offset %d: %w", s.url(name), from, fs.ErrInvalid)
	}
	o, err := s.open(ctx, name, from, n)
	if err != nil {
		return nil, s.failure("open", name, err)
	}
	return o, nil
}

func (s *Store) open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if n == 0 {
		return s.head(ctx, name)
	}
	out, err := s.client.GetObject(ctx, &awss3.GetObjectInput{Bucket: &s.o.Bucket, Key: s.key(name), Range: byteRange(from, n)})
	if answerOf(err).status == http.StatusRequestedRangeNotSatisfiable {
		// It begins at the end or beyond it: there is nothing to read, and whether that is an error depends on n.
		o, err := s.head(ctx, name)
		if err == nil {
			o.ReadCloser = storage.Exactly(o.ReadCloser, max(n, 0))
		}
		return o, err
	}
	if err != nil {
		return nil, err
	}
	size, err := wholeSize(out, from)
	if err != nil {
		return nil, errors.Join(err, out.Body.Close())
	}
	if n < 0 {
		n = size - from
	}
	b := &body{ctx: ctx, s: s, name: name, etag: aws.ToString(out.ETag), rc: out.Body, at: from, end: min(from+n, size)}
	return &storage.Object{ReadCloser: storage.Exactly(b, n), Size: size, Modified: aws.ToTime(out.LastModified)}, nil
}

func byteRange(from, n int64) *string {
	switch {
	case n > 0:
		return aws.String(fmt.Sprintf("bytes=%d-%d", from, from+n-1))
	case from > 0:
		return aws.String(fmt.Sprintf("bytes=%d-", from))
	}
	return nil
}

// wholeSize is the length of the object of which out is a part: "bytes 3-6/10".
func wholeSize(out *awss3.GetObjectOutput, from int64) (int64, error) {
	if out.ContentRange == nil {
		if from > 0 || out.ContentLength == nil {
			return 0, fmt.Errorf("the server did not heed the range from %d: %w", from, storage.ErrUnfit)
		}
		return *out.ContentLength, nil
	}
	_, total, _ := strings.Cut(*out.ContentRange, "/")
	size, err := strconv.ParseInt(total, 10, 64)
	if err != nil || !strings.HasPrefix(*out.ContentRange, fmt.Sprintf("bytes %d-", from)) {
		return 0, fmt.Errorf("the server answered with the range %q to one from %d: %w", *out.ContentRange, from, storage.ErrUnfit)
	}
	return size, nil
}

func (s *Store) head(ctx context.Context, name string) (*storage.Object, error) {
	out, err := s.client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &s.o.Bucket, Key: s.key(name)})
	if err != nil {
		return nil, err
	}
	return &storage.Object{
		ReadCloser: http.NoBody, Size: aws.ToInt64(out.ContentLength), Modified: aws.ToTime(out.LastModified),
	}, nil
}

// body reads the rest of an object, and asks for it again where a connection breaks: the object never changes. It is good for as
// long as the context of Open is, like the response that it reads.
type body struct {
	ctx  context.Context
	s    *Store
	name string
	etag string
	rc   io.ReadCloser
	at   int64
	end  int64
	err  error
	lost int // connections, since the last byte came
}

func (b *body) Read(p []byte) (int, error) {
	for b.err == nil {
		if len(p) == 0 {
			return 0, nil
		}
		if b.at >= b.end {
			return 0, io.EOF
		}
		n, err := b.rc.Read(p)
		b.at += int64(n)
		if n > 0 {
			b.lost = 0
			return n, nil
		}
		if err != nil {
			b.again(err)
		}
	}
	return 0, b.err
}

// again asks for the rest, after the connection ended too early with err.
func (b *body) again(err error) {
	if err == io.EOF {
		err = io.ErrUnexpectedEOF
	}
	b.lost++
	if b.lost > 3 || b.ctx.Err() != nil {
		b.err = b.s.failure("read", b.name, err)
		return
	}
	b.rc.Close() // it is broken already
	in := &awss3.GetObjectInput{Bucket: &b.s.o.Bucket, Key: b.s.key(b.name), Range: byteRange(b.at, b.end-b.at)}
	if b.etag != "" {
		in.IfMatch = &b.etag
	}
	out, err := b.s.client.GetObject(b.ctx, in)
	if err != nil {
		b.rc = http.NoBody
		b.err = b.s.failure("read", b.name, err)
		return
	}
	b.rc = out.Body
	if _, err := wholeSize(out, b.at); err != nil {
		b.err = b.s.failure("read", b.name, err)
	}
}

func (b *body) Close() error { return b.rc.Close() }

// Delete implements storage.Store.
func (s *Store) Delete(ctx context.Context, name string) error {
	if err := storage.CheckName(name); err != nil {
		return fmt.Errorf("delete: %w", err)
	}
	_, err := s.client.DeleteObject(ctx, &awss3.DeleteObjectInput{Bucket: &s.o.Bucket, Key: s.key(name)})
	if err != nil && !answerOf(err).missing() {
		return s.failure("delete", name, err)
	}
	return nil
}

// Confirm implements storage.Store, without a request: what S3 shows is durable.
func (s *Store) Confirm(_ context.Context, name string) (storage.Durability, error) {
	if err := storage.CheckName(name); err != nil {
		return storage.DurabilityUnknown, fmt.Errorf("confirm: %w", err)
	}
	return storage.Durable, nil
}
