package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

func (a *app) newOffsetsMirrorCommand() *cobra.Command {
	var r jobs.MirrorRequest
	cmd := &cobra.Command{
		Use:   "mirror",
		Short: "Write committed offsets to a consumer group, for lag tools",
		Long: `Mirror writes the committed offsets of the selected topics into a Kafka consumer group, so that tools that show the lag of groups show
that of the lake. It is a copy: runs never read it. Kafka forgets the positions of a group without members after a while
(offsets.retention.minutes, 7 days), so mirror after each run.

It refuses a group with active members, positions that somebody else has put there (but with --take-over), and a topic that is not the
one that was lifted.`,
		Example: "  shadoof offsets mirror --dry-run\n  shadoof run; shadoof offsets mirror --group lake",
		Annotations: exits(exitLine{jobs.ExitDone, ""}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, "wrong usage, or a group that is in use"},
			exitLine{jobs.ExitPartial, "some topics are done, others failed; try again"}, exitLine{jobs.ExitHalted, "a topic was recreated, moved or truncated: a person must decide"}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			r.Selection = a.sel
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				report, err := env.Mirror(ctx, r)
				if err != nil {
					return err
				}
				if err := a.print(report, func(w io.Writer) error { return printMirror(w, report) }); err != nil {
					return err
				}
				return status(report.ExitCode())
			})
		}),
	}
	a.selectJobs(cmd)
	cmd.Flags().StringVar(&r.Group, "group", "", "the consumer `group`; shadoof-JOB, one for each job, when it is not given")
	cmd.Flags().BoolVar(&r.TakeOver, "take-over", false, "also where somebody else has put positions: whoever goes on from them skips or repeats records")
	cmd.Flags().BoolVar(&r.DryRun, "dry-run", false, "write nothing, say what would be written")
	return cmd
}

func printMirror(w io.Writer, r *jobs.MirrorReport) error {
	t := ui.NewTable("GROUP", "TOPIC", ">PARTITION", ">WAS", ">NOW")
	partitions, failed := 0, 0
	for _, topic := range r.Topics {
		if topic.Err != nil {
			failed++
			continue
		}
		for _, p := range topic.Partitions {
			was := "-"
			if p.Was >= 0 {
				was = ui.Count(p.Was)
			}
			t.Row(topic.Group, topic.Topic, p.Partition, was, p.Offset)
			partitions++
		}
	}
	if t.Len() > 0 {
		if err := t.Print(w); err != nil {
			return err
		}
	}
	for _, topic := range r.Topics {
		if topic.Err != nil {
			if _, err := fmt.Fprintf(w, "%s: %s\n", topic.Topic, topic.Error); err != nil {
				return err
			}
		}
	}
	done := "were written"
	if r.DryRun {
		done = "would be written"
	}
	_, err := fmt.Fprintf(w, "%s of %s %s\n", ui.Plural(partitions, "position"), ui.Plural(len(r.Topics)-failed, "topic"), done)
	return err
}

func (a *app) newOffsetsImportCommand() *cobra.Command {
	var r jobs.ImportRequest
	var file, reason string
	var existing bool
	cmd := &cobra.Command{
		Use:   "import (--group GROUP | --file FILE)",
		Short: "Begin topics where another tool stopped",
		Long: `Import records the first positions of topics that were never read: from the consumer group of the tool that lifted them before, or
from a file with lines topic,partition,offset (# begins a comment). The next run goes on from there. Stop the other tool first.

All topics are checked before anything is written. A topic that has a commit log is refused, unless it begins exactly there; so is a
position below the start or behind the end of the log in Kafka, and a partition without a position (but with --missing).`,
		Example: "  shadoof offsets import --group connect-hdfs-sink --dry-run\n  shadoof offsets import --file positions.csv --topic orders --missing earliest",
		Annotations: exits(exitLine{jobs.ExitDone, ""}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, "wrong usage, a topic that has a log, a position that does not fit; nothing was touched"},
			exitLine{jobs.ExitHalted, "the folder of a topic holds another tool's files, a log was lost, or the store is unfit: a person must decide"},
			exitLine{jobs.ExitUnknown, ""}),
		Args: cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if r.Missing != "" && r.Missing != "earliest" && r.Missing != "latest" {
				return usagef("--missing %q: want earliest or latest", r.Missing)
			}
			if r.Group == "" && file == "" {
				return usagef("--group or --file is empty")
			}
			if existing != (reason != "") {
				return usagef("--accept-existing and --reason go together: the log keeps why")
			}
			if existing {
				by, err := decision(reason)
				if err != nil {
					return err
				}
				r.Existing = &by
			}
			var err error
			if file != "" {
				if r.File, err = readPositions(file); err != nil {
					return err
				}
			}
			r.Selection = a.sel
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				report, err := env.Import(ctx, r)
				if err != nil {
					return err
				}
				return a.print(report, func(w io.Writer) error { return printImport(w, report) })
			})
		}),
	}
	a.selectJobs(cmd)
	f := cmd.Flags()
	f.StringVar(&r.Group, "group", "", "the consumer `group` of the other tool")
	f.StringVar(&file, "file", "", "a `file` with lines topic,partition,offset")
	f.StringVar(&r.Missing, "missing", "", "`end` of the log at which partitions without a position begin, earliest or latest; they are refused when it is not given")
	f.BoolVar(&existing, "accept-existing", false, "the topics' folders hold files of another tool, which stay as they are")
	f.StringVar(&reason, "reason", "", "why, for the log; with --accept-existing")
	f.BoolVar(&r.DryRun, "dry-run", false, "write nothing, say what would be written")
	cmd.MarkFlagsMutuallyExclusive("group", "file")
	cmd.MarkFlagsOneRequired("group", "file")
	return cmd
}

func readPositions(name string) ([]jobs.FilePosition, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, usage(err)
	}
	defer f.Close()
	return jobs.ParsePositions(name, f)
}

func printImport(w io.Writer, r *jobs.ImportReport) error {
	t := ui.NewTable("TOPIC", ">PARTITION", ">BEGINS AT", "BY", ">START", ">END", "OUTCOME")
	for _, topic := range r.Topics {
		for _, p := range topic.Partitions {
			t.Row(topic.Topic, p.Partition, p.Start, p.From, p.LogStart, p.End, string(topic.Outcome))
		}
	}
	return t.Print(w)
}
