package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/offsets"
)

func (a *app) newCommitsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "commits COMMAND",
		Short:       "Look at the commit log of a topic",
		Example:     "  shadoof commits list --topic tracking.page-view",
		Annotations: ordinaryExits(),
		Args:        cobra.ArbitraryArgs,
		RunE:        group("list, show, feed"),
	}
	cmd.AddCommand(a.newCommitsListCommand(), a.newCommitsShowCommand(), a.newCommitsFeedCommand())
	return cmd
}

func (a *app) newCommitsListCommand() *cobra.Command {
	var topic string
	cmd := &cobra.Command{
		Use:         "list --topic TOPIC",
		Short:       "List the versions of a topic's log",
		Long:        "List shows the versions of a topic's log in order, the oldest first. It reads the store only, not Kafka.",
		Example:     "  shadoof commits list --topic tracking.page-view\n  shadoof commits list --topic tracking.page-view --json | jq 'select(.published|not)'",
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				list, err := env.Commits(ctx, topic)
				if err != nil {
					return err
				}
				return printList(a, list, func(w io.Writer) error { return printCommits(w, list) })
			})
		}),
	}
	oneTopic(cmd, &topic)
	return cmd
}

func printCommits(w io.Writer, list []jobs.CommitSummary) error {
	t := ui.NewTable(">VERSION", "TYPE", "TIME", "RUN", "STATE", ">OFFSETS", ">ROWS", ">QUARANTINED", ">FILES", ">BYTES")
	for _, c := range list {
		t.Row(strconv.FormatInt(c.V, 10), string(c.Type), ui.Time(c.Time), c.Run, state(c.Published), c.Offsets, c.Rows, c.Quarantined, c.Files, ui.Bytes(c.Bytes))
	}
	return t.Print(w)
}

// state says whether what a version asks for is done.
func state(published bool) string {
	if published {
		return "done"
	}
	return "pending"
}

func (a *app) newCommitsShowCommand() *cobra.Command {
	var topic string
	cmd := &cobra.Command{
		Use:         "show VERSION --topic TOPIC",
		Short:       "Show one version: its ranges, gaps and files",
		Long:        "Show prints one version of a topic's log. --json prints the record as the log holds it, with \"published\" added.",
		Example:     "  shadoof commits show 7 --topic tracking.page-view",
		Annotations: ordinaryExits(),
		Args:        cobra.ExactArgs(1),
		RunE: a.action(func(ctx context.Context, args []string) error {
			v, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || v < 1 {
				return usagef("%q is not a version: a number from 1", args[0])
			}
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				r, published, err := env.Commit(ctx, topic, v)
				if err != nil {
					return err
				}
				document, err := recordDocument(r, published)
				if err != nil {
					return err
				}
				return a.print(document, func(w io.Writer) error { return printRecord(w, r, published, document) })
			})
		}),
	}
	oneTopic(cmd, &topic)
	return cmd
}

// recordDocument is a record as its slot holds it, bundles that stand in an attachment included, and whether it is published.
func recordDocument(r *offsets.Record, published bool) (json.RawMessage, error) {
	header, err := json.Marshal(r.Header)
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(r.Body)
	if err != nil {
		return nil, err
	}
	doc := bytes.TrimSuffix(header, []byte("}"))
	if len(body) > len("{}") {
		doc = append(append(doc, ','), body[1:len(body)-1]...)
	}
	return fmt.Appendf(doc, `,"published":%t}`, published), nil
}

func printRecord(w io.Writer, r *offsets.Record, published bool, document json.RawMessage) error {
	_, err := fmt.Fprintf(w, "version %d, %s, %s\nat %s by run %s on %s (%s)\n", r.V, r.Type, state(published), ui.Time(r.Time), r.Run, r.Writer.Host, r.Writer.Build)
	if err != nil {
		return err
	}
	lift := r.Lift()
	if lift == nil {
		return ui.Document(w, r.Body)
	}
	if b, ok := r.Body.(*offsets.Replace); ok {
		for _, ref := range b.Remove {
			if _, err := fmt.Fprintf(w, "replaces bundle %d of version %d, %s\n", ref.Bundle, ref.V, b.Swap); err != nil {
				return err
			}
		}
	}
	for _, change := range lift.Changes {
		if _, err := fmt.Fprintf(w, "%s\n", change); err != nil {
			return err
		}
	}
	segments := ui.NewTable(">PARTITION", ">FROM", ">TO", ">OFFSETS", "GAPS")
	files := ui.NewTable("FILE", "KIND", ">ROWS", ">BYTES", "SCHEMA")
	for _, b := range lift.Bundles {
		for _, s := range b.Segments {
			segments.Row(s.Partition, s.From, s.To, s.To-s.From, gaps(s.Gaps))
		}
		for _, f := range b.Files {
			kind := string(f.Kind)
			if len(f.Reasons) > 0 {
				kind += " (" + counts(f.Reasons) + ")"
			}
			files.Row(f.Key, kind, f.Rows, ui.Bytes(f.Bytes), f.Schema)
		}
	}
	for _, t := range []*ui.Table{segments, files} {
		if t.Len() == 0 {
			continue
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		if err := t.Print(w); err != nil {
			return err
		}
	}
	return nil
}

// gaps writes the offsets of a segment that have no row, by reason.
func gaps(g offsets.Gaps) string {
	var parts []byte
	add := func(reason string, n int64) {
		if n == 0 {
			return
		}
		if len(parts) > 0 {
			parts = append(parts, ", "...)
		}
		parts = fmt.Appendf(parts, "%s %s", ui.Count(n), reason)
	}
	add("control", g.Control)
	add("aborted", g.Aborted)
	add("compacted", g.Compacted)
	add("tombstone", g.Tombstone)
	add("dropped", g.Dropped)
	add("retention", length(g.Retention))
	add("truncated", length(g.Truncated))
	add("operator", length(g.Operator))
	add("unexplained", length(g.Unexplained))
	if len(parts) == 0 {
		return "-"
	}
	return string(parts)
}

func length(rs []offsets.Range) (n int64) {
	for _, r := range rs {
		n += r.Len()
	}
	return n
}
