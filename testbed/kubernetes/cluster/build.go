package cluster

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"shadoof/testbed/cache"
	"shadoof/testbed/charts"
)

// prepare builds the four programs once, into the testbed's cache. The first time takes minutes.
func prepare(ctx context.Context) (string, error) {
	chart, err := charts.Dir()
	if err != nil {
		return "", err
	}
	module := filepath.Join(chart, "..", "..", "..", "testbed", "kubernetes", "controlplane")
	contents := []string{runtime.Version()}
	for _, name := range []string{"go.mod", "go.sum"} {
		text, err := os.ReadFile(filepath.Join(module, name))
		if err != nil {
			return "", fmt.Errorf("testbed: control plane: %w", err)
		}
		contents = append(contents, string(text))
	}
	return cache.Prepare(ctx, "kubernetes", contents, func(ctx context.Context, dir string) error {
		fmt.Fprintln(os.Stderr, "testbed: building the control plane of Kubernetes, once: about seven minutes of CPU")
		cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+string(filepath.Separator), "tool")
		cmd.Dir = module
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build the control plane: %w\n%s", err, out)
		}
		return nil
	})
}

// accountKey makes the key that signs the tokens of service accounts.
func accountKey() ([]byte, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
