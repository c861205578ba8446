package config_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shadoof/config"
)

// What stands beside field holds for each field that does not say otherwise; and all of it is printed so that it is read again.
func TestFieldsOfTime(t *testing.T) {
	t.Parallel()
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		text string
		want []config.TimeField
	}{
		{"field: a.b", []config.TimeField{{Path: "a.b", Unit: "ms"}}},
		{"field: a.b, unit: s, pattern: '%F', timezone: Asia/Tokyo", []config.TimeField{{Path: "a.b", Unit: "s", Pattern: []string{"%F"}, Timezone: tokyo}}},
		{"field: {path: a.b, unit: s}, unit: us", []config.TimeField{{Path: "a.b", Unit: "s"}}},
		{"field: [a, {path: b, unit: ns, pattern: [rfc3339, '%s'], timezone: UTC}, {path: c, pattern: '', timezone: ''}], unit: s, pattern: ['%F', '%D'], timezone: Asia/Tokyo",
			[]config.TimeField{
				{Path: "a", Unit: "s", Pattern: []string{"%F", "%D"}, Timezone: tokyo},
				{Path: "b", Unit: "ns", Pattern: []string{"rfc3339", "%s"}, Timezone: time.UTC},
				{Path: "c", Unit: "s"},
			}},
	} {
		cfg := parse(t, least+"    partition: {by: field, "+c.text+"}\n")
		if diff := cmp.Diff(c.want, cfg.Jobs[0].Partition.Fields, resolved); diff != "" {
			t.Errorf("%s: -want +got\n%s", c.text, diff)
		}
		printed, err := cfg.Print()
		if err != nil {
			t.Fatal(err)
		}
		again := parse(t, string(printed))
		if diff := cmp.Diff(cfg.Jobs[0].Partition, again.Jobs[0].Partition, resolved); diff != "" {
			t.Errorf("%s: printed and read again: -want +got\n%s\n%s", c.text, diff, printed)
		}
	}
}

func TestFieldsOfTimeUnderDefaults(t *testing.T) {
	t.Parallel()
	c := parse(t, least+`
    partition: {by: field, unit: s}
defaults:
  partition: {field: [a, {path: b, unit: us}], timezone: UTC}
`)
	want := []config.TimeField{{Path: "a", Unit: "s", Timezone: time.UTC}, {Path: "b", Unit: "us", Timezone: time.UTC}}
	if diff := cmp.Diff(want, c.Jobs[0].Partition.Fields, resolved); diff != "" {
		t.Error(diff)
	}
}
