package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"shadoof/internal/ui"
	"shadoof/record"
	"shadoof/record/infer"
)

// inferred is what `schema infer` prints as JSON.
type inferred struct {
	Topic  string          `json:"topic"`
	Schema json.RawMessage `json:"schema"` // in Avro
	infer.Proposal
}

func (a *app) newSchemaInferCommand() *cobra.Command {
	var topic string
	var records int64
	cmd := &cobra.Command{
		Use:   "infer --topic TOPIC [-n N]",
		Short: "Propose a schema for a topic of JSON documents",
		Long: `Infer reads the newest records of a topic and proposes a schema for them. The schema, in Avro's notation, goes to the standard output:
a file that value.schema can name. What the documents had, and where they varied, goes to the standard error: look at it before
you use the proposal. Values behind the header of a schema registry are read without it.`,
		Example: `  shadoof schema infer --topic tracking.page-view > schemas/tracking.page-view.avsc
  shadoof schema infer --topic tracking.page-view -n 100000 --json | jq '.fields[] | select(.nullable)'`,
		Annotations: ordinaryExits(),
		Args:        cobra.NoArgs,
		RunE: a.action(func(ctx context.Context, _ []string) error {
			if records < 1 {
				return usagef("-n %d: want 1 or more", records)
			}
			return a.infer(ctx, topic, records)
		}),
	}
	oneTopic(cmd, &topic)
	cmd.Flags().Int64VarP(&records, "records", "n", 10_000, "how many `records`, about")
	return cmd
}

func (a *app) infer(ctx context.Context, topic string, records int64) error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	env, done := a.connectTo(cfg, nil, nil)
	defer done()
	sample, example := infer.New(infer.Options{}), ""
	err = env.Sample(ctx, topic, records, func(r *record.Raw) error {
		doc := r.Value
		if _, ok := record.SchemaID(doc); ok {
			doc = doc[record.HeaderBytes:]
		}
		if err := sample.Add(doc); err != nil && example == "" {
			example = fmt.Sprintf("%s/%d@%d: %v", topic, r.Partition, r.Offset, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	p := sample.Propose()
	if p.Schema == nil {
		if example != "" {
			return fmt.Errorf("%s: none of %s is a JSON object with fields: %s", topic, ui.Plural(p.Seen, "record"), example)
		}
		return fmt.Errorf("%s: there is nothing to propose from %s", topic, ui.Plural(p.Seen, "record"))
	}
	schema := p.Avro()
	if !a.json {
		if err := printFindings(a.stderr, topic, &p, example); err != nil {
			return err
		}
	}
	return a.print(inferred{topic, schema, p}, func(w io.Writer) error {
		_, err := fmt.Fprintf(w, "%s\n", strings.TrimRight(string(schema), "\n"))
		return err
	})
}

func printFindings(w io.Writer, topic string, p *infer.Proposal, example string) error {
	if _, err := fmt.Fprintf(w, "%s: %s\n\n", topic, ui.Plural(p.Seen, "record")); err != nil {
		return err
	}
	t := ui.NewTable("FIELD", "TYPE", "NULL", ">PRESENT", "FOUND", "FROM", "TO", "EXAMPLE")
	for _, f := range p.Fields {
		var found []string
		for _, c := range f.Types {
			found = append(found, fmt.Sprintf("%s %s", ui.Count(int64(c.Count)), c.Type))
		}
		t.Row(f.Path, f.Kind, yesOr(f.Nullable, "-"), fmt.Sprintf("%.1f %%", f.Percent()), strings.Join(found, ", "), f.Min, f.Max, f.Example)
	}
	if err := t.Print(w); err != nil {
		return err
	}
	for _, n := range p.Notes {
		if _, err := fmt.Fprintf(w, "note: %s\n", n); err != nil {
			return err
		}
	}
	if example != "" {
		if _, err := fmt.Fprintf(w, "no row: %s\n", example); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(w)
	return err
}
