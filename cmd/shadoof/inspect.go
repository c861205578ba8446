package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"shadoof/config"
	"shadoof/jobs"
)

func (a *app) newInspectCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "inspect (FILE | TOPIC/PARTITION@OFFSET)",
		Short: "Explain a file or an offset",
		Long: `Inspect explains a file: which commit it is of, by which run, which offsets and settings, whether it is published, and what removed
it. FILE is a name below the root, a URL, or for a local root a path. It also knows staged and quarantine files, and what lies in _shadoof.

Or an offset: in which commit it is and in which file, which is read back; why it has no row; or how far runs have come. Kafka is asked
only about offsets that are not committed.`,
		Example:     "  shadoof inspect s3://lake/kafka/orders/dt=2026-11-20/hr=13/orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet\n  shadoof inspect orders/7@120042",
		Annotations: exits(exitLine{jobs.ExitDone, "explained"}, exitLine{jobs.ExitFailed, ""}, exitLine{jobs.ExitUsage, "wrong usage, or no name of shadoof's"}, exitLine{jobs.ExitHalted, "a commit log is damaged: a person must look"}),
		Args:        cobra.ExactArgs(1),
		RunE: a.action(func(ctx context.Context, args []string) error {
			return a.withJobs(ctx, nil, func(cfg *config.Config, env *jobs.Env) error {
				if n, ok := jobs.ParseOffsetName(args[0]); ok {
					r, err := env.InspectOffset(ctx, n)
					if err != nil {
						return err
					}
					return a.print(r, offsetText(r))
				}
				name, err := nameBelowRoot(cfg.Store, args[0])
				if err != nil {
					return err
				}
				r, err := env.InspectFile(ctx, name)
				if err != nil {
					return err
				}
				return a.print(r, fileText(r))
			})
		}),
	}
}

// nameBelowRoot finds the name of a file relative to the root: from that name, a URL, or a path of a local root.
func nameBelowRoot(s config.Store, arg string) (string, error) {
	scheme, rest, isURL := strings.Cut(arg, "://")
	switch {
	case isURL && s.Scheme == "file" && scheme == "file":
		u, err := url.Parse(arg)
		if err != nil || u.Host != "" {
			return "", usagef("%q is not of the form file:///absolute/path", arg)
		}
		return belowFolder(s.Path, u.Path)
	case isURL:
		_, root, _ := strings.Cut(s.URL, "://")
		if scheme == "s3a" || scheme == "s3n" { // as Hadoop and Spark call it
			scheme = "s3"
		}
		name, ok := strings.CutPrefix(rest, root+"/")
		if !ok || scheme != s.Scheme {
			return "", usagef("%s does not lie below the root %s", arg, s.URL)
		}
		return cleanName(name)
	case s.Scheme == "file":
		// A path counts only where it leads below the root: orders/x.parquet may also be meant from the root.
		if _, err := os.Lstat(arg); err == nil || filepath.IsAbs(arg) {
			name, err := belowFolder(s.Path, arg)
			if err == nil || filepath.IsAbs(arg) {
				return name, err
			}
		}
	}
	return cleanName(arg)
}

// belowFolder is a path relative to a folder, links to either resolved.
func belowFolder(root, name string) (string, error) {
	abs, err := filepath.Abs(name)
	if err != nil {
		return "", err
	}
	for _, try := range [][2]string{{root, abs}, {realPath(root), realPath(abs)}} {
		rel, err := filepath.Rel(try[0], try[1])
		if err == nil && rel != ".." && !strings.HasPrefix(rel, "../") {
			return cleanName(filepath.ToSlash(rel))
		}
	}
	return "", usagef("%s does not lie below the root %s", name, root)
}

// realPath follows links, also to a file that is gone, as far as its folders are there.
func realPath(name string) string {
	real, err := filepath.EvalSymlinks(name)
	if err == nil {
		return real
	}
	if dir := filepath.Dir(name); errors.Is(err, fs.ErrNotExist) && dir != name {
		return filepath.Join(realPath(dir), filepath.Base(name))
	}
	return name
}

func cleanName(name string) (string, error) {
	clean := path.Clean(name)
	if clean == "." || clean == ".." || strings.HasPrefix(clean, "/") || strings.HasPrefix(clean, "../") {
		return "", usagef("%s is no name of a file below the root, nor of the form TOPIC/PARTITION@OFFSET", name)
	}
	return clean, nil
}
