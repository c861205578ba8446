package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

func (a *app) newCommitsFeedCommand() *cobra.Command {
	var o jobs.FeedOptions
	var text bool
	cmd := &cobra.Command{
		Use:   "feed --topic TOPIC --since VERSION",
		Short: "Tell machines which files each published version added and removed",
		Long: `Feed prints a line of JSON for each published version after --since, in order and without a hole, with the files that it added and
removed: whoever applies every line to an empty set has the live files as of the last. Files of quarantine are among them, with the
kind quarantine. A file marked as gone is one that a later version takes away by now. Folders that are complete from a version on, or not
any more, stand beside.

It stops before the first version that is committed and not published yet, and says so on stderr. --follow waits there, and for
versions to come, until SIGTERM or SIGINT. Keep the last "v", and go on from it with --since. It reads the store only, not Kafka.`,
		Example: `  shadoof commits feed --topic tracking.page-view --since 0 | jq -r '.added[] | select(.kind == "data") | .key'
  shadoof commits feed --topic tracking.page-view --since 41 --follow`,
		Annotations: exits(exitLine{jobs.ExitDone, "every published version after --since was printed; with --follow: stopped by a signal"},
			exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, "wrong usage or configuration, also a version that the log does not hold"},
			exitLine{jobs.ExitHalted, "a commit log is damaged: a person must look"}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if o.Since < 0 {
				return usagef("--since %d: versions count from 1; 0 is the beginning", o.Since)
			}
			if text && a.json {
				return usagef("--text and --json exclude each other")
			}
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error { return a.feed(ctx, env, o, text) })
		}),
	}
	oneTopic(cmd, &o.Topic)
	cmd.Flags().Int64Var(&o.Since, "since", 0, "only versions after this `version`; 0 for all")
	must(cmd.MarkFlagRequired("since"))
	cmd.Flags().BoolVar(&o.Follow, "follow", false, "wait for more, until a signal")
	cmd.Flags().BoolVar(&text, "text", false, "print for people, not JSON")
	return cmd
}

func (a *app) feed(ctx context.Context, env *jobs.Env, o jobs.FeedOptions, text bool) error {
	end, err := env.Feed(ctx, o, func(v *jobs.FeedVersion) error {
		if text {
			return printFeed(a.stdout, v)
		}
		return ui.Lines(a.stdout, []*jobs.FeedVersion{v})
	})
	if err != nil {
		return err
	}
	if end.Pending > 0 {
		a.log.Warn("the feed ends before a version that is committed and not published yet: the next run publishes it", "topic", o.Topic, "version", end.Pending, "newest", end.Newest)
	}
	return nil
}

func printFeed(w io.Writer, v *jobs.FeedVersion) error {
	var b strings.Builder
	fmt.Fprintf(&b, "version %d, %s, %s\n", v.V, v.Type, ui.Time(v.Time))
	for _, f := range v.Added {
		note := ""
		if f.Gone {
			note = ", gone by now"
		}
		fmt.Fprintf(&b, "  + %s (%s, %s, %s%s)\n", f.Key, f.Kind, ui.Plural(f.Rows, "row"), ui.Bytes(f.Bytes), note)
	}
	for _, f := range v.Removed {
		fmt.Fprintf(&b, "  - %s (%s, %s, %s, of version %d)\n", f.Key, f.Kind, ui.Plural(f.Rows, "row"), ui.Bytes(f.Bytes), f.V)
	}
	for _, folder := range v.Complete {
		fmt.Fprintf(&b, "  %s is complete\n", folder)
	}
	for _, folder := range v.Reopened {
		fmt.Fprintf(&b, "  %s is not complete any more\n", folder)
	}
	_, err := io.WriteString(w, b.String())
	return err
}
