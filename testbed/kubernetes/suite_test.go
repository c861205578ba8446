// Package kubernetes_test installs the Helm chart on a real control plane and lets its CronJobs, Jobs and Deployment run the image that
// `make image` builds, against a real Kafka and a real S3 server. Afterwards each record must be there once.
package kubernetes_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/kubernetes"
	"sigs.k8s.io/yaml"

	"shadoof/testbed/charts"
	"shadoof/testbed/kubernetes/cluster"
	"shadoof/testbed/kubernetes/node"
	"shadoof/testbed/runs"
)

// imageName is what the values of the chart name, and what the node has.
const imageName = "testbed/shadoof:1"

// bed is what all tests share.
var bed struct {
	api    *kubernetes.Clientset
	node   *node.Node
	binary string // the product, as it is in the image
}

func TestMain(m *testing.M) {
	code, err := withBed(m.Run)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// withBed starts the control plane and a node, and runs the tests.
func withBed(tests func() int) (code int, err error) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c, err := cluster.Start(ctx)
	if err != nil {
		return 1, err
	}
	defer func() {
		if cerr := c.Close(code != 0); err == nil {
			err = cerr
		}
		if code != 0 {
			fmt.Fprintln(os.Stderr, "testbed: see", strings.Join(c.Logs(), " "))
		}
	}()
	if bed.api, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return 1, err
	}
	folder, err := runs.NewFolder(ctx, "node")
	if err != nil {
		return 1, err
	}
	defer func() { folder.Remove(code != 0) }()
	file := filepath.Join(folder.Path, "image.tar")
	if err := buildImage(ctx, file); err != nil {
		return 1, err
	}
	if bed.node, err = node.New(ctx, bed.api, node.Options{Name: "node-1", Dir: folder.Path, Images: map[string]string{imageName: file}}); err != nil {
		return 1, err
	}
	bed.binary = filepath.Join(folder.Path, "images", "0", "usr", "local", "bin", "shadoof")
	ended := make(chan error)
	go func() { ended <- bed.node.Run(ctx) }()
	code = tests()
	cancel()
	return code, <-ended
}

func buildImage(ctx context.Context, file string) error {
	chart, err := charts.Dir()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "run", ".", "-source", "../..", "-o", file, "-tag", imageName)
	cmd.Dir = filepath.Join(chart, "..", "..", "image")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("testbed: build the image: %w\n%s", err, out)
	}
	return nil
}

// values reads YAML.
func values(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := yaml.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return v
}

// eventually waits until something holds; what says what it is, and how far it got.
func eventually(t *testing.T, patience time.Duration, holds func() (ok bool, what string)) {
	t.Helper()
	late := time.After(patience)
	for {
		ok, what := holds()
		if ok {
			return
		}
		select {
		case <-t.Context().Done():
			t.Fatalf("%s: %v", what, t.Context().Err())
		case <-late:
			t.Fatalf("not after %s: %s", patience, what)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
