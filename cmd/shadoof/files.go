package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

func (a *app) newFilesCommand() *cobra.Command {
	var topic, bucket string
	var at int64
	cmd := &cobra.Command{
		Use:   "files --topic TOPIC",
		Short: "List the live, published files of a topic",
		Long: `Files lists the live, published files of a topic by key: what a reader of its folder sees, and which version put it there. It reads
the store only, not Kafka. ` + "`shadoof help files drop`" + ` is about removing old ones.`,
		Example: `  shadoof files --topic tracking.page-view --bucket dt=2026-11-20/hr=13
  shadoof files --topic tracking.page-view --at 7 --json | jq -r .key`,
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if at < 0 {
				return usagef("--at %d: versions count from 1", at)
			}
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				list, err := env.Files(ctx, topic, bucket, at)
				if err != nil {
					return err
				}
				return printList(a, list, func(w io.Writer) error { return printFiles(w, list) })
			})
		}),
	}
	oneTopic(cmd, &topic)
	cmd.Flags().StringVar(&bucket, "bucket", "", "only this time `folder`, such as dt=2026-11-20/hr=13")
	cmd.AddCommand(a.newFilesDropCommand())
	cmd.Flags().Int64Var(&at, "at", 0, "as of this `version` of the log; 0 for the newest")
	return cmd
}

func printFiles(w io.Writer, list []jobs.FileInfo) error {
	t := ui.NewTable("FILE", ">ROWS", ">BYTES", "FROM", "TO", ">VERSION")
	var rows, bytes int64
	for _, f := range list {
		t.Row(f.Key, f.Rows, ui.Bytes(f.Bytes), ui.Millis(f.MinTime), ui.Millis(f.MaxTime), strconv.FormatInt(f.V, 10))
		rows += f.Rows
		bytes += f.Bytes
	}
	if err := t.Print(w); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "%s, %s, %s\n", ui.Plural(len(list), "file"), ui.Plural(rows, "row"), ui.Bytes(bytes))
	return err
}
