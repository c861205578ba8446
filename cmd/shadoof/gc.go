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

func (a *app) newGCCommand() *cobra.Command {
	var dryRun bool
	cmd := &cobra.Command{
		Use:   "gc",
		Short: "Discard staged leftovers of dead runs",
		Long: `Gc discards files that were staged, older than orphan_age, and that no run will ever publish. Before it discards anything of an attempt
that no record names, it writes a fence into the log: that attempt can then never commit, however slow its process is.`,
		Example:     "  shadoof gc --dry-run",
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				report, err := env.GC(ctx, a.sel, dryRun)
				if report == nil {
					return err
				}
				if perr := a.print(report, func(w io.Writer) error { return printGC(w, report) }); err == nil {
					err = perr
				}
				return err
			})
		}),
	}
	a.selectJobs(cmd)
	cmd.Flags().BoolVar(&dryRun, "dry-run", false, "only say what would be discarded")
	return cmd
}

func printGC(w io.Writer, r *jobs.GCReport) error {
	done := "DISCARDED"
	if r.DryRun {
		done = "WOULD DISCARD"
	}
	t := ui.NewTable("TOPIC", ">FOUND", ">TOO YOUNG", ">FENCED", ">"+done, ">BYTES")
	for _, topic := range r.Topics {
		var bytes int64
		for _, l := range topic.Discarded {
			bytes += l.Bytes
		}
		t.Row(topic.Topic, topic.Found, topic.Young, len(topic.Fenced), len(topic.Discarded), ui.Bytes(bytes))
	}
	if err := t.Print(w); err != nil {
		return err
	}
	for _, topic := range r.Topics {
		for _, l := range topic.Discarded {
			if _, err := fmt.Fprintf(w, "  %s  %s  %s old\n", l.Name, ui.Bytes(l.Bytes), ui.Duration(l.Age)); err != nil {
				return err
			}
		}
	}
	if r.Probes > 0 {
		_, err := fmt.Fprintf(w, "%s: %s of checks of the store that did not come to their end\n", strings.ToLower(done), ui.Plural(int64(r.Probes), "staged file"))
		return err
	}
	return nil
}
