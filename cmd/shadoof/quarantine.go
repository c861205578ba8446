package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/record"
)

func (a *app) newQuarantineCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "quarantine COMMAND",
		Short:       "List, show and retry records that did not fit",
		Example:     "  shadoof quarantine list",
		Annotations: ordinaryExits(),
		Args:        cobra.ArbitraryArgs,
		RunE:        group("list, show, retry"),
	}
	cmd.AddCommand(a.newQuarantineListCommand(), a.newQuarantineShowCommand(), a.newQuarantineRetryCommand())
	return cmd
}

func (a *app) newQuarantineListCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Count the records in quarantine, by reason",
		Long: `List counts the records of the selected topics that are in quarantine, a line for each topic; where --topic names topics, a line for each
version of their logs. It reads the store only, not Kafka.`,
		Example:     "  shadoof quarantine list\n  shadoof quarantine list --topic tracking.page-view --json | jq .reasons",
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				list, err := env.Quarantine(ctx, a.sel)
				if err != nil {
					return err
				}
				return printList(a, list, func(w io.Writer) error { return printQuarantine(w, list) })
			})
		}),
	}
	a.selectJobs(cmd)
	return cmd
}

func printQuarantine(w io.Writer, list []jobs.QuarantineInfo) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "nothing is in quarantine")
		return err
	}
	t := ui.NewTable("TOPIC", "VERSIONS", ">RECORDS", "REASONS", ">FILES", ">BYTES", "FROM", "TO")
	for _, q := range list {
		t.Row(q.Topic, versions(q.Versions), q.Records, counts(q.Reasons), q.Files, ui.Bytes(q.Bytes), ui.Millis(q.MinTime), ui.Millis(q.MaxTime))
	}
	return t.Print(w)
}

// reasonFlag adds --reason.
func reasonFlag(cmd *cobra.Command, reason *string) {
	var words []string
	for _, r := range jobs.QuarantineReasons() {
		words = append(words, string(r))
	}
	cmd.Flags().StringVar(reason, "reason", "", "only records with this `reason`: "+strings.Join(words, ", "))
	must(cmd.RegisterFlagCompletionFunc("reason", cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)))
}

func (a *app) newQuarantineShowCommand() *cobra.Command {
	var q jobs.QuarantineQuery
	var reason string
	cmd := &cobra.Command{
		Use:   "show --topic TOPIC [--version V] [--reason REASON] [-n N]",
		Short: "Print records of quarantine, and why they are there",
		Long: `Show reads records of a topic's quarantine back from the store and prints where each was in Kafka, its time, key, headers and value as Kafka
held them, and why it did not fit. It does not ask Kafka.

--json prints a line for each record; bytes that are not UTF-8 stand as base64 under key_base64 and value_base64.`,
		Example: `  shadoof quarantine show --topic tracking.page-view --reason unfit -n 3
  shadoof quarantine show --topic tracking.page-view --version 7 --json | jq -r .detail`,
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			switch {
			case q.Records < 1:
				return usagef("-n %d: want 1 or more", q.Records)
			case q.Version < 0:
				return usagef("--version %d: versions count from 1", q.Version)
			}
			q.Reason = record.Reason(reason)
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				out := bufio.NewWriter(a.stdout)
				p := quarantinePrinter{out, q.Topic}
				each := p.text
				if a.json {
					each = p.json
				}
				left, err := env.ShowQuarantine(ctx, q, each)
				if err = errors.Join(err, out.Flush()); err != nil {
					return err
				}
				if left > 0 {
					a.tell("%s more", ui.Plural(left, "record"))
				}
				return nil
			})
		}),
	}
	oneTopic(cmd, &q.Topic)
	f := cmd.Flags()
	f.Int64Var(&q.Version, "version", 0, "only what this `version` of the log put there; 0 for any")
	f.Int64VarP(&q.Records, "records", "n", 10, "how many `records`, at most")
	reasonFlag(cmd, &reason)
	return cmd
}

// A quarantinePrinter prints records of quarantine.
type quarantinePrinter struct {
	w     io.Writer
	topic string
}

func (p quarantinePrinter) text(q jobs.QuarantinedRecord) error {
	r := q.Record
	var b []byte
	b = fmt.Appendf(b, "%s/%d@%d  %s  version %d\n", p.topic, r.Partition, r.Offset, recordTime(r.Timestamp), q.V)
	b = fmt.Appendf(b, "  %-10s  %s\n", q.Bad.Reason, ui.Text([]byte(q.Bad.Detail), longest))
	if r.Key != nil {
		b = fmt.Appendf(b, "  key         %s\n", ui.Text(r.Key, longest))
	}
	for _, h := range r.Headers {
		b = fmt.Appendf(b, "  header      %s: %s\n", ui.Text([]byte(h.Key), longest), ui.Text(h.Value, longest))
	}
	if r.Value != nil {
		b = fmt.Appendf(b, "  value       %s\n", ui.Text(r.Value, longest))
	} else {
		b = append(b, "  no value\n"...)
	}
	_, err := p.w.Write(b)
	return err
}

// quarantinedRecord is a line of `quarantine show --json`; see peekedRecord.
type quarantinedRecord struct {
	Topic       string         `json:"topic"`
	V           int64          `json:"v"`
	Partition   int32          `json:"partition"`
	Offset      int64          `json:"offset"`
	Timestamp   int64          `json:"timestamp"` // ms
	Time        string         `json:"time"`
	Reason      string         `json:"reason"`
	Detail      string         `json:"detail"`
	Key         *string        `json:"key,omitempty"`
	KeyBase64   []byte         `json:"key_base64,omitempty"`
	Headers     []peekedHeader `json:"headers"`
	Value       *string        `json:"value,omitempty"`
	ValueBase64 []byte         `json:"value_base64,omitempty"`
	Tombstone   bool           `json:"tombstone,omitempty"`
}

func (p quarantinePrinter) json(q jobs.QuarantinedRecord) error {
	r := q.Record
	out := quarantinedRecord{Topic: p.topic, V: q.V, Partition: r.Partition, Offset: r.Offset, Timestamp: r.Timestamp, Time: recordTime(r.Timestamp),
		Reason: string(q.Bad.Reason), Detail: q.Bad.Detail, Headers: peekedHeaders(r.Headers), Tombstone: r.Value == nil}
	out.Key, out.KeyBase64 = textOrBytes(r.Key)
	out.Value, out.ValueBase64 = textOrBytes(r.Value)
	return ui.Lines(p.w, []quarantinedRecord{out})
}
