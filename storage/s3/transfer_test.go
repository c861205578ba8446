package s3

import (
	"bytes"
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
)

var quiet = log.New(io.Discard, "", 0)

func random(t *testing.T, n int) []byte {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)})
	data := make([]byte, n)
	r.Read(data)
	return data
}

func TestPartsAreOfOneSizeAndMemoryIsTwoParts(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t, func(o *Options) { o.PartSize = MinPartSize })
	// The first try of every second part fails.
	var tries atomic.Int32
	f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if kind(r) == "PUT partNumber" && tries.Add(1)%2 == 1 {
			fail(w, 500, "InternalError")
			return true
		}
		return false
	})
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		t.Fatal(err)
	}
	data := random(t, 3*MinPartSize+12345)
	most := int64(0)
	for rest := data; len(rest) > 0; {
		n := min(len(rest), 100_003)
		if _, err := w.Write(rest[:n]); err != nil {
			t.Fatal(err)
		}
		rest = rest[n:]
		most = max(most, w.Buffered())
	}
	if most > 2*MinPartSize || most < MinPartSize {
		t.Errorf("held %d bytes at most", most)
	}
	staged, err := w.Finish(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if w.Buffered() != 0 {
		t.Errorf("holds %d bytes after its end", w.Buffered())
	}
	tok, err := parseToken(staged.Token)
	if err != nil {
		t.Fatal(err)
	}
	var sizes []int64
	for i, p := range tok.Parts {
		sizes = append(sizes, p.Size)
		start := i * MinPartSize
		if crc := checksum(data[start : start+int(p.Size)]); p.CRC != crc || p.Number != int32(i+1) {
			t.Errorf("part %d: %+v, want CRC %s", i+1, p, crc)
		}
	}
	if diff := cmp.Diff([]int64{MinPartSize, MinPartSize, MinPartSize, 12345}, sizes); diff != "" {
		t.Errorf("sizes (-want +got):\n%s", diff)
	}
	if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.Published || err != nil {
		t.Fatal(p, err)
	}
	got, err := storage.ReadAll(t.Context(), s, key, int64(len(data)))
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("read back %d bytes, %v", len(got), err)
	}
}

func TestASmallFileHoldsLittleMemory(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		t.Fatal(err)
	}
	if w.Buffered() != 0 {
		t.Errorf("holds %d bytes before the first", w.Buffered())
	}
	for range 10 {
		if _, err := w.Write(make([]byte, 1<<10)); err != nil {
			t.Fatal(err)
		}
	}
	if w.Buffered() > 64<<10 {
		t.Errorf("holds %d bytes for 10 KiB", w.Buffered())
	}
	if err := w.Abort(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.open() != 0 || w.Buffered() != 0 {
		t.Errorf("left %d uploads, %d bytes", f.open(), w.Buffered())
	}
	if _, err := w.Write(nil); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("write after abort: %v", err)
	}
}

func TestAnEmptyFileCanBePublished(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	staged := stage(t, s, "")
	if p, err := s.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.Published || err != nil {
		t.Fatal(p, err)
	}
	if n, err := storage.Size(t.Context(), s, key); n != 0 || err != nil {
		t.Error(n, err)
	}
}

func TestAFailedUploadLeavesNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if kind(r) == "PUT partNumber" {
			fail(w, 403, "QuotaExceeded")
			return true
		}
		return false
	})
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("rows")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Finish(t.Context()); err == nil || !strings.Contains(err.Error(), "write part 1 of s3://lake/kafka/"+key) {
		t.Errorf("finish: %v", err)
	}
	if f.open() != 0 {
		t.Error("an upload is left")
	}
}

