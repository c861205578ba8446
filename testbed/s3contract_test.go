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
	"strconv"
	"strings"
	"testing"
	"time"

	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"

	"shadoof/storage"
	"shadoof/storage/contract"
	"shadoof/storage/s3"
	"shadoof/testbed/s3bed"
	"shadoof/testbed/servers"
)

func TestMain(m *testing.M) {
	if os.Getenv("S3CONTRACT_RACER") != "" {
		if err := raceAsProcess(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	if os.Getenv("HDFSCONTRACT_RACER") != "" {
		if err := raceInHDFSAsProcess(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func s3Options(s *s3bed.Server, bucket string) s3.Options {
	return s3.Options{
		Bucket: bucket, Prefix: "kafka", Endpoint: s.Endpoint, Region: s.Region, PathStyle: true, CAFile: s.CA,
		Credentials: awscredentials.NewStaticCredentialsProvider(s.AccessKey, s.SecretKey, ""),
	}
}

func s3Store(t *testing.T, o s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	s3Record  = "_shadoof/topics/orders/log/00000000000000000001.json"
	s3Key     = "orders/dt=2026-11-20/hr=13/a.parquet"
	s3Staging = "_shadoof/topics/orders/staging/1a2b/a.staged"
)

func s3Stage(ctx context.Context, s storage.Store, data []byte) (storage.Staged, error) {
	w, err := s.Stage(ctx, storage.StageRequest{Key: s3Key, Staging: s3Staging})
	if err != nil {
		return storage.Staged{}, err
	}
	if _, err := w.Write(data); err != nil {
		return storage.Staged{}, errors.Join(err, w.Abort(ctx))
	}
	return w.Finish(ctx)
}

// TestS3KeepsTheContract gives every racer a client, and so connections, of its own.
func TestS3KeepsTheContract(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*s3bed.Server{"http": servers.S3(t), "https": servers.S3TLS(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := s3Options(server, server.NewBucket(t))
			open := func() (storage.Store, error) { return s3.New(t.Context(), o) }
			for _, r := range contract.Check(t.Context(), open, contract.Options{}) {
				t.Logf("%-60s %8s %s", r.Name, r.Took.Round(time.Millisecond), r.Detail)
				if r.Err != nil {
					t.Error(r.Err)
				}
			}
			start := time.Now()
			if err := contract.Probe(t.Context(), s3Store(t, o)); err != nil {
				t.Error(err)
			}
			t.Logf("probe: %s", time.Since(start))
			keys, err := server.Keys(t.Context(), o.Bucket, "")
			if err != nil || len(keys) > 0 {
				t.Errorf("left behind: %q, %v", keys, err)
			}
		})
	}
}

const s3Rounds = 50

// raceAsProcess creates the records of all rounds, in order, and prints what it was told.
func raceAsProcess() error {
	server, ok := s3bed.FromEnv()
	if !ok {
		return errors.New("no server in the environment")
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	store, err := s3.New(ctx, s3Options(server, os.Getenv("S3CONTRACT_BUCKET")))
	if err != nil {
		return err
	}
	fmt.Println("ready")
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	for round := range s3Rounds {
		put, err := store.PutNew(ctx, fmt.Sprintf("race/%03d", round), []byte(os.Getenv("S3CONTRACT_RACER")))
		if put == storage.Refused || put == storage.PutUnknown {
			return fmt.Errorf("round %d: %s, %w", round, put, err)
		}
		fmt.Println(put)
	}
	return nil
}

func TestOfRacingS3ProcessesOneWins(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	bucket := server.NewBucket(t)
	const racers = 3
	var (
		processes [racers]*exec.Cmd
		outputs   [racers]*bufio.Scanner
		inputs    [racers]io.WriteCloser
	)
	for i := range processes {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(append(os.Environ(), server.Env()...), "S3CONTRACT_RACER="+strconv.Itoa(i), "S3CONTRACT_BUCKET="+bucket)
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
	var winners [s3Rounds][]int
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
	store := s3Store(t, s3Options(server, bucket))
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

func TestS3UploadsOfManyParts(t *testing.T) {
	t.Parallel()
	for name, server := range map[string]*s3bed.Server{"http": servers.S3(t), "https": servers.S3TLS(t)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := s3Options(server, server.NewBucket(t))
			o.PartSize = s3.MinPartSize
			store := s3Store(t, o)
			seed := uint64(time.Now().UnixNano())
			t.Logf("seed %d", seed)
			data := make([]byte, 3*s3.MinPartSize+4711)
			rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), byte(seed >> 24)}).Read(data)
			staged, err := s3Stage(t.Context(), store, data)
			if err != nil {
				t.Fatal(err)
			}
			if p, err := store.Publish(t.Context(), s3Key, []storage.Staged{staged}); p != storage.Published {
				t.Fatal(p, err)
			}
			got, err := storage.ReadAll(t.Context(), store, s3Key, int64(len(data)))
			if err != nil || !bytes.Equal(got, data) {
				t.Errorf("read back %d bytes, %v", len(got), err)
			}
			tail := make([]byte, 10)
			if _, err := storage.ReaderAt(t.Context(), store, s3Key, staged.Bytes).ReadAt(tail, staged.Bytes-10); err != nil || !bytes.Equal(tail, data[len(data)-10:]) {
				t.Errorf("tail %x, %v", tail, err)
			}
		})
	}
}

// TestAnS3ServerThatDiesLosesNothing kills the server between staging and publishing, and during the put of a record.
func TestAnS3ServerThatDiesLosesNothing(t *testing.T) {
	t.Parallel()
	server := servers.OwnS3(t, s3bed.Options{})
	o := s3Options(server, server.NewBucket(t))
	o.Stall = time.Second
	store := s3Store(t, o)
	staged, err := s3Stage(t.Context(), store, []byte("rows"))
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Kill(); err != nil {
		t.Fatal(err)
	}
	if p, err := store.PutNew(t.Context(), s3Record, []byte("{}")); p != storage.PutUnknown || !strings.Contains(err.Error(), server.Endpoint) {
		t.Errorf("put to a dead server: %s, %v", p, err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	// A frozen server takes the request, and may carry it out once it wakes.
	if err := server.Pause(); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if p, err := store.PutNew(t.Context(), s3Record, []byte("{}")); p != storage.PutUnknown || err == nil {
		t.Errorf("put to a frozen server: %s, %v", p, err)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("it took %s to give up", took)
	}
	if err := server.Resume(); err != nil {
		t.Fatal(err)
	}
	// The same bytes again, until the slot is occupied.
	p, err := store.PutNew(t.Context(), s3Record, []byte("{}"))
	if p != storage.Created && p != storage.Exists {
		t.Errorf("the same put again: %s, %v", p, err)
	}
	if data, err := storage.ReadAll(t.Context(), store, s3Record, 10); string(data) != "{}" {
		t.Errorf("the record holds %q, %v", data, err)
	}
	if p, err := store.Publish(t.Context(), s3Key, []storage.Staged{staged}); p != storage.Published {
		t.Errorf("publish: %s, %v", p, err)
	}
}

func TestS3ErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	server := servers.S3(t)
	bucket := server.NewBucket(t)
	for want, change := range map[string]func(*s3.Options){
		"create it, or correct store.url": func(o *s3.Options) { o.Bucket = "no-such-bucket" },
		"does not know this access key": func(o *s3.Options) {
			o.Credentials = awscredentials.NewStaticCredentialsProvider("nobody", "secret-that-must-not-show", "")
		},
		"another secret for this access key": func(o *s3.Options) {
			o.Credentials = awscredentials.NewStaticCredentialsProvider(server.AccessKey, "secret-that-must-not-show", "")
		},
		"it cannot be reached": func(o *s3.Options) { o.Endpoint = "http://127.0.0.1:1" },
	} {
		o := s3Options(server, bucket)
		change(&o)
		_, err := s3.New(t.Context(), o)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "must-not-show") {
			t.Errorf("%s: %v", want, err)
		}
		if errors.Is(err, fs.ErrNotExist) {
			t.Errorf("taken for an object that is not there: %v", err)
		}
		t.Log(err)
	}
}
