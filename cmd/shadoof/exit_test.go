package main

import (
	"errors"
	"fmt"
	"testing"

	"shadoof/jobs"
	"shadoof/offsets"
	"shadoof/storage"
)

func TestErrorsBecomeExitStatusesInOnePlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, jobs.ExitDone},
		{errors.New("x"), jobs.ExitFailed},
		{usagef("x"), jobs.ExitUsage},
		{fmt.Errorf("a: %w", usagef("x")), jobs.ExitUsage},
		{status(jobs.ExitPartial), jobs.ExitPartial},
		{status(jobs.ExitDone), jobs.ExitDone},
		{fmt.Errorf("a: %w", offsets.ErrDamaged), jobs.ExitHalted},
		{fmt.Errorf("a: %w", storage.ErrUnfit), jobs.ExitHalted},
		{fmt.Errorf("a: %w", offsets.ErrUnresolved), jobs.ExitUnknown},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v: got %d, want %d", c.err, got, c.want)
		}
	}
}

func TestShards(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		flag, index, shards string
		want                string
	}{
		{"", "", "", "0/0"},
		{"", "3", "", "0/0"},
		{"1/2", "", "", "1/2"},
		{"1/2", "5", "7", "1/2"},
		{"", "5", "7", "5/7"},
		{"", "", "7", "wrong"},
		{"", "7", "7", "wrong"},
		{"2/2", "", "", "wrong"},
		{"-1/2", "", "", "wrong"},
		{"1", "", "", "wrong"},
		{"1/2/3", "", "", "wrong"},
		{"a/b", "", "", "wrong"},
	} {
		a := &app{env: func(name string) (string, bool) {
			v := map[string]string{"JOB_COMPLETION_INDEX": c.index, "SHADOOF_SHARDS": c.shards}[name]
			return v, v != ""
		}}
		i, n, err := a.shard(c.flag)
		got := fmt.Sprintf("%d/%d", i, n)
		if err != nil {
			got = "wrong"
		}
		if got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestVersionsAreShort(t *testing.T) {
	t.Parallel()
	for want, vs := range map[string][]int64{"-": nil, "7": {7}, "3-5": {3, 4, 5}, "3,5,9": {3, 5, 9}, "1,3,5 (+2)": {1, 3, 5, 7, 9}} {
		if got := versions(vs); got != want {
			t.Errorf("%v: got %s, want %s", vs, got, want)
		}
	}
}
