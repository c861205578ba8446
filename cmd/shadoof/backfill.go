package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/offsets"
)

type backfillOptions struct {
	jobs.BackfillRequest
	into     string
	shard    string
	lateness time.Duration
}

func (a *app) newBackfillCommand() *cobra.Command {
	var o backfillOptions
	cmd := &cobra.Command{
		Use:   "backfill --topic TOPIC --from X [--to Y] [--partition P]... [--replace | --into URL] [--dry-run]",
		Short: "Lift a part of a topic beside its runs: what was missed, once more, or to another root",
		Long: `Backfill lifts what lies from X to Y of a topic. X and Y are offsets, RFC 3339 times, dates (00:00 in the job's zone), earliest (what Kafka
still has) or latest. It never moves committed offsets, and runs may go on meanwhile. Try --dry-run first.

  without a flag   only ranges below the committed offset that nothing covers: skipped ones, and what lies before the topic's start
  --replace        bundles of files that have something of it are lifted again and swapped, whole: the plan shows their ranges. A bundle that
                   would have fewer rows and quarantined records than before stays as it is, unless --allow-fewer says otherwise (exit 4)
  --into URL       to another root with a log of its own, which begins at X; options of the store are those of the configuration

A time means: every record whose Kafka timestamp is not before X, and before Y, wherever it stands. With --replace that holds always: the log
knows the times of files. Otherwise a record from before Y is missed that stands behind the first one of Y + --lateness.

--swap says what readers may see for a moment while files change places:
  hide-first       some rows not at all: the old files go first
  show-first       some rows twice: the new files become visible, then the old ones go

It can be stopped and repeated: what is done is not done again. A --replace needs --at for that, with the version that its plan showed: it
leaves alone what came after that version. Exit 2 says that Kafka no longer has what is asked for, and what it has.`,
		Example: `  shadoof backfill --topic orders --from 2026-11-20T10:00:00Z --to 2026-11-20T13:00:00Z --dry-run
  shadoof backfill --topic orders --from 2026-11-20 --replace --partition 7
  shadoof backfill --topic orders --from earliest --into s3://lake/kafka-by-day --shard 0/4`,
		Annotations: exits(
			exitLine{jobs.ExitDone, "all of it is lifted, by whomever, or a limit of the job was reached; or there is nothing to do"},
			exitLine{jobs.ExitFailed, "failed, nothing new was committed; try again"},
			exitLine{jobs.ExitUsage, "nothing was touched: wrong usage or configuration, or Kafka has nothing of it, or not all"},
			exitLine{jobs.ExitPartial, "some of it is lifted; or committed and not yet all visible; try again"},
			exitLine{jobs.ExitHalted, "halted: a person must decide (fewer rows came back, the topic was recreated, log damaged, store unfit)"},
			exitLine{jobs.ExitUnknown, ""}),
		Args: cobra.NoArgs,
	}
	cmd.RunE = a.action(func(ctx context.Context, _ []string) error {
		if err := o.check(cmd.Flags().Changed); err != nil {
			return err
		}
		return a.backfill(ctx, &o)
	})
	oneTopic(cmd, &o.Topic)
	f := cmd.Flags()
	f.StringVar(&o.From, "from", "", "begin at `X`: an offset, a time, a date, or earliest")
	must(cmd.MarkFlagRequired("from"))
	f.StringVar(&o.To, "to", "latest", "end before `Y`: an offset, a time, a date, or latest")
	f.Int32SliceVar(&o.Partitions, "partition", nil, "only this `partition`; repeatable")
	f.Lookup("partition").DefValue = ""
	f.BoolVar(&o.Replace, "replace", false, "lift again what is there")
	f.StringVar(&o.Swap, "swap", offsets.HideFirst, "`order` of the swap: hide-first or show-first")
	f.BoolVar(&o.AllowFewer, "allow-fewer", false, "replace also what comes back with fewer rows")
	f.Int64Var(&o.At, "at", 0, "replace only what was there after this `version` of the log")
	f.StringVar(&o.into, "into", "", "lift to the root at this `URL`")
	f.StringVar(&o.shard, "shard", "", "only the partitions, or bundles, that fall to worker I of N, `I/N`, with I from 0")
	f.DurationVar(&o.lateness, "lateness", -1, "how late records may be where Y is a time; complete.lateness of the job by default")
	f.Lookup("lateness").DefValue = "0s" // not shown
	f.BoolVar(&o.DryRun, "dry-run", false, "write nothing, only show what would be read and replaced")
	cmd.MarkFlagsMutuallyExclusive("replace", "into")
	must(cmd.RegisterFlagCompletionFunc("swap", cobra.FixedCompletions([]string{offsets.HideFirst, offsets.ShowFirst}, cobra.ShellCompDirectiveNoFileComp)))
	return cmd
}

// check refuses flags that have no effect without others.
func (o *backfillOptions) check(given func(string) bool) error {
	for _, name := range []string{"swap", "allow-fewer", "at"} {
		if given(name) && !o.Replace {
			return usagef("--%s has no effect without --replace", name)
		}
	}
	if given("lateness") {
		if o.lateness < 0 {
			return usagef("--lateness %s is negative", o.lateness)
		}
		o.Lateness = &o.lateness
	}
	return nil
}

