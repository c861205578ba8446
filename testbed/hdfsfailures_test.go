package testbed_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/contract"
	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/servers"
)

// The steps of one test share a cluster that they stop.
func TestHDFSThatFails(t *testing.T) {
	t.Parallel()
	c := servers.OwnHDFS(t, hdfsbed.Options{Encryption: true, Properties: map[string]string{"dfs.namenode.accesstime.precision": "0"}})
	o := hdfsOptions(c, c.NewFolder(t))
	o.NameNodeTimeout, o.DataNodeTimeout, o.Patience, o.SafeModeWait = 2*time.Second, 3*time.Second, 20*time.Second, time.Second
	o.BlockSize = hdfsbed.MinBlockSize
	for _, step := range []struct {
		name string
		run  func(*testing.T, *hdfsbed.Cluster, hdfs.Options)
	}{
		{"no access times are kept", hdfsWithoutTimes},
		{"an encryption zone", hdfsZone},
		{"safe mode", hdfsSafeMode},
		{"a stopped name node", hdfsStoppedNameNode},
		{"a killed name node", hdfsKilledNameNode},
		{"a data node that is lost", hdfsLostDataNode},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(t, c, o) }) {
			return // what a failed step leaves behind makes the others fail, too
		}
	}
}

func hdfsWithoutTimes(t *testing.T, _ *hdfsbed.Cluster, o hdfs.Options) {
	if err := contract.Probe(t.Context(), hdfsStore(t, o)); err != nil {
		t.Error(err)
	}
}

