//go:build long

package testbed_test

import (
	"bytes"
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

// TestHDFSWithTwoNameNodes stops the active one under a store, with a file half written.
func TestHDFSWithTwoNameNodes(t *testing.T) {
	t.Parallel()
	ctx := within(t, 5*time.Minute)
	c := servers.OwnHDFS(t, hdfsbed.Options{HA: true, JournalNodes: 3})
	o := hdfsOptions(c, c.NewFolder(t))
	o.NameNodeTimeout, o.BlockSize = 2*time.Second, hdfsbed.MinBlockSize
	store := hdfsStore(t, o)
	for _, f := range store.Examine(ctx, nil) {
		if f.Name == "name nodes" && (f.Grade != storage.Good || !strings.Contains(f.Detail, "is standby")) {
			t.Errorf("%+v", f)
		}
	}
	o.Authority = hdfsbed.Elsewhere
	if _, err := hdfsStore(t, o).Open(ctx, "x", 0, 0); err == nil || !strings.Contains(err.Error(), hdfsbed.Elsewhere) {
		t.Error(err)
	}
	if put, err := store.PutNew(ctx, "log/1", []byte("1")); put != storage.Created {
		t.Fatal(put, err)
	}
	w, err := store.Stage(ctx, storage.StageRequest{Key: "orders/a.parquet", Staging: "_shadoof/staging/a.staged"})
	if err != nil {
		t.Fatal(err)
	}
	data := bytes.Repeat([]byte("rows"), 100<<10)
	if _, err := w.Write(data[:len(data)/2]); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(c.NameNode(1).Pause(), c.Failover(ctx, 1, 2)); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	put, err := store.PutNew(ctx, "log/2", []byte("2"))
	t.Logf("create after the fail-over: %s, %v, %s", put, err, time.Since(start))
	if put != storage.Created {
		if put, err = store.PutNew(ctx, "log/2", []byte("2")); put != storage.Created && put != storage.Exists {
			t.Error(put, err)
		}
	}
	if d, err := store.Confirm(ctx, "log/2"); d != storage.Durable {
		t.Error(d, err)
	}
	// The file's client has moved on by itself, since it asked for nothing but its lease.
	if _, err := w.Write(data[len(data)/2:]); err != nil {
		t.Errorf("write after the fail-over: %v", err)
	}
	staged, err := w.Finish(ctx)
	if err != nil {
		t.Fatalf("finish after the fail-over: %v", err)
	}
	// The one that was stopped wakes, takes itself for active, and answers until it tries to write.
	if err := c.NameNode(1).Resume(); err != nil {
		t.Fatal(err)
	}
	if p, err := store.Publish(ctx, "orders/a.parquet", []storage.Staged{staged}); p != storage.Published {
		t.Error(p, err)
	}
	// A new client may meet the one that has just woken: until that finds out, reads are of the past. Nothing that counts is concluded
	// from a read that was not confirmed, and it can confirm nothing.
	newcomer := hdfsStore(t, hdfsOptions(c, o.Path))
	for {
		got, err := storage.ReadAll(ctx, newcomer, "orders/a.parquet", 1<<20)
		if err == nil && bytes.Equal(got, data) {
			break
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("read back %d bytes, %v", len(got), err)
		}
	}
	for v, want := range map[string]string{"log/1": "1", "log/2": "2"} {
		if got, err := storage.ReadAll(ctx, store, v, 10); string(got) != want {
			t.Errorf("%s: %q, %v", v, got, err)
		}
	}
}

func TestHDFSWithKerberos(t *testing.T) {
	ctx := within(t, 5*time.Minute)
	c := servers.OwnHDFS(t, hdfsbed.Options{Kerberos: true})
	o := hdfsOptions(c, c.NewFolder(t))
	o.User = ""
	o.Kerberos = hdfs.Kerberos{Principal: hdfsbed.Principal(hdfsbed.User), Keytab: c.Kerberos().Keytab, Krb5Conf: c.Kerberos().Config}
	for _, r := range contract.Check(ctx, func() (storage.Store, error) { return hdfsStore(t, o), nil }, contract.Options{Racers: 8, Rounds: 4}) {
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	cache, err := c.Kerberos().TicketCache(ctx, hdfsbed.User)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KRB5CCNAME", "FILE:"+cache)
	cached := o
	cached.Kerberos = hdfs.Kerberos{Krb5Conf: c.Kerberos().Config}
	if err := contract.Probe(ctx, hdfsStore(t, cached)); err != nil {
		t.Error(err)
	}
	stranger := o
	stranger.Kerberos.Principal = "nobody@" + hdfsbed.Realm
	if _, err := hdfsStore(t, stranger).Open(ctx, "x", 0, 0); err == nil || !strings.Contains(err.Error(), "nobody@"+hdfsbed.Realm) {
		t.Error(err)
	} else {
		t.Log(err)
	}
	plain := o
	plain.Kerberos = hdfs.Kerberos{Krb5Conf: c.Kerberos().Config}
	t.Setenv("KRB5CCNAME", "FILE:"+cache+".none")
	if _, err := hdfsStore(t, plain).Open(ctx, "x", 0, 0); err == nil || !strings.Contains(err.Error(), "kinit") {
		t.Error(err)
	} else {
		t.Log(err)
	}
}

func TestHDFSWithAProtectedWireIsRefused(t *testing.T) {
	t.Parallel()
	c := servers.OwnHDFS(t, hdfsbed.Options{Kerberos: true, DataProtection: "privacy"})
	o := hdfsOptions(c, "/x")
	o.User = ""
	o.Kerberos = hdfs.Kerberos{Principal: hdfsbed.Principal(hdfsbed.User), Keytab: c.Kerberos().Keytab, Krb5Conf: c.Kerberos().Config}
	if _, err := hdfs.New(t.Context(), o); !errors.Is(err, storage.ErrUnfit) || !strings.Contains(err.Error(), "dfs.data.transfer.protection") {
		t.Error(err)
	} else {
		t.Log(err)
	}
}