func (a *app) backfill(ctx context.Context, o *backfillOptions) (err error) {
	if o.Shard, o.Shards, err = a.shard(o.shard); err != nil {
		return err
	}
	o.Hard = a.stop.hard
	progress, stop := a.progress()
	defer stop()
	return a.withJobs(ctx, progress, func(cfg *config.Config, env *jobs.Env) error {
		if o.into != "" {
			in, done, err := a.connectInto(ctx, cfg, o.into, progress)
			if err != nil {
				return err
			}
			defer done()
			o.Into = in
		}
		report, err := env.Backfill(ctx, o.BackfillRequest)
		stop()
		if err != nil {
			return err
		}
		if err := a.print(report, func(w io.Writer) error { return printBackfill(w, report, o.BackfillRequest) }); err != nil {
			return err
		}
		return status(report.ExitCode())
	})
}

// connectInto makes the parts of another root, whose store has the options of the configuration's.
func (a *app) connectInto(ctx context.Context, cfg *config.Config, url string, progress jobs.Progress) (_ *jobs.Env, done func(), err error) {
	other := *cfg
	if other.Store, err = cfg.Store.At(url); err != nil {
		return nil, nil, usagef("--into: %w", err)
	}
	return a.connect(ctx, &other, progress)
}

func printBackfill(w io.Writer, report *jobs.BackfillReport, r jobs.BackfillRequest) error {
	p := report.Plan
	if report.Result == nil || p.Mode == jobs.ModeReplace {
		if err := printBackfillPlan(w, p); err != nil {
			return err
		}
	}
	for _, note := range p.Notes {
		if _, err := fmt.Fprintf(w, "%s: %s\n", p.Topic, note); err != nil {
			return err
		}
	}
	if report.Result == nil {
		_, err := fmt.Fprintf(w, "%s: %s; this was a dry run, nothing was changed\n", p.Topic, backfillSum(p))
		return err
	}
	if err := printRun(w, &jobs.RunReport{Topics: []*jobs.TopicReport{report.Result}}); err != nil {
		return err
	}
	if p.Mode == jobs.ModeReplace && report.Result.Commits > 0 && (report.ExitCode() != jobs.ExitDone || report.Result.Outcome == jobs.Limited) {
		r.At = p.At
		_, err := fmt.Fprintf(w, "%s: `%s` goes on where it stands\n", p.Topic, r.Command())
		return err
	}
	return nil
}

// backfillSum says what a plan comes to.
func backfillSum(p *jobs.BackfillPlan) string {
	text := fmt.Sprintf("%s to read", ui.Plural(p.Offsets, "offset"))
	switch p.Mode {
	case jobs.ModeReplace:
		text += fmt.Sprintf(", for %s with %s and %s now, %s, --at %d", ui.Plural(len(p.Bundles), "bundle"), ui.Plural(p.Rows, "row"),
			ui.Plural(p.Quarantined, "quarantined record"), p.Swap, p.At)
	case jobs.ModeInto:
		text += ", into " + p.Root
	}
	return text
}

func printBackfillPlan(w io.Writer, p *jobs.BackfillPlan) error {
	t := ui.NewTable(">PARTITION", ">ASKED FROM", ">TO", ">IN KAFKA FROM", ">TO", ">COMMITTED")
	for _, at := range p.Partitions {
		committed := "never"
		if at.Committed >= 0 {
			committed = ui.Count(at.Committed)
		}
		t.Row(at.Partition, at.From, at.To, at.LogStart, at.End, committed)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	if len(p.Ranges)+len(p.LeftAlone) > 0 {
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	if p.Mode != jobs.ModeReplace {
		t = ui.NewTable(">PARTITION", ">READ FROM", ">TO", ">OFFSETS")
		for _, r := range p.Ranges {
			t.Row(r.Partition, r.From, r.To, r.Offsets)
		}
		return printUnlessEmpty(w, t)
	}
	t = ui.NewTable(">VERSION", ">BUNDLE", ">PARTITION", ">READ FROM", ">TO", ">ROWS NOW", ">QUARANTINED", ">DROPPED", "REPLACED BY")
	for _, b := range append(p.Bundles, p.LeftAlone...) {
		by := b.Why
		switch {
		case b.Replaced > 0:
			by = fmt.Sprintf("version %d: %s, %s quarantined", b.Replaced, ui.Plural(b.NewRows, "row"), ui.Count(b.NewBad))
		case by == "":
			by = "-"
		}
		for i, r := range b.Ranges {
			if i == 0 {
				t.Row(b.V, b.Bundle, r.Partition, r.From, r.To, b.Rows, b.Quarantined, b.Dropped, by)
			} else {
				t.Row("", "", r.Partition, r.From, r.To, "", "", "", "")
			}
		}
	}
	return printUnlessEmpty(w, t)
}

func printUnlessEmpty(w io.Writer, t *ui.Table) error {
	if t.Len() == 0 {
		return nil
	}
	if err := t.Print(w); err != nil {
		return err
	}
	_, err := fmt.Fprintln(w)
	return err
}
