package readers

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"shadoof/testbed/cache"
)

//go:embed requirements.txt
var requirements string

// Prepare makes a virtual environment with the readers unless the cache has it, and returns the path of its interpreter.
func Prepare(ctx context.Context) (string, error) {
	python, err := cache.Python(ctx)
	if err != nil {
		return "", err
	}
	dir, err := cache.Prepare(ctx, "readers", []string{requirements, python}, func(ctx context.Context, dir string) error {
		list := filepath.Join(dir, "requirements.txt")
		if err := os.WriteFile(list, []byte(requirements), 0o644); err != nil {
			return err
		}
		for _, args := range [][]string{
			{python, "-m", "venv", dir},
			{interpreter(dir), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "-r", list},
		} {
			cmd := exec.CommandContext(ctx, args[0], args[1:]...)
			if out, err := cmd.CombinedOutput(); err != nil {
				return fmt.Errorf("%v: %w\n%s", args, err, out)
			}
		}
		return nil
	})
	return interpreter(dir), err
}

func interpreter(venv string) string { return filepath.Join(venv, "bin", "python") }
