package hdfsbed

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"shadoof/testbed/cache"
)

// formatted returns a folder with an empty namespace as the NameNode formats it. Formatting starts a JVM, so its result is kept in
// the cache and copied.
func (i Install) formatted(ctx context.Context) (string, error) {
	return cache.Prepare(ctx, "hdfs-storage", []string{pom}, func(ctx context.Context, dir string) error {
		conf := filepath.Join(dir, "conf.jar")
		err := writeNodeConf(conf, properties{"fs.defaultFS": "hdfs://127.0.0.1:1"}, properties{"dfs.namenode.name.dir": "file://" + filepath.Join(dir, "name")})
		if err != nil {
			return err
		}
		args := append(i.jvm("128m", conf), nameNode, "-format", "-force", "-nonInteractive")
		cmd := exec.CommandContext(ctx, args[0], args[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "HADOOP_USER_NAME="+Superuser)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
		}
		return nil
	})
}

var clusterID = regexp.MustCompile(`(?m)^clusterID=.*$`)

func newClusterID() string {
	var id [8]byte
	rand.Read(id[:])
	return "CID-" + hex.EncodeToString(id[:])
}

func (n *Node) nameDir() string { return filepath.Join(n.data(), "name") }

func (n *Node) editsDir() string { return filepath.Join(n.data(), "edits") }

// formatNames gives a NameNode a namespace: a copy of what was formatted, in a cluster of its own.
func formatNames(formatted string, n *Node, id string) error {
	if err := os.CopyFS(n.nameDir(), os.DirFS(filepath.Join(formatted, "name"))); err != nil {
		return err
	}
	version, err := versionOf(formatted, id)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(n.nameDir(), "current", "VERSION"), []byte(version), 0o644)
}

// formatJournal gives a JournalNode what the NameNode's format leaves with it: the namespace's version, for its own kind of storage.
func formatJournal(formatted string, n *Node, id string) error {
	version, err := versionOf(formatted, id)
	if err != nil {
		return err
	}
	var mine []string
	for _, line := range strings.Split(version, "\n") {
		switch {
		case strings.HasPrefix(line, "storageType="):
			mine = append(mine, "storageType=JOURNAL_NODE")
		case !strings.HasPrefix(line, "blockpoolID="):
			mine = append(mine, line)
		}
	}
	current := filepath.Join(n.editsDir(), Nameservice, "current")
	if err := os.MkdirAll(filepath.Join(current, "paxos"), 0o755); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(current, "VERSION"), []byte(strings.Join(mine, "\n")), 0o644)
}

func versionOf(formatted, id string) (string, error) {
	path := filepath.Join(formatted, "name", "current", "VERSION")
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	if !clusterID.Match(content) {
		return "", fmt.Errorf("%s has no clusterID", path)
	}
	return clusterID.ReplaceAllString(string(content), "clusterID="+id), nil
}
