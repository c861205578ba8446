// Package units_test looks at the units for systemd and the line for cron as those who read them do.
package units_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const (
	deploy    = "../../deploy"
	installed = "/usr/local/bin/shadoof"
)

// analyze runs systemd-analyze, which is part of systemd (Debian: systemd) and needs no running one.
func analyze(t *testing.T, args ...string) {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("systemd-analyze is missing: install systemd 250 or later (Debian: systemd)")
		}
		t.Skip("systemd-analyze is missing: install systemd 250 or later (Debian: systemd)")
	}
	out, err := exec.CommandContext(t.Context(), tool, args...).CombinedOutput()
	if text := strings.TrimSpace(string(out)); err != nil || args[0] == "verify" && text != "" {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// units copies the units to a folder, with a binary that is there.
func units(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(deploy, "systemd", "*"))
	if err != nil || len(names) < 3 {
		t.Fatalf("%v: %v", names, err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	var copies []string
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, ".service") && !strings.Contains(string(text), "\nExecStart="+installed+" ") {
			t.Errorf("%s starts something else than %s", name, installed)
		}
		to := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(to, []byte(strings.ReplaceAll(string(text), installed, binary)), 0o644); err != nil {
			t.Fatal(err)
		}
		copies = append(copies, to)
	}
	return copies
}

func TestUnitsAreValid(t *testing.T) {
	t.Parallel()
	analyze(t, append([]string{"verify", "--man=no"}, units(t)...)...)
}

// The scale goes from 0 to 100 here: what is left is the network, which shadoof is for.
func TestServicesMayDoLittle(t *testing.T) {
	t.Parallel()
	for _, unit := range units(t) {
		if strings.HasSuffix(unit, ".service") {
			analyze(t, "security", "--offline=true", "--threshold=15", "--no-pager", unit)
		}
	}
}

var cronLine = regexp.MustCompile(`^(?:[0-9*][0-9*/,-]* ){5}([a-z]+) (.+)$`)

// A line of /etc/cron.d has five fields, a user and a command, in which % is a line's end.
func TestLineForCron(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(deploy, "cron", "shadoof"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(string(text), "\n") {
		t.Error("cron leaves out a last line without an end")
	}
	lines := 0
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "#") || line == "" {
			continue
		}
		lines++
		m := cronLine.FindStringSubmatch(line)
		if m == nil {
			t.Errorf("%q is no line of /etc/cron.d", line)
			continue
		}
		if !strings.Contains(m[2], " "+installed+" ") || strings.Contains(m[2], "%") {
			t.Errorf("%q", m[2])
		}
		if out, err := exec.CommandContext(t.Context(), "sh", "-n", "-c", m[2]).CombinedOutput(); err != nil {
			t.Errorf("%q: %v\n%s", m[2], err, out)
		}
	}
	if lines == 0 {
		t.Error("no line")
	}
}
