package jobs

import (
	"errors"
	"fmt"
	"testing"

	"shadoof/offsets"
)

func TestTheWorstOfManyErrorsDecidesTheExitCode(t *testing.T) {
	t.Parallel()
	plain := errors.New("plain")
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, ExitDone},
		{plain, ExitFailed},
		{errors.Join(partial(plain), halt(plain)), ExitHalted},
		{partial(fmt.Errorf("read: %w", offsets.ErrDamaged)), ExitHalted},
		{fmt.Errorf("%w: %w", offsets.ErrUnresolved, offsets.ErrDamaged), ExitHalted},
		{fmt.Errorf("%w: %w", offsets.ErrUnresolved, partial(plain)), ExitUnknown},
		{errors.Join(plain, usage(plain), halt(plain)), ExitUsage},
	} {
		if got := ExitCode(c.err); got != c.want {
			t.Errorf("%v: exit %d, want %d", c.err, got, c.want)
		}
	}
}
