package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/jobs"
)

// resolved is what `resolve` prints as JSON.
type resolved struct {
	Topic   string `json:"topic"`
	Version int64  `json:"version"` // of the log, after the decision
	Changed bool   `json:"changed"`
}

func (a *app) newResolveCommand() *cobra.Command {
	var topic, reason, into string
	var r jobs.Resolution
	var missing jobs.DropRequest
	cmd := &cobra.Command{
		Use:   "resolve --topic TOPIC (--accept-... | --drop KEY | --drop-missing) --reason TEXT",
		Short: "Decide what a run may not decide, after an exit 4",
		Long: `Resolve writes a person's decision into a topic's log, with the name and the reason, after a run halted:

  --accept-loss        records were deleted before they were read: go on behind them
  --accept-recreated   the topic of this name is another one, or in another cluster: go on with it
  --accept-truncation  the topic was cut back below what was read: go on where it was cut
  --accept-existing    the folder holds files of another tool: they stay as they are
  --accept-schema ID   a schema id of the registry stands for another schema than before: read records by it from here on
  --drop KEY           a committed file can neither be published nor rebuilt, or somebody deleted it: its rows become a gap
  --drop-missing       the same of all files that somebody deleted after they were published; with --bucket, of one time folder`,
		Example: `  shadoof resolve --topic tracking.page-view --accept-loss --reason "retention was 6 hours, INC-4711"`,
		Annotations: exits(exitLine{jobs.ExitDone, ""}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, "wrong usage, or there is nothing of that kind to resolve"},
			exitLine{jobs.ExitHalted, "another decision is needed too"}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			var err error
			if r.Decision, err = decision(reason); err != nil {
				return err
			}
			return a.withJobs(ctx, nil, func(cfg *config.Config, env *jobs.Env) error {
				if into != "" {
					other, done, err := a.connectInto(ctx, cfg, into, nil)
					if err != nil {
						return err
					}
					defer done()
					env, r.Into = other, true
				}
				if missing.Missing {
					missing.Topic, missing.Decision = topic, r.Decision
					return a.dropped(env.DropFiles(ctx, missing))
				}
				if missing.Bucket != "" || missing.DryRun {
					return usagef("--bucket and --dry-run are for --drop-missing")
				}
				v, changed, err := env.Resolve(ctx, topic, r)
				if err != nil {
					return err
				}
				return a.print(resolved{topic, v, changed}, func(w io.Writer) error {
					text := "decided; the log is at version %d\n"
					if !changed {
						text = "nothing had to be decided; the log stays at version %d\n"
					}
					_, err := fmt.Fprintf(w, "%s: "+text, topic, v)
					return err
				})
			})
		}),
	}
	oneTopic(cmd, &topic)
	f := cmd.Flags()
	f.BoolVar(&r.AcceptLoss, "accept-loss", false, "records were deleted before they were read")
	f.BoolVar(&r.AcceptRecreated, "accept-recreated", false, "the topic is another one")
	f.BoolVar(&r.AcceptTruncation, "accept-truncation", false, "the topic was cut back")
	f.BoolVar(&r.AcceptExisting, "accept-existing", false, "the folder holds files of another tool")
	f.Int32Var(&r.AcceptSchema, "accept-schema", 0, "the registry's schema `id` stands for another schema")
	f.StringVar(&r.Drop, "drop", "", "give up the committed file `key`")
	f.BoolVar(&missing.Missing, "drop-missing", false, "give up the files that somebody deleted")
	f.StringVar(&missing.Bucket, "bucket", "", "with --drop-missing: only those of this time `folder`")
	f.BoolVar(&missing.DryRun, "dry-run", false, "with --drop-missing: only say which")
	f.StringVar(&into, "into", "", "decide about the log of the root at this `URL`, which a backfill lifts into")
	f.StringVar(&reason, "reason", "", "why, for the log")
	must(cmd.MarkFlagRequired("reason"))
	kinds := []string{"accept-loss", "accept-recreated", "accept-truncation", "accept-existing", "accept-schema", "drop", "drop-missing"}
	cmd.MarkFlagsMutuallyExclusive(kinds...)
	cmd.MarkFlagsOneRequired(kinds...)
	return cmd
}
