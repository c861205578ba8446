package s3

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/storage"
)

// Stage implements storage.Store: it begins a multipart upload.
func (s *Store) Stage(ctx context.Context, r storage.StageRequest) (storage.StageWriter, error) {
	if err := errors.Join(storage.CheckName(r.Key), storage.CheckStaging(r.Staging)); err != nil {
		return nil, fmt.Errorf("stage: %w", err)
	}
	var id [16]byte
	rand.Read(id[:]) // never fails
	meta := hex.EncodeToString(id[:])
	in := &awss3.CreateMultipartUploadInput{
		Bucket:            &s.o.Bucket,
		Key:               s.key(r.Key),
		Metadata:          map[string]string{metaKey: meta},
		ChecksumAlgorithm: types.ChecksumAlgorithmCrc32c, // without it a part's checksum is an error when the upload is completed
		StorageClass:      types.StorageClass(s.o.StorageClass),
		ACL:               types.ObjectCannedACL(s.o.ACL),
	}
	in.ServerSideEncryption, in.SSEKMSKeyId = s.encryption()
	out, err := s.client.CreateMultipartUpload(ctx, in)
	if err != nil {
		return nil, s.failure("stage", r.Key, err)
	}
	if aws.ToString(out.UploadId) == "" {
		return nil, fmt.Errorf("stage %s: the server gave no upload id: %w", s.url(r.Key), storage.ErrUnfit)
	}
	w := &writer{s: s, key: r.Key, token: token{UploadID: *out.UploadId, Meta: meta}, filling: &part{s: s}}
	w.ctx, w.cancel = context.WithCancel(ctx)
	return w, nil
}

// writer fills one part while it sends the one before. Its context is that of Stage, since Write has none.
type writer struct {
	s      *Store
	key    string
	ctx    context.Context
	cancel context.CancelFunc

	token   token
	filling *part
	flight  chan sentPart // holds the result of the part under way; nil if there is none
	held    atomic.Int64
	err     error
	ended   bool
}

type sentPart struct {
	tokenPart
	err error
}

func (w *writer) Write(p []byte) (int, error) {
	if w.err == nil && w.ended {
		w.err = fmt.Errorf("write %s: %w", w.s.url(w.key), fs.ErrClosed)
	}
	written := 0
	for w.err == nil && len(p) > 0 {
		before := w.filling.held()
		n := w.filling.fill(p, int(w.s.o.PartSize))
		w.held.Add(w.filling.held() - before)
		p = p[n:]
		written += n
		if w.filling.size == int(w.s.o.PartSize) {
			w.err = w.send()
		}
	}
	if w.err != nil {
		return 0, w.err
	}
	return written, nil
}

// send waits for the part under way and starts with the one that was filled.
func (w *writer) send() error {
	if err := w.wait(); err != nil {
		return err
	}
	number := int32(len(w.token.Parts) + 1)
	if number > maxParts {
		return fmt.Errorf("write %s: more than %d parts of %d bytes: roll files earlier", w.s.url(w.key), maxParts, w.s.o.PartSize)
	}
	b := w.filling
	w.filling = &part{s: w.s}
	w.flight = make(chan sentPart, 1)
	go func(flight chan<- sentPart) { // send, Finish or Abort waits for it
		sent := w.upload(number, b)
		w.held.Add(-b.held())
		b.release()
		flight <- sent
	}(w.flight)
	return nil
}

// wait waits for the part under way, if there is one.
func (w *writer) wait() error {
	if w.flight == nil {
		return nil
	}
	sent := <-w.flight
	w.flight = nil
	if sent.err != nil {
		return sent.err
	}
	w.token.Parts = append(w.token.Parts, sent.tokenPart)
	return nil
}

func (w *writer) upload(number int32, b *part) sentPart {
	crc := checksum(b.bytes()...)
	in := &awss3.UploadPartInput{
		Bucket:         &w.s.o.Bucket,
		Key:            w.s.key(w.key),
		UploadId:       &w.token.UploadID,
		PartNumber:     aws.Int32(number),
		Body:           b.reader(),
		ContentLength:  aws.Int64(int64(b.size)),
		ChecksumCRC32C: &crc,
	}
	out, err := w.s.client.UploadPart(w.ctx, in, w.s.unsigned)
	switch {
	case err != nil:
		return sentPart{err: w.s.failure(fmt.Sprintf("write part %d of", number), w.key, err)}
	case aws.ToString(out.ETag) == "" || out.ChecksumCRC32C != nil && *out.ChecksumCRC32C != crc:
		return sentPart{err: fmt.Errorf("write part %d of %s: the server answered with ETag %q and CRC32C %q instead of %q", number, w.s.url(w.key),
			aws.ToString(out.ETag), aws.ToString(out.ChecksumCRC32C), crc)}
	}
	return sentPart{tokenPart: tokenPart{number, *out.ETag, int64(b.size), crc}}
}

// unsigned leaves the hash of large bodies out of the signature where TLS protects them, and CRC32C checks them, anyway.
func (s *Store) unsigned(o *awss3.Options) {
	if s.secure {
		o.APIOptions = append(o.APIOptions, v4.SwapComputePayloadSHA256ForUnsignedPayloadMiddleware)
	}
}

// Finish implements storage.StageWriter.
func (w *writer) Finish(ctx context.Context) (storage.Staged, error) {
	if w.err == nil && w.ended {
		w.err = fmt.Errorf("finish %s: %w", w.s.url(w.key), fs.ErrClosed)
	}
	if w.err != nil {
		return storage.Staged{}, w.err
	}
	defer context.AfterFunc(ctx, w.cancel)()
	err := ctx.Err()
	if err == nil && (w.filling.size > 0 || len(w.token.Parts) == 0 && w.flight == nil) { // an upload without parts cannot be completed
		err = w.send()
	}
	if waited := w.wait(); err == nil {
		err = waited
	}
	if err != nil {
		detached, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		return storage.Staged{}, errors.Join(err, w.Abort(detached))
	}
	w.end()
	return storage.Staged{Bytes: w.token.bytes(), Token: w.token.marshal()}, nil
}

// Abort implements storage.StageWriter.
func (w *writer) Abort(ctx context.Context) error {
	if w.ended {
		return nil
	}
	w.cancel()
	_ = w.wait() // whether the part came through does not matter any more
	w.end()
	_, err := w.s.abort(ctx, w.key, w.token.UploadID)
	return w.s.failure("abort", w.key, err)
}

func (w *writer) end() {
	w.ended = true
	w.cancel()
	w.held.Add(-w.filling.held())
	w.filling.release()
}

// Buffered implements storage.StageWriter. It may be called at any time.
func (w *writer) Buffered() int64 { return w.held.Load() }

// abort ends an upload, and says whether there was one.
func (s *Store) abort(ctx context.Context, key, uploadID string) (there bool, err error) {
	_, err = s.client.AbortMultipartUpload(ctx, &awss3.AbortMultipartUploadInput{Bucket: &s.o.Bucket, Key: s.key(key), UploadId: &uploadID})
	if answerOf(err).noUpload() {
		return false, nil
	}
	return err == nil, err
}
