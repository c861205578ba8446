package config_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"shadoof/config"
)

func TestSizes(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{
		"0": 0, "1": 1, "512MiB": 512 << 20, "10GiB": 10 << 30, "1GB": 1e9, "1.5KiB": 1536, "7B": 7, "2 MB": 2e6, "1kB": 1000,
		"9223372036854775807": -1, "8388608TiB": -1, "": -1, "MiB": -1, "-1": -1, "1e3": -1, "1.1.1": -1, "0.3B": -1, "1 K": -1, "0x10": -1,
	} {
		got, err := config.ParseSize(s)
		if err != nil {
			got = -1
		}
		if got != want {
			t.Errorf("%q: got %d (%v), want %d", s, got, err, want)
		}
	}
}

func TestDurations(t *testing.T) {
	t.Parallel()
	const bad = -1
	for s, want := range map[string]time.Duration{
		"0": 0, "0s": 0, "90s": 90 * time.Second, "1h30m": 90 * time.Minute, "7d": 168 * time.Hour, "1d12h": 36 * time.Hour,
		"": bad, "5": bad, "-5s": bad, "+5s": bad, "d": bad, "1dd": bad, "-1d": bad, "1.5d": bad, "1w": bad, "999999999d": bad, "106751d24h": bad,
	} {
		got, err := config.ParseDuration(s)
		if err != nil {
			got = bad
		}
		if got != want {
			t.Errorf("%q: got %v (%v), want %v", s, got, err, want)
		}
	}
}

func TestFormattedValuesReadBack(t *testing.T) {
	t.Parallel()
	for _, n := range []int64{0, 1, 1023, 1024, 1536, 512 << 20, 1 << 40, 1e9} {
		if got, err := config.ParseSize(config.FormatSize(n)); got != n {
			t.Errorf("%d: %s: got %d, %v", n, config.FormatSize(n), got, err)
		}
	}
	for _, d := range []time.Duration{0, 1, time.Millisecond, 10 * time.Second, time.Minute, 20 * time.Minute, time.Hour, 10 * time.Hour, 25*time.Hour + time.Second} {
		if got, err := config.ParseDuration(config.FormatDuration(d)); got != d {
			t.Errorf("%d: %s: got %v, %v", d, config.FormatDuration(d), got, err)
		}
	}
}

func TestSecretsNeverPrint(t *testing.T) {
	t.Parallel()
	type holder struct{ S config.Secret }
	h := holder{"hunter2"}
	j, _ := json.Marshal(h)
	y, _ := yaml.Marshal(h)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", h.S, "h", h)
	for _, s := range []string{fmt.Sprint(h, h.S), fmt.Sprintf("%v %+v %#v %q %s %x %d", h, h, h, h.S, h.S, h.S, h.S), string(j), string(y), log.String()} {
		if strings.Contains(s, "hunter2") || strings.Contains(s, "68756e74657232") || !strings.Contains(s, "***") {
			t.Errorf("got %s", s)
		}
	}
}
