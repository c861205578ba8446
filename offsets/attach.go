package offsets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// attachAbove is how many bytes of bundles stand in a record itself.
const attachAbove = 256 << 10

// An attacher moves the bundles of one Append's lifts into an attachment. The attachment holds the bundles as they were first proposed; a
// later turn that keeps fewer names those it takes.
type attacher struct {
	attempt string         // of the attachment, "" as long as there is none
	numbers map[string]int // of the bundles in the attachment, by their bytes
	sum     string
}

// attach returns body with its bundles attached, if they are large or were attached on an earlier turn. The attachment is there when
// it returns.
func (a *attacher) attach(ctx context.Context, l *Log, body Body) (Body, error) {
	lift := liftOf(body)
	if lift == nil {
		return body, nil
	}
	if lift.Attached != nil {
		return nil, errors.New("a lift is proposed with its bundles, not with an attachment")
	}
	bundles, size := make([][]byte, len(lift.Bundles)), 0
	for i := range lift.Bundles {
		b, err := marshal(&lift.Bundles[i])
		if err != nil {
			return nil, fmt.Errorf("encode bundle %d: %w", i, err)
		}
		bundles[i], size = b, size+len(b)+1
	}
	if a.attempt != lift.Attempt {
		if size <= attachAbove {
			return body, nil
		}
		if err := a.create(ctx, l, lift.Attempt, bundles); err != nil {
			return nil, err
		}
	}
	attached := *lift
	attached.Attached = &Attachment{SHA256: a.sum, Takes: make([]int, len(bundles))}
	for i, b := range bundles {
		at, ok := a.numbers[string(b)]
		if !ok {
			return nil, fmt.Errorf("bundle %d is not among those that attempt %s attached first: an attempt can only drop bundles", i, a.attempt)
		}
		attached.Attached.Takes[i] = at
	}
	return withLift(body, attached), nil
}

// create makes the attachment of an attempt. If one is there already, from an earlier Append of the same attempt, it serves as well.
func (a *attacher) create(ctx context.Context, l *Log, attempt string, bundles [][]byte) error {
	if !isHex(attempt, 16) {
		return fmt.Errorf("attempt %.40q is not 16 hex digits", attempt)
	}
	name := AttName(l.o.Topic, attempt)
	data := slices.Concat([]byte{'['}, bytes.Join(bundles, []byte{','}), []byte("]\n"))
	if err := l.create(ctx, name, data); errors.Is(err, errOther) {
		if data, err = l.get(ctx, name); err != nil {
			return err
		}
		var have []json.RawMessage
		if err := strict(data, &have); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		bundles = nil
		for _, b := range have {
			bundles = append(bundles, b)
		}
	} else if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	a.attempt, a.sum, a.numbers = attempt, hex.EncodeToString(sum[:]), map[string]int{}
	for i, b := range bundles {
		a.numbers[string(b)] = i
	}
	return nil
}
