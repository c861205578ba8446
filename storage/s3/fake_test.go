package s3

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
)

const (
	accessKey = "AKIAIOSFODNN7EXAMPLE"
	secretKey = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// fake is a server with one bucket, "lake", that answers as S3 does.
type fake struct {
	*httptest.Server
	page int // entries in a page of a listing

	// twice makes a second completion of an upload be answered with 200, as some servers do.
	twice bool

	mu        sync.Mutex
	fault     fault
	objects   map[string]fakeObject
	uploads   map[string]*fakeUpload
	completed map[string]bool
	requests  []string
	headers   []http.Header
	lastID    int
}

// fault is asked before each request, and answers it if it returns true. It may call serve.
type fault func(w http.ResponseWriter, r *http.Request, serve func(http.ResponseWriter)) bool

func (f *fake) onRequest(do fault) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = do
}

func (f *fake) put(key string, o fakeObject) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.objects[key] = o
}

func (f *fake) has(key string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	_, there := f.objects[key]
	return there
}

// takeUpload takes the only upload away, and giveUpload brings it back.
func (f *fake) takeUpload() *fakeUpload {
	f.mu.Lock()
	defer f.mu.Unlock()
	for id, u := range f.uploads {
		delete(f.uploads, id)
		return u
	}
	return nil
}

func (f *fake) giveUpload(id string, u *fakeUpload) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.uploads[id] = u
}

// open is the number of uploads that were begun and not ended.
func (f *fake) open() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.uploads)
}

type fakeObject struct {
	data []byte
	meta string
	when time.Time
}

type fakeUpload struct {
	key   string
	meta  string
	when  time.Time
	parts map[int]fakePart
}

type fakePart struct {
	data []byte
	etag string
	crc  string
}

func newFake(t *testing.T) *fake {
	f := &fake{page: 1000, objects: map[string]fakeObject{}, uploads: map[string]*fakeUpload{}, completed: map[string]bool{}}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fake) options() Options {
	return Options{
		Bucket: "lake", Prefix: "kafka", Endpoint: f.URL, PathStyle: true, maxBackoff: time.Millisecond, Patience: time.Nanosecond,
		Credentials: awscredentials.NewStaticCredentialsProvider(accessKey, secretKey, ""),
	}
}

// store opens a store on the server, and forgets the requests that this took.
func (f *fake) store(t *testing.T, change ...func(*Options)) *Store {
	t.Helper()
	o := f.options()
	for _, c := range change {
		c(&o)
	}
	s, err := New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	f.reset()
	return s
}

func (f *fake) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.requests, f.headers = nil, nil
}

// trace returns the requests since the last reset.
func (f *fake) trace() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.requests, "\n") + "\n"
}

func (f *fake) header(i int, name string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.headers[i].Get(name)
}

func kind(r *http.Request) string {
	q := r.URL.Query()
	for _, k := range []string{"uploads", "partNumber", "uploadId", "list-type"} {
		if q.Has(k) {
			return r.Method + " " + k
		}
	}
	return r.Method
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	f.mu.Lock()
	f.requests = append(f.requests, kind(r))
	f.headers = append(f.headers, r.Header)
	fault := f.fault
	f.mu.Unlock()
	serve := func(w http.ResponseWriter) { f.serve(w, r, body) }
	if fault != nil && fault(w, r, serve) {
		return
	}
	serve(w)
}