func TestSettingsAreSent(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t, func(o *Options) {
		o.StorageClass, o.SSE, o.KMSKey, o.ACL = "STANDARD_IA", "aws:kms", "key-1", "bucket-owner-full-control"
	})
	stage(t, s, "rows")
	if _, err := s.PutNew(t.Context(), record, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, h := range []string{"X-Amz-Storage-Class", "X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id", "X-Amz-Acl"} {
		got[h] = f.header(0, h) + " | " + f.header(2, h)
	}
	want := map[string]string{
		"X-Amz-Storage-Class":                         "STANDARD_IA | ", // a record is too small for the cheaper classes
		"X-Amz-Server-Side-Encryption":                "aws:kms | aws:kms",
		"X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id": "key-1 | key-1",
		"X-Amz-Acl": "bucket-owner-full-control | bucket-owner-full-control",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*Options){
		"no bucket":           func(o *Options) { o.Bucket = "" },
		"name of a bucket":    func(o *Options) { o.Bucket = "a/b" },
		"part size":           func(o *Options) { o.PartSize = 1 << 20 },
		"must be one of":      func(o *Options) { o.ACL = "everybody" },
		"store.s3.sse":        func(o *Options) { o.SSE = "rot13" },
		"needs store.s3.sse":  func(o *Options) { o.KMSKey = "k" },
		"no URL such as":      func(o *Options) { o.Endpoint = "localhost:9000" },
		"credentials belong":  func(o *Options) { o.Endpoint = "http://user:" + secretKey[:5] + "@localhost:9000" },
		"CA file":             func(o *Options) { o.CAFile = "/nowhere.pem" },
		"name \"a//b\" start": func(o *Options) { o.Prefix = "a//b" },
	} {
		o := Options{Bucket: "lake", Endpoint: "http://localhost:9"}
		change(&o)
		_, err := New(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), secretKey[:5]) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func TestAReadThatBreaksGoesOn(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	data := random(t, 1<<20)
	f.put(inStore, fakeObject{data: data, when: time.Now()})
	var breaks atomic.Int32
	f.onRequest(func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool {
		if r.Method != "GET" || breaks.Add(1) > 3 {
			return false
		}
		serve(&short{ResponseWriter: w, left: 200_000})
		return true
	})
	for _, c := range []struct{ from, n int64 }{{0, -1}, {100_000, 900_000}} {
		breaks.Store(0)
		o, err := s.Open(t.Context(), key, c.from, c.n)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(o)
		want := data[c.from:]
		if c.n > 0 {
			want = want[:c.n]
		}
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("from %d: read %d bytes, %v", c.from, len(got), err)
		}
		if err := o.Close(); err != nil {
			t.Error(err)
		}
	}
	// A server that gives no more ends the read, and not with EOF.
	breaks.Store(0)
	f.onRequest(func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool {
		if breaks.Add(1) == 1 {
			serve(&short{ResponseWriter: w, left: 100_000})
		}
		cut(w)
		return true
	})
	o, err := s.Open(t.Context(), key, 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, o); err == nil || n == 0 || n > 100_000 || !strings.Contains(err.Error(), "read s3://lake/"+inStore) {
		t.Errorf("read %d bytes, %v", n, err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
}

// short cuts a body off after some bytes.
type short struct {
	http.ResponseWriter
	left int
}

func (s *short) Write(p []byte) (int, error) {
	n, _ := s.ResponseWriter.Write(p[:min(len(p), s.left)])
	s.left -= n
	if n < len(p) {
		panic(http.ErrAbortHandler)
	}
	return n, nil
}

func TestAHungServerHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t, func(o *Options) { o.Stall = 300 * time.Millisecond })
	staged := stage(t, s, "rows")
	f.put("kafka/there", fakeObject{data: make([]byte, 1<<20), when: time.Now()})
	hang := make(chan struct{})
	var reads atomic.Int32
	t.Cleanup(func() { close(hang) })
	f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if r.URL.Path == "/lake/kafka/there" && reads.Add(1) == 1 {
			w.Header().Set("Content-Length", "1048576")
			w.Write(make([]byte, 1000))
			w.(http.Flusher).Flush()
		}
		select {
		case <-hang:
		case <-r.Context().Done():
		}
		return true
	})
	start := time.Now()
	for name, call := range map[string]func() error{
		"put": func() error { _, err := s.PutNew(t.Context(), record, nil); return err },
		"publish": func() error {
			_, err := s.Publish(t.Context(), key, []storage.Staged{staged})
			return err
		},
		"read": func() error { _, err := storage.ReadAll(t.Context(), s, "there", 1<<20); return err },
		"list": func() error { _, err := storage.Entries(t.Context(), s, storage.Query{}); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "did not answer for 300ms") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestASlowServerIsNotAHungOne(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t, func(o *Options) { o.Stall = 2 * time.Second })
	f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		w.Header().Set("Content-Length", "25")
		for range 25 { // longer than Stall in all
			w.Write([]byte("x"))
			w.(http.Flusher).Flush()
			select {
			case <-time.After(100 * time.Millisecond):
			case <-r.Context().Done():
			}
		}
		return true
	})
	if data, err := storage.ReadAll(t.Context(), s, key, 25); string(data) != strings.Repeat("x", 25) {
		t.Errorf("read %q, %v", data, err)
	}
}

