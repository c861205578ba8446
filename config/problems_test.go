package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Each testdata/mistakes/*.yaml is a document full of mistakes; beside it stands what is said about it.
func TestEveryMistakeIsReportedAtOnceWithItsLine(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("testdata/mistakes/*.yaml")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			_, err = config.Parse(filepath.Base(name), text, env("NOT_UTF8", "\xff", "EMPTY", ""))
			if err == nil {
				t.Fatal("no mistake was found")
			}
			here, _ := filepath.Abs(".")
			got := strings.ReplaceAll(err.Error(), here, "DIR") + "\n"
			golden := strings.TrimSuffix(name, ".yaml") + ".txt"
			if *update {
				write(t, golden, got)
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "empty"), "\n")
	write(t, filepath.Join(dir, "good"), " p w \r\n")
	sasl := func(rest string) (*config.Config, error) {
		text := "kafka: {brokers: [a:1], sasl: {mechanism: PLAIN, username: u, " + rest + "}}\n" + strings.Replace(least, "kafka:", "#", 1)
		return config.Parse(filepath.Join(dir, "shadoof.yaml"), []byte(text), noEnv)
	}
	c, err := sasl("password_file: good")
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Kafka.SASL.Password.Reveal(); got != " p w " {
		t.Errorf("got %q", got)
	}
	for rest, want := range map[string]string{
		"password_file: empty":             "empty is empty",
		"password_file: missing":           "no such file",
		"password_file: .":                 "is not a file",
		"password: x, password_file: good": "a secret has one source",
		"password: ''":                     "PLAIN needs password or password_file",
	} {
		if _, err := sasl(rest); err == nil || !strings.Contains(err.Error(), want) || strings.Count(err.Error(), "\n") > 0 {
			t.Errorf("%s: got %v, want %q", rest, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	names, _ := filepath.Glob("testdata/mistakes/*.yaml")
	for _, name := range append(names, "example.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(least))
	f.Add([]byte("a: &a {kafka: *a}\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := config.Parse("shadoof.yaml", text, env("A", "a"))
		if err != nil {
			return
		}
		printed, err := c.Print()
		if err != nil {
			t.Fatal(err)
		}
		again, err := config.Parse("shadoof.yaml", printed, noEnv)
		if err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		reprinted, err := again.Print()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(printed), string(reprinted)); diff != "" {
			t.Fatal(diff)
		}
	})
}
