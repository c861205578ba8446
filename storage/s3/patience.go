package s3

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/smithy-go/middleware"
)

// attempts of a request are made at least, as long as their answers are of those that may be others the next time.
const attempts = 5

// patient goes on after that until Options.Patience is over: five attempts against a port where nobody listens take some seconds, a
// server that is restarted takes half a minute, and what was staged until then, a quarter of an hour's worth, would have to be read
// again. The wait is one for all requests of an outage, since callers try again, too. A server that hangs uses it up by itself, and one
// that was never reached is not waited for: more likely its address is wrong.
type patient struct {
	*retry.Standard
	s *Store
}

func (o *Options) retryer(s *Store) aws.Retryer {
	backoff := o.maxBackoff
	if backoff == 0 {
		backoff = 5 * time.Second
	}
	return &patient{retry.NewStandard(func(s *retry.StandardOptions) {
		s.MaxBackoff = backoff
		s.RateLimiter = ratelimit.None // the callers bound how much is under way
		s.Retryables = append(s.Retryables, retry.RetryableHTTPStatusCode{Codes: map[int]struct{}{
			http.StatusRequestTimeout: {}, http.StatusTooManyRequests: {},
		}}, retry.IsErrorRetryableFunc(func(err error) aws.Ternary {
			if a := answerOf(err); a.torn() {
				return aws.TrueTernary // for the SDK it was an answer
			}
			return aws.UnknownTernary
		}))
	}), s}
}

// MaxAttempts is no bound: GetRetryToken is.
func (p *patient) MaxAttempts() int { return 0 }

var errPatience = errors.New("no more attempts are made")

// GetRetryToken is asked before each attempt but the first.
func (p *patient) GetRetryToken(ctx context.Context, cause error) (func(error) error, error) {
	t, _ := ctx.Value(trialKey{}).(*trial)
	if t == nil {
		return nil, errPatience
	}
	t.attempts++
	if t.attempts >= attempts && (time.Since(t.began) >= p.s.o.Patience || p.s.outage.lasted() >= p.s.o.Patience) {
		return nil, errPatience
	}
	return p.Standard.GetRetryToken(ctx, cause)
}

// A trial is one request with all of its attempts.
type trial struct {
	began    time.Time
	attempts int
}

type trialKey struct{}

// countAttempts gives each request a trial.
func countAttempts(stack *middleware.Stack) error {
	return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("Trial", func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
		return next.HandleInitialize(context.WithValue(ctx, trialKey{}, &trial{began: time.Now()}), in)
	}), middleware.Before)
}

// outage knows since when the server has not answered, or only that it cannot. It is safe for concurrent use.
type outage struct {
	mu      sync.Mutex
	reached bool // it answered at some time
	since   time.Time
}

// note takes what came of one attempt.
func (o *outage) note(resp *http.Response, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case err == nil && resp.StatusCode < http.StatusInternalServerError:
		o.reached, o.since = true, time.Time{}
	case err == nil:
		o.reached = true
		fallthrough
	default:
		if o.since.IsZero() && !errors.Is(err, context.Canceled) {
			o.since = time.Now()
		}
	}
}

// lasted is for how long it has gone on: for ever where the server was never reached.
func (o *outage) lasted() time.Duration {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case !o.reached:
		return 1<<63 - 1
	case o.since.IsZero():
		return 0
	}
	return time.Since(o.since)
}
