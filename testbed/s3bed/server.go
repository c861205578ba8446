// Package s3bed runs a real S3 server, versitygw over a local folder, on a loopback port.
package s3bed

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"shadoof/testbed/certs"
	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// Options of a server. The zero value serves plain HTTP.
type Options struct {
	TLS bool // serve HTTPS, with a certificate of Server.CA

	// Sidecar keeps what S3 knows of objects in a folder of its own instead of in extended attributes of the files. Where the disk has
	// no extended attributes that is done without asking.
	Sidecar bool

	// Users lets AddUser make users besides the first, who may do what bucket policies allow them.
	Users bool
}

// A Server is a running S3: one that this process started, or one that it only knows the address of (see FromEnv), which cannot
// be killed or closed.
type Server struct {
	Endpoint  string // http://127.0.0.1:port; buckets are addressed by path
	Region    string
	AccessKey string
	SecretKey string
	CA        string // path of the authority's certificate, for HTTPS

	args    []string
	folder  *runs.Folder
	running *process.Process
}

const healthPath = "/testbed-health"

// Start starts a server and waits until it serves. The caller ends it with Close; if it does not, the server ends with the process.
func Start(ctx context.Context, opts Options) (*Server, error) {
	binary, err := Prepare(ctx)
	if err != nil {
		return nil, err
	}
	ports, err := runs.Ports(1)
	if err != nil {
		return nil, err
	}
	s := &Server{Endpoint: "http://" + runs.Address(ports[0]), Region: "us-east-1", AccessKey: "testbed", SecretKey: "testbed-secret"}
	if s.folder, err = runs.NewFolder(ctx, "s3"); err != nil {
		return nil, err
	}
	// The server changes its directory: all paths are absolute.
	s.args = []string{binary, "--port", runs.Address(ports[0]), "--access", s.AccessKey, "--secret", s.SecretKey, "--region", s.Region,
		"--health", healthPath, "--keep-alive", "--quiet"}
	if err := errors.Join(s.layOut(opts), s.Restart(ctx)); err != nil {
		return nil, errors.Join(err, s.Close(true))
	}
	return s, nil
}

func (s *Server) layOut(opts Options) error {
	if opts.TLS {
		files, err := certs.Make(filepath.Join(s.folder.Path, "certs"))
		if err != nil {
			return err
		}
		s.Endpoint = "https" + s.Endpoint[len("http"):]
		s.CA = files.CA
		s.args = append(s.args, "--cert", files.ServerCert, "--key", files.ServerKey)
	}
	data := filepath.Join(s.folder.Path, "data")
	objects, sidecar := filepath.Join(data, "objects"), filepath.Join(data, "attributes")
	for _, dir := range []string{objects, sidecar} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return fmt.Errorf("testbed: s3: %w", err)
		}
	}
	if opts.Users {
		users := filepath.Join(s.folder.Path, "users")
		if err := os.MkdirAll(users, 0o755); err != nil {
			return fmt.Errorf("testbed: s3: %w", err)
		}
		s.args = append(s.args, "--iam-dir", users)
	}
	s.args = append(s.args, "posix")
	if opts.Sidecar || !hasAttributes(objects) {
		s.args = append(s.args, "--sidecar", sidecar)
	}
	s.args = append(s.args, objects)
	return nil
}

// Restart starts a killed or stopped server on the same port and data, and waits until it serves.
func (s *Server) Restart(ctx context.Context) error {
	if s.running != nil && s.running.Running() {
		return errors.New("testbed: s3: running already")
	}
	var err error
	s.running, err = process.Start(process.Spec{Name: "versitygw", Args: s.args, Log: s.Log()})
	if err != nil {
		return err
	}
	return s.ready(ctx)
}

func (s *Server) ready(ctx context.Context) error {
	client, err := s.HTTPClient()
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Endpoint+healthPath, nil)
		if err != nil {
			return fmt.Errorf("testbed: s3: %w", err)
		}
		if resp, err := client.Do(req); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
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

// HTTPClient trusts the server's certificate.
func (s *Server) HTTPClient() (*http.Client, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.Proxy = nil
	if s.CA != "" {
		config, err := certs.Client(s.CA)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	return &http.Client{Transport: transport}, nil
}

// Log is the path of the server's log; restarts append to it.
func (s *Server) Log() string { return filepath.Join(s.folder.Path, "versitygw.log") }

// Logs is the log's path, or nothing for a server that another process started.
func (s *Server) Logs() []string {
	if s.folder == nil {
		return nil
	}
	return []string{s.Log()}
}

// Kill ends the server with SIGKILL.
func (s *Server) Kill() error { return s.running.Kill() }

// Pause freezes the server; its connections stay open and answer nothing.
func (s *Server) Pause() error { return s.running.Pause() }

// Resume ends a Pause.
func (s *Server) Resume() error { return s.running.Resume() }

// Close kills the server and deletes everything, but with logs leaves the log for a day. It is for a server that this process
// started.
func (s *Server) Close(logs bool) error {
	var err error
	if s.running != nil {
		err = s.Kill()
	}
	return errors.Join(err, s.folder.Remove(logs))
}
