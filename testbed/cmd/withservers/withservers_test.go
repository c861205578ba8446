package main_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "withservers")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

func TestExitCodeIsTheCommands(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), build(t), "-servers", "s3", "--", "sh", "-c", `test -n "$SHADOOF_TESTBED_S3" && exit 7`)
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%v, want exit status 7", err)
	}
}

func TestServersEndWithTheWrapper(t *testing.T) {
	t.Parallel()
	binary := build(t)
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGKILL} {
		t.Run(signal.String(), func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command(binary, "-servers", "s3", "--", "sh", "-c", `echo $SHADOOF_TESTBED_S3; exec sleep 600`)
			cmd.Stderr = os.Stderr
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			lines := bufio.NewScanner(out)
			lines.Scan()
			address := strings.TrimPrefix(lines.Text(), "http://")
			if !serves(address) {
				t.Fatalf("nobody serves %q", address)
			}
			cmd.Process.Signal(signal)
			for lines.Scan() { // until the command has closed it
			}
			cmd.Wait()
			late := time.After(20 * time.Second)
			for serves(address) {
				select {
				case <-late:
					t.Fatal("the server is still there after 20 s")
				case <-time.After(10 * time.Millisecond):
				}
			}
		})
	}
}

func serves(address string) bool {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	c.Close()
	return true
}

func TestUnknownServerIsRefused(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), build(t), "-servers", "oracle", "--", "true").CombinedOutput()
	if want := fmt.Sprintf("no server is called %q", "oracle"); err == nil || !strings.Contains(string(out), want) {
		t.Errorf("%v, %s", err, out)
	}
}
