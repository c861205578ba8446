package main

import (
	"context"
	"fmt"
	"io"
	"os/user"
	"time"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/offsets"
)

func (a *app) newOffsetsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "offsets COMMAND",
		Short:       "Look at committed offsets and lag; move past records; copy from and to consumer groups",
		Example:     "  shadoof offsets show",
		Annotations: ordinaryExits(),
		Args:        cobra.ArbitraryArgs,
		RunE:        group("show, at-time, skip, mirror, import"),
	}
	cmd.AddCommand(a.newOffsetsShowCommand(), a.newOffsetsAtTimeCommand(), a.newOffsetsSkipCommand(), a.newOffsetsMirrorCommand(), a.newOffsetsImportCommand())
	return cmd
}

func (a *app) newOffsetsShowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show committed offsets, ends and lag",
		Long: `Show prints for each partition of the selected topics: the committed offset, which is the next to be read; where the log in Kafka starts
and ends for readers; and the lag in offsets and in time.`,
		Example:     "  shadoof offsets show --job tracking\n  shadoof offsets show --json | jq 'select(.lag > 1000000)'",
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				list, err := env.Offsets(ctx, a.sel)
				if err != nil {
					return err
				}
				return printList(a, list, func(w io.Writer) error { return printOffsets(w, list) })
			})
		}),
	}
	a.selectJobs(cmd)
	return cmd
}

func printOffsets(w io.Writer, list []jobs.OffsetInfo) error {
	t := ui.NewTable("TOPIC", ">PARTITION", ">COMMITTED", ">START", ">END", ">LAG", ">BEHIND", "NOTE")
	for _, o := range list {
		committed := "never"
		if o.Committed >= 0 {
			committed = ui.Count(o.Committed)
		}
		behind := "-"
		if o.LagSeconds > 0 {
			behind = ui.Duration(time.Duration(o.LagSeconds * float64(time.Second)))
		}
		note := o.Error
		if o.Lost > 0 {
			note = fmt.Sprintf("%s deleted before they were read", ui.Plural(o.Lost, "offset"))
		} else if note == "" && o.HighWatermark > o.End {
			note = fmt.Sprintf("%s behind open transactions", ui.Plural(o.HighWatermark-o.End, "offset"))
		}
		t.Row(o.Topic, o.Partition, committed, o.LogStart, o.End, o.Lag, behind, note)
	}
	return t.Print(w)
}

func (a *app) newOffsetsAtTimeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "at-time TIME",
		Short: "Show the first offsets at or after a time",
		Long: `At-time prints for each partition the first offset whose record is at or after the time, by the brokers' time index: an RFC 3339 time, or
a date, which is 00:00 in the job's zone. Where producers set the time, later records may be older.`,
		Example:     "  shadoof offsets at-time 2026-11-20T13:00:00Z --topic tracking.page-view",
		Annotations: ordinaryExits(),
		Args:        cobra.ExactArgs(1),
		RunE: a.action(func(ctx context.Context, args []string) error {
			return a.withJobs(ctx, nil, func(cfg *config.Config, env *jobs.Env) error {
				t, err := when(cfg, a.sel, args[0])
				if err != nil {
					return err
				}
				list, err := env.OffsetsAt(ctx, a.sel, t)
				if err != nil {
					return err
				}
				return printList(a, list, func(w io.Writer) error {
					table := ui.NewTable("TOPIC", ">PARTITION", ">OFFSET")
					for _, o := range list {
						table.Row(o.Topic, o.Partition, o.Offset)
					}
					return table.Print(w)
				})
			})
		}),
	}
	a.selectJobs(cmd)
	return cmd
}

// skipped is what `offsets skip` prints as JSON.
type skipped struct {
	Topic     string `json:"topic"`
	Partition int32  `json:"partition"`
	From      int64  `json:"from"`
	To        int64  `json:"to"`
}

func (a *app) newOffsetsSkipCommand() *cobra.Command {
	var topic, reason string
	var partition int32
	var to int64
	cmd := &cobra.Command{
		Use:   "skip --topic TOPIC --partition P --to OFFSET --reason TEXT",
		Short: "Move forward over records, as a gap in the log",
		Long: `Skip moves a partition's committed offset forward to --to. The records in between are not lifted; the log keeps them as a gap with your
name and the reason.`,
		Example:     `  shadoof offsets skip --topic tracking.page-view --partition 3 --to 120000 --reason "poison messages, INC-4711"`,
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			by, err := decision(reason)
			if err != nil {
				return err
			}
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				from, err := env.Skip(ctx, topic, partition, to, by)
				if err != nil {
					return err
				}
				s := skipped{topic, partition, from, to}
				return a.print(s, func(w io.Writer) error {
					_, err := fmt.Fprintf(w, "%s/%d: %s from %d to %d are skipped\n", topic, partition, ui.Plural(to-from, "offset"), from, to)
					return err
				})
			})
		}),
	}
	oneTopic(cmd, &topic)
	cmd.Flags().Int32Var(&partition, "partition", -1, "the `partition`")
	cmd.Flags().Int64Var(&to, "to", -1, "the next `offset` to read")
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the log")
	for _, f := range []string{"partition", "to", "reason"} {
		must(cmd.MarkFlagRequired(f))
	}
	return cmd
}

// decision is a person's decision for the log: who runs this, and why.
func decision(reason string) (offsets.Decision, error) {
	if reason == "" {
		return offsets.Decision{}, usagef("--reason is empty: the log keeps why")
	}
	by := "unknown"
	if u, err := user.Current(); err == nil {
		by = u.Username
		if by == "" {
			by = "uid " + u.Uid
		}
	}
	return offsets.Decision{By: by + "@" + hostname(), Reason: reason}, nil
}
