package s3

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
)

const (
	record  = "_shadoof/topics/orders/log/1.json"
	key     = "orders/dt=2026-11-20/a.parquet"
	staging = "_shadoof/topics/orders/staging/1a2b/a.parquet.staged"
	inStore = "kafka/" + key
)

func stage(t *testing.T, s *Store, data string) storage.Staged {
	t.Helper()
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(w, data); err != nil {
		t.Fatal(err)
	}
	staged, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return staged
}

// cut ends the connection in the middle of whatever goes on.
func cut(w http.ResponseWriter) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		c.Close()
	}
}

// tear begins an answer of success, and ends the connection.
func tear(w http.ResponseWriter) {
	w.Header().Set("Content-Length", "1000")
	_, _ = io.WriteString(w, `<?xml version="1.0"?><Completed><Key>ord`)
	_ = http.NewResponseController(w).Flush()
	cut(w)
}

// An answer that was cut off in its middle is one of the network, and asked for again.
func TestAListingThatWasCutOffIsAskedForAgain(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	f.put(inStore, fakeObject{})
	var asked atomic.Int32
	f.onRequest(func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool {
		if asked.Add(1) > 1 {
			return false
		}
		tear(w)
		return true
	})
	for e, err := range s.List(t.Context(), storage.Query{Prefix: "orders/"}) {
		if err != nil || e.Name != key {
			t.Errorf("%q, %v", e.Name, err)
		}
	}
	f.onRequest(func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool { tear(w); return true })
	for _, err := range s.List(t.Context(), storage.Query{Prefix: "orders/"}) {
		if !errors.Is(err, storage.ErrAway) || !strings.Contains(err.Error(), "the answer (HTTP 200) cannot be read: ") {
			t.Error(err)
		}
	}
}

func TestPutNewSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   storage.Put
		is     error
	}{
		{412, "PreconditionFailed", storage.Exists, nil},
		{409, "ConditionalRequestConflict", storage.PutUnknown, nil},
		{400, "RequestTimeout", storage.PutUnknown, nil},
		{408, "", storage.PutUnknown, nil},
		{429, "SlowDown", storage.PutUnknown, nil},
		{500, "InternalError", storage.PutUnknown, nil},
		{502, "", storage.PutUnknown, nil},
		{503, "SlowDown", storage.PutUnknown, nil},
		{504, "", storage.PutUnknown, nil},
		{400, "InvalidRequest", storage.Refused, nil},
		{400, "ExpiredToken", storage.Refused, fs.ErrPermission},
		{403, "AccessDenied", storage.Refused, fs.ErrPermission},
		{403, "RequestTimeTooSkewed", storage.Refused, fs.ErrPermission},
		{403, "QuotaExceeded", storage.Refused, fs.ErrPermission},
		{404, "NoSuchBucket", storage.Refused, nil},
		{301, "PermanentRedirect", storage.Refused, nil},
		{501, "NotImplemented", storage.Refused, storage.ErrUnfit},
	} {
		t.Run(fmt.Sprintf("%d %s", c.status, c.code), func(t *testing.T) {
			t.Parallel()
			f := newFake(t)
			s := f.store(t)
			f.onRequest(func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool {
				fail(w, c.status, c.code)
				return true
			})
			got, err := s.PutNew(t.Context(), record, []byte("{}"))
			if got != c.want || (err == nil) != (c.want == storage.Exists) || c.is != nil && !errors.Is(err, c.is) {
				t.Errorf("got %s, %v", got, err)
			}
			if f.trace() != "PUT\n" {
				t.Errorf("requests:\n%s", f.trace())
			}
		})
	}
}

