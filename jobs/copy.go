package jobs

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"

	"shadoof/offsets"
	"shadoof/storage"
	"shadoof/writers"
)

// copyBuffer is how much of a file is in memory while it is copied, besides what the store keeps of an upload.
const copyBuffer = 1 << 20

// copyOf stages the bytes of a published file under a new name in the same folder, as a file of an attempt.
func (w *worker) copyOf(ctx context.Context, a *attempt, f liveFile) (offsets.File, error) {
	n, err := writers.Parse(path.Base(f.Key))
	if err != nil {
		return offsets.File{}, err
	}
	n.Attempt, n.Sequence = a.id, a.sequence.Next()
	request := storage.StageRequest{Key: path.Dir(f.Key) + "/" + n.String(), Staging: n.Staging(path.Join(w.env.dataStaging(w.set), a.id))}
	staged, err := w.copyBytes(ctx, f.Key, f.Bytes, request)
	if err != nil {
		return offsets.File{}, err
	}
	out := f.File
	out.Key, out.Bytes, out.Token = request.Key, staged.Bytes, staged.Token
	out.CopyOf, out.RetryOf = &offsets.FileRef{V: f.v, Key: f.Key}, nil
	return out, nil
}

// copyBytes stages what lies under a name, which must be so many bytes. Its error wraps fs.ErrNotExist where nothing does.
func (w *worker) copyBytes(ctx context.Context, name string, size int64, request storage.StageRequest) (staged storage.Staged, err error) {
	o, err := w.env.store.Open(ctx, name, 0, -1)
	if err != nil {
		return staged, fmt.Errorf("copy %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if o.Size != size {
		return staged, halt(fmt.Errorf("copy %s: it has %d bytes, and %d were committed: `shadoof verify --deep` says more", name, o.Size, size))
	}
	out, err := w.env.store.Stage(ctx, request)
	if err != nil {
		return staged, fmt.Errorf("copy %s: stage %s: %w", name, request.Key, err)
	}
	if _, err := io.CopyBuffer(onlyWriter{out}, o, make([]byte, copyBuffer)); err != nil {
		cleanup, cancel := forCleanup(ctx)
		defer cancel()
		return staged, errors.Join(fmt.Errorf("copy %s to %s: %w", name, request.Key, err), out.Abort(cleanup))
	}
	if staged, err = out.Finish(ctx); err != nil {
		return staged, fmt.Errorf("copy %s: finish %s: %w", name, request.Key, err)
	}
	if staged.Bytes != size {
		_, err := w.discard(ctx, request.Key, staged)
		return staged, errors.Join(fmt.Errorf("copy %s: the store has %d bytes of %d", name, staged.Bytes, size), err)
	}
	return staged, nil
}

// onlyWriter hides other methods: the buffer is used.
type onlyWriter struct{ io.Writer }
