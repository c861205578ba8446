package lift_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"shadoof/testbed/product"
	"shadoof/testbed/servers"
)

// A server is a `shadoof serve`.
type server struct {
	t    *testing.T
	cmd  *exec.Cmd
	mu   sync.Mutex
	log  bytes.Buffer
	done chan struct{}
}

func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *server) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func serve(t *testing.T, j *product.Job, binary string, env ...string) *server {
	t.Helper()
	s := &server{t: t, cmd: j.Command(bounded(t), binary, append(env, "SHADOOF_LOST_AFTER=300ms"), "serve"), done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = s, s
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.done)
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.done
	})
	return s
}

// end waits until the process has ended, and returns its exit code: -1 if it was killed.
func (s *server) end() int {
	s.t.Helper()
	select {
	case <-s.done:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(60 * time.Second):
		s.t.Fatalf("serve does not end\n%s", s.logged())
		return 0
	}
}

// until waits for a text in the log.
func (s *server) until(text string) {
	s.t.Helper()
	for range 300 {
		if strings.Contains(s.logged(), text) {
			return
		}
		select {
		case <-s.done:
			s.t.Fatalf("serve ended before %q\n%s", text, s.logged())
		default:
			pause(s.t)
		}
	}
	s.t.Fatalf("no %q\n%s", text, s.logged())
}

func (s *server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// TestServeKilled kills a serve in the middle of its runs, and starts it again. One that had committed nothing is made up at once, long
// before it is due again; one that had goes on when it is.
func TestServeKilled(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	for name, root := range roots(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(seed, uint64(len(name))))
			topic := sharedTopic(t)
			global := smallGlobal + "admin: {listen: \"127.0.0.1:0\"}\n"
			store := root(t)
			job := func(schedule string) *product.Job {
				return product.NewJob(t, servers.Kafka(t).Brokers(), store, topic.Topic, global, fmt.Sprintf("%s\ncatch_up: 40d\nschedule: %q", small, schedule))
			}
			monthly, often := job("0 0 1 * *"), job("@every 1s")
			l := product.Watch(t, often)
			s := serve(t, monthly, product.Hooked(t), "SHADOOF_KILL_AT=before-put")
			if s.end() != -1 || len(often.Root.Keys(t, often.Topic+"/")) > 0 {
				t.Fatalf("it was not killed before its first commit\n%s", s.logged())
			}
			s = serve(t, monthly, product.Hooked(t), "SHADOOF_KILL_AT=committed")
			if s.end() != -1 {
				t.Fatalf("it was not killed while it made up the run\n%s", s.logged())
			}
			for range 2 {
				s = serve(t, often, product.Hooked(t))
				s.until("msg=serving")
				<-time.After(time.Duration(rng.IntN(1500)) * time.Millisecond) // somewhere in a run
				s.signal(syscall.SIGKILL)
				s.end()
			}
			s = serve(t, often, product.Release(t))
			s.until("why=schedule outcome=done")
			s.signal(syscall.SIGTERM)
			if code := s.end(); code != 0 {
				t.Errorf("exit %d\n%s", code, s.logged())
			}
			l.End()
			checkDigest(t, often, digest(t, topic))
			collected(t, often)
		})
	}
}
