package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/offsets"
	"shadoof/record"
)

func (a *app) newQuarantineRetryCommand() *cobra.Command {
	var r jobs.RetryRequest
	var reason string
	cmd := &cobra.Command{
		Use:   "retry --topic TOPIC [--version V]... [--reason REASON] [--dry-run]",
		Short: "Decode records of quarantine again, and make rows of those that fit now",
		Long: `Retry decodes records of quarantine by the settings of today: after a schema, an option or a policy was changed. Each bundle of files in which
some fit is replaced by one that has them as rows, in one record of the log: exactly once, whatever happens meanwhile. Its other data files are
copied as they are. It reads the store only: Kafka may have lost the records long ago.

Times are judged by the clock of the commit that put a record there, as those of its other rows were.

--swap says what readers may see for a moment while the files change places:
  show-first   some rows twice: the new files become visible, then the old ones go. Until then the old ones are there, should the new be lost
  hide-first   some rows not at all: the old files go first. What is staged is then all there is besides Kafka`,
		Example: `  shadoof quarantine retry --topic tracking.page-view --dry-run
  shadoof quarantine retry --topic tracking.page-view --version 7 --reason unfit`,
		Annotations: exits(exitLine{jobs.ExitDone, "done, also when nothing fits"}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, ""},
			exitLine{jobs.ExitPartial, "some versions are done; or committed and not yet all visible: the next run goes on with it"},
			exitLine{jobs.ExitHalted, ""}, exitLine{jobs.ExitUnknown, ""}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			r.Reason = record.Reason(reason)
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				report, err := env.RetryQuarantine(ctx, r)
				if report != nil && (err == nil || len(report.Versions) > 0) {
					if err := a.print(report, func(w io.Writer) error { return printRetry(w, report) }); err != nil {
						return err
					}
				}
				return err
			})
		}),
	}
	oneTopic(cmd, &r.Topic)
	f := cmd.Flags()
	f.Int64SliceVar(&r.Versions, "version", nil, "only what this `version` of the log put there; repeatable")
	f.BoolVar(&r.DryRun, "dry-run", false, "write nothing, only say what would fit")
	f.StringVar(&r.Swap, "swap", offsets.ShowFirst, "`order` of the swap: show-first or hide-first")
	must(cmd.RegisterFlagCompletionFunc("swap", cobra.FixedCompletions([]string{offsets.ShowFirst, offsets.HideFirst}, cobra.ShellCompDirectiveNoFileComp)))
	reasonFlag(cmd, &reason)
	return cmd
}

func printRetry(w io.Writer, r *jobs.RetryReport) error {
	if len(r.Bundles) > 0 {
		t := ui.NewTable(">VERSION", ">BUNDLE", ">TRIED", ">FIT", ">SKIPPED", "LEFT", ">NOT TRIED", "REPLACED BY")
		for _, b := range r.Bundles {
			by := "-"
			switch {
			case b.Replaced > 0:
				by = fmt.Sprintf("version %d", b.Replaced)
			case b.NotTried != "":
				by = b.NotTried
			}
			t.Row(b.V, b.Bundle, b.Tried, b.Fit, b.Skipped, counted(b.Left), b.Untried, by)
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	text := "%s: %s in quarantine tried, %s fit"
	args := []any{r.Topic, ui.Plural(r.Tried, "record"), ui.Count(r.Fit)}
	if r.Skipped > 0 {
		text += ", %s skipped"
		args = append(args, ui.Count(r.Skipped))
	}
	switch {
	case r.Fit+r.Skipped == 0:
		text += ": nothing changes"
	case r.DryRun:
		text += "; this was a dry run, nothing was changed"
	default:
		text += ": version %s"
		args = append(args, versions(r.Versions))
	}
	_, err := fmt.Fprintf(w, text+"\n", args...)
	return err
}
