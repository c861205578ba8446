package testbed_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"shadoof/storage"
	"shadoof/storage/contract"
	"shadoof/storage/hdfs"
	"shadoof/testbed/hdfsbed"
	"shadoof/testbed/servers"
)

func hdfsOptions(c *hdfsbed.Cluster, root string) hdfs.Options {
	return hdfs.Options{Authority: c.Authority(), Path: root, ConfDir: c.ConfDir(), User: hdfsbed.User}
}

func hdfsStore(t *testing.T, o hdfs.Options) *hdfs.Store {
	t.Helper()
	s, err := hdfs.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func hdfsStage(ctx context.Context, s storage.Store, key string, data []byte) (storage.Staged, error) {
	w, err := s.Stage(ctx, storage.StageRequest{Key: key, Staging: "_shadoof/staging/" + path.Base(key) + ".staged"})
	if err != nil {
		return storage.Staged{}, err
	}
	if _, err := w.Write(data); err != nil {
		return storage.Staged{}, errors.Join(err, w.Abort(ctx))
	}
	return w.Finish(ctx)
}

// within bounds a call that might hang.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), d)
	t.Cleanup(cancel)
	return ctx
}

// TestHDFSKeepsTheContract gives every racer clients of its own.
func TestHDFSKeepsTheContract(t *testing.T) {
	t.Parallel()
	c := servers.HDFS(t)
	root := c.NewFolder(t)
	o := hdfsOptions(c, root)
	o.Group, o.FileMode, o.DirMode = hdfsbed.Group, 0o660, 0o770
	for _, r := range contract.Check(t.Context(), func() (storage.Store, error) { return hdfsStore(t, o), nil }, contract.Options{}) {
		t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Millisecond), r.Detail)
		if r.Err != nil {
			t.Error(r.Err)
		}
	}
	start := time.Now()
	if err := contract.Probe(t.Context(), hdfsStore(t, o)); err != nil {
		t.Error(err)
	}
	t.Logf("probe: %s", time.Since(start))
	err := c.FS(hdfsbed.User).Walk(t.Context(), root, func(s hdfsbed.Status) error {
		if !s.IsDir() || s.Group != hdfsbed.Group || s.Permission != "770" {
			t.Errorf("left behind: %s %s:%s %s", s.Path, s.Owner, s.Group, s.Permission)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

const hdfsRounds = 50

// raceInHDFSAsProcess creates the records of all rounds, in order, and prints what it was told.
func raceInHDFSAsProcess() error {
	c, ok := hdfsbed.FromEnv()
	if !ok {
		return errors.New("no cluster in the environment")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	store, err := hdfs.New(ctx, hdfsOptions(c, os.Getenv("HDFSCONTRACT_ROOT")))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	for round := range hdfsRounds {
		put, err := store.PutNew(ctx, fmt.Sprintf("race/%03d", round), []byte(os.Getenv("HDFSCONTRACT_RACER")))
		if put == storage.Refused || put == storage.PutUnknown {
			return fmt.Errorf("round %d: %s, %w", round, put, err)
		}
		fmt.Println(put)
	}
	return store.Close()
}

func TestOfRacingHDFSProcessesOneWins(t *testing.T) {
	t.Parallel()
	c := servers.HDFS(t)
	root := c.NewFolder(t)
	const racers = 3
	var (
		processes [racers]*exec.Cmd
		outputs   [racers]*bufio.Scanner
		inputs    [racers]io.WriteCloser
	)
	for i := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(append(os.Environ(), c.Env()...), "HDFSCONTRACT_RACER="+strconv.Itoa(i), "HDFSCONTRACT_ROOT="+root)
		cmd.Stderr = os.Stderr
		out, errOut := cmd.StdoutPipe()
		in, errIn := cmd.StdinPipe()
		if err := errors.Join(errOut, errIn, cmd.Start()); err != nil {
			t.Fatal(err)
		}
		processes[i], outputs[i], inputs[i] = cmd, bufio.NewScanner(out), in
		if !outputs[i].Scan() || outputs[i].Text() != "ready" {
			t.Fatalf("racer %d did not get ready", i)
		}
	}
	for _, in := range inputs {
		if _, err := io.WriteString(in, "go\n"); err != nil {
			t.Fatal(err)
		}
	}
	var winners [hdfsRounds][]int
	for i, out := range outputs {
		for round := 0; out.Scan(); round++ {
			if out.Text() == storage.Created.String() {
				winners[round] = append(winners[round], i)
			}
		}
		if err := processes[i].Wait(); err != nil {
			t.Errorf("racer %d: %v", i, err)
		}
	}
	store := hdfsStore(t, hdfsOptions(c, root))
	wins := [racers]int{}
	for round, w := range winners {
		data, err := storage.ReadAll(t.Context(), store, fmt.Sprintf("race/%03d", round), 10)
		if len(w) != 1 || err != nil || string(data) != strconv.Itoa(w[0]) {
			t.Errorf("round %d: winners %v, content %q, %v", round, w, data, err)
			continue
		}
		wins[w[0]]++
	}
	t.Logf("wins: %v", wins)
}

// TestHDFSFilesOfManyBlocks writes several files at once over shared clients, among them one that ends with a block and an empty one.
func TestHDFSFilesOfManyBlocks(t *testing.T) {
	t.Parallel()
	c := servers.HDFS(t)
	o := hdfsOptions(c, c.NewFolder(t))
	o.BlockSize = hdfsbed.MinBlockSize
	store := hdfsStore(t, o)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	var files errgroup.Group
	for i, size := range []int{0, 1, 1<<20 - 1, 1 << 20, 1<<20 + 1, 2 << 20, 3<<20 + 4711, 100, 200, 300} {
		files.Go(func() error {
			data := make([]byte, size)
			rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(i)}).Read(data)
			key := fmt.Sprintf("orders/%d.parquet", i)
			staged, err := hdfsStage(t.Context(), store, key, data)
			if err != nil {
				return err
			}
			if p, err := store.Publish(t.Context(), key, []storage.Staged{staged}); p != storage.Published {
				return fmt.Errorf("%s: %s, %w", key, p, err)
			}
			got, err := storage.ReadAll(t.Context(), store, key, int64(size))
			if err != nil || !bytes.Equal(got, data) || staged.Bytes != int64(size) {
				return fmt.Errorf("%s: read back %d bytes of %d, %w", key, len(got), size, err)
			}
			if size < 11 {
				return nil
			}
			tail := make([]byte, 10)
			if _, err := storage.ReaderAt(t.Context(), store, key, staged.Bytes).ReadAt(tail, staged.Bytes-10); err != nil || !bytes.Equal(tail, data[size-10:]) {
				return fmt.Errorf("%s: tail %x, %w", key, tail, err)
			}
			return nil
		})
	}
	if err := files.Wait(); err != nil {
		t.Error(err)
	}
}

func TestHDFSRefusalsSayWhatToDo(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), servers.HDFS(t)
	admin := c.FS(hdfsbed.Superuser)
	root := c.NewFolder(t)
	stranger := hdfsOptions(c, root)
	stranger.User = hdfsbed.Stranger
	const key = "orders/a.parquet"

	refused := func(what string, err error, is error, words ...string) {
		t.Helper()
		if err == nil || is != nil && !errors.Is(err, is) {
			t.Errorf("%s: %v, want %v", what, err, is)
			return
		}
		for _, w := range words {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %q is missing in %v", what, w, err)
			}
		}
		t.Log(err)
	}
	put, err := hdfsStore(t, stranger).PutNew(ctx, key, nil)
	refused("permission", err, fs.ErrPermission, hdfsbed.Stranger, root+" is shadoof:lake 0755")
	if put != storage.Refused {
		t.Error(put)
	}
	_, err = hdfsStage(ctx, hdfsStore(t, stranger), key, []byte("rows"))
	refused("permission to stage", err, fs.ErrPermission, hdfsbed.Stranger, root)

	store := hdfsStore(t, hdfsOptions(c, root))
	staged, err := hdfsStage(ctx, store, key, []byte("rows"))
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.SetQuota(ctx, root+"/orders", 1, -1); err != nil {
		t.Fatal(err)
	}
	p, err := store.Publish(ctx, key, []storage.Staged{staged})
	refused("quota at publishing", err, nil, "NameSpace quota", "-setQuota", root+"/orders")
	if p != storage.PublishUnclear {
		t.Error(p)
	}
	put, err = store.PutNew(ctx, "orders/x", nil)
	refused("quota of names", err, nil, "NameSpace quota", "-setQuota")
	if put != storage.Refused {
		t.Error(put)
	}
	if err := admin.SetQuota(ctx, root+"/orders", -1, 1); err != nil {
		t.Fatal(err)
	}
	put, err = store.PutNew(ctx, "orders/x", []byte("x"))
	refused("quota of bytes", err, nil, "DiskSpace quota", "-setSpaceQuota")
	if put != storage.Refused {
		t.Error(put)
	}
	if err := admin.SetQuota(ctx, root+"/orders", -1, -1); err != nil {
		t.Fatal(err)
	}
	if p, err := store.Publish(ctx, key, []storage.Staged{staged}); p != storage.Published {
		t.Error(p, err)
	}
	if err := errors.Join(admin.MkdirAll(ctx, root+"/coded", "777"), admin.SetErasureCoding(ctx, root+"/coded", "XOR-2-1-1024k")); err != nil {
		t.Fatal(err)
	}
	_, err = hdfsStage(ctx, store, "coded/a.parquet", []byte("rows"))
	refused("erasure coding", err, storage.ErrUnfit, root+"/coded is erasure-coded", "-replicate")
	put, err = store.PutNew(ctx, "coded/a", nil)
	refused("a record with erasure coding", err, storage.ErrUnfit, root+"/coded")
	if put != storage.Refused {
		t.Error(put)
	}
}

