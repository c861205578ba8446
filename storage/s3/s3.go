// Package s3 is a storage.Store on Amazon S3 and on servers that are compatible with it.
//
// A staged file is a multipart upload that nobody has completed. Its object carries a random token in its metadata, by which it
// is recognised, since the status of a completion does not tell: a second one is answered with 404 by some servers and with 200
// by others. A record is a PutObject with If-None-Match, sent once.
//
// Completion has no condition, since a failed condition destroys the upload on some servers: keys of published files must be unique.
package s3

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go/logging"

	"shadoof/storage"
)

// Sizes of parts. A writer holds up to two parts in memory.
const (
	DefaultPartSize = 8 << 20
	MinPartSize     = 5 << 20
	MaxPartSize     = 1 << 30

	maxParts = 10_000
)

// Options say where a bucket is and how objects are to be kept in it. Only Bucket is needed.
type Options struct {
	Bucket string
	Prefix string // folder of the store in the bucket, without slashes around it; "" is the whole bucket

	Endpoint  string // URL of a compatible server; "" is Amazon's
	Region    string // "" is that of the environment or profile, and us-east-1 where an endpoint is given
	PathStyle bool   // the bucket is in the path of requests, not in the host name
	CAFile    string // PEM file of authorities to trust besides the system's

	StorageClass string // of data files; "" is the bucket's default
	SSE          string // server-side encryption: AES256, aws:kms or aws:kms:dsse; "" is the bucket's default
	KMSKey       string // key for aws:kms; "" is the account's
	ACL          string // canned ACL, such as bucket-owner-full-control; "" sends none

	PartSize int64         // of uploads, in bytes; the default is DefaultPartSize
	Stall    time.Duration // how long a connection may make no progress; the default is one minute
	Patience time.Duration // how long requests are tried again while the server is away; the default is one minute

	// Credentials are taken from the environment, the profile, a web identity, or the machine's role where this is nil.
	Credentials aws.CredentialsProvider

	// Intercept stands between the client and the network, if it is not nil: for tests and for counting requests.
	Intercept func(r *http.Request, next func(*http.Request) (*http.Response, error)) (*http.Response, error)

	maxBackoff time.Duration
}

// A Store is a storage.Store in a bucket.
type Store struct {
	o      Options
	client *awss3.Client
	secure bool // requests go over TLS
	outage outage
	chunks sync.Pool
}

var _ storage.Store = (*Store)(nil)

// New returns a store, after one request that shows whether the bucket is there and may be listed.
func New(ctx context.Context, o Options) (*Store, error) {
	s, err := newStore(ctx, o)
	if err != nil {
		return nil, fmt.Errorf("open store s3://%s/%s: %w", o.Bucket, strings.Trim(o.Prefix, "/"), err)
	}
	in := &awss3.ListObjectsV2Input{Bucket: &s.o.Bucket, MaxKeys: aws.Int32(1), Prefix: &s.o.Prefix}
	if _, err := s.client.ListObjectsV2(ctx, in); err != nil {
		return nil, s.failure("open store", "", err)
	}
	return s, nil
}

