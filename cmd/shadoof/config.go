package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/internal/ui"
	"shadoof/jobs"
)

func (a *app) newConfigCommand() *cobra.Command {
	exits := exits(exitLine{jobs.ExitDone, ""}, exitLine{jobs.ExitUsage, "the configuration has problems"})
	cmd := &cobra.Command{
		Use:         "config COMMAND",
		Short:       "Check or print the configuration",
		Example:     "  shadoof config check",
		Annotations: exits,
		Args:        cobra.ArbitraryArgs,
		RunE:        group("check, print"),
	}
	cmd.AddCommand(
		&cobra.Command{
			Use:   "check",
			Short: "Report every problem of the configuration, with its line",
			Long: `Check reads the configuration and the files that it names, and reports every problem at once; where there is none it shows the
next five runs of each schedule. It connects to nothing.`,
			Example:     "  shadoof --config shadoof.yaml config check",
			Annotations: exits,
			Args:        cobra.NoArgs,
			RunE:        a.action(func(context.Context, []string) error { return a.configCheck() }),
		},
		&cobra.Command{
			Use:         "print",
			Short:       "Print the effective configuration, secrets masked",
			Long:        "Print shows every key with its value: defaults filled in, variables of the environment put in, secrets masked.",
			Example:     "  shadoof config print --json | jq '.jobs[].topics'",
			Annotations: exits,
			Args:        cobra.NoArgs,
			RunE:        a.action(func(context.Context, []string) error { return a.configPrint() }),
		})
	return cmd
}

// checked is what `config check` prints as JSON.
type checked struct {
	File      string          `json:"file"`
	Problems  config.Problems `json:"problems"`
	Schedules []nextRuns      `json:"schedules"` // nothing while there are problems
}

func (a *app) configCheck() error {
	cfg, err := a.load()
	c := checked{File: a.configFile, Problems: config.Problems{}, Schedules: []nextRuns{}}
	if err != nil && !errors.As(err, &c.Problems) {
		return err
	}
	if err == nil {
		c.Problems = append(c.Problems, compileProblems(a.configFile, cfg)...)
	}
	if len(c.Problems) == 0 {
		if c.Schedules, err = schedulesOf(cfg, time.Now()); err != nil {
			return err
		}
	}
	if err := a.print(c, func(w io.Writer) error { return printChecked(w, c, cfg) }); err != nil {
		return err
	}
	if len(c.Problems) > 0 {
		return status(jobs.ExitUsage)
	}
	return nil
}

func printChecked(w io.Writer, c checked, cfg *config.Config) error {
	if len(c.Problems) > 0 {
		_, err := fmt.Fprintf(w, "%v\n%s\n", c.Problems, ui.Plural(len(c.Problems), "problem"))
		return err
	}
	if _, err := fmt.Fprintf(w, "%s: no problems; %s to %s\n", c.File, ui.Plural(len(cfg.Jobs), "job"), cfg.Store.URL); err != nil {
		return err
	}
	return printSchedules(w, c.Schedules)
}

func (a *app) configPrint() error {
	cfg, err := a.load()
	if err != nil {
		return err
	}
	if a.json {
		doc, err := cfg.JSON()
		if err != nil {
			return err
		}
		return ui.Document(a.stdout, json.RawMessage(doc))
	}
	text, err := cfg.Print()
	if err != nil {
		return err
	}
	_, err = a.stdout.Write(text)
	return err
}
