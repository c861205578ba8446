// Package avrotools reads Avro files with Avro's own program, by those who wrote the specification.
package avrotools

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"shadoof/testbed/cache"
)

//go:embed pom.xml
var pom string

// Tools is the program. Each call starts a Java, which takes about a second.
type Tools struct{ java, jar string }

// Prepare fetches the program with Maven unless the cache has it.
func Prepare(ctx context.Context) (Tools, error) {
	java, err := cache.Java(ctx)
	if err != nil {
		return Tools{}, err
	}
	dir, err := cache.Prepare(ctx, "avro-tools", []string{pom}, fetch)
	if err != nil {
		return Tools{}, err
	}
	jars, err := filepath.Glob(filepath.Join(dir, "avro-tools-*.jar"))
	if err != nil || len(jars) != 1 {
		return Tools{}, fmt.Errorf("testbed: avro-tools: found %q in %s, want one jar", jars, dir)
	}
	return Tools{java, jars[0]}, nil
}

func fetch(ctx context.Context, dir string) error {
	mvn, err := cache.Maven()
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "pom.xml")
	if err := os.WriteFile(file, []byte(pom), 0o644); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, mvn, "-q", "-B", "-f", file, "dependency:copy-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// Rows are the rows of a file, each a line in Avro's JSON encoding: a value of a union is an object with the name of its type, bytes are
// the characters of their numbers, and logical types are what they are stored as.
func (t Tools) Rows(ctx context.Context, path string) ([]string, error) {
	out, err := t.run(ctx, "tojson", path)
	if err != nil || out == "" {
		return nil, err
	}
	return strings.Split(strings.TrimSuffix(out, "\n"), "\n"), nil
}

// Meta is the metadata of a file: Avro's own and other.
func (t Tools) Meta(ctx context.Context, path string) (map[string]string, error) {
	out, err := t.run(ctx, "getmeta", path)
	if err != nil {
		return nil, err
	}
	meta := make(map[string]string)
	for line := range strings.Lines(out) {
		key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
		meta[key] = value
	}
	return meta, nil
}

func (t Tools) run(ctx context.Context, args ...string) (string, error) {
	flags := []string{"-Xmx256m", "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-Dfile.encoding=UTF-8", "-Dstdout.encoding=UTF-8", "-jar", t.jar}
	cmd := exec.CommandContext(ctx, t.java, append(flags, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("testbed: avro-tools %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return stdout.String(), nil
}
