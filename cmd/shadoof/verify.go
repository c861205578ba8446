package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

func (a *app) newVerifyCommand() *cobra.Command {
	var deep bool
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Account for every committed offset",
		Long: `Verify reads the logs of the selected topics from their first record, checks that rows, quarantined records and explained gaps make up
every committed offset, and compares the folders with the files that the logs name. --deep also reads every file back and compares its
rows, and which offsets they came from. It reads the store only, not Kafka.`,
		Example: "  shadoof verify --deep --topic tracking.page-view",
		Annotations: exits(exitLine{jobs.ExitDone, "everything is accounted for"}, exitLine{jobs.ExitFailed, "could not be looked at; try again"},
			exitLine{jobs.ExitUsage, ""}, exitLine{jobs.ExitHalted, "there is a difference: a person must look"}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				report, err := env.Verify(ctx, a.sel, deep)
				if err != nil {
					return err
				}
				if err := a.print(report, func(w io.Writer) error { return printVerify(w, report) }); err != nil {
					return err
				}
				return status(report.ExitCode())
			})
		}),
	}
	a.selectJobs(cmd)
	cmd.Flags().BoolVar(&deep, "deep", false, "read the files back")
	return cmd
}

func printVerify(w io.Writer, r *jobs.VerifyReport) error {
	if len(r.Topics) == 0 {
		_, err := fmt.Fprintln(w, "nothing was committed yet")
		return err
	}
	t := ui.NewTable("TOPIC", ">PARTITION", ">FROM", ">TO", ">OFFSETS", ">ROWS", ">QUARANTINED", "GAPS")
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			t.Row(topic.Topic, p.Partition, p.Start, p.Next, p.Offsets, p.Rows, p.Quarantined, counted(p.Gaps))
		}
	}
	if err := t.Print(w); err != nil {
		return err
	}
	how := "logs and folders agree"
	if r.Deep {
		how = "logs, folders and the rows of every file agree"
	}
	for _, topic := range r.Topics {
		verdict := how
		if n := len(topic.Differences); n > 0 {
			verdict = ui.Plural(n, "difference")
		}
		if len(topic.Pending) > 0 {
			verdict += fmt.Sprintf("; version %s is committed and not carried out yet, the next run does it", versions(topic.Pending))
		}
		var rows, quarantined int64
		for _, p := range topic.Partitions {
			rows += p.Rows
			quarantined += p.Quarantined
		}
		if _, err := fmt.Fprintf(w, "%s: version %d, %s, %s and %s in quarantine, %s: %s\n", topic.Topic, topic.Version, ui.Plural(topic.Files, "file"),
			ui.Plural(rows, "row"), ui.Count(quarantined), ui.Bytes(topic.Bytes), verdict); err != nil {
			return err
		}
		for _, p := range topic.Partitions {
			if p.Before == 0 {
				continue
			}
			if _, err := fmt.Fprintf(w, "  partition %d: %s below %s among them, by backfills\n", p.Partition, ui.Plural(p.Before, "offset"), ui.Count(p.Start)); err != nil {
				return err
			}
		}
		for _, d := range topic.Differences {
			if _, err := fmt.Fprintf(w, "  %s\n", d); err != nil {
				return err
			}
		}
	}
	return nil
}

// counted writes gaps by reason.
func counted(gaps map[string]int64) string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(gaps)) {
		if n := gaps[reason]; n != 0 {
			parts = append(parts, ui.Count(n)+" "+reason)
		}
	}
	if len(parts) == 0 {
		return "-"
	}
	return strings.Join(parts, ", ")
}
