package cache

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Check reports every prerequisite that is missing, one line each.
func Check(ctx context.Context) error {
	_, errJava := Java(ctx)
	_, errPython := Python(ctx)
	_, errGo := Go()
	_, errMaven := Maven()
	return errors.Join(errGo, errJava, errMaven, errPython)
}

// Go is the path of the go command.
func Go() (string, error) {
	return find("go", "go is missing: install Go 1.26 (https://go.dev/dl)")
}

// Maven is the path of mvn.
func Maven() (string, error) {
	return find("mvn", "mvn is missing: install Maven 3 (Debian: maven)")
}

func find(name, missing string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", errors.New("testbed: " + missing)
	}
	return path, nil
}

var javaVersion = regexp.MustCompile(`version "(\d+)`)

// Java is the path of a java of version 17 or later: that of JAVA_HOME, or the first on the PATH.
func Java(ctx context.Context) (string, error) {
	path, _, err := JavaVersion(ctx)
	return path, err
}

// JavaVersion is Java with its version.
func JavaVersion(ctx context.Context) (path string, version int, err error) {
	const missing = "testbed: java 17 is missing: install a JDK 17 (Debian: openjdk-17-jdk-headless)"
	path = "java"
	if home := os.Getenv("JAVA_HOME"); home != "" {
		path = filepath.Join(home, "bin", "java")
	}
	path, err = exec.LookPath(path)
	if err != nil {
		return "", 0, errors.New(missing)
	}
	out, err := exec.CommandContext(ctx, path, "-version").CombinedOutput()
	if err != nil {
		return "", 0, fmt.Errorf("%s; %s -version: %w", missing, path, err)
	}
	m := javaVersion.FindSubmatch(out)
	if m == nil {
		return "", 0, fmt.Errorf("%s; %s tells no version", missing, path)
	}
	if version, _ = strconv.Atoi(string(m[1])); version < 17 {
		return "", 0, fmt.Errorf("%s; %s is version %d", missing, path, version)
	}
	return path, version, nil
}

// Python is the real path of a Python interpreter of version 3.11 or later that can make virtual environments.
func Python(ctx context.Context) (string, error) {
	const missing = "testbed: python 3.11 is missing: install Python 3.11 or later with venv (Debian: python3-venv)"
	const ask = "import sys, venv, ensurepip; print(sys.version_info >= (3, 11)); print(sys.executable)"
	why := ""
	for _, name := range []string{"python3", "python3.15", "python3.14", "python3.13", "python3.12", "python3.11"} {
		path, err := exec.LookPath(name)
		if err != nil {
			continue
		}
		out, err := exec.CommandContext(ctx, path, "-c", ask).CombinedOutput()
		answer := strings.Fields(string(out))
		switch {
		case err != nil:
			why = fmt.Sprintf("; %s has no working venv", path)
		case len(answer) == 2 && answer[0] == "True":
			return filepath.EvalSymlinks(answer[1])
		default:
			why = fmt.Sprintf("; %s is older", path)
		}
	}
	return "", errors.New(missing + why)
}
