package spark

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

// An install is a Java that compiles, and Spark's jars.
type install struct {
	java string
	jars string // a folder
}

// prepare fetches Spark with Maven unless the cache has it.
func prepare(ctx context.Context) (install, error) {
	java, err := cache.Java(ctx)
	if err != nil {
		return install{}, err
	}
	// The program is compiled when it starts.
	if err := exec.CommandContext(ctx, java, "--describe-module", "jdk.compiler").Run(); err != nil {
		return install{}, fmt.Errorf("testbed: %s has no compiler: install a JDK 17 (Debian: openjdk-17-jdk-headless)", java)
	}
	jars, err := cache.Prepare(ctx, "spark", []string{pom}, fetch)
	return install{java, jars}, err
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