func newStore(ctx context.Context, o Options) (*Store, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	client, err := o.httpClient()
	if err != nil {
		return nil, err
	}
	load := []func(*config.LoadOptions) error{config.WithHTTPClient(client), config.WithLogger(logging.Nop{})}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	if o.Endpoint != "" {
		load = append(load, config.WithBaseEndpoint(o.Endpoint), config.WithDefaultRegion("us-east-1"))
	}
	if o.Credentials != nil {
		load = append(load, config.WithCredentialsProvider(o.Credentials))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("environment and profile: %w", err)
	}
	if cfg.Region == "" {
		return nil, errors.New("the region is unknown: set store.s3.region, or AWS_REGION in the environment")
	}
	o.Region = cfg.Region
	if o.Endpoint == "" && cfg.BaseEndpoint != nil {
		o.Endpoint = *cfg.BaseEndpoint
		if err := checkEndpoint(o.Endpoint); err != nil {
			return nil, fmt.Errorf("AWS_ENDPOINT_URL, or that of the profile: %w", err)
		}
	}
	s := &Store{o: o, secure: !strings.HasPrefix(o.Endpoint, "http:")}
	s.chunks.New = func() any { return new([chunkSize]byte) }
	cfg.Credentials = &credentials{cfg.Credentials}
	s.client = awss3.NewFromConfig(cfg, func(c *awss3.Options) {
		c.UsePathStyle = o.PathStyle
		c.HTTPClient = &sender{next: cfg.HTTPClient, intercept: o.Intercept, outage: &s.outage}
		c.Retryer = o.retryer(s)
		c.APIOptions = append(c.APIOptions, countAttempts)
		// Checksums are given where they matter; the SDK's own would need trailers that some servers do not know.
		c.RequestChecksumCalculation = aws.RequestChecksumCalculationWhenRequired
		c.ResponseChecksumValidation = aws.ResponseChecksumValidationWhenRequired
	})
	return s, nil
}

func (o *Options) validate() error {
	o.Prefix = strings.Trim(o.Prefix, "/")
	switch {
	case o.Bucket == "":
		return errors.New("no bucket is given")
	case strings.Contains(o.Bucket, "/"):
		return fmt.Errorf("%q is no name of a bucket", o.Bucket)
	}
	if o.Prefix != "" {
		if err := storage.CheckName(o.Prefix); err != nil {
			return err
		}
		o.Prefix += "/"
	}
	if err := checkEndpoint(o.Endpoint); err != nil {
		return err
	}
	if o.PartSize == 0 {
		o.PartSize = DefaultPartSize
	}
	if o.PartSize < MinPartSize || o.PartSize > MaxPartSize {
		return fmt.Errorf("a part size of %d bytes is not between %d and %d", o.PartSize, int64(MinPartSize), int64(MaxPartSize))
	}
	if o.Stall <= 0 {
		o.Stall = time.Minute
	}
	if o.Patience <= 0 {
		o.Patience = time.Minute
	}
	if err := known("store.s3.sse", types.ServerSideEncryption(o.SSE), types.ServerSideEncryption("").Values()); err != nil {
		return err
	}
	if o.KMSKey != "" && !strings.HasPrefix(o.SSE, "aws:kms") {
		return errors.New("store.s3.kms_key needs store.s3.sse to be aws:kms or aws:kms:dsse")
	}
	return known("store.s3.acl", types.ObjectCannedACL(o.ACL), types.ObjectCannedACL("").Values())
}

func known[T ~string](key string, value T, values []T) error {
	if value == "" {
		return nil
	}
	names := make([]string, len(values))
	for i, v := range values {
		if v == value {
			return nil
		}
		names[i] = string(v)
	}
	return fmt.Errorf("%s is %q: it must be one of %s", key, string(value), strings.Join(names, ", "))
}

func checkEndpoint(endpoint string) error {
	if endpoint == "" {
		return nil
	}
	u, err := url.Parse(endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("the endpoint is no URL such as https://s3.example.com:9000") // it may hold a secret: do not show it
	case u.User != nil || u.RawQuery != "":
		return errors.New("the endpoint holds more than scheme, host and port: credentials belong into the environment or a profile")
	}
	return nil
}

// String is the store's URL.
func (s *Store) String() string { return strings.TrimSuffix(s.url(""), "/") }

func (s *Store) url(name string) string { return "s3://" + s.o.Bucket + "/" + s.o.Prefix + name }

// where is the server, for error messages.
func (s *Store) where() string {
	if s.o.Endpoint != "" {
		return s.o.Endpoint
	}
	return "AWS region " + s.o.Region
}

func (s *Store) key(name string) *string { return aws.String(s.o.Prefix + name) }
