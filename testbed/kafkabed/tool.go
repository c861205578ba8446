package kafkabed

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// Tool runs one of Kafka's own command line tools, by its class, and returns what it prints: what its shell scripts do.
func Tool(ctx context.Context, class string, args ...string) (string, error) {
	i, err := Prepare(ctx)
	if err != nil {
		return "", err
	}
	var stderr bytes.Buffer
	all := append([]string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-cp", i.classpath(), class}, args...)
	cmd := exec.CommandContext(ctx, i.java, all...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return string(out), fmt.Errorf("testbed: %s %s: %w\n%s%s", class, strings.Join(args, " "), err, out, &stderr)
	}
	return string(out), nil
}
