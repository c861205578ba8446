package offsets

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"shadoof/storage"
)

// PutSettings stores settings under their hash, if they are not there, and returns the hash. It costs no request when a record that
// is durable names them, or when this Log stored them before.
func (l *Log) PutSettings(ctx context.Context, settings []byte) (hash string, err error) {
	sum := sha256.Sum256(settings)
	hash = hex.EncodeToString(sum[:])
	l.mu.Lock()
	v, known := l.settings[hash]
	known = known && v <= l.durable.V
	l.mu.Unlock()
	if known {
		return hash, nil
	}
	if err := l.create(ctx, SettingsName(l.o.Topic, hash), settings); err != nil {
		return "", err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settings[hash] = 0
	return hash, nil
}

// Settings reads the settings with this hash.
func (l *Log) Settings(ctx context.Context, hash string) ([]byte, error) {
	name := SettingsName(l.o.Topic, hash)
	data, err := l.get(ctx, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w, but a record names it: %w", err, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != hash {
		return nil, fmt.Errorf("%s: the bytes hash to %x: %w", name, sum, ErrDamaged)
	}
	return data, nil
}

// errOther: an object that create was to make is there with other bytes.
var errOther = errors.New("it is there with other bytes")

// create makes sure that an object with these bytes is there, and stays: a record that is to name it comes after it. That it can be read
// is not enough, when the answer was not a clean one: a store that fails over may lose it again, and keep the record that was created
// only then. So it is confirmed, and then read. Nothing in the log names the object yet, so there is no harm in giving up at any point.
func (l *Log) create(ctx context.Context, name string, data []byte) error {
	for tries := 1; ; tries++ {
		answer, putErr := l.o.Store.PutNew(ctx, name, data)
		switch answer {
		case storage.Created:
			return nil
		case storage.Refused:
			return refused(name, putErr)
		}
		durable, err := l.o.Store.Confirm(ctx, name)
		var have []byte
		if durable == storage.Durable {
			have, err = l.get(ctx, name)
		}
		switch {
		case durable == storage.Durable && err == nil && bytes.Equal(have, data):
			return nil
		case durable == storage.Durable && err == nil:
			return fmt.Errorf("create %s: %w", name, errOther)
		case ctx.Err() != nil || tries == patience:
			return fmt.Errorf("create %s: %w", name, errors.Join(putErr, err, ctx.Err()))
		}
		l.o.Logger.Warn("the store's answer is unclear, trying again", "name", name, "answer", answer.String(), "error", errors.Join(putErr, err))
		if err := l.o.Backoff(ctx, tries); err != nil {
			return fmt.Errorf("create %s: %w", name, err)
		}
	}
}