func TestPutNewIsNeverSentTwice(t *testing.T) {
	t.Parallel()
	for _, applied := range []bool{false, true} {
		f := newFake(t)
		s := f.store(t)
		// A connection that was used before: the transport itself may repeat requests on those.
		if _, err := storage.Size(t.Context(), s, record); !errors.Is(err, fs.ErrNotExist) {
			t.Fatal(err)
		}
		f.reset()
		f.onRequest(func(w http.ResponseWriter, _ *http.Request, serve func(http.ResponseWriter)) bool {
			if applied {
				serve(httptest.NewRecorder())
			}
			cut(w)
			return true
		})
		if p, err := s.PutNew(t.Context(), record, []byte("{}")); p != storage.PutUnknown || err == nil {
			t.Errorf("applied: %t: %s, %v", applied, p, err)
		}
		if f.trace() != "PUT\n" {
			t.Errorf("requests:\n%s", f.trace())
		}
		f.onRequest(nil)
		want := storage.Created
		if applied {
			want = storage.Exists
		}
		if p, err := s.PutNew(t.Context(), record, []byte("{}")); p != want || err != nil {
			t.Errorf("applied: %t: then %s, %v", applied, p, err)
		}
	}
}

func TestWhatWasNeverSentIsRefused(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	var broken atomic.Bool
	s := f.store(t, func(o *Options) {
		good := o.Credentials
		o.Credentials = aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
			if broken.Load() {
				return aws.Credentials{}, errors.New("the role is gone")
			}
			c, err := good.Retrieve(ctx)
			c.CanExpire, c.Expires = true, time.Now().Add(-time.Second)
			return c, err
		})
	})
	broken.Store(true)
	p, err := s.PutNew(t.Context(), record, nil)
	if p != storage.Refused || !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "the role is gone") {
		t.Errorf("%s, %v", p, err)
	}
}

// published is what a test of Publish starts from.
type published struct {
	f      *fake
	s      *Store
	staged storage.Staged
}

func beforePublish(t *testing.T) published {
	f := newFake(t)
	s := f.store(t)
	p := published{f, s, stage(t, s, "rows")}
	f.reset()
	return p
}

func (p published) onComplete(answer func(w http.ResponseWriter, serve func(http.ResponseWriter))) {
	p.f.onRequest(func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool {
		if kind(r) != "POST uploadId" {
			return false
		}
		answer(w, serve)
		return true
	})
}

func (p published) publish(t *testing.T, want storage.Publication) error {
	t.Helper()
	got, err := p.s.Publish(t.Context(), key, []storage.Staged{p.staged})
	clear := want == storage.Published || want == storage.AlreadyPublished || want == storage.NothingToPublish
	if got != want || (err == nil) != clear {
		t.Errorf("publish answered %s, %v; want %s", got, err, want)
	}
	return err
}

func TestAFileCostsFourRequests(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	p := published{f: f, s: f.store(t)}
	p.staged = stage(t, p.s, "rows")
	p.publish(t, storage.Published)
	if diff := cmp.Diff("POST uploads\nPUT partNumber\nPOST uploadId\nHEAD\n", f.trace()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if f.header(2, "If-None-Match") != "" {
		t.Error("the completion has a condition")
	}
}

func TestTheObjectDecidesWhatACompletionDid(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer func(w http.ResponseWriter, serve func(http.ResponseWriter))
		want   storage.Publication
	}{
		{"error in a body with status 200, carried out", func(w http.ResponseWriter, serve func(http.ResponseWriter)) {
			serve(httptest.NewRecorder())
			fail(w, 200, "InternalError")
		}, storage.AlreadyPublished},
		{"error in a body with status 200, not carried out", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
			fail(w, 200, "InternalError")
		}, storage.PublishUnclear},
		{"503, carried out", func(w http.ResponseWriter, serve func(http.ResponseWriter)) {
			serve(httptest.NewRecorder())
			fail(w, 503, "SlowDown")
		}, storage.AlreadyPublished},
		{"503", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { fail(w, 503, "SlowDown") }, storage.PublishUnclear},
		{"409", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { fail(w, 409, "OperationAborted") }, storage.PublishUnclear},
		{"cut off, carried out", func(w http.ResponseWriter, serve func(http.ResponseWriter)) {
			serve(httptest.NewRecorder())
			cut(w)
		}, storage.AlreadyPublished},
		{"cut off in the middle of a 200, carried out", func(w http.ResponseWriter, serve func(http.ResponseWriter)) {
			serve(httptest.NewRecorder())
			tear(w)
		}, storage.AlreadyPublished},
		{"cut off in the middle of a 200", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { tear(w) }, storage.PublishUnclear},
		{"cut off", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { cut(w) }, storage.PublishUnclear},
		{"expired token", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { fail(w, 400, "ExpiredToken") }, storage.PublishUnclear},
		{"403", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { fail(w, 403, "AccessDenied") }, storage.PublishConflict},
		{"400", func(w http.ResponseWriter, _ func(http.ResponseWriter)) { fail(w, 400, "EntityTooSmall") }, storage.PublishConflict},
		{"no such upload, but it is still listed", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
			fail(w, 404, "NoSuchUpload")
		}, storage.PublishUnclear},
		{"200, but it is still listed", func(w http.ResponseWriter, _ func(http.ResponseWriter)) {
			io.WriteString(w, "<CompleteMultipartUploadResult/>")
		}, storage.PublishUnclear},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := beforePublish(t)
			p.onComplete(c.answer)
			err := p.publish(t, c.want)
			if c.name == "403" && !errors.Is(err, fs.ErrPermission) {
				t.Errorf("no permission error: %v", err)
			}
			if c.want == storage.PublishUnclear || c.want == storage.PublishConflict {
				p.f.onRequest(nil)
				p.publish(t, storage.Published)
			}
		})
	}
}

