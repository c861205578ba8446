package prometheusbed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// Options of a server.
type Options struct {
	Scrape []string      // host:port of what has /metrics
	Every  time.Duration // how often; 1 s when zero
	Rules  []string      // files
}

// A Server is a running Prometheus.
type Server struct {
	URL string

	folder  *runs.Folder
	running *process.Process
	client  *http.Client
}

// Start starts a server and waits until it is ready. The caller ends it with Close; if it does not, it ends with the process.
func Start(ctx context.Context, o Options) (*Server, error) {
	tools, err := Prepare(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := runs.Ports(1)
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + runs.Address(ports[0]), client: &http.Client{Transport: &http.Transport{Proxy: nil}}}
	if s.folder, err = runs.NewFolder(ctx, "prometheus"); err != nil {
		return nil, err
	}
	if o.Every == 0 {
		o.Every = time.Second
	}
	// JSON is YAML.
	config, err := json.Marshal(map[string]any{
		"global":         map[string]any{"scrape_interval": o.Every.String(), "scrape_timeout": o.Every.String(), "evaluation_interval": o.Every.String()},
		"rule_files":     o.Rules,
		"scrape_configs": []any{map[string]any{"job_name": "shadoof", "static_configs": []any{map[string]any{"targets": o.Scrape}}}},
	})
	if err != nil {
		return nil, err
	}
	name := filepath.Join(s.folder.Path, "prometheus.yml")
	err = os.WriteFile(name, config, 0o644)
	if err == nil {
		s.running, err = process.Start(process.Spec{Name: "prometheus", Dir: s.folder.Path, Log: s.Logs()[0], Args: []string{tools.Prometheus, "--config.file=" + name,
			"--storage.tsdb.path=" + filepath.Join(s.folder.Path, "data"), "--web.listen-address=" + runs.Address(ports[0])}})
	}
	if err == nil {
		err = s.ready(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close(true))
	}
	return s, nil
}

func (s *Server) ready(ctx context.Context) error {
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		if _, err := s.get(ctx, "/-/ready"); err == nil {
			return nil
		}
		select {
		case <-s.running.Done():
			return s.running.Failure()
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), s.running.Failure())
		case <-again.C:
		}
	}
}

func (s *Server) get(ctx context.Context, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("testbed: prometheus: %s: %s\n%s", path, resp.Status, b)
	}
	return b, err
}

// A Sample is one series of an answer.
type Sample struct {
	Labels map[string]string
	Value  float64
}

// Query asks for the value of an expression now. An expression with a single value without labels is one sample.
func (s *Server) Query(ctx context.Context, expr string) ([]Sample, error) {
	b, err := s.get(ctx, "/api/v1/query?query="+url.QueryEscape(expr))
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Result []struct {
				Metric map[string]string
				Value  [2]any
			}
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("testbed: prometheus: %s: %w", b, err)
	}
	var out []Sample
	for _, r := range answer.Data.Result {
		text, _ := r.Value[1].(string)
		v, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("testbed: prometheus: %s: %w", b, err)
		}
		out = append(out, Sample{r.Metric, v})
	}
	return out, nil
}

// A Rule is an alert and how its last evaluation went.
type Rule struct {
	Name   string
	State  string // inactive, pending, firing
	Health string // ok, err, unknown
	Error  string `json:"lastError"`
}

// Rules are the rules of all files.
func (s *Server) Rules(ctx context.Context) ([]Rule, error) {
	b, err := s.get(ctx, "/api/v1/rules")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			Groups []struct{ Rules []Rule }
		}
	}
	if err := json.Unmarshal(b, &answer); err != nil {
		return nil, fmt.Errorf("testbed: prometheus: %s: %w", b, err)
	}
	var out []Rule
	for _, g := range answer.Data.Groups {
		out = append(out, g.Rules...)
	}
	return out, nil
}

// Logs is the path of the server's log.
func (s *Server) Logs() []string { return []string{filepath.Join(s.folder.Path, "prometheus.log")} }

// Close kills the server and deletes everything, but with logs leaves the log for a day.
func (s *Server) Close(logs bool) error {
	var err error
	if s.running != nil {
		err = s.running.Kill()
	}
	return errors.Join(err, s.folder.Remove(logs))
}
