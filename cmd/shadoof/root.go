package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// root is the whole tree of commands.
func (a *app) root() *cobra.Command {
	configFile := "shadoof.yaml"
	if f, ok := a.env("SHADOOF_CONFIG"); ok && f != "" {
		configFile = f
	}
	root := &cobra.Command{
		Use:   "shadoof COMMAND",
		Short: "Lift Kafka topics into HDFS and object storage, exactly once",
		Long: `Shadoof lifts Kafka topics, batch by batch, into HDFS, object storage or a local folder, exactly once. A run reads each topic
from its committed offsets to the end that stood when the run began, writes Parquet or Avro files into time folders, and commits
offsets and files as one record. Begin with: shadoof demo`,
		Example:       "  shadoof demo\n  shadoof --config shadoof.yaml run",
		Annotations:   exits(exitLine{0, ""}, exitLine{1, ""}, exitLine{2, ""}, exitLine{3, ""}, exitLine{4, ""}, exitLine{5, ""}),
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE:          group("demo, run, plan, verify, ..."),
	}
	f := root.PersistentFlags()
	f.StringVar(&a.configFile, "config", configFile, "configuration `file`; also SHADOOF_CONFIG")
	f.BoolVar(&a.json, "json", false, "print JSON: one document, or one line for each element of a list")
	f.StringVar(&a.logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&a.logFormat, "log-format", "text", "text or json; logs go to stderr")
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpFunc(printHelp)
	root.SetUsageFunc(func(*cobra.Command) error { return nil })
	root.SetHelpCommand(newHelpCommand())
	root.AddCommand(
		a.newDemoCommand(),
		a.newRunCommand(),
		a.newServeCommand(),
		a.newPlanCommand(),
		a.newBackfillCommand(),
		a.newCommitsCommand(),
		a.newFilesCommand(),
		a.newHoursCommand(),
		a.newOffsetsCommand(),
		a.newPeekCommand(),
		a.newInspectCommand(),
		a.newResolveCommand(),
		a.newQuarantineCommand(),
		a.newVerifyCommand(),
		a.newSchemaCommand(),
		a.newGCCommand(),
		a.newDoctorCommand(),
		a.newConfigCommand(),
		a.newVersionCommand(),
		a.newCompletionCommand(),
	)
	root.SetOut(a.stdout)
	root.SetErr(a.stderr)
	return root
}

// group is the body of a command that only holds others.
func group(members string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usagef("%s needs a command: %s", cmd.CommandPath(), members)
		}
		hint := ""
		cmd.SuggestionsMinimumDistance = 2
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			hint = ": did you mean " + strings.Join(near, " or ") + "?"
		}
		return usagef("%s has no command %q%s", cmd.CommandPath(), args[0], hint)
	}
}