func hdfsZone(t *testing.T, c *hdfsbed.Cluster, o hdfs.Options) {
	zone := o.Path + "/zone"
	if err := c.FS(hdfsbed.User).MkdirAll(t.Context(), zone, "755"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Admin(t.Context(), hdfsbed.CryptoAdmin, "-createZone", "-keyName", hdfsbed.EncryptionKey, "-path", zone); err != nil {
		t.Fatal(err)
	}
	store := hdfsStore(t, o)
	for _, key := range []string{"zone/a.parquet", "zone/dt=1/a.parquet"} {
		if _, err := hdfsStage(t.Context(), store, key, []byte("rows")); !errors.Is(err, storage.ErrUnfit) || !strings.Contains(err.Error(), "encryption zone") {
			t.Errorf("stage %s: %v", key, err)
		}
		if put, err := store.PutNew(t.Context(), key, nil); put != storage.Refused || !errors.Is(err, storage.ErrUnfit) {
			t.Errorf("create %s: %s, %v", key, put, err)
		}
	}
	m := storage.Move{Staging: "_shadoof/staging", Folder: "zone"}
	if err := store.TryMove(t.Context(), m); !errors.Is(err, storage.ErrUnfit) {
		t.Error(err)
	}
	for _, f := range store.Examine(t.Context(), []storage.Move{m}) {
		if strings.Contains(f.Name, "zone") && f.Grade != storage.Bad {
			t.Errorf("%+v", f)
		}
	}
}

func hdfsSafeMode(t *testing.T, c *hdfsbed.Cluster, o hdfs.Options) {
	store := hdfsStore(t, o)
	if put, err := store.PutNew(t.Context(), "safe/1", []byte("x")); put != storage.Created {
		t.Fatal(put, err)
	}
	if err := c.SafeMode(t.Context(), true); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	put, err := store.PutNew(t.Context(), "safe/2", nil)
	if put != storage.Refused || err == nil || !strings.Contains(err.Error(), "safemode get") {
		t.Errorf("create: %s, %v", put, err)
	}
	if took := time.Since(start); took < o.SafeModeWait || took > o.SafeModeWait+10*time.Second {
		t.Errorf("waited for %s", took)
	}
	if d, err := store.Confirm(t.Context(), "safe/1"); d != storage.DurabilityUnknown || err == nil {
		t.Errorf("confirm: %s, %v", d, err)
	}
	if data, err := storage.ReadAll(t.Context(), store, "safe/1", 10); string(data) != "x" {
		t.Errorf("read: %q, %v", data, err)
	}
	found := storage.Good
	for _, f := range store.Examine(t.Context(), nil) {
		if f.Name == "safe mode" {
			found = f.Grade
		}
	}
	if found != storage.Bad {
		t.Errorf("examined: %s", found)
	}
	// A call that waits goes on when it ends.
	o.SafeModeWait = time.Minute
	patient := hdfsStore(t, o)
	done := make(chan error, 1)
	go func() { _, err := patient.PutNew(t.Context(), "safe/3", nil); done <- err }()
	if err := c.SafeMode(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func hdfsStoppedNameNode(t *testing.T, c *hdfsbed.Cluster, o hdfs.Options) {
	o.Patience = 3 * time.Second
	store := hdfsStore(t, o)
	if put, err := store.PutNew(t.Context(), "stopped/1", []byte("x")); put != storage.Created {
		t.Fatal(put, err)
	}
	w, err := store.Stage(t.Context(), storage.StageRequest{Key: "stopped/a.parquet", Staging: "_shadoof/staging/a.staged"})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.NameNode(1).Pause(); err != nil {
		t.Fatal(err)
	}
	for name, call := range map[string]func(context.Context) error{
		"read":    func(ctx context.Context) error { _, err := storage.ReadAll(ctx, store, "stopped/1", 10); return err },
		"create":  func(ctx context.Context) error { _, err := store.PutNew(ctx, "stopped/2", nil); return err },
		"confirm": func(ctx context.Context) error { _, err := store.Confirm(ctx, "stopped/1"); return err },
		"delete":  func(ctx context.Context) error { return store.Delete(ctx, "stopped/1") },
		"stage": func(ctx context.Context) error {
			_, err := hdfsStage(ctx, store, "stopped/b.parquet", []byte("rows"))
			return err
		},
		"finish": func(ctx context.Context) error { _, err := w.Finish(ctx); return err },
	} {
		start := time.Now()
		// The client of a file that is open may have noticed before, and Finish takes 15 seconds to clean up, at most.
		if err := call(within(t, time.Second)); err == nil || name != "finish" && !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
		if took := time.Since(start); took > 4*time.Second && name != "finish" || took > 20*time.Second {
			t.Errorf("%s: took %s", name, took)
		}
	}
	if err := c.NameNode(1).Resume(); err != nil {
		t.Fatal(err)
	}
	// What was sent may land now, or not.
	put, err := store.PutNew(t.Context(), "stopped/2", nil)
	if put != storage.Created && put != storage.Exists {
		t.Error(put, err)
	}
	if d, err := store.Confirm(t.Context(), "stopped/2"); d != storage.Durable {
		t.Error(d, err)
	}
}

func hdfsKilledNameNode(t *testing.T, c *hdfsbed.Cluster, o hdfs.Options) {
	// A name node that comes back stands in safe mode until its data node reports, longer on a busy machine.
	o.Patience, o.SafeModeWait = time.Minute, time.Minute
	store := hdfsStore(t, o)
	staged, err := hdfsStage(t.Context(), store, "killed/a.parquet", []byte("rows"))
	if err != nil {
		t.Fatal(err)
	}
	if put, err := store.PutNew(t.Context(), "killed/1", []byte("x")); put != storage.Created {
		t.Fatal(put, err)
	}
	object, err := store.Open(t.Context(), "killed/1", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	defer object.Close()
	if err := c.NameNode(1).Kill(); err != nil {
		t.Fatal(err)
	}
	if put, err := store.PutNew(within(t, 2*time.Second), "killed/2", nil); put == storage.Created || put == storage.Exists || err == nil {
		t.Error(put, err)
	}
	// Calls that are patient enough come through the restart.
	published := make(chan error, 1)
	go func() {
		p, err := store.Publish(t.Context(), "killed/a.parquet", []storage.Staged{staged})
		if p != storage.Published && p != storage.AlreadyPublished {
			published <- errors.Join(errors.New(p.String()), err)
			return
		}
		published <- nil
	}()
	if err := c.NameNode(1).Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	if err := <-published; err != nil {
		t.Error(err)
	}
	if b := make([]byte, 2); true {
		if n, err := object.Read(b); n != 1 || b[0] != 'x' {
			t.Errorf("an object that was open: %d bytes, %v", n, err)
		}
	}
}

func hdfsLostDataNode(t *testing.T, c *hdfsbed.Cluster, o hdfs.Options) {
	o.Patience = 2 * time.Second
	store := hdfsStore(t, o)
	w, err := store.Stage(t.Context(), storage.StageRequest{Key: "lost/a.parquet", Staging: "_shadoof/staging/lost.staged"})
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, 300<<10)
	if _, err := w.Write(chunk); err != nil {
		t.Fatal(err)
	}
	if err := c.DataNode(1).Pause(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for err == nil && time.Since(start) < 20*time.Second {
		_, err = w.Write(chunk)
	}
	if err == nil {
		t.Error("the writes succeed")
	}
	t.Log(err)
	if err := w.Abort(within(t, 20*time.Second)); err != nil {
		t.Errorf("abort: %v", err)
	}
	if err := c.DataNode(1).Resume(); err != nil {
		t.Fatal(err)
	}
	if err := c.Ready(within(t, time.Minute)); err != nil {
		t.Fatal(err)
	}
	staged, err := hdfsStage(t.Context(), store, "lost/a.parquet", chunk)
	if err != nil || staged.Bytes != int64(len(chunk)) {
		t.Error(staged, err)
	}
	var left []string
	if err := c.FS(hdfsbed.User).Walk(t.Context(), o.Path+"/_shadoof/staging", func(s hdfsbed.Status) error {
		left = append(left, s.Path)
		return nil
	}); err != nil || strings.Contains(strings.Join(left, " "), "lost.staged") {
		t.Error(left, err)
	}
}
