package main

import (
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
	"shadoof/record"
)

func (a *app) newSchemaCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:         "schema COMMAND",
		Short:       "Look at what rows a topic has, or propose it from a sample",
		Example:     "  shadoof schema show --topic tracking.page-view",
		Annotations: ordinaryExits(),
		Args:        cobra.ArbitraryArgs,
		RunE:        group("show, infer"),
	}
	cmd.AddCommand(a.newSchemaShowCommand(), a.newSchemaInferCommand())
	return cmd
}

func (a *app) newSchemaShowCommand() *cobra.Command {
	var topic string
	cmd := &cobra.Command{
		Use:   "show --topic TOPIC",
		Short: "Show the fields of a topic's rows, how they changed, and the schemas of its records",
		Long: `Show prints the fields of the rows of a topic's newest commit, without the Kafka columns and the headers; how they changed
from version to version; and what each id of the schema registry stood for when its records were read. It reads the store only: neither Kafka
nor the registry is asked.`,
		Example: `  shadoof schema show --topic tracking.page-view
  shadoof schema show --topic tracking.page-view --json | jq '.writers[] | select(.id == 7) | .text'`,
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			return a.withJobs(ctx, nil, func(_ *config.Config, env *jobs.Env) error {
				r, err := env.Schema(ctx, topic)
				if err != nil {
					return err
				}
				return a.print(r, func(w io.Writer) error { return printSchema(w, r) })
			})
		}),
	}
	oneTopic(cmd, &topic)
	return cmd
}

func printSchema(w io.Writer, r *jobs.SchemaReport) error {
	if r.Rows == nil {
		_, err := fmt.Fprintf(w, "%s: its values have no fields, or the build that lifted them did not say\n", r.Topic)
		return err
	}
	if _, err := fmt.Fprintf(w, "%s: rows of version %d, schema %s\n\n", r.Topic, r.V, r.Fingerprint); err != nil {
		return err
	}
	fields := ui.NewTable("FIELD", "TYPE", "NULL", "DEFAULT")
	for _, f := range r.Rows.Fields {
		fields.Row(f.Name, record.TypeName(f.Type), yesOr(f.Nullable, "-"), cmp.Or(string(f.Default), "-"))
	}
	if err := fields.Print(w); err != nil {
		return err
	}
	if len(r.History) > 0 {
		history := ui.NewTable(">AFTER VERSION", "SCHEMA", "CHANGE")
		for _, t := range r.History {
			if len(t.Changes) == 0 {
				history.Row(t.After, t.Fingerprint, "the first")
			}
			for i, change := range t.Changes {
				if i == 0 {
					history.Row(t.After, t.Fingerprint, change)
				} else {
					history.Row("", "", change)
				}
			}
		}
		if err := below(w, history); err != nil {
			return err
		}
	}
	if len(r.Writers) == 0 {
		return nil
	}
	writers := ui.NewTable(">ID", "STANDS FOR", "FORMAT", "ACCEPTED")
	for _, s := range r.Writers {
		accepted := "-"
		if s.Accepted != nil {
			accepted = s.Accepted.By + ": " + s.Accepted.Reason
		}
		writers.Row(s.ID, s.Fingerprint, s.Format, accepted)
	}
	return below(w, writers)
}

// below prints a table below another.
func below(w io.Writer, t *ui.Table) error {
	if _, err := fmt.Fprintln(w); err != nil {
		return err
	}
	return t.Print(w)
}

func yesOr(yes bool, no string) string {
	if yes {
		return "yes"
	}
	return no
}