func TestHDFSIsExamined(t *testing.T) {
	t.Parallel()
	ctx, c := t.Context(), servers.HDFS(t)
	admin := c.FS(hdfsbed.Superuser)
	root := c.NewFolder(t)
	for _, dir := range []string{"/_shadoof/staging", "/orders", "/listed", "/others"} {
		if err := c.FS(hdfsbed.User).MkdirAll(ctx, root+dir, "755"); err != nil {
			t.Fatal(err)
		}
	}
	store := hdfsStore(t, hdfsOptions(c, root))
	grades := func(store *hdfs.Store, folders ...string) map[string]storage.Grade {
		var moves []storage.Move
		for _, f := range folders {
			moves = append(moves, storage.Move{Staging: "_shadoof/staging", Folder: f})
		}
		found := map[string]storage.Grade{}
		for _, f := range store.Examine(ctx, moves) {
			t.Logf("%s: %s: %s", f.Grade, f.Name, f.Detail)
			found[f.Name] = max(found[f.Name], f.Grade)
		}
		return found
	}
	for name, grade := range grades(store, "orders", "not/there/yet") {
		if grade != storage.Good && name != "sync on close" {
			t.Errorf("%s: %s", name, grade)
		}
	}
	if err := errors.Join(
		admin.ModifyACL(ctx, root+"/listed", "default:group:lake:rwx"),
		admin.SetOwner(ctx, root+"/others", "", "others"),
		admin.SetQuota(ctx, root, 6, 1<<40),
	); err != nil {
		t.Fatal(err)
	}
	got := grades(store, "orders", "listed", "others")
	for name, want := range map[string]storage.Grade{"access control lists": storage.Doubt, "groups": storage.Doubt, "quotas": storage.Bad, "name nodes": storage.Good, "user": storage.Good} {
		if got[name] != want {
			t.Errorf("%s: %s, want %s", name, got[name], want)
		}
	}
	o := hdfsOptions(c, root)
	o.User = hdfsbed.Superuser
	if got := grades(hdfsStore(t, o))["user"]; got != storage.Doubt {
		t.Errorf("the superuser: %s", got)
	}
	if err := store.TryMove(ctx, storage.Move{Staging: "_shadoof/staging", Folder: "orders"}); err == nil || !strings.Contains(err.Error(), "quota") {
		t.Error(err)
	}
	if err := admin.SetQuota(ctx, root, -1, -1); err != nil {
		t.Fatal(err)
	}
	if err := store.TryMove(ctx, storage.Move{Staging: "_shadoof/staging", Folder: "orders"}); err != nil {
		t.Error(err)
	}
}
