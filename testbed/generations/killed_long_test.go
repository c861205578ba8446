//go:build long

package generations_test

import (
	"fmt"
	"strings"
	"testing"

	"shadoof/testbed/product"
)

// A run whose rows grow is killed at each point of the protocol. The next one goes on.
func TestKilledWhileRowsGrow(t *testing.T) {
	t.Parallel()
	for _, point := range []string{"batch", "batch:2", "staged", "before-put", "put-applied", "committed", "after-marker"} {
		for _, f := range formats {
			t.Run(f.name+"-"+strings.ReplaceAll(point, ":", "-"), func(t *testing.T) {
				t.Parallel()
				tp := newTopic(t, f)
				j := tp.job(t, product.Local(t), "", "")
				tp.register(t, 1)
				tp.produce(t, 60, 0, 3, 1)
				run(t, j, 0)
				rows := tp.united(since(tp.columns, 1))
				for _, g := range all {
					tp.register(t, g)
				}
				first := len(tp.sent)
				tp.produce(t, 120, 0, 3, all...)
				if o := j.Run(t, product.Hooked(t), []string{"SHADOOF_KILL_AT=" + point}, "run"); o.Code != -1 {
					t.Fatalf("exit %d, want a killed process\n%s", o.Code, o.Stderr)
				}
				run(t, j, 0)
				part := *tp
				part.sent = tp.sent[first:]
				checkRows(t, "parquet", j.Root.Folder(t, tp.name), true, sorted(append(rows, part.want(tp.columns, 0)...)))
				tp.checkSchema(t, j, "grown", tp.columns, all...)
				j.Must(t, 0, "verify", "--deep")
			})
		}
	}
}

// Files that lost their staged bytes are made again from what the commit names. No registry is asked.
func TestLostFilesAreMadeAgainWithoutARegistry(t *testing.T) {
	t.Parallel()
	for _, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			tp := newTopic(t, f)
			for _, g := range all {
				tp.register(t, g)
			}
			tp.produce(t, 120, 0, 3, all...)
			root := s3(t)
			env := []string{"SHADOOF_KILL_AT=put-applied", "SHADOOF_LOST_AFTER=300ms"}
			if o := tp.job(t, root, "", "").Run(t, product.Hooked(t), env, "run"); o.Code != -1 {
				t.Fatalf("exit %d, want a killed process\n%s", o.Code, o.Stderr)
			}
			if n := root.AbortStaged(t); n != 3 {
				t.Errorf("%d files were staged, want 3", n)
			}
			j := newJob(t, "http://127.0.0.1:1", root, tp.name, fmt.Sprintf("value: {format: %s%s}\n", tp.format.name, tp.format.value))
			if o := j.Run(t, product.Hooked(t), env[1:], "run"); o.Code != 0 {
				t.Fatalf("exit %d\n%s%s", o.Code, o.Stdout, o.Stderr)
			}
			checkHours(t, j, 3)
			checkRows(t, "parquet", root.Folder(t, tp.name), false, tp.want(tp.columns, 0))
			j.Must(t, 0, "verify", "--deep")
		})
	}
}
