package main

import (
	"context"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

type runOptions struct {
	shard string
	until string
}

func (a *app) newRunCommand() *cobra.Command {
	var o runOptions
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Lift the selected jobs once, now",
		Long: `Run lifts the topics of the selected jobs once: from their committed offsets to the end that stands now. It first finishes what an
earlier run left committed and not yet visible. Any number of runs may work at the same time; --shard spreads the partitions over
them.

SIGTERM and SIGINT stop the reading; what is staged is committed if that fits in shutdown_grace. A second signal ends the process at
once, with status 130 or 143; that is safe: the next run goes on from the last commit.`,
		Example: `  shadoof run --job tracking
  shadoof run --shard 0/4                 # or JOB_COMPLETION_INDEX with SHADOOF_SHARDS
  shadoof run --until 2026-11-20T13:00:00Z`,
		Annotations: exits(
			exitLine{jobs.ExitDone, "every selected partition is at or past the end fixed at the start, or a limit of the job was reached"},
			exitLine{jobs.ExitFailed, "failed, nothing new was committed; try again"},
			exitLine{jobs.ExitUsage, "wrong usage or configuration, two jobs on one topic; nothing was touched: fix it"},
			exitLine{jobs.ExitPartial, ""},
			exitLine{jobs.ExitHalted, "halted: a person must decide (records lost before they were read, topic recreated, log damaged, store unfit); see `shadoof help resolve`"},
			exitLine{jobs.ExitUnknown, ""}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error { return a.run(ctx, o) }),
	}
	a.selectJobs(cmd)
	cmd.Flags().StringVar(&o.shard, "shard", "", "only the partitions that fall to worker I of N, `I/N`, with I from 0")
	cmd.Flags().StringVar(&o.until, "until", "", "only records before this `time`, by the brokers' time index")
	return cmd
}

func (a *app) run(ctx context.Context, o runOptions) error {
	shard, shards, err := a.shard(o.shard)
	if err != nil {
		return err
	}
	progress, stop := a.progress()
	defer stop()
	cfg, err := a.load()
	if err != nil {
		return err
	}
	ro := jobs.RunOptions{Selection: a.sel, Shard: shard, Shards: shards, Hard: a.stop.hard}
	if o.until != "" {
		if ro.Until, err = when(cfg, a.sel, o.until); err != nil {
			return err
		}
	}
	began := time.Now()
	report, err := a.lift(ctx, cfg, ro, progress)
	stop()
	a.leave(ctx, cfg, ro, began, report, err)
	if report == nil {
		return err
	}
	if perr := a.print(report, func(w io.Writer) error { return printRun(w, report) }); err == nil {
		err = perr
	}
	if err == nil {
		err = status(report.ExitCode())
	}
	return err
}

// lift connects what the configuration names, and runs its jobs.
func (a *app) lift(ctx context.Context, cfg *config.Config, o jobs.RunOptions, progress jobs.Progress) (*jobs.RunReport, error) {
	env, done, err := a.connect(ctx, cfg, progress)
	if err != nil {
		return nil, err
	}
	defer done()
	return env.Run(ctx, o)
}

// shard reads I/N, or what Kubernetes tells a worker of an indexed Job. Without both, shards is 0.
func (a *app) shard(flag string) (shard, shards int, err error) {
	text, source := flag, "--shard"
	if text == "" {
		n, set := a.env("SHADOOF_SHARDS")
		if !set || n == "" {
			return 0, 0, nil
		}
		i, set := a.env("JOB_COMPLETION_INDEX")
		if !set || i == "" {
			return 0, 0, usagef("SHADOOF_SHARDS is set, and JOB_COMPLETION_INDEX is not: which worker is this?")
		}
		text, source = i+"/"+n, "JOB_COMPLETION_INDEX/SHADOOF_SHARDS"
	}
	first, second, _ := strings.Cut(text, "/")
	shard, err1 := strconv.Atoi(first)
	shards, err2 := strconv.Atoi(second)
	if err1 != nil || err2 != nil || shard < 0 || shards < 1 || shard >= shards {
		return 0, 0, usagef("%s %q: want I/N with 0 <= I < N", source, text)
	}
	return shard, shards, nil
}

// progress shows how a run gets on: on a terminal in place, elsewhere in the log. stop may be called more than once.
func (a *app) progress() (p jobs.Progress, stop func()) {
	tally := ui.NewTally(time.Now)
	ctx, cancel := context.WithCancel(context.Background())
	show := (&ui.Logged{Tally: tally, Log: a.log, Every: 30 * time.Second}).Run
	if f, ok := a.stderr.(*os.File); ok && a.logFormat == "text" {
		if screen := ui.Terminal(f, tally); screen != nil {
			show = screen.Run
			a.logs.to(screen)
		}
	}
	var showing sync.WaitGroup
	showing.Go(func() { show(ctx) })
	return &runProgress{tally}, func() {
		cancel()
		showing.Wait()
		a.logs.to(a.stderr)
	}
}

// runProgress is what jobs reports to.
type runProgress struct{ *ui.Tally }

func (p *runProgress) End(r *jobs.TopicReport) { p.Tally.End(r.Topic) }