func fail(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.Header().Set("X-Amz-Request-Id", "REQ1")
	w.WriteHeader(status)
	if code != "" {
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>what %s means</Message></Error>", code, code)
	}
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	q := r.URL.Query()
	bucket, key, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch k := kind(r); {
	case r.Header.Get("X-Amz-Trailer") != "" || strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked"):
		fail(w, http.StatusNotImplemented, "NotImplemented")
	case bucket != "lake":
		fail(w, http.StatusNotFound, "NoSuchBucket")
	case k == "GET list-type":
		f.listLocked(w, q)
	case k == "GET uploads":
		f.listUploadsLocked(w, q)
	case k == "POST uploads":
		f.lastID++
		id := fmt.Sprintf("upload-%03d", f.lastID)
		f.uploads[id] = &fakeUpload{key, r.Header.Get("X-Amz-Meta-Shadoof"), time.Now(), map[int]fakePart{}}
		fmt.Fprintf(w, "<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>", id)
	case k == "PUT", k == "GET", k == "HEAD", k == "DELETE":
		f.objectLocked(w, r, key, body)
	default:
		f.uploadLocked(w, r, key, body)
	}
}

func (f *fake) objectLocked(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	o, there := f.objects[key]
	switch {
	case r.Method == "DELETE":
		delete(f.objects, key)
		w.WriteHeader(http.StatusNoContent)
	case r.Method == "PUT" && there && r.Header.Get("If-None-Match") == "*":
		fail(w, http.StatusPreconditionFailed, "PreconditionFailed")
	case r.Method == "PUT" && r.Header.Get("X-Amz-Checksum-Crc32c") != checksum(body):
		fail(w, http.StatusBadRequest, "BadDigest")
	case r.Method == "PUT":
		f.objects[key] = fakeObject{data: body, when: time.Now()}
		w.Header().Set("ETag", etag(body))
	case !there:
		fail(w, http.StatusNotFound, map[string]string{"GET": "NoSuchKey"}[r.Method])
	default:
		w.Header().Set("ETag", etag(o.data))
		if o.meta != "" {
			w.Header().Set("X-Amz-Meta-Shadoof", o.meta)
		}
		if r.Header.Get("Range") != "" && len(o.data) == 0 {
			fail(w, http.StatusRequestedRangeNotSatisfiable, "InvalidRange")
			return
		}
		http.ServeContent(w, r, "", o.when, bytes.NewReader(o.data))
	}
}

