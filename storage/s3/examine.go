package s3

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"shadoof/storage"
)

var _ storage.Examiner = (*Store)(nil)

// Examine implements storage.Examiner: the rules and settings of the bucket. Each request needs a permission of its own that no worker
// needs; where it is refused, the finding says which.
func (s *Store) Examine(ctx context.Context, moves []storage.Move) []storage.Finding {
	looks := []func(context.Context) []storage.Finding{
		s.examineBucket,
		func(ctx context.Context) []storage.Finding { return s.examineLifecycle(ctx, moves) },
		s.examineVersioning, s.examineLock, s.examineEncryption, s.examinePolicy, s.examineUploads,
	}
	found := make([][]storage.Finding, len(looks))
	var looking sync.WaitGroup
	for i, look := range looks {
		looking.Go(func() { found[i] = look(ctx) })
	}
	looking.Wait()
	var all []storage.Finding
	for _, f := range found {
		all = append(all, f...)
	}
	return all
}

func one(grade storage.Grade, name, detail string, args ...any) []storage.Finding {
	return []storage.Finding{{Name: name, Grade: grade, Detail: fmt.Sprintf(detail, args...)}}
}

// unseen is the finding for a question that was not answered: why, and how to look oneself.
func (s *Store) unseen(name, action, command string, err error) []storage.Finding {
	a := answerOf(err)
	look := fmt.Sprintf("look with `aws s3api %s --bucket %s`", command, s.o.Bucket)
	switch {
	case a.denied():
		return one(storage.Unseen, name, "%s is not allowed to these credentials (no worker needs it): allow it, or %s", action, look)
	case a.status == http.StatusNotImplemented, a.status == http.StatusMethodNotAllowed, a.code == "NotImplemented", a.code == "MalformedXML", a.code == "InvalidRequest":
		return one(storage.Unseen, name, "%s does not tell (%s): see how it is set up there", s.where(), a.said())
	case a.status != 0:
		return one(storage.Unseen, name, "%s: %s; %s", action, a.said(), look)
	}
	return one(storage.Absent, name, "%v", s.explain(err))
}

// maxSkew is how far the server's clock may be from ours. Requests that are signed with one that is off by 15 minutes are refused.
const maxSkew = 5 * time.Minute

// examineBucket looks at region, addressing and the server's clock by one request.
func (s *Store) examineBucket(ctx context.Context) []storage.Finding {
	out, err := s.client.HeadBucket(ctx, &awss3.HeadBucketInput{Bucket: &s.o.Bucket})
	if err != nil {
		return s.unseen("bucket", "s3:ListBucket", "head-bucket", err)
	}
	style := "the bucket in the host name"
	if s.o.PathStyle {
		style = "the bucket in the path"
	}
	text := fmt.Sprintf("bucket %s at %s, region %s, %s", s.o.Bucket, s.where(), s.o.Region, style)
	if !s.secure {
		text += ", without TLS"
	}
	found := one(storage.Good, "bucket", "%s", text)
	if r := aws.ToString(out.BucketRegion); r != "" && r != s.o.Region {
		found = one(storage.Doubt, "bucket", "%s, but it is in region %s: set store.s3.region", text, r)
	}
	theirs, seen := awsmiddleware.GetServerTime(out.ResultMetadata)
	ours, _ := awsmiddleware.GetResponseAt(out.ResultMetadata)
	if !seen || theirs.IsZero() {
		return append(found, one(storage.Unseen, "clock", "the server's answers carry no Date: look at its clock there")...)
	}
	skew := theirs.Sub(ours).Round(time.Second) // a Date is cut to the second
	text = fmt.Sprintf("the server's Date is %s from ours", skew)
	if skew.Abs() > maxSkew {
		return append(found, one(storage.Doubt, "clock", "%s: set both clocks by NTP: S3 refuses requests that are off by 15 minutes", text)...)
	}
	return append(found, one(storage.Good, "clock", "%s", text)...)
}

func (s *Store) examineVersioning(ctx context.Context) []storage.Finding {
	const name = "versioning"
	out, err := s.client.GetBucketVersioning(ctx, &awss3.GetBucketVersioningInput{Bucket: &s.o.Bucket})
	if err != nil {
		return s.unseen(name, "s3:GetBucketVersioning", "get-bucket-versioning", err)
	}
	if out.Status != "Enabled" {
		return one(storage.Good, name, "off: nothing that is deleted can be brought back")
	}
	rules, err := s.lifecycle(ctx)
	if err == nil {
		for _, r := range rules {
			if r.oldVersions > 0 && r.covers(s.o.Prefix) {
				return one(storage.Good, name, "on; old versions are removed after %d days (rule %q)", r.oldVersions, r.id)
			}
		}
	}
	return one(storage.Doubt, name, "on: deleted objects can be brought back, and what gc, drop and probes delete stays as old versions, billed, for ever: a lifecycle rule with "+
		"NoncurrentVersionExpiration would end that")
}

