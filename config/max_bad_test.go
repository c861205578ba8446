package config_test

import (
	"fmt"
	"strings"
	"testing"

	"shadoof/config"
)

func TestMaxBadOfACommit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		max           config.MaxBad
		records, want int64
	}{
		{"0", 1000, 0}, {"7", 3, 7}, {"0%", 1e9, 0}, {"100%", 12, 12}, {"1%", 100, 1}, {"1%", 101, 2}, {"1%", 99, 1}, {"0.1%", 0, 0}, {"0.1%", 1, 1},
		{"0.1%", 1000, 1}, {"0.1%", 1001, 2}, {"0.07%", 10000, 7}, {"0.000001%", 1e8, 1}, {"33.333333%", 9e18, 2999999970000000000}, {"0.1 %", 5000, 5},
	} {
		if got, bounded := c.max.Of(c.records); got != c.want || !bounded {
			t.Errorf("%s of %d records: %d, %t, want %d", c.max, c.records, got, bounded, c.want)
		}
	}
	if _, bounded := config.MaxBad("").Of(5); bounded {
		t.Error("nothing is configured, and it is a bound")
	}
}

func TestMaxBadIsANumberOrAShare(t *testing.T) {
	t.Parallel()
	doc := "kafka: {brokers: [a:1]}\nstore: {url: file:///x}\njobs:\n  - {name: a, topics: [b], value: {format: string}, policy: {max_bad: %q}}\n"
	for text, ok := range map[string]bool{
		"5": true, "0": true, "0.1%": true, "12.5%": true, "100%": true, "": true, "-1": false, "0.5": false, "101%": false, "%": false, ".5%": false, "1.%": false,
		"0.0000001%": false, "five": false, "1%%": false, "1e3": false, "99999999999999999999": false,
	} {
		cfg, err := config.Parse("a.yaml", fmt.Appendf(nil, doc, text), func(string) (string, bool) { return "", false })
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "neither a number of records") {
			t.Errorf("%s: %v", text, err)
		}
		if ok && err == nil && string(cfg.Jobs[0].Policy.MaxBad) != text {
			t.Errorf("%s: %q", text, cfg.Jobs[0].Policy.MaxBad)
		}
	}
}
