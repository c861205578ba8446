package extract

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// anyBroker as the node of a request leaves the choice to the client, which goes round the brokers it knows.
const anyBroker int32 = -1

const (
	firstPause = 50 * time.Millisecond
	maxPause   = 2 * time.Second
	warnEvery  = 30 * time.Second
)

// ask sends a request once. Until some broker has answered, it takes no longer than Options.Patience.
func (k *Kafka) ask(ctx context.Context, node int32, req kmsg.Request) (kmsg.Response, error) {
	if !k.answered.Load() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, k.opts.Patience)
		defer cancel()
	}
	var resp kmsg.Response
	var err error
	if node == anyBroker {
		resp, err = k.askAny(ctx, req)
	} else {
		resp, err = k.client.Broker(int(node)).Request(ctx, req)
	}
	if err == nil {
		k.answered.Store(true)
	}
	return resp, err
}

// askAny leaves the choice of the broker to the client. Unlike a request to one broker, this one does not come back when ctx ends
// while a connection is being set up, and is left behind then; the client's own timeouts end it.
func (k *Kafka) askAny(ctx context.Context, req kmsg.Request) (kmsg.Response, error) {
	type answer struct {
		resp kmsg.Response
		err  error
	}
	answers := make(chan answer, 1)
	go func() {
		resp, err := k.client.Request(ctx, req)
		answers <- answer{resp, err}
	}()
	select {
	case a := <-answers:
		return a.resp, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// A trial is one operation that is tried until it succeeds, or fails for good.
type trial struct {
	k      *Kafka
	what   string // operation and coordinates, as the error should name them
	began  time.Time
	warned time.Time
	pause  time.Duration
	last   error // that was followed by another try
}

func (k *Kafka) trying(what string) *trial {
	now := time.Now()
	return &trial{k: k, what: what, began: now, warned: now, pause: firstPause}
}

// again waits before the next try. It returns an error instead when cause will not pass, or when ctx ended.
func (t *trial) again(ctx context.Context, cause error) error {
	if err := ctx.Err(); err != nil {
		return t.ended(err, cause)
	}
	if err := t.k.final(cause); err != nil {
		return t.wrap(err)
	}
	waited := time.Since(t.began)
	if !t.k.answered.Load() && waited >= t.k.opts.Patience-t.pause {
		return fmt.Errorf("%s: no broker answered in %s (tried %s), check the addresses and the network: %w",
			t.what, waited.Round(time.Second/10), strings.Join(t.k.opts.Brokers, ", "), cause)
	}
	if time.Since(t.warned) > warnEvery {
		t.warned = time.Now()
		t.k.opts.Logger.Warn("kafka does not answer as it should, still trying", "for", t.what, "since", waited.Round(time.Second).String(), "error", cause)
	}
	timer := time.NewTimer(t.pause/2 + rand.N(t.pause/2))
	defer timer.Stop()
	t.pause = min(t.pause*2, maxPause)
	t.last = cause
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return t.ended(ctx.Err(), cause)
	}
}

// wrap names the operation, unless the error names topic and partition itself.
func (t *trial) wrap(err error) error {
	switch err.(type) {
	case *LostError, *TruncatedError, *RecreatedError:
		return err
	}
	return fmt.Errorf("%s: %w", t.what, err)
}

// ended keeps the last failure in sight: that the time was up is seldom what one needs to know.
func (t *trial) ended(err, cause error) error {
	if cause == nil || errors.Is(cause, err) { // the end came during a try
		cause = t.last
	}
	if cause == nil {
		return fmt.Errorf("%s: %w", t.what, err)
	}
	return fmt.Errorf("%s: %w; the last failure was: %w", t.what, err, cause)
}

// final returns nil for an error that passes by waiting or by fresh metadata, and for any other the error to report.
func (k *Kafka) final(err error) error {
	if p, ok := errors.AsType[permanent](err); ok {
		return p.error
	}
	if e, ok := errors.AsType[*kerr.Error](err); ok {
		return k.finalCode(err, e)
	}
	if _, ok := errors.AsType[net.Error](err); !ok && errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
		return errors.New("the kafka client was closed")
	}
	if wrongTLS(err) {
		return err
	}
	if !k.answered.Load() && k.auth.refused() {
		return fmt.Errorf("%w for user %s by %s: the broker closes the connection: check username and password", ErrAuth, k.opts.SASL.Username, k.opts.SASL.Mechanism)
	}
	switch {
	case kgo.IsRetryableBrokerErr(err),
		errors.Is(err, io.EOF), // also the client's "closed the connection immediately", which a broker that starts up does
		errors.Is(err, context.DeadlineExceeded),
		errors.Is(err, errNoAnswer),
		strings.Contains(err.Error(), "unknown broker"): // not exported; the metadata had no such broker when the request was sent
		return nil
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return nil
	}
	if _, ok := errors.AsType[*os.SyscallError](err); ok {
		return nil
	}
	return err
}

// finalCode is final for what a broker answered.
func (k *Kafka) finalCode(err error, e *kerr.Error) error {
	s := k.opts.SASL
	switch e {
	case kerr.SaslAuthenticationFailed:
		return fmt.Errorf("%w for user %s by %s: check username and password", ErrAuth, s.Username, s.Mechanism)
	case kerr.UnsupportedSaslMechanism:
		return fmt.Errorf("%w: the brokers do not take %s", ErrAuth, s.Mechanism)
	case kerr.IllegalSaslState:
		return fmt.Errorf("%w: the brokers expect another way of authentication on this port", ErrAuth)
	case kerr.TopicAuthorizationFailed:
		return fmt.Errorf("%w: the principal needs the ACLs DESCRIBE and READ on the topic", ErrNotAuthorized)
	case kerr.GroupAuthorizationFailed:
		return fmt.Errorf("%w: the principal needs the ACL READ on the consumer group", ErrNotAuthorized)
	case kerr.ClusterAuthorizationFailed:
		return fmt.Errorf("%w: the broker refuses the request to this principal", ErrNotAuthorized)
	case kerr.UnknownServerError:
		return nil
	}
	if e.Retriable {
		return nil
	}
	return err
}

// wrongTLS is true for a handshake that will fail the next time as well.
func wrongTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return true
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return true
	}
	op, ok := errors.AsType[*net.OpError](err)
	return ok && op.Op == "remote error" // a TLS alert: the broker refused our certificate, or our version
}

// errNoAnswer stands for an answer that says nothing about the partition, as brokers give while they throttle.
var errNoAnswer = errors.New("the answer says nothing about the partition")
