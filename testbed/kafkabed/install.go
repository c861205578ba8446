package kafkabed

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"shadoof/testbed/cache"
)

//go:embed pom.xml
var pom string

// An Install is what clusters start from: a Java and Kafka's jars.
type Install struct {
	Java string
	Jars string // a folder
}

// Prepare fetches Kafka with Maven unless the cache has it.
func Prepare(ctx context.Context) (Install, error) {
	java, err := cache.Java(ctx)
	if err != nil {
		return Install{}, err
	}
	jars, err := cache.Prepare(ctx, "kafka", []string{pom}, fetchJars)
	return Install{Java: java, Jars: jars}, err
}

func fetchJars(ctx context.Context, dir string) error {
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

func (i Install) classpath() string { return filepath.Join(i.Jars, "*") }