func (s *Store) examineLock(ctx context.Context) []storage.Finding {
	const name = "object lock"
	out, err := s.client.GetObjectLockConfiguration(ctx, &awss3.GetObjectLockConfigurationInput{Bucket: &s.o.Bucket})
	a := answerOf(err)
	switch {
	case a.code == "ObjectLockConfigurationNotFoundError", a.code == "NoSuchObjectLockConfiguration", err == nil && out.ObjectLockConfiguration == nil:
		return one(storage.Good, name, "none")
	case err != nil:
		return s.unseen(name, "s3:GetBucketObjectLockConfiguration", "get-object-lock-configuration", err)
	}
	rule := out.ObjectLockConfiguration.Rule
	if rule == nil || rule.DefaultRetention == nil {
		return one(storage.Good, name, "possible; objects are not locked by default")
	}
	r := rule.DefaultRetention
	return one(storage.Doubt, name, "every object is locked (%s, %d days, %d years): gc, drop and probes cannot free what they delete before that", r.Mode, aws.ToInt32(r.Days), aws.ToInt32(r.Years))
}

func (s *Store) examineEncryption(ctx context.Context) []storage.Finding {
	const name = "encryption"
	asked := s.o.SSE
	if asked == "" {
		asked = "the bucket's default"
	}
	out, err := s.client.GetBucketEncryption(ctx, &awss3.GetBucketEncryptionInput{Bucket: &s.o.Bucket})
	switch {
	case answerOf(err).code == "ServerSideEncryptionConfigurationNotFoundError":
		return one(storage.Good, name, "store.s3.sse is %s; the bucket has none", asked)
	case err != nil:
		return s.unseen(name, "s3:GetEncryptionConfiguration", "get-bucket-encryption", err)
	case out.ServerSideEncryptionConfiguration == nil || len(out.ServerSideEncryptionConfiguration.Rules) == 0:
		return one(storage.Good, name, "store.s3.sse is %s; the bucket has none", asked)
	}
	rule := out.ServerSideEncryptionConfiguration.Rules[0]
	algorithm := "none"
	if d := rule.ApplyServerSideEncryptionByDefault; d != nil {
		algorithm = string(d.SSEAlgorithm)
	}
	text := fmt.Sprintf("store.s3.sse is %s; the bucket's default is %s", asked, algorithm)
	if s.o.SSE == "" && strings.HasPrefix(algorithm, "aws:kms") && !aws.ToBool(rule.BucketKeyEnabled) {
		return one(storage.Doubt, name, "%s without a bucket key: every object asks KMS, which is billed and has limits: turn the bucket key on", text)
	}
	return one(storage.Good, name, "%s", text)
}

// examineUploads looks whether uploads are listed by prefix, by one that lives as long as the question.
func (s *Store) examineUploads(ctx context.Context) []storage.Finding {
	const name = "uploads are listed"
	var id [8]byte
	rand.Read(id[:]) // never fails
	key := "_shadoof/probe/examine-" + hex.EncodeToString(id[:])
	w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: key + storage.StagedSuffix})
	if err != nil {
		return []storage.Finding{{Name: name, Grade: storage.Unseen, Detail: err.Error()}}
	}
	if _, err = w.Write([]byte("x")); err != nil {
		return one(storage.Unseen, name, "%v", errors.Join(err, w.Abort(ctx)))
	}
	staged, err := w.Finish(ctx)
	if err != nil {
		return one(storage.Unseen, name, "%v", err)
	}
	entries, err := storage.Entries(ctx, s, storage.Query{Staged: true, Prefix: key[:len(key)-1]})
	if _, derr := s.Discard(context.WithoutCancel(ctx), key, staged); err == nil {
		err = derr
	}
	switch {
	case err != nil:
		return one(storage.Unseen, name, "%v", err)
	case len(entries) == 0:
		return one(storage.Good, name, "by their whole key only, as MinIO does: gc finds nothing here; the server must end uploads that nobody completes by itself")
	}
	return one(storage.Good, name, "by prefix: gc finds what dead runs leave")
}
