package prometheusbed_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"shadoof/testbed/prometheusbed"
)

// patience includes the build of Prometheus, with a cold cache.
const patience = 15 * time.Minute

const rules = "../../deploy/prometheus"

func tools(t *testing.T) prometheusbed.Tools {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	tools, err := prometheusbed.Prepare(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return tools
}

func promtool(t *testing.T, stdin []byte, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), tools(t).Promtool, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool %v: %v\n%s", args, err, out)
	}
}

func TestAlertsAreWellFormedAndDoWhatTheySay(t *testing.T) {
	t.Parallel()
	promtool(t, nil, "check", "rules", "--lint=all", "--lint-fatal", filepath.Join(rules, "alerts.yml"))
	promtool(t, nil, "test", "rules", filepath.Join(rules, "alerts_test.yml"))
}

func TestTheFileOfARunIsWellFormed(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../internal/admin/testdata/textfile.prom")
	if err != nil {
		t.Fatal(err)
	}
	promtool(t, text, "check", "metrics")
}