func TestAnotherObjectIsAConflict(t *testing.T) {
	t.Parallel()
	for name, other := range map[string]fakeObject{
		"no token":             {data: []byte("rows")},
		"another token":        {data: []byte("rows"), meta: "other"},
		"the token, but short": {data: []byte("ro")},
	} {
		p := beforePublish(t)
		tok, err := parseToken(p.staged.Token)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "the token") {
			other.meta = tok.Meta
		}
		p.f.put(inStore, other)
		p.onComplete(func(w http.ResponseWriter, _ func(http.ResponseWriter)) { fail(w, 404, "NoSuchUpload") })
		if err := p.publish(t, storage.PublishConflict); !errors.Is(err, fs.ErrExist) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestPartsThatWereSentTwiceAreCompletedAsListed(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*fakePart)
		want   storage.Publication
	}{
		"another ETag":   {func(p *fakePart) { p.etag = `"of the other request"` }, storage.Published},
		"other bytes":    {func(p *fakePart) { p.data, p.crc = []byte("ROWS"), checksum([]byte("ROWS")) }, storage.NothingToPublish},
		"another length": {func(p *fakePart) { p.data, p.etag = []byte("row"), "x" }, storage.NothingToPublish},
	} {
		p := beforePublish(t)
		p.f.mu.Lock()
		for _, u := range p.f.uploads {
			part := u.parts[1]
			c.change(&part)
			u.parts[1] = part
		}
		p.f.mu.Unlock()
		p.publish(t, c.want)
		there := p.f.has(inStore)
		if there != (c.want == storage.Published) {
			t.Errorf("%s: there: %t; requests:\n%s", name, there, p.f.trace())
		}
	}
}

func TestDiscardLooksAtTheObjectWhateverTheAnswer(t *testing.T) {
	t.Parallel()
	p := beforePublish(t)
	p.publish(t, storage.Published)
	// Some servers answer an abort after completion like one before it.
	p.f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if kind(r) == "DELETE uploadId" {
			w.WriteHeader(http.StatusNoContent)
			return true
		}
		return false
	})
	if d, err := p.s.Discard(t.Context(), key, p.staged); d != storage.TokenUsed || err != nil {
		t.Errorf("discard answered %s, %v", d, err)
	}
	p.f.onRequest(func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool { cut(w); return true })
	if d, err := p.s.Discard(t.Context(), key, p.staged); d != storage.DiscardUnclear || err == nil {
		t.Errorf("discard answered %s, %v", d, err)
	}
}

