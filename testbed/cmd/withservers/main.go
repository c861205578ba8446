// Withservers starts the servers that tests share, runs a command with their addresses in its environment, and stops them.
//
//	go run ./cmd/withservers -- go test ./...
//
// Without a command it prints the addresses as lines for a shell and waits for an interrupt. Its exit status is the command's.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"shadoof/testbed/cache"
	"shadoof/testbed/process"
)

// grace is how long the command may take to end after an interrupt.
const grace = 10 * time.Second

func main() {
	// The kernel's promise of EndWithParent is for the thread that asked.
	runtime.LockOSThread()
	code, err := run()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	os.Exit(code)
}

func run() (int, error) {
	check := flag.Bool("check", false, "only check that what the testbed needs is installed")
	only := flag.String("servers", strings.Join(names(), ","), "which servers to start")
	flag.Parse()
	if err := process.EndWithParent(); err != nil {
		return 1, err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := cache.Check(ctx); *check || err != nil {
		return exitCode(err), err
	}
	started, err := startAll(ctx, strings.Split(*only, ","))
	code := 1
	if err == nil {
		if flag.NArg() > 0 {
			code, err = command(ctx, flag.Args(), started.env())
		} else {
			code = wait(ctx, started.env())
		}
	}
	return code, errors.Join(err, started.stop(code != 0))
}

func exitCode(err error) int {
	if err != nil {
		return 1
	}
	return 0
}

// command runs the command in a process group of its own: an interrupt from the terminal reaches it once, from here, and the
// servers not at all before it has ended.
func command(ctx context.Context, args, env []string) (int, error) {
	p, err := process.Start(process.Spec{Name: args[0], Args: args, Env: env, Stdout: os.Stdout, Stderr: os.Stderr})
	if err != nil {
		return 1, err
	}
	select {
	case <-p.Done():
		return p.ExitCode(), nil
	case <-ctx.Done():
		return 1, errors.Join(errors.New("testbed: interrupted"), p.Signal(syscall.SIGINT), p.Stop(grace))
	}
}

func wait(ctx context.Context, env []string) int {
	slices.Sort(env)
	for _, e := range env {
		name, value, _ := strings.Cut(e, "=")
		fmt.Printf("export %s='%s'\n", name, value)
	}
	fmt.Fprintln(os.Stderr, "servers are up until you interrupt this (Ctrl-C)")
	<-ctx.Done()
	return 0
}
