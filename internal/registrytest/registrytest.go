// Package registrytest runs a schema registry inside the process, for tests. It is a fake: it checks no compatibility.
package registrytest

import (
	"fmt"
	"net/http"
	"sync"

	"github.com/twmb/franz-go/pkg/sr"
	"github.com/twmb/franz-go/pkg/sr/srfake"
)

// A Registry answers like Confluent's, on a free port of loopback. It is safe for concurrent use.
type Registry struct {
	fake *srfake.Registry

	mu       sync.Mutex
	down     bool
	requests int
}

// Start starts an empty registry.
func Start() *Registry {
	r := &Registry{fake: srfake.New()}
	r.fake.Intercept(func(w http.ResponseWriter, _ *http.Request) bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.requests++
		if r.down {
			http.Error(w, "the registry is down", http.StatusServiceUnavailable)
		}
		return r.down
	})
	return r
}

// URL is where it answers.
func (r *Registry) URL() string { return r.fake.URL() }

// Close ends it.
func (r *Registry) Close() { r.fake.Close() }

// A Reference is to the newest version of another subject.
type Reference struct{ Name, Subject string }

var types = map[string]sr.SchemaType{"avro": sr.TypeAvro, "json": sr.TypeJSON, "protobuf": sr.TypeProtobuf}

// Register gives a subject its next version. format is avro, json or protobuf.
func (r *Registry) Register(subject, format, text string, references ...Reference) (id int32, err error) {
	t, ok := types[format]
	if !ok {
		return 0, fmt.Errorf("register %s: format %q is none of avro, json, protobuf", subject, format)
	}
	s := sr.Schema{Schema: text, Type: t}
	for _, ref := range references {
		version := 0
		for r.has(ref.Subject, version+1) {
			version++
		}
		s.References = append(s.References, sr.SchemaReference{Name: ref.Name, Subject: ref.Subject, Version: version})
	}
	n, _, err := r.fake.RegisterSchema(subject, s)
	if err != nil {
		return 0, fmt.Errorf("register %s: %w", subject, err)
	}
	return int32(n), nil
}

func (r *Registry) has(subject string, version int) bool {
	_, ok := r.fake.GetSchema(subject, version)
	return ok
}

// Forget takes all schemas out, as a registry does that lost its data: ids are given anew.
func (r *Registry) Forget() { r.fake.Reset() }

// SetDown makes it answer all requests with 503, or no longer.
func (r *Registry) SetDown(down bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.down = down
}

// Requests is how many came so far.
func (r *Registry) Requests() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.requests
}