func TestOwnAuthoritiesAreTrusted(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	f.Close()
	f.Server = startTLS(t, f)
	o := f.options()
	o.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Certificate().Raw})
	if err := os.WriteFile(o.CAFile, block, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.reset()
	stage(t, s, "rows")
	if got := f.header(1, "X-Amz-Content-Sha256"); got != "UNSIGNED-PAYLOAD" {
		t.Errorf("over TLS the body is hashed twice: %s", got)
	}
}

func TestACancelledContextEndsAnUpload(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	reached := make(chan struct{}, 1)
	f.onRequest(func(w http.ResponseWriter, r *http.Request, _ func(http.ResponseWriter)) bool {
		if kind(r) != "PUT partNumber" {
			return false
		}
		reached <- struct{}{}
		<-r.Context().Done()
		return true
	})
	w, err := s.Stage(t.Context(), storage.StageRequest{Key: key, Staging: staging})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte("rows")); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-reached; cancel() }()
	if _, err := w.Finish(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("finish: %v", err)
	}
	if f.open() != 0 {
		t.Error("an upload is left")
	}
}

func TestUploadsOfManyKeysAreListedWhole(t *testing.T) {
	t.Parallel()
	for page := 1; page <= 7; page++ {
		f := newFake(t)
		s := f.store(t)
		want := map[string]int{}
		for i, n := range []int{1, 1, 2, 1, 3, 1} {
			if n > page {
				n = page // more uploads of one key than a page holds are found in several rounds of gc
			}
			for range n {
				f.lastID++
				k := fmt.Sprintf("a/%d", i)
				f.uploads[fmt.Sprintf("u%03d", f.lastID)] = &fakeUpload{key: "kafka/" + k, when: time.Now()}
				want[k]++
			}
		}
		f.page = page
		got, last := map[string]int{}, ""
		for e, err := range s.List(t.Context(), storage.Query{Staged: true, Prefix: "a/"}) {
			if err != nil {
				t.Fatal(err)
			}
			if e.Name < last {
				t.Errorf("%s after %s", e.Name, last)
			}
			last = e.Name
			got[e.Name]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %d (-want +got):\n%s", page, diff)
		}
	}
}

func TestBreakingOutOfAListingAsksForNoMore(t *testing.T) {
	t.Parallel()
	f := newFake(t)
	s := f.store(t)
	for i := range 10 {
		f.put(fmt.Sprintf("kafka/%d", i), fakeObject{})
	}
	f.put("kafka/folder/", fakeObject{}) // as consoles make them
	f.page = 2
	for range s.List(t.Context(), storage.Query{}) {
		break
	}
	if f.trace() != "GET list-type\n" {
		t.Errorf("requests:\n%s", f.trace())
	}
	if entries, err := storage.Entries(t.Context(), s, storage.Query{}); len(entries) != 10 || err != nil {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func FuzzToken(f *testing.F) {
	f.Add(`{"upload_id":"u","meta":"m","parts":[{"n":1,"etag":"\"e\"","size":3,"crc":"AAAAAA=="}]}`)
	f.Add(`{"upload_id":"u"}`)
	f.Add(`{"path":"x.staged"}`)
	f.Add(`[]`)
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := parseToken(storage.Token(raw))
		if err != nil {
			return
		}
		again, err := parseToken(got.marshal())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(got.marshal()), string(again.marshal())); diff != "" {
			t.Error(diff)
		}
		got.completed()
	})
}
