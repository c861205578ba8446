package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

func (a *app) newFilesDropCommand() *cobra.Command {
	var r jobs.DropRequest
	var before, reason string
	cmd := &cobra.Command{
		Use:   "drop --topic TOPIC --before DATE",
		Short: "Remove old time folders, by a record of the log",
		Long: `Drop removes the files of time folders all times of which are before DATE: an RFC 3339 time, or a date, which is 00:00 in the job's zone. The
layout by which a file was made decides; files in folders that name no time stay. Records of the log say who dropped what and why; verify counts
the rows as dropped. Committed offsets stay where they are, and runs may go on meanwhile. A run that lifts a late record makes its folder anew.

It reads the store only, not Kafka. Repeat it as often as you like: it is fit for cron.`,
		Example: `  shadoof files drop --topic tracking.page-view --before 2025-11-01 --dry-run
  shadoof files drop --topic tracking.page-view --before "$(date -d '-400 days' +%F)" --quarantine`,
		Annotations: exits(exitLine{jobs.ExitDone, "done, also when nothing is old enough"}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, ""},
			exitLine{jobs.ExitPartial, "some are dropped, or committed and not yet all gone: try again"}, exitLine{jobs.ExitHalted, ""}, exitLine{jobs.ExitUnknown, ""}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(cfg *config.Config, env *jobs.Env) error {
				var err error
				if r.Before, err = env.TimeFor(r.Topic, before); err != nil {
					return err
				}
				if reason == "" {
					reason = "files drop --before " + before
				}
				if r.Decision, err = decision(reason); err != nil {
					return err
				}
				report, err := env.DropFiles(ctx, r)
				return a.dropped(report, err)
			})
		}),
	}
	oneTopic(cmd, &r.Topic)
	f := cmd.Flags()
	f.StringVar(&before, "before", "", "what ends at this `date` or time, or before")
	must(cmd.MarkFlagRequired("before"))
	f.BoolVar(&r.Quarantine, "quarantine", false, "also quarantine files of days (of their commits, in UTC) before it")
	f.StringVar(&r.Bucket, "bucket", "", "only this time `folder`, such as dt=2026-11-20/hr=13")
	f.StringVar(&reason, "reason", "", "why, for the log; the command itself by default")
	f.BoolVar(&r.DryRun, "dry-run", false, "write nothing, only say what would go")
	return cmd
}

// dropped prints what was removed.
func (a *app) dropped(r *jobs.DropReport, err error) error {
	if r == nil || err != nil && len(r.Versions) == 0 {
		return err
	}
	if perr := a.print(r, func(w io.Writer) error { return printDropped(w, r) }); err == nil {
		err = perr
	}
	return err
}

func printDropped(w io.Writer, r *jobs.DropReport) error {
	if len(r.Buckets) > 0 {
		t := ui.NewTable("FOLDER", "KIND", ">FILES", ">ROWS", ">BYTES")
		for _, b := range r.Buckets {
			t.Row(b.Bucket, b.Kind, b.Files, b.Rows, ui.Bytes(b.Bytes))
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	text := fmt.Sprintf("%s: %s with %s, %s", r.Topic, ui.Plural(r.Files, "file"), ui.Plural(r.Rows, "row"), ui.Bytes(r.Bytes))
	switch {
	case r.Files == 0:
		text += ": nothing changes"
	case r.DryRun:
		text += "; this was a dry run, nothing was changed"
	default:
		text += ": dropped by version " + versions(r.Versions)
	}
	if r.Undated > 0 {
		text += fmt.Sprintf("; %s in folders that name no time stay", ui.Plural(r.Undated, "file"))
	}
	_, err := fmt.Fprintln(w, text)
	return err
}
