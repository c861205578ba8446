package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/extract"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

// An app is one invocation of the binary.
type app struct {
	stdout, stderr io.Writer
	env            config.Environ

	configFile string
	json       bool
	logLevel   string
	logFormat  string
	sel        jobs.Selection

	acting bool // the command line was understood: an error from here on is not about usage
	log    *slog.Logger
	logs   redirected
	stop   *stopping
	weight []byte // for the garbage collector

	traffic extract.Traffic // is told of connections to brokers, where somebody counts them
}

// main runs the command line and returns the exit status.
func (a *app) main(args []string) int {
	a.logs.to(a.stderr)
	a.log = slog.New(slog.NewTextHandler(&a.logs, nil))
	a.stop = newStopping(os.Exit)
	defer a.stop.close()
	defer a.stop.listen()()
	root := a.root()
	root.SetArgs(args)
	cmd, err := root.ExecuteContextC(a.stop.soft)
	if err != nil && !a.acting {
		err = usagef("%w; see `%s`", err, strings.Join(slices.Insert(strings.Fields(cmd.CommandPath()), 1, "help"), " "))
	}
	return a.exit(err)
}

// exit reports an error, once, and returns the exit status that it stands for.
func (a *app) exit(err error) int {
	code := exitCode(err)
	var told *exitStatus
	if err == nil || errors.As(err, &told) {
		return code
	}
	if errors.Is(err, context.Canceled) && a.stop.soft.Err() != nil {
		err = errors.New("stopped by a signal")
	}
	var problems config.Problems
	switch {
	case a.logFormat == "json":
		a.log.Error(err.Error(), "exit", code)
		if advice := jobs.Advice("", err); advice != "" {
			a.log.Error("what to do: " + advice)
		}
	case errors.As(err, &problems):
		fmt.Fprintf(ui.Harmless(a.stderr), "shadoof: %s in the configuration:\n%v\n", ui.Plural(len(problems), "problem"), problems)
	default:
		fmt.Fprintf(ui.Harmless(a.stderr), "shadoof: %v\n", err)
		if advice := jobs.Advice("", err); advice != "" {
			fmt.Fprintf(ui.Harmless(a.stderr), "what to do: %s\n", advice)
		}
	}
	return code
}

// action makes a command's body out of a function: what it returns is about the work and not about usage.
func (a *app) action(do func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		log, err := a.newLog()
		if err != nil {
			return err
		}
		a.log = log
		a.stop.setLog(log)
		a.acting = true
		return do(cmd.Context(), args)
	}
}

// newLog makes the logger that the flags ask for.
func (a *app) newLog() (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(a.logLevel)); err != nil {
		return nil, fmt.Errorf("--log-level %q: want debug, info, warn or error", a.logLevel)
	}
	o := &slog.HandlerOptions{Level: level}
	switch a.logFormat {
	case "text":
		return slog.New(slog.NewTextHandler(&a.logs, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(&a.logs, o)), nil
	}
	return nil, fmt.Errorf("--log-format %q: want text or json", a.logFormat)
}

// load reads the configuration and bounds the process's memory and its last moments by it.
func (a *app) load() (*config.Config, error) {
	cfg, err := config.Load(a.configFile, a.env)
	if errors.Is(err, os.ErrNotExist) {
		return nil, usagef("%w; name it with --config or SHADOOF_CONFIG, or try `shadoof demo`, which needs none", err)
	}
	if err != nil {
		return nil, usage(err)
	}
	a.limitMemory(cfg, os.DirFS("/"))
	a.stop.setGrace(cfg.ShutdownGrace)
	return cfg, nil
}

// withJobs loads the configuration, connects what it names, and calls do.
func (a *app) withJobs(ctx context.Context, progress jobs.Progress, do func(*config.Config, *jobs.Env) error) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	env, done, err := a.connect(ctx, cfg, progress)
	if err != nil {
		return err
	}
	defer done()
	return do(cfg, env)
}

// print writes a result to stdout: a document as JSON, or what text writes for people.
func (a *app) print(document any, text func(w io.Writer) error) error {
	if a.json {
		return ui.Document(a.stdout, document)
	}
	return text(ui.Harmless(a.stdout))
}

// printList is print for lists, which are JSON lines.
func printList[T any](a *app, list []T, text func(w io.Writer) error) error {
	if a.json {
		return ui.Lines(a.stdout, list)
	}
	return text(ui.Harmless(a.stdout))
}

// selectJobs adds --job and --topic, as often as one likes, to a command.
func (a *app) selectJobs(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&a.sel.Jobs, "job", nil, "only this `job`; repeatable")
	cmd.Flags().StringArrayVar(&a.sel.Topics, "topic", nil, "only this `topic`; repeatable")
	_ = cmd.RegisterFlagCompletionFunc("job", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		cfg, err := config.Load(a.configFile, a.env)
		if err != nil {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		var names []string
		for _, j := range cfg.Jobs {
			names = append(names, j.Name)
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	})
}

// oneTopic adds a --topic that must be given, once.
func oneTopic(cmd *cobra.Command, topic *string) {
	cmd.Flags().StringVar(topic, "topic", "", "the `topic`")
	must(cmd.MarkFlagRequired("topic"))
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// when reads a time of the command line: RFC 3339, or a date, which is 00:00 in the zone of the selected jobs.
func when(cfg *config.Config, sel jobs.Selection, s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	var zones []string
	zone := time.UTC
	for _, j := range cfg.Jobs {
		if name := j.Timezone.String(); (len(sel.Jobs) == 0 || slices.Contains(sel.Jobs, j.Name)) && !slices.Contains(zones, name) {
			zones, zone = append(zones, name), j.Timezone
		}
	}
	t, err := time.ParseInLocation(time.DateOnly, s, zone)
	if err != nil {
		return time.Time{}, usagef("%q is not a time such as 2026-11-20T13:00:00Z, nor a date such as 2026-11-20", s)
	}
	if len(zones) > 1 {
		return time.Time{}, usagef("the date %s is ambiguous: the selected jobs have the zones %v; write a time such as %sT00:00:00Z", s, zones, s)
	}
	return t, nil
}

// redirected is a writer whose goal can change while others write to it.
type redirected struct {
	mu sync.Mutex
	w  io.Writer
}

func (r *redirected) to(w io.Writer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.w = w
}

func (r *redirected) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.w.Write(b)
}
