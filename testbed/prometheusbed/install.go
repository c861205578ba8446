// Package prometheusbed runs a real Prometheus, and its tool that checks rules, on a loopback port.
package prometheusbed

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"shadoof/testbed/cache"
)

// What is built: Prometheus 3.5, the release with long support.
const (
	module = "github.com/prometheus/prometheus@v0.305.2"
	sum    = "h1:wk1qMEQheZta0wyln9svD0yjRMRkkmvOiV+KUPbrVsQ="
)

// Tools are the paths of programs.
type Tools struct {
	Prometheus string
	Promtool   string
}

// Prepare builds both programs unless the cache has them. The build takes a few minutes.
func Prepare(ctx context.Context) (Tools, error) {
	dir, err := cache.Prepare(ctx, "prometheus", []string{module, sum, "2", runtime.GOOS, runtime.GOARCH}, build)
	return Tools{Prometheus: filepath.Join(dir, "prometheus"), Promtool: filepath.Join(dir, "promtool")}, err
}

// build compiles the programs by their own go.mod, without the discovery of clouds, which is most of what there is to compile.
func build(ctx context.Context, dir string) error {
	path, err := cache.Go()
	if err != nil {
		return err
	}
	run := func(dir string, args ...string) ([]byte, error) {
		cmd := exec.CommandContext(ctx, path, args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on", "CGO_ENABLED=0")
		var out, problems bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &problems
		if err := cmd.Run(); err != nil {
			return nil, fmt.Errorf("%v: %w\n%s%s", cmd.Args, err, out.Bytes(), problems.Bytes())
		}
		return out.Bytes(), nil
	}
	answer, err := run(dir, "mod", "download", "-json", module) // outside of any module
	if err != nil {
		return err
	}
	var fetched struct{ Dir, Sum string }
	if err := json.Unmarshal(answer, &fetched); err != nil {
		return err
	}
	if fetched.Sum != sum {
		return fmt.Errorf("%s has the sum %s, want %s", module, fetched.Sum, sum)
	}
	source := filepath.Join(dir, "source")
	if err := os.CopyFS(source, os.DirFS(fetched.Dir)); err != nil {
		return err
	}
	if err := os.Remove(filepath.Join(source, "plugins", "plugins.go")); err != nil {
		return err
	}
	if _, err := run(source, "build", "-trimpath", "-ldflags=-s -w", "-o", dir+string(filepath.Separator), "./cmd/promtool", "./cmd/prometheus"); err != nil {
		return err
	}
	return os.RemoveAll(source)
}
