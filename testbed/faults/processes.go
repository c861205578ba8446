package faults

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"shadoof/testbed/faults/history"
	"shadoof/testbed/process"
)

// processes runs the product, and lets faults at what runs.
type processes struct {
	dir    string // of the run
	config string
	env    []string
	record func(history.Event)
	ends   func(context.Context) map[string]map[int32]int64
	newest func(context.Context) (map[string]int64, error)

	mu   sync.Mutex
	n    int
	live map[string]*live // by lane
	logs map[string]*sync.Mutex
}

// A live process has not ended.
type live struct {
	n       int
	process *process.Process
	signals []string
	paused  time.Time     // since when it stands; zero: it does not
	stood   time.Duration // how long it stood before
}

// patience is how long a process may take, not counting when it was made to stand.
const patience = 4 * time.Minute

// An order is what a process is to do.
type order struct {
	who     string
	binary  string
	env     []string
	command []string
	stdout  *os.File // nil: kept and looked at
	causes  []string // signals that env will cause
	resume  bool     // env may stop it: have it go on
	forever bool     // it ends when it is told to
}

// run runs a process to its end.
func (ps *processes) run(ctx context.Context, o order) (*history.Process, error) {
	p := &history.Process{Command: o.command, Signals: nil, Output: filepath.Join("logs", fileName(o.who)+".log")}
	if o.command[0] == "run" {
		p.Ends = ps.ends(ctx)
	}
	ps.mu.Lock()
	ps.n++
	p.N = ps.n
	ps.mu.Unlock()
	out, err := ps.open(p.N, "out")
	if err != nil {
		return nil, err
	}
	defer os.Remove(out.Name())
	defer out.Close()
	stderr, err := ps.open(p.N, "err")
	if err != nil {
		return nil, err
	}
	defer os.Remove(stderr.Name())
	defer stderr.Close()
	stdout := out
	if o.stdout != nil {
		stdout = o.stdout
	}
	begun := time.Now()
	ps.record(history.Event{At: begun, Who: o.who, What: history.Begun, Process: &history.Process{N: p.N, Command: p.Command, Ends: p.Ends}})
	child, err := process.Start(process.Spec{Name: o.who, Args: slices.Concat([]string{"nice", "-n", "5", o.binary, "--config", ps.config}, o.command),
		Env: slices.Concat(ps.env, o.env), Dir: ps.dir, Stdout: stdout, Stderr: stderr})
	if err != nil {
		return nil, err
	}
	l := &live{n: p.N, process: child, signals: o.causes}
	ps.mu.Lock()
	ps.live[o.who] = l
	ps.mu.Unlock()
	p.Hung = ps.await(l, o)
	ps.mu.Lock()
	delete(ps.live, o.who)
	p.Signals = l.signals
	ps.mu.Unlock()
	ended := time.Now()
	p.Code = child.ExitCode()
	ps.look(p, out.Name(), stderr.Name())
	if p.Code == 0 && o.command[0] == "run" {
		p.Newest = ps.atEnd(ctx)
	}
	ps.record(history.Event{At: ended, Who: o.who, What: history.Ended, Process: p})
	return p, ps.keep(o.who, p, begun, ended, out.Name(), stderr.Name())
}

// await waits for the end of a process; it is true where the process had to be ended.
func (ps *processes) await(l *live, o order) bool {
	begun := time.Now()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-l.process.Done():
			return false
		case <-tick.C:
		}
		ps.mu.Lock()
		stood := l.stood
		if !l.paused.IsZero() {
			stood += time.Since(l.paused)
		} else if o.resume && time.Since(begun) > 3*time.Second {
			_ = l.process.Resume()
		}
		late := !o.forever && time.Since(begun)-stood > patience
		ps.mu.Unlock()
		if late {
			_ = l.process.Resume()
			_ = l.process.Signal(syscall.SIGQUIT) // it prints where it hangs
			_ = l.process.Stop(5 * time.Second)
			return true
		}
	}
}

// atEnd is the newest version of each log, as soon as the store says it.
func (ps *processes) atEnd(ctx context.Context) (newest map[string]int64) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	_ = again(ctx, func() (err error) {
		newest, err = ps.newest(ctx)
		return err
	})
	return newest
}

// Running implements nemesis.Processes.
func (ps *processes) Running() []string {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	return slices.Sorted(maps.Keys(ps.live))
}

var signalNames = map[syscall.Signal]string{syscall.SIGKILL: "SIGKILL", syscall.SIGTERM: "SIGTERM", syscall.SIGSTOP: "SIGSTOP", syscall.SIGCONT: "SIGCONT"}

// Signal implements nemesis.Processes.
func (ps *processes) Signal(lane string, sig syscall.Signal) bool {
	ps.mu.Lock()
	l := ps.live[lane]
	if l == nil || !l.process.Running() {
		ps.mu.Unlock()
		return false
	}
	switch sig {
	case syscall.SIGSTOP:
		l.paused = time.Now()
	case syscall.SIGCONT:
		if !l.paused.IsZero() {
			l.stood += time.Since(l.paused)
			l.paused = time.Time{}
		}
	default:
		l.signals = append(l.signals, signalNames[sig])
	}
	err := l.process.Signal(sig)
	ps.mu.Unlock()
	ps.record(history.Event{Who: lane, What: history.Signalled, Text: signalNames[sig], Process: &history.Process{N: l.n}})
	return err == nil
}

// release has everything go on that stands.
func (ps *processes) release() {
	for _, lane := range ps.Running() {
		ps.Signal(lane, syscall.SIGCONT)
	}
}

func (ps *processes) open(n int, ext string) (*os.File, error) {
	name := filepath.Join(ps.dir, "logs", fmt.Sprintf(".%d.%s", n, ext))
	return os.Create(name)
}

// keep appends what a process printed to the log of its lane. Who ended well has nothing to say but its stderr.
func (ps *processes) keep(who string, p *history.Process, begun, ended time.Time, out, stderr string) error {
	ps.mu.Lock()
	if ps.logs[who] == nil {
		ps.logs[who] = &sync.Mutex{}
	}
	lane := ps.logs[who]
	ps.mu.Unlock()
	lane.Lock()
	defer lane.Unlock()
	f, err := os.OpenFile(filepath.Join(ps.dir, p.Output), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer f.Close()
	fmt.Fprintf(f, "=== process %d: shadoof %s\n=== %s to %s, exit %d, signals %v, run %s\n", p.N, commandLine(p.Command), begun.UTC().Format(clockFormat), ended.UTC().Format(clockFormat), p.Code, p.Signals, p.Run)
	for _, name := range []string{out, stderr} {
		if name == out && p.Code == 0 {
			continue
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := f.Write(b); err != nil {
			return err
		}
	}
	return nil
}

const clockFormat = "15:04:05.000"
