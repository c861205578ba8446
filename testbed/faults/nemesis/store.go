package nemesis

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// Staged takes away staged files, or aborts uploads, as lifecycle rules and other tools do: take takes a share of what is there, and
// tells how many that were.
func Staged(name string, take func(ctx context.Context, share func() bool) (int, error)) Fault {
	return Fault{Name: name, On: "staged files",
		Begin: func(ctx context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
			some := 0.2 + 0.8*r.Float64()
			n, err := take(ctx, func() bool { return r.Float64() < some })
			if err != nil {
				note("the store did not answer: %v", err)
				return nil, nil
			}
			note("%d are gone", n)
			return nil, nil
		}}
}

// Clock makes the clock of some workers wrong by what it writes into a file, mostly by hours, at times by days.
func Clock(file string) Fault {
	return Fault{Name: "clock step", On: "clock", Shortest: 2 * time.Second, Longest: 10 * time.Second,
		Begin: func(_ context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
			by := time.Duration(r.Int64N(int64(4*time.Hour))) - 2*time.Hour
			if r.IntN(3) == 0 {
				by *= 24
			}
			note("%s", by)
			return func(context.Context) error { return SetClock(file, 0) }, SetClock(file, by)
		}}
}

// SetClock writes by how much clocks are wrong.
func SetClock(file string, by time.Duration) error {
	// Whoever reads it finds all of the old or all of the new text.
	if err := os.WriteFile(file+".new", []byte(by.String()), 0o644); err != nil {
		return fmt.Errorf("clock: %w", err)
	}
	return os.Rename(file+".new", file)
}

// Disk fills the file system of a folder, but for some KiB.
func Disk(dir string) Fault {
	ballast := filepath.Join(dir, "ballast")
	return Fault{Name: "disk full", On: "disk", Shortest: time.Second, Longest: 6 * time.Second,
		Begin: func(_ context.Context, r *rand.Rand, note func(string, ...any)) (func(context.Context) error, error) {
			var fs syscall.Statfs_t
			if err := syscall.Statfs(dir, &fs); err != nil {
				return nil, fmt.Errorf("disk: %w", err)
			}
			left := r.Int64N(96 << 10)
			size := int64(fs.Bavail)*fs.Bsize - left
			note("%d KiB are left", left>>10)
			f, err := os.Create(ballast)
			if err != nil {
				return nil, fmt.Errorf("disk: %w", err)
			}
			defer f.Close()
			block := make([]byte, 64<<10)
			for size > 0 {
				n, err := f.Write(block[:min(size, int64(len(block)))])
				if err != nil {
					note("it is full early: %v", err)
					break
				}
				size -= int64(n)
			}
			return func(context.Context) error { return os.Remove(ballast) }, nil
		}}
}
