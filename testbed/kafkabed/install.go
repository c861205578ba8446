package kafkabed

import (
	"context"
	_ "embed"
	"errors"
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
	java    string
	jars    string // a folder
	classes string // the JVM's archive of parsed classes, which halves the cost of a start; "" for none
}

// Prepare fetches Kafka with Maven unless the cache has it.
func Prepare(ctx context.Context) (Install, error) {
	java, err := cache.Java(ctx)
	if err != nil {
		return Install{}, err
	}
	i := Install{java: java}
	if i.jars, err = cache.Prepare(ctx, "kafka", []string{pom}, fetchJars); err != nil {
		return Install{}, err
	}
	classes, err := cache.Prepare(ctx, "kafka-classes", []string{pom, java, i.jars}, i.archiveClasses)
	if err != nil {
		return Install{}, err
	}
	i.classes = filepath.Join(classes, archiveName)
	return i, nil
}

const archiveName = "classes.jsa"

// archiveClasses has a broker write the archive at its end. A JVM that finds no archive, or one that does not fit, starts without.
func (i Install) archiveClasses(ctx context.Context, dir string) error {
	c, err := start(ctx, i, Options{Secure: true, Authorize: true, jvm: []string{"-XX:ArchiveClassesAtExit=" + filepath.Join(dir, archiveName)}})
	if err != nil {
		return err
	}
	err = c.nodes[0].Stop()
	return errors.Join(err, c.Close(err != nil))
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

func (i Install) classpath() string { return filepath.Join(i.jars, "*") }
