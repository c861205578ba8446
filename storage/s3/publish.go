package s3

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"shadoof/storage"
)

// Publish implements storage.Store: it completes the upload, and then looks whose object is there, since the status does not tell.
func (s *Store) Publish(ctx context.Context, key string, pairs []storage.Staged) (storage.Publication, error) {
	if err := storage.CheckName(key); err != nil {
		return storage.PublishConflict, fmt.Errorf("publish: %w", err)
	}
	tokens := make([]token, len(pairs))
	for i, p := range pairs {
		t, err := parseToken(p.Token)
		if err == nil && (len(t.Parts) == 0 || t.Meta == "" || t.bytes() != p.Bytes) {
			err = fmt.Errorf("token of upload %q does not fit a file of %d bytes: %w", t.UploadID, p.Bytes, fs.ErrInvalid)
		}
		if err != nil {
			return storage.PublishConflict, fmt.Errorf("publish %s: %w", s.url(key), err)
		}
		tokens[i] = t
	}
	if len(tokens) == 0 {
		return storage.PublishConflict, fmt.Errorf("publish %s: no token is given: %w", s.url(key), fs.ErrInvalid)
	}
	err := s.complete(ctx, key, tokens[len(tokens)-1])
	if a := answerOf(err); a.status == http.StatusBadRequest && a.code == "InvalidPart" {
		err = s.completeAsListed(ctx, key, tokens[len(tokens)-1], err)
	}
	p, err := s.judgePublication(ctx, key, tokens, err)
	return p, s.failure("publish", key, err)
}

func (s *Store) complete(ctx context.Context, key string, t token) error {
	_, err := s.client.CompleteMultipartUpload(ctx, &awss3.CompleteMultipartUploadInput{
		Bucket: &s.o.Bucket, Key: s.key(key), UploadId: &t.UploadID,
		MultipartUpload: &types.CompletedMultipartUpload{Parts: t.completed()},
	})
	return err
}

// errLost says that the parts on the server are not those that were committed.
var errLost = errors.New("the parts of the upload are not those of the committed file")

// completeAsListed completes an upload by the parts that the server has, if they hold the bytes that were sent. A part that was sent
// twice may have the ETag of the other request.
func (s *Store) completeAsListed(ctx context.Context, key string, t token, invalid error) error {
	listed := map[int32]types.Part{}
	in := &awss3.ListPartsInput{Bucket: &s.o.Bucket, Key: s.key(key), UploadId: &t.UploadID}
	pages := awss3.NewListPartsPaginator(s.client, in)
	for pages.HasMorePages() {
		out, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		for _, p := range out.Parts {
			listed[aws.ToInt32(p.PartNumber)] = p
		}
	}
	current := token{UploadID: t.UploadID, Meta: t.Meta}
	for _, p := range t.Parts {
		l, there := listed[p.Number]
		if !there || aws.ToInt64(l.Size) != p.Size || l.ChecksumCRC32C == nil || *l.ChecksumCRC32C != p.CRC {
			return errors.Join(errLost, invalid)
		}
		current.Parts = append(current.Parts, tokenPart{p.Number, aws.ToString(l.ETag), p.Size, p.CRC})
	}
	return s.complete(ctx, key, current)
}

// judgePublication turns the answer to a completion, and what is there now, into the answer of Publish.
func (s *Store) judgePublication(ctx context.Context, key string, tokens []token, completing error) (storage.Publication, error) {
	a := answerOf(completing)
	found, err := s.whose(ctx, key, tokens)
	gone := completing == nil || a.noUpload()
	if err == nil && found == nobodys && gone {
		found, err = s.lookAgain(ctx, key, tokens)
	}
	switch {
	case err != nil && answerOf(err).denied() && (completing == nil || !a.passing()):
		return storage.PublishConflict, err
	case err != nil:
		return storage.PublishUnclear, errors.Join(completing, err)
	case found == newest && completing == nil:
		return storage.Published, nil
	case found == newest, found == earlier:
		return storage.AlreadyPublished, nil
	case found == others:
		return storage.PublishConflict, fmt.Errorf("another object has this name: %w", fs.ErrExist)
	}
	// The object is not there.
	switch {
	case gone, errors.Is(completing, errLost):
		return storage.NothingToPublish, nil
	case a.passing():
		return storage.PublishUnclear, completing
	}
	return storage.PublishConflict, completing
}

// owner says whose object a key holds.
type owner int

const (
	nobodys owner = iota
	newest        // of the last of some tokens
	earlier       // of another of them
	others
)

// whose looks whether the object of a key was made by one of the tokens.
func (s *Store) whose(ctx context.Context, key string, tokens []token) (owner, error) {
	out, err := s.client.HeadObject(ctx, &awss3.HeadObjectInput{Bucket: &s.o.Bucket, Key: s.key(key)})
	switch {
	case answerOf(err).missing():
		return nobodys, nil
	case err != nil:
		return nobodys, err
	}
	for i, t := range slices.Backward(tokens) {
		if t.Meta == "" || out.Metadata[metaKey] != t.Meta || aws.ToInt64(out.ContentLength) != t.bytes() {
			continue
		}
		if i == len(tokens)-1 {
			return newest, nil
		}
		return earlier, nil
	}
	return others, nil
}