func etag(data []byte) string {
	sum := md5.Sum(data)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

func (f *fake) uploadLocked(w http.ResponseWriter, r *http.Request, key string, body []byte) {
	id := r.URL.Query().Get("uploadId")
	u := f.uploads[id]
	if u == nil || u.key != key {
		if r.Method == "POST" && f.twice && f.completed[id] {
			fmt.Fprint(w, "<CompleteMultipartUploadResult/>")
			return
		}
		fail(w, http.StatusNotFound, "NoSuchUpload")
		return
	}
	switch r.Method {
	case "PUT":
		n, _ := strconv.Atoi(r.URL.Query().Get("partNumber"))
		crc := r.Header.Get("X-Amz-Checksum-Crc32c")
		if crc != checksum(body) {
			fail(w, http.StatusBadRequest, "BadDigest")
			return
		}
		u.parts[n] = fakePart{body, etag(body), crc}
		w.Header().Set("ETag", etag(body))
		w.Header().Set("X-Amz-Checksum-Crc32c", crc)
	case "DELETE":
		delete(f.uploads, id)
		w.WriteHeader(http.StatusNoContent)
	case "GET":
		fmt.Fprint(w, "<ListPartsResult>")
		for _, n := range slices.Sorted(maps.Keys(u.parts)) {
			p := u.parts[n]
			fmt.Fprintf(w, "<Part><PartNumber>%d</PartNumber><ETag>%s</ETag><Size>%d</Size><ChecksumCRC32C>%s</ChecksumCRC32C></Part>",
				n, xmlText(p.etag), len(p.data), p.crc)
		}
		fmt.Fprint(w, "</ListPartsResult>")
	case "POST":
		f.completeLocked(w, id, u, body)
	}
}

func (f *fake) completeLocked(w http.ResponseWriter, id string, u *fakeUpload, body []byte) {
	var in struct {
		Parts []struct {
			PartNumber     int
			ETag           string
			ChecksumCRC32C string
		} `xml:"Part"`
	}
	if err := xml.Unmarshal(body, &in); err != nil || len(in.Parts) == 0 {
		fail(w, http.StatusBadRequest, "MalformedXML")
		return
	}
	var data []byte
	for _, p := range in.Parts {
		have, there := u.parts[p.PartNumber]
		if !there || have.etag != p.ETag || have.crc != p.ChecksumCRC32C {
			fail(w, http.StatusBadRequest, "InvalidPart")
			return
		}
		data = append(data, have.data...)
	}
	delete(f.uploads, id)
	f.completed[id] = true
	f.objects[u.key] = fakeObject{data, u.meta, time.Now()}
	fmt.Fprint(w, "<CompleteMultipartUploadResult/>")
}

func xmlText(s string) string {
	var b strings.Builder
	xml.EscapeText(&b, []byte(s))
	return b.String()
}

func (f *fake) listLocked(w http.ResponseWriter, q url.Values) {
	token, _ := url.QueryUnescape(q.Get("continuation-token"))
	after := max(q.Get("start-after"), token)
	limit := f.page
	if n, err := strconv.Atoi(q.Get("max-keys")); err == nil {
		limit = min(limit, n)
	}
	var b strings.Builder
	n, last, more := 0, "", false
	for _, key := range slices.Sorted(maps.Keys(f.objects)) {
		rest, under := strings.CutPrefix(key, q.Get("prefix"))
		if !under || key <= after {
			continue
		}
		item := fmt.Sprintf("<Contents><Key>%s</Key><Size>%d</Size><LastModified>%s</LastModified></Contents>",
			xmlText(key), len(f.objects[key].data), f.objects[key].when.UTC().Format("2006-01-02T15:04:05.000Z"))
		name := key
		if folder, _, in := strings.Cut(rest, "/"); in && q.Get("delimiter") == "/" {
			name = q.Get("prefix") + folder + "/"
			item = fmt.Sprintf("<CommonPrefixes><Prefix>%s</Prefix></CommonPrefixes>", xmlText(name))
			if name == last {
				continue
			}
		}
		if n == limit {
			more = true
			break
		}
		b.WriteString(item)
		n++
		last = name
	}
	fmt.Fprintf(w, "<ListBucketResult><IsTruncated>%t</IsTruncated>%s", more, b.String())
	if more {
		if strings.HasSuffix(last, "/") {
			last += "\xff" // after all that is in the folder
		}
		fmt.Fprintf(w, "<NextContinuationToken>%s</NextContinuationToken>", url.QueryEscape(last))
	}
	fmt.Fprint(w, "</ListBucketResult>")
}

func (f *fake) listUploadsLocked(w http.ResponseWriter, q url.Values) {
	if q.Has("upload-id-marker") {
		fail(w, http.StatusBadRequest, "InvalidArgument")
		return
	}
	ids := slices.SortedFunc(maps.Keys(f.uploads), func(a, b string) int {
		return strings.Compare(f.uploads[a].key+"\x00"+a, f.uploads[b].key+"\x00"+b)
	})
	ids = slices.DeleteFunc(ids, func(id string) bool {
		return !strings.HasPrefix(f.uploads[id].key, q.Get("prefix")) || f.uploads[id].key <= q.Get("key-marker")
	})
	fmt.Fprintf(w, "<ListMultipartUploadsResult><IsTruncated>%t</IsTruncated>", len(ids) > f.page)
	for _, id := range ids[:min(len(ids), f.page)] {
		u := f.uploads[id]
		fmt.Fprintf(w, "<Upload><Key>%s</Key><UploadId>%s</UploadId><Initiated>%s</Initiated></Upload>",
			xmlText(u.key), id, u.when.UTC().Format("2006-01-02T15:04:05.000Z"))
	}
	fmt.Fprint(w, "</ListMultipartUploadsResult>")
}

func startTLS(t *testing.T, f *fake) *httptest.Server {
	s := httptest.NewTLSServer(f)
	t.Cleanup(s.Close)
	return s
}
