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

// hoursShown is how many time folders people see without --all.
const hoursShown = 48

func (a *app) newHoursCommand() *cobra.Command {
	var topic, bucket string
	var all bool
	cmd := &cobra.Command{
		Use:   "hours --topic TOPIC",
		Short: "List the time folders of a topic: rows, files, and whether they are complete",
		Long: fmt.Sprintf(`Hours lists the time folders of a topic that hold live, published data files, the last %d of them, and says since when each is complete,
or what it waits for. LATE are rows that came when the folder was complete already.

A folder is complete when every partition has passed its end by complete.lateness, or stood at the end of its log for complete.idle.
Where complete.marker is set a run says so in the commit log, and creates an empty _SUCCESS in the folder; otherwise it is judged as
things stand now. Kafka is asked where the partitions end; without it the commit log alone is judged by.`, hoursShown),
		Example: `  shadoof hours --topic tracking.page-view
  shadoof hours --topic tracking.page-view --bucket dt=2026-11-20/hr=13 --json | jq -e .complete`,
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				list, err := env.Hours(ctx, topic, bucket)
				if err != nil {
					return err
				}
				left := 0
				if !all && len(list) > hoursShown {
					left = len(list) - hoursShown
					list = list[left:]
				}
				return printList(a, list, func(w io.Writer) error { return printHours(w, list, left) })
			})
		}),
	}
	oneTopic(cmd, &topic)
	cmd.Flags().StringVar(&bucket, "bucket", "", "only this time `folder`, such as dt=2026-11-20/hr=13")
	cmd.Flags().BoolVar(&all, "all", false, fmt.Sprintf("not only the last %d", hoursShown))
	return cmd
}

func printHours(w io.Writer, list []jobs.Hour, left int) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "there is no such folder with published files")
		return err
	}
	t := ui.NewTable("BUCKET", ">ROWS", ">FILES", ">BYTES", ">LATE", "COMPLETE")
	for _, h := range list {
		complete := "no: " + h.Why
		switch {
		case h.Since != nil:
			complete = "since " + ui.Time(*h.Since)
		case h.Complete:
			complete = "yes"
		}
		t.Row(h.Bucket, h.Rows, h.Files, ui.Bytes(h.Bytes), h.Late, complete)
	}
	if err := t.Print(w); err != nil || left == 0 {
		return err
	}
	_, err := fmt.Fprintf(w, "%s before these are left out: --all shows them\n", ui.Plural(left, "folder"))
	return err
}
