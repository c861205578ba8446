package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"

	"shadoof/testbed/corpus"
)

// A registry answers for the generations of the events' schema, which it has as the versions of any subject. It is asked some questions
// in a run, so that it may live in this process.
type registry struct {
	url    string
	server *http.Server
	ended  chan error
}

func openRegistry() (*registry, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start a registry: %w", err)
	}
	r := &registry{url: "http://" + l.Addr().String(), server: &http.Server{Handler: registryPages()}, ended: make(chan error, 1)}
	go func() { r.ended <- r.server.Serve(l) }()
	return r, nil
}

func (r *registry) close() error {
	err := r.server.Close()
	if ended := <-r.ended; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}

func registryPages() http.Handler {
	pages := http.NewServeMux()
	for i, text := range corpus.Generations {
		pages.HandleFunc(fmt.Sprintf("GET /schemas/ids/%d", firstID+i), func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"schema": text})
		})
	}
	pages.HandleFunc("GET /subjects/{subject}/versions/latest", func(w http.ResponseWriter, r *http.Request) {
		answer(w, map[string]any{"subject": r.PathValue("subject"), "version": newest + 1, "id": firstID + newest, "schema": corpus.Generations[newest]})
	})
	return pages
}

func answer(w http.ResponseWriter, content map[string]any) {
	w.Header().Set("Content-Type", "application/vnd.schemaregistry.v1+json")
	_ = json.NewEncoder(w).Encode(content) // who asked may be gone
}
