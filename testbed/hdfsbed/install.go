package hdfsbed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"shadoof/testbed/cache"
)

//go:embed pom.xml
var pom string

// An Install is what clusters start from: a Java and Hadoop's jars.
type Install struct {
	java    string
	jars    string // a folder
	classes string // a folder with the JVM's archives of parsed classes, which halve the cost of a start; "" for none
}

// Prepare fetches Hadoop with Maven unless the cache has it.
func Prepare(ctx context.Context) (Install, error) {
	java, err := cache.Java(ctx)
	if err != nil {
		return Install{}, err
	}
	i := Install{java: java}
	if i.jars, err = cache.Prepare(ctx, "hdfs", []string{pom}, fetchJars); err != nil {
		return Install{}, err
	}
	classes, err := cache.Prepare(ctx, "hdfs-classes", []string{pom, java, i.jars}, i.archiveClasses)
	if err != nil {
		return Install{}, err
	}
	i.classes = classes
	return i, nil
}

// archived are the classes of nodes that have an archive.
var archived = []string{nameNode, dataNode}

func hasArchive(class string) bool { return slices.Contains(archived, class) }

func archive(dir, class string) string { return filepath.Join(dir, class+".jsa") }

// archiveClasses has each node of a small cluster write its archive at its end. A JVM that finds no archive, or one that does not
// fit, starts without.
func (i Install) archiveClasses(ctx context.Context, dir string) error {
	c, err := start(ctx, &Cluster{opts: Options{}.withDefaults(), install: i, archives: dir})
	if err != nil {
		return err
	}
	err = errors.Join(c.DataNode(1).Stop(), c.NameNode(1).Stop())
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

// classpath puts the jars before the configuration: no jar holds files of its names.
func (i Install) classpath(conf string) string {
	return filepath.Join(i.jars, "*") + string(os.PathListSeparator) + conf
}

// jvm is the command line of a Java with Hadoop's classes and a folder of configuration, up to the class. Code that lives for
// seconds is not worth the second compiler.
func (i Install) jvm(heap, conf string) []string {
	return []string{i.java, "-Xmx" + heap, "-XX:+UseSerialGC", "-XX:-UsePerfData", "-XX:TieredStopAtLevel=1", "-cp", i.classpath(conf)}
}
