package kafkabed

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"shadoof/testbed/cache"
)

// formatted returns a folder with storage as Kafka's tool formats it, for a node of a cluster with these options. Formatting
// starts a JVM, so its result is kept in the cache and copied.
func (c *Cluster) formatted(ctx context.Context) (string, error) {
	args := []string{"format", "-t", newClusterID(), "-c", "server.properties"}
	if c.opts.Secure {
		for _, u := range Users {
			for _, m := range []string{"SCRAM-SHA-256", "SCRAM-SHA-512"} {
				args = append(args, "--add-scram", fmt.Sprintf("%s=[name=%s,password=%s]", m, u.Name, u.Password))
			}
		}
	}
	return cache.Prepare(ctx, "kafka-storage", append([]string{pom}, args[3:]...), func(ctx context.Context, dir string) error {
		// The node's id and listeners are not part of what the tool writes, but for the id in meta.properties.
		minimal := "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:1\nlisteners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1\n" +
			"controller.listener.names=CONTROLLER\nlog.dirs=" + filepath.Join(dir, "storage") + "\n"
		if err := os.WriteFile(filepath.Join(dir, "server.properties"), []byte(minimal), 0o644); err != nil {
			return err
		}
		java := append([]string{"-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", c.install.classpath(), "kafka.tools.StorageTool"}, args...)
		cmd := exec.CommandContext(ctx, c.install.java, java...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
		return nil
	})
}

var identity = regexp.MustCompile(`(?m)^(cluster\.id|directory\.id|node\.id)=.*$`)

// formatInto gives a node storage of its own: a copy of what was formatted, with other ids.
func formatInto(formatted string, n *Node, clusterID string) error {
	if err := os.CopyFS(n.data(), os.DirFS(filepath.Join(formatted, "storage"))); err != nil {
		return err
	}
	meta := filepath.Join(n.data(), "meta.properties")
	content, err := os.ReadFile(meta)
	if err != nil {
		return err
	}
	ids := map[string]string{"cluster.id": clusterID, "directory.id": newClusterID(), "node.id": fmt.Sprint(n.id)}
	var seen []string
	content = identity.ReplaceAllFunc(content, func(line []byte) []byte {
		key, _, _ := strings.Cut(string(line), "=")
		seen = append(seen, key)
		return []byte(key + "=" + ids[key])
	})
	if slices.Sort(seen); !slices.Equal(seen, []string{"cluster.id", "directory.id", "node.id"}) {
		return fmt.Errorf("%s: has %v, not the three ids", meta, seen)
	}
	return os.WriteFile(meta, content, 0o644)
}

// newClusterID makes a random id in Kafka's form: 16 bytes, base64 for URLs without padding, not beginning with "-".
func newClusterID() string {
	var id [16]byte
	rand.Read(id[:])
	id[0] &= 0x7f
	return base64.RawURLEncoding.EncodeToString(id[:])
}
