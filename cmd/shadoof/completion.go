package main

import (
	"context"

	"github.com/spf13/cobra"
)

func (a *app) newCompletionCommand() *cobra.Command {
	shells := []string{"bash", "zsh", "fish", "powershell"}
	var cmd *cobra.Command
	cmd = &cobra.Command{
		Use:         "completion SHELL",
		Short:       "Print a script that completes commands in a shell",
		Long:        "Completion prints a script for bash, zsh, fish or powershell.",
		Example:     "  source <(shadoof completion bash)",
		Annotations: exits(exitLine{0, ""}, exitLine{2, "there is no such shell"}),
		ValidArgs:   shells,
		Args:        cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		RunE: a.action(func(_ context.Context, args []string) error {
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(a.stdout, true)
			case "zsh":
				return root.GenZshCompletion(a.stdout)
			case "fish":
				return root.GenFishCompletion(a.stdout, true)
			default:
				return root.GenPowerShellCompletionWithDesc(a.stdout)
			}
		}),
	}
	return cmd
}
