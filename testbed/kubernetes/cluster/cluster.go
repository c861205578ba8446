// Package cluster runs the control plane of a real Kubernetes on loopback ports: etcd, kube-apiserver, kube-controller-manager and
// kube-scheduler, built from their own Go modules.
package cluster

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/rest"

	"shadoof/testbed/process"
	"shadoof/testbed/runs"
)

// patience is how long the control plane may take to be ready, on a machine that has other work.
const patience = 3 * time.Minute

// A Cluster is a control plane without nodes. It is safe for concurrent use.
type Cluster struct {
	folder   *runs.Folder
	bin      string
	token    string
	ports    []int // etcd, its peers, the API
	running  []*process.Process
	config   *rest.Config
	starting string // the part that is being waited for
}

// Start builds what is not in the cache, starts the control plane and waits until it is ready.
func Start(ctx context.Context) (*Cluster, error) {
	bin, err := prepare(ctx)
	if err != nil {
		return nil, err
	}
	folder, err := runs.NewFolder(ctx, "kubernetes")
	if err != nil {
		return nil, err
	}
	c := &Cluster{folder: folder, bin: bin, token: rand.Text()}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.Close(true))
	}
	return c, nil
}

// Config is for clients of the API that may do everything.
func (c *Cluster) Config() *rest.Config { return rest.CopyConfig(c.config) }

// Logs are the log files.
func (c *Cluster) Logs() []string {
	logs, _ := filepath.Glob(filepath.Join(c.folder.Path, "*.log"))
	return logs
}

// Close stops all parts, the last started first. With logs their logs stay for a day.
func (c *Cluster) Close(logs bool) error {
	var errs []error
	for i := len(c.running) - 1; i >= 0; i-- {
		errs = append(errs, c.running[i].Kill()) // nothing of it is kept
	}
	return errors.Join(append(errs, c.folder.Remove(logs))...)
}

func (c *Cluster) path(name string) string { return filepath.Join(c.folder.Path, name) }

func (c *Cluster) start(ctx context.Context) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if c.ports, err = runs.Ports(3); err != nil {
		return err
	}
	c.config = &rest.Config{
		Host: "https://" + runs.Address(c.ports[2]), BearerToken: c.token, QPS: 200, Burst: 400,
		TLSClientConfig: rest.TLSClientConfig{Insecure: true}, // the certificate is made anew at each start, and the way is loopback
	}
	if err := c.writeFiles(); err != nil {
		return err
	}
	client := "http://" + runs.Address(c.ports[0])
	peer := "http://" + runs.Address(c.ports[1])
	if err := c.launch("etcd", "server", "--data-dir="+c.path("data"), "--unsafe-no-fsync", "--listen-client-urls="+client, "--advertise-client-urls="+client,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer); err != nil {
		return err
	}
	if err := c.ready(ctx, client+"/health", nil); err != nil {
		return err
	}
	if err := c.launch("kube-apiserver", "kube-apiserver", "--etcd-servers="+client, "--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", c.ports[2]),
		"--cert-dir="+c.path("certs"), "--token-auth-file="+c.path("tokens.csv"), "--authorization-mode=Node,RBAC", "--endpoint-reconciler-type=none",
		"--service-cluster-ip-range=10.96.0.0/24", "--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+c.path("accounts.pem"), "--service-account-signing-key-file="+c.path("accounts.pem")); err != nil {
		return err
	}
	transport, err := rest.TransportFor(c.config)
	if err != nil {
		return err
	}
	if err := c.ready(ctx, c.config.Host+"/readyz", transport); err != nil {
		return err
	}
	if err := c.launch("kube-controller-manager", "kube-controller-manager", "--kubeconfig="+c.path("kubeconfig"), "--secure-port=0", "--leader-elect=false",
		"--service-account-private-key-file="+c.path("accounts.pem"), "--kube-api-qps=200", "--kube-api-burst=400"); err != nil {
		return err
	}
	return c.launch("kube-scheduler", "kube-scheduler", "--kubeconfig="+c.path("kubeconfig"), "--secure-port=0", "--leader-elect=false")
}

func (c *Cluster) launch(name, binary string, args ...string) error {
	p, err := process.Start(process.Spec{Name: name, Args: append([]string{filepath.Join(c.bin, binary)}, args...), Dir: c.folder.Path, Log: c.path(name + ".log")})
	if err == nil {
		c.running = append(c.running, p)
		c.starting = name
	}
	return err
}

// ready waits until the part that was started last answers.
func (c *Cluster) ready(ctx context.Context, url string, transport http.RoundTripper) error {
	p := c.running[len(c.running)-1]
	client := &http.Client{Transport: transport, Timeout: 5 * time.Second}
	for {
		if answers(ctx, client, url) {
			return nil
		}
		select {
		case <-p.Done():
			return p.Failure()
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("testbed: %s: %w", c.starting, ctx.Err()), p.Failure())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, client *http.Client, url string) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// writeFiles writes who may do what: one token for everything, and a key that signs the tokens of service accounts.
func (c *Cluster) writeFiles() error {
	key, err := accountKey()
	if err != nil {
		return err
	}
	kubeconfig := fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: testbed, cluster: {server: %q, insecure-skip-tls-verify: true}}]
users: [{name: admin, user: {token: %q}}]
contexts: [{name: testbed, context: {cluster: testbed, user: admin}}]
current-context: testbed
`, c.config.Host, c.token)
	return errors.Join(
		os.WriteFile(c.path("tokens.csv"), []byte(c.token+",admin,admin,system:masters\n"), 0o600),
		os.WriteFile(c.path("accounts.pem"), key, 0o600),
		os.WriteFile(c.path("kubeconfig"), []byte(kubeconfig), 0o600))
}