// TestACompletionUnderWayIsWaitedFor lets the server move an upload aside while it completes it, as versitygw does.
func TestACompletionUnderWayIsWaitedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		call, end string
		published storage.Publication
		discarded storage.Discarding
	}{
		{"publish", "object", storage.AlreadyPublished, 0},
		{"publish", "failure", storage.PublishUnclear, 0},
		{"publish", "nothing", storage.NothingToPublish, 0},
		{"discard", "object", 0, storage.TokenUsed},
		{"discard", "failure", 0, storage.DiscardUnclear},
		{"discard", "nothing", 0, storage.AbsentToken},
	} {
		t.Run(c.call+" "+c.end, func(t *testing.T) {
			t.Parallel()
			p := beforePublish(t)
			upload := p.f.takeUpload()
			looks := 0
			p.f.onRequest(func(_ http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
				if r.Method != http.MethodHead {
					return false
				}
				if looks++; looks == 3 {
					switch c.end {
					case "object":
						p.f.put(inStore, fakeObject{data: []byte("rows"), meta: upload.meta, when: time.Now()})
					case "failure":
						p.f.giveUpload("upload-001", upload)
					}
				}
				return false
			})
			if c.call == "publish" {
				got, err := p.s.Publish(t.Context(), key, []storage.Staged{p.staged})
				if got != c.published || errors.Is(err, errAlive) != (c.end == "failure") {
					t.Errorf("publish answered %s, %v", got, err)
				}
				return
			}
			got, err := p.s.Discard(t.Context(), key, p.staged)
			if got != c.discarded || errors.Is(err, errAlive) != (c.end == "failure") {
				t.Errorf("discard answered %s, %v", got, err)
			}
		})
	}
}

func TestErrorsSayWhatForWhomAndWhatToDo(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		status int
		code   string
		want   string
		is     error
	}{
		{404, "NoSuchBucket", "create it, or correct store.url", nil},
		{403, "InvalidAccessKeyId", "does not know this access key", fs.ErrPermission},
		{403, "SignatureDoesNotMatch", "another secret", fs.ErrPermission},
		{403, "AccessDenied", "a policy of bucket lake", fs.ErrPermission},
		{403, "RequestTimeTooSkewed", "NTP", fs.ErrPermission},
		{400, "ExpiredToken", "have expired", fs.ErrPermission},
		{301, "PermanentRedirect", "set store.s3.region", nil},
		{501, "NotImplemented", "cannot do this", storage.ErrUnfit},
	} {
		f := newFake(t)
		f.onRequest(func(w http.ResponseWriter, _ *http.Request, _ func(http.ResponseWriter)) bool {
			fail(w, c.status, c.code)
			return true
		})
		_, err := New(t.Context(), f.options())
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) {
			t.Errorf("%s: %v", c.code, err)
			continue
		}
		for _, part := range []string{"open store s3://lake/kafka/: " + c.code, "REQ1"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: no %q in %v", c.code, part, err)
			}
		}
		if strings.Contains(err.Error(), secretKey) || strings.Contains(err.Error(), accessKey) {
			t.Errorf("shows a secret: %v", err)
		}
		t.Log(err)
	}
}

func TestErrorsOfTheNetworkSayWhatToDo(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = quiet
	secure.StartTLS()
	t.Cleanup(secure.Close)
	for endpoint, want := range map[string]string{
		closed.URL:                 "it cannot be reached",
		secure.URL:                 "unknown authority: set AWS_CA_BUNDLE",
		"http://nowhere.invalid:9": "its name is unknown",
		strings.Replace(newFake(t).URL, "http:", "https:", 1): "does not speak TLS",
	} {
		_, err := New(t.Context(), Options{
			Bucket: "lake", Endpoint: endpoint, PathStyle: true, maxBackoff: time.Millisecond, Credentials: newFake(t).options().Credentials,
		})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), endpoint) {
			t.Errorf("%s: %v", endpoint, err)
		}
		t.Log(err)
	}
}
