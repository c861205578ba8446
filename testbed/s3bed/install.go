package s3bed

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"shadoof/testbed/cache"
)

const module = "github.com/versity/versitygw/cmd/versitygw@v1.8.0"

// Prepare builds versitygw unless the cache has it, and returns the binary's path. The build takes a minute or two.
func Prepare(ctx context.Context) (string, error) {
	dir, err := cache.Prepare(ctx, "versitygw", []string{module, runtime.GOOS, runtime.GOARCH}, build)
	return filepath.Join(dir, "versitygw"), err
}

func build(ctx context.Context, dir string) error {
	path, err := cache.Go()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, path, "install", module)
	cmd.Dir = dir // outside of any module
	cmd.Env = append(os.Environ(), "GOBIN="+dir, "GOFLAGS=-mod=mod", "GOWORK=off", "GO111MODULE=on")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}
