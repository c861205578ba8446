package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func noEnv(string) (string, bool) { return "", false }

// tree is every command.
func tree(t *testing.T) []*cobra.Command {
	t.Helper()
	a := &app{stdout: &bytes.Buffer{}, stderr: &bytes.Buffer{}, env: noEnv}
	var all []*cobra.Command
	var walk func(c *cobra.Command)
	walk = func(c *cobra.Command) {
		all = append(all, c)
		for _, sub := range c.Commands() {
			walk(sub)
		}
	}
	root := a.root()
	root.InitDefaultHelpCmd()
	walk(root)
	return all
}

func TestEveryCommandExplainsItsExitStatusAndEndsWithAnExample(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, c := range tree(t) {
		seen[c.CommandPath()] = true
		var b bytes.Buffer
		c.SetOut(&b)
		printHelp(c, nil)
		_, after, found := strings.Cut(b.String(), "\nEXIT STATUS\n  0  ")
		if !found {
			t.Errorf("%s: its help has no EXIT STATUS", c.CommandPath())
		}
		_, example, found := strings.Cut(after, "\nEXAMPLE\n")
		if !found || !strings.Contains(example, "shadoof ") || strings.Contains(example, "\n\n") {
			t.Errorf("%s: its help does not end with an EXAMPLE", c.CommandPath())
		}
		if c.Short == "" || strings.HasSuffix(c.Short, ".") {
			t.Errorf("%s: one line without a full stop says what it does, not %q", c.CommandPath(), c.Short)
		}
	}
	for _, want := range []string{"demo", "run", "serve", "plan", "commits list", "commits show", "commits feed", "backfill", "files", "files drop", "offsets show", "offsets at-time", "offsets skip", "offsets mirror", "offsets import", "peek", "inspect",
		"resolve", "quarantine list", "quarantine show", "quarantine retry", "verify", "gc", "config check", "config print", "version", "completion", "help"} {
		if !seen["shadoof "+want] {
			t.Errorf("there is no command %s", want)
		}
	}
}
