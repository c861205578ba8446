// Package registrybed runs a real schema registry, Apicurio with its data in memory, on a loopback port.
package registrybed

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// A Server is a running registry: one that this process started, or one that it only knows the address of (see FromEnv), which
// cannot be killed or closed.
type Server struct {
	URL string // where clients of Confluent's protocol begin: http://127.0.0.1:port/apis/ccompat/v7

	args    []string
	env     []string
	folder  *runs.Folder
	running *process.Process
}

// Start starts a registry and waits until it serves. The caller ends it with Close; if it does not, the registry ends with the process.
func Start(ctx context.Context) (*Server, error) {
	install, err := Prepare(ctx)
	if err != nil {
		return nil, err
	}
	return start(ctx, install)
}

func start(ctx context.Context, install Install, jvm ...string) (*Server, error) {
	ports, err := runs.Ports(2)
	if err != nil {
		return nil, err
	}
	s := &Server{URL: "http://" + runs.Address(ports[0]) + "/apis/ccompat/v7"}
	if s.folder, err = runs.NewFolder(ctx, "registry"); err != nil {
		return nil, err
	}
	// Short-lived and mostly idle: the second compiler costs more than it gives.
	s.args = []string{install.java, "-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-cp", install.classpath()}
	if install.classes != "" {
		s.args = append(s.args, "-XX:SharedArchiveFile="+install.classes)
	}
	s.args = append(append(s.args, jvm...), "io.quarkus.runner.GeneratedMain")
	s.env = []string{
		"QUARKUS_HTTP_HOST=127.0.0.1", "QUARKUS_HTTP_PORT=" + strconv.Itoa(ports[0]),
		"QUARKUS_MANAGEMENT_HOST=127.0.0.1", "QUARKUS_MANAGEMENT_PORT=" + strconv.Itoa(ports[1]),
		"APICURIO_STORAGE_KIND=sql", "APICURIO_STORAGE_SQL_KIND=h2", // in memory
	}
	if err := s.Restart(ctx); err != nil {
		return nil, errors.Join(err, s.Close(true))
	}
	return s, nil
}

// Restart starts a killed or stopped registry on the same port, and waits until it serves. It has forgotten everything.
func (s *Server) Restart(ctx context.Context) error {
	if s.running != nil && s.running.Running() {
		return errors.New("testbed: registry: running already")
	}
	var err error
	s.running, err = process.Start(process.Spec{Name: "apicurio", Dir: s.folder.Path, Args: slices.Clone(s.args), Env: s.env, Log: s.Log()})
	if err != nil {
		return err
	}
	return s.ready(ctx)
}

func (s *Server) ready(ctx context.Context) error {
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for !s.serves(ctx, client) {
		select {
		case <-s.running.Done():
			return s.running.Failure()
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), s.running.Failure())
		case <-again.C:
		}
	}
	return nil
}

// serves asks for what needs the storage, too.
func (s *Server) serves(ctx context.Context, client *http.Client) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/subjects", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	_, err = io.Copy(io.Discard, resp.Body)
	return err == nil && resp.StatusCode == http.StatusOK
}

// Log is the path of the registry's log; restarts append to it.
func (s *Server) Log() string { return filepath.Join(s.folder.Path, "apicurio.log") }

// Logs is the log's path, or nothing for a registry that another process started.
func (s *Server) Logs() []string {
	if s.folder == nil {
		return nil
	}
	return []string{s.Log()}
}

// Pid is the process id of a registry that this process started.
func (s *Server) Pid() int { return s.running.Pid() }

// Kill ends the registry with SIGKILL.
func (s *Server) Kill() error { return s.running.Kill() }

// Stop lets the registry shut down in order.
func (s *Server) Stop() error { return s.running.Stop(60 * time.Second) }

// Pause freezes the registry; its connections stay open and answer nothing.
func (s *Server) Pause() error { return s.running.Pause() }

// Resume ends a Pause.
func (s *Server) Resume() error { return s.running.Resume() }

// Close kills the registry and deletes everything, but with logs leaves the log for a day. It is for a registry that this process
// started.
func (s *Server) Close(logs bool) error {
	var err error
	if s.running != nil {
		err = s.Kill()
	}
	return errors.Join(err, s.folder.Remove(logs))
}
