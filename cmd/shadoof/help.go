package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
)

// exitAnnotation is the annotation of a command that holds its EXIT STATUS section.
const exitAnnotation = "exit"

// printHelp writes what `shadoof help COMMAND` shows. It is written out in Go: cobra's own goes through text/template, which would keep
// the linker from leaving out dead code.
func printHelp(cmd *cobra.Command, _ []string) {
	w := cmd.OutOrStdout()
	text := cmd.Long
	if text == "" {
		text = cmd.Short + "."
	}
	fmt.Fprintf(w, "%s\n\nUSAGE\n  %s\n", strings.TrimSpace(text), cmd.UseLine())
	if cmd.HasAvailableSubCommands() {
		fmt.Fprint(w, "\nCOMMANDS\n")
		width := 0
		for _, c := range cmd.Commands() {
			width = max(width, len(c.Name()))
		}
		for _, c := range cmd.Commands() {
			if c.IsAvailableCommand() {
				fmt.Fprintf(w, "  %-*s  %s\n", width, c.Name(), c.Short)
			}
		}
	}
	flags(w, "FLAGS", cmd.LocalNonPersistentFlags().FlagUsages())
	global := cmd.InheritedFlags().FlagUsages()
	if !cmd.HasParent() {
		global = cmd.PersistentFlags().FlagUsages()
	}
	flags(w, "GLOBAL FLAGS", global)
	if s := cmd.Annotations[exitAnnotation]; s != "" {
		fmt.Fprintf(w, "\nEXIT STATUS\n%s", s)
	}
	if cmd.Example != "" {
		fmt.Fprintf(w, "\nEXAMPLE\n%s\n", cmd.Example)
	}
}

func flags(w io.Writer, title, usages string) {
	if usages != "" {
		fmt.Fprintf(w, "\n%s\n%s", title, usages)
	}
}

func newHelpCommand() *cobra.Command {
	return &cobra.Command{
		Use:         "help [COMMAND]",
		Short:       "Explain a command, its flags and its exit status",
		Example:     "  shadoof help run",
		Annotations: exits(exitLine{0, ""}, exitLine{2, "there is no such command"}),
		ValidArgsFunction: func(cmd *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
			at, _, err := cmd.Root().Find(args)
			if err != nil {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			var names []string
			for _, c := range at.Commands() {
				names = append(names, c.Name()+"\t"+c.Short)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			at, rest, err := cmd.Root().Find(args)
			if err != nil || len(rest) > 0 {
				return usagef("there is no command %q", strings.Join(args, " "))
			}
			at.InitDefaultHelpFlag()
			printHelp(at, nil)
			return nil
		},
	}
}
