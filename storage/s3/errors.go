package s3

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"shadoof/storage"
)

var errNoProvider = errors.New("no provider of credentials is configured")

// credentialsError says that no request could be signed.
type credentialsError struct{ err error }

func (e *credentialsError) Error() string { return e.err.Error() }
func (e *credentialsError) Unwrap() error { return e.err }

// answer is what the server said: an HTTP status and a code of S3. Both are zero if it said nothing.
type answer struct {
	status    int
	code      string
	message   string
	requestID string
}

func answerOf(err error) (a answer) {
	var response *awshttp.ResponseError
	if errors.As(err, &response) && response.Response != nil {
		a.status, a.requestID = response.HTTPStatusCode(), response.ServiceRequestID()
	}
	var api smithy.APIError
	if errors.As(err, &api) && a.status != 0 {
		a.code, a.message = api.ErrorCode(), api.ErrorMessage()
	}
	return a
}

// missing says that there is no object of a name.
func (a answer) missing() bool {
	return a.code == "NoSuchKey" || a.status == http.StatusNotFound && (a.code == "NotFound" || a.code == "")
}

// noUpload says that an upload was completed or aborted, or never was.
func (a answer) noUpload() bool {
	return a.status == http.StatusNotFound && (a.code == "NoSuchUpload" || a.missing())
}

func (a answer) denied() bool {
	return a.status == http.StatusForbidden || a.status == http.StatusUnauthorized
}

// expired says that the credentials were good until a while ago.
func (a answer) expired() bool {
	return a.code == "ExpiredToken" || a.code == "ExpiredTokenException" || a.code == "TokenRefreshRequired"
}

// passing says that the same request may be answered otherwise a little later, or that the server may have carried it out.
func (a answer) passing() bool {
	switch a.code {
	case "RequestTimeout", "RequestTimeTooSkewed", "SlowDown", "OperationAborted", "ConditionalRequestConflict", "InternalError", "BadDigest",
		"IncompleteBody":
		return true
	}
	if a.expired() {
		return true
	}
	switch a.status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return a.status == 0 || a.status >= 500 && a.status != http.StatusNotImplemented || a.torn()
}

// torn says that an answer began as one of success, and could not be read to its end.
func (a answer) torn() bool { return a.status >= 200 && a.status < 300 && a.code == "" }

// failed is an error of a request, in the words of a person.
type failed struct {
	text string
	is   error // the sentinel for it, or nil
	err  error
}

func (e *failed) Error() string { return e.text }
func (e *failed) Unwrap() []error {
	if e.is == nil {
		return []error{e.err}
	}
	return []error{e.is, e.err}
}

// failure is the error of an operation on a name.
func (s *Store) failure(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s %s: %w", op, s.url(name), s.explain(err))
}

// explain says what went wrong, for whom, and what to do.
func (s *Store) explain(err error) error {
	a := answerOf(err)
	var unsigned *credentialsError
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case errors.As(err, &unsigned):
		return &failed{fmt.Sprintf("no credentials for %s (%v): set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, a profile, a web identity or a role",
			s.where(), unsigned.err), fs.ErrPermission, err}
	case a.status == 0:
		return s.explainNoAnswer(err)
	}
	said := a.said()
	if reading := (*smithy.DeserializationError)(nil); a.torn() && errors.As(err, &reading) {
		said = fmt.Sprintf("the answer (%s) cannot be read: %v", strings.TrimSuffix(said[strings.Index(said, "(")+1:], ")"), reading.Err)
	}
	if advice, is := s.advise(a); advice != "" {
		return &failed{said + ": " + advice, is, err}
	} else if is != nil {
		return &failed{said, is, err}
	} else if a.passing() {
		return &failed{said, storage.ErrAway, err}
	}
	return &failed{said, nil, err}
}

func (a answer) said() string {
	text := a.code
	if a.message != "" && a.message != a.code {
		text += ": " + a.message
	}
	if text == "" || a.code == http.StatusText(a.status) {
		text = http.StatusText(a.status)
	}
	text += fmt.Sprintf(" (HTTP %d", a.status)
	if a.requestID != "" {
		text += ", request " + a.requestID
	}
	return text + ")"
}

func (s *Store) advise(a answer) (advice string, is error) {
	switch a.code {
	case "NoSuchBucket":
		return fmt.Sprintf("bucket %s is not at %s: create it, or correct store.url and store.s3.endpoint", s.o.Bucket, s.where()), nil
	case "InvalidAccessKeyId", "InvalidToken", "InvalidClientTokenId", "XMinioInvalidAccessKeyId", "XAdminUserNotFound":
		return fmt.Sprintf("%s does not know this access key: check the credentials", s.where()), fs.ErrPermission
	case "SignatureDoesNotMatch":
		return fmt.Sprintf("%s has another secret for this access key, or a proxy has changed the request", s.where()), fs.ErrPermission
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired":
		return "the credentials have expired: renew them", fs.ErrPermission
	case "RequestTimeTooSkewed":
		return "the clocks of this machine and of the server differ too much: set both by NTP", fs.ErrPermission
	case "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "TemporaryRedirect":
		return fmt.Sprintf("bucket %s is in another region than %s: set store.s3.region", s.o.Bucket, s.o.Region), nil
	case "NotImplemented":
		return fmt.Sprintf("%s cannot do this", s.where()), storage.ErrUnfit
	}
	switch {
	case a.missing():
		return "", fs.ErrNotExist
	case a.denied():
		return fmt.Sprintf("the credentials are good for %s, but a policy of bucket %s or its KMS key does not allow this", s.where(), s.o.Bucket), fs.ErrPermission
	}
	return "", nil
}

// explainNoAnswer says why there was no answer. Errors that do not come from the network stay as they are.
func (s *Store) explainNoAnswer(err error) error {
	cause := err
	var (
		sending *smithyhttp.RequestSendError
		reading *smithy.DeserializationError
		request *url.Error
		network net.Error
	)
	switch {
	case errors.As(err, &request):
		cause = request.Err
	case errors.As(err, &sending):
		cause = sending.Err
	case errors.As(err, &reading):
		cause = reading.Err
	case errors.As(err, &network), errors.Is(err, io.ErrUnexpectedEOF):
	default:
		return err
	}
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		dial      *net.OpError
	)
	advice, is := "the connection broke: try again", storage.ErrAway
	switch {
	case errors.As(err, &dns):
		advice, is = "its name is unknown: check store.s3.endpoint, store.s3.region, store.s3.path_style and DNS", nil
	case errors.As(err, &authority):
		advice, is = "its certificate is signed by an unknown authority: set AWS_CA_BUNDLE to a PEM file with that authority", nil
	case errors.As(err, &host):
		advice, is = "its certificate is for another name: check store.s3.endpoint and store.s3.path_style", nil
	case strings.Contains(cause.Error(), "gave HTTP response to HTTPS client"): // net/http has no type for it
		advice, is = "it does not speak TLS: does the endpoint begin with http:// ?", nil
	case errors.As(err, &dial) && dial.Op == "dial":
		advice = "it cannot be reached: check store.s3.endpoint, the network and proxies"
	case errors.As(err, &network) && network.Timeout():
		advice = fmt.Sprintf("it did not answer for %s", s.o.Stall)
	}
	return &failed{fmt.Sprintf("%s: %v: %s", s.where(), cause, advice), is, err}
}
