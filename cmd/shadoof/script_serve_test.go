package main

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// serveCommands are what scripts do with a process that goes on until it is told to stop.
func serveCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"begin":    beginProcess,
		"signal":   signalProcess,
		"until":    untilLogged,
		"freeport": freePort,
		"ask":      ask,
	}
}

// patience is how long scripts wait for something that must come.
const patience = time.Minute

type processKey struct{}

// begin NAME COMMAND ARG... starts a command, whose stderr goes to NAME.log. It is killed when the script ends.
func beginProcess(ts *testscript.TestScript, _ bool, args []string) {
	var path string
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		if _, err := os.Stat(filepath.Join(dir, args[1])); err == nil {
			path = filepath.Join(dir, args[1])
			break
		}
	}
	log, err := os.Create(ts.MkAbs(args[0] + ".log"))
	ts.Check(err)
	cmd := exec.Command(path, args[2:]...)
	cmd.Dir, cmd.Stderr = ts.MkAbs("."), log
	for _, name := range []string{"PATH", "BROKERS", "SECURED", "PASSWORD", "REGISTRY", "PUSHGATEWAY", "WORK", "HOME", "PORT", "SHADOOF_CONFIG", "GOCOVERDIR"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(cmd.Start())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = cmd.Wait() // its status is read from cmd
	}()
	ts.Defer(func() {
		_ = cmd.Process.Kill()
		<-done
		_ = log.Close()
	})
	processes(ts)[args[0]] = &process{cmd, done}
}

type process struct {
	cmd  *exec.Cmd
	done chan struct{}
}

func processes(ts *testscript.TestScript) map[string]*process {
	return ts.Value(processKey{}).(map[string]*process)
}

// signal NAME TERM|INT CODE sends a signal; the process must end with that status.
func signalProcess(ts *testscript.TestScript, _ bool, args []string) {
	p := processes(ts)[args[0]]
	ts.Check(p.cmd.Process.Signal(map[string]os.Signal{"TERM": syscall.SIGTERM, "INT": os.Interrupt}[args[1]]))
	select {
	case <-p.done:
	case <-time.After(patience):
		ts.Fatalf("%s goes on", args[0])
	}
	if got := p.cmd.ProcessState.ExitCode(); got != number(ts, args[2]) {
		ts.Fatalf("%s ended with status %d, want %s:\n%s", args[0], got, args[2], ts.ReadFile(args[0]+".log"))
	}
}

// until FILE PATTERN waits until a file matches.
func untilLogged(ts *testscript.TestScript, _ bool, args []string) {
	want := regexp.MustCompile("(?m)" + args[1])
	for end := time.Now().Add(patience); ; {
		text := ts.ReadFile(args[0])
		if want.MatchString(text) {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("%s has no %s:\n%s", args[0], args[1], text)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// freeport NAME puts a port that nobody listens at into the environment.
func freePort(ts *testscript.TestScript, _ bool, args []string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(errors.Join(err, l.Close()))
	ts.Setenv(args[0], port)
}

// ask METHOD URL CODE [TOKEN] asks over HTTP; what is answered goes to the file answer.
func ask(ts *testscript.TestScript, _ bool, args []string) {
	req, err := http.NewRequest(args[0], args[1], nil)
	ts.Check(err)
	if len(args) > 3 {
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(args[3]))
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	body, err := io.ReadAll(resp.Body)
	ts.Check(errors.Join(err, resp.Body.Close()))
	ts.Check(os.WriteFile(ts.MkAbs("answer"), body, 0o644))
	if resp.StatusCode != number(ts, args[2]) {
		ts.Fatalf("%s %s: %s, want %s:\n%s", args[0], args[1], resp.Status, args[2], body)
	}
}
