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

func (a *app) newPlanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show what run would read and write; writes nothing",
		Long: `Plan shows what run would read now, per partition, and what it would write: bytes and files are estimated from the topic's last
commits, requests to the store are the least. Partitions that would make small files share them: it says which. It writes nothing.

What no run lifts, because it was passed over, or a backfill of it was stopped half way, it names with the backfill that would. What a
backfill does in full, also one with --replace or --into, is shown by ` + "`shadoof backfill ... --dry-run`" + `.`,
		Example:     "  shadoof plan --topic tracking.page-view",
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				report, err := env.Plan(ctx, a.sel)
				if err != nil {
					return err
				}
				return a.print(report, func(w io.Writer) error { return printPlan(w, report) })
			})
		}),
	}
	a.selectJobs(cmd)
	return cmd
}

func printPlan(w io.Writer, r *jobs.PlanReport) error {
	t := ui.NewTable("TOPIC", ">PARTITION", ">FROM", ">TO", ">OFFSETS")
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			t.Row(topic.Topic, p.Partition, p.From, p.To, p.Offsets)
		}
	}
	if t.Len() > 0 {
		if err := t.Print(w); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
	}
	for _, topic := range r.Topics {
		for _, line := range planLines(topic) {
			if _, err := fmt.Fprintf(w, "%s: %s\n", topic.Topic, line); err != nil {
				return err
			}
		}
	}
	return nil
}

func planLines(t *jobs.PlanTopic) []string {
	var lines []string
	if t.Problem != "" {
		lines = append(lines, t.Problem)
	}
	lines = append(lines, t.Notes...)
	if len(t.Pending) > 0 {
		lines = append(lines, fmt.Sprintf("version %s is committed and not published yet: the run does that first", versions(t.Pending)))
	}
	switch {
	case t.Offsets == 0 && t.Problem == "":
		lines = append(lines, "nothing to read")
	case t.Offsets > 0 && t.Bytes > 0:
		lines = append(lines, fmt.Sprintf("%s, about %s in %s; %s to the store at least", ui.Plural(t.Offsets, "offset"), ui.Bytes(t.Bytes), ui.Plural(t.Files, "file"),
			ui.Plural(t.Requests.Lists+t.Requests.Reads+t.Requests.Puts, "request")))
	case t.Offsets > 0:
		lines = append(lines, ui.Plural(t.Offsets, "offset")+"; how many bytes and files cannot be told before the first commit")
	}
	if len(t.Bundles) > 0 {
		lines = append(lines, sharing(t.Bundles))
	}
	if len(t.Uncovered) > 0 {
		lines = append(lines, uncovered(t))
	}
	if t.New {
		lines = append(lines, "never read before: begins at the job's start")
	}
	return lines
}

// uncoveredShown is how many ranges are named that no commit covers.
const uncoveredShown = 5

// uncovered names what only a backfill lifts.
func uncovered(t *jobs.PlanTopic) string {
	var n int64
	var ranges []string
	one := true
	for i, p := range t.Uncovered {
		n += p.Offsets
		one = one && p.Partition == t.Uncovered[0].Partition
		if i < uncoveredShown {
			ranges = append(ranges, fmt.Sprintf("%d[%d,%d)", p.Partition, p.From, p.To))
		}
	}
	if more := len(t.Uncovered) - uncoveredShown; more > 0 {
		ranges = append(ranges, fmt.Sprintf("and %d more", more))
	}
	from := "earliest"
	if first := t.Uncovered[0]; one {
		from = fmt.Sprintf("%d --partition %d", first.From, first.Partition)
	}
	return fmt.Sprintf("%s below the committed ones are in no commit, skipped or left by a backfill that was stopped: %s; `shadoof backfill --topic %s --from %s` lifts what is left",
		ui.Plural(n, "offset"), strings.Join(ranges, " "), t.Topic, from)
}

// sharing says which partitions share files.
func sharing(bundles []jobs.PlanBundle) string {
	var parts []string
	shared := false
	for _, b := range bundles {
		shared = shared || len(b.Partitions) > 1
		parts = append(parts, ui.Ranges(b.Partitions))
	}
	switch {
	case !shared:
		return "each partition has files of its own"
	case len(bundles) == 1:
		return "all of these partitions share files"
	}
	return fmt.Sprintf("%d bundles of partitions that share files: %s", len(bundles), strings.Join(parts, "; "))
}
