package main

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestFirstSignalStopsTheReadingAndGraceEndsTheRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStopping(func(int) { t.Error("the process was ended") })
		defer s.close()
		s.setGrace(10 * time.Second)
		s.signals <- syscall.SIGTERM
		<-s.soft.Done()
		if s.hard.Err() != nil {
			t.Error("what is staged cannot be committed any more")
		}
		began := time.Now()
		<-s.hard.Done()
		if took := time.Since(began); took != 10*time.Second {
			t.Errorf("the grace lasted %v", took)
		}
	})
}

func TestSecondSignalEndsTheProcessAtOnce(t *testing.T) {
	for second, want := range map[os.Signal]int{syscall.SIGTERM: 143, syscall.SIGINT: 130} {
		synctest.Test(t, func(t *testing.T) {
			ended := make(chan int, 1)
			s := newStopping(func(code int) { ended <- code })
			s.signals <- syscall.SIGTERM
			<-s.soft.Done()
			s.signals <- second
			if got := <-ended; got != want {
				t.Errorf("%v: got %d, want %d", second, got, want)
			}
			s.close()
		})
	}
}

// A real process, stopped while it waits for a Kafka that accepts connections and never answers.
func TestSIGTERMEndsACommandThatWaits(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dir := t.TempDir()
	config := "kafka: {brokers: [\"" + silent.Addr().String() + "\"]}\nstore: {url: \"file://" + dir + "/lake\"}\njobs: [{name: a, topics: [a], value: {format: bytes}}]\n"
	if err := os.WriteFile(filepath.Join(dir, "shadoof.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "shadoof", "plan")
	cmd.Dir = dir
	var output bytes.Buffer
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	conn, err := silent.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	err = cmd.Wait()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.Contains(output.String(), "shadoof: stopped by a signal") {
		t.Errorf("got %v\n%s", err, &output)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}
