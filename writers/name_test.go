package writers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shadoof/storage"
	"shadoof/writers"
)

func TestNamesArePartOfTheFormat(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 151)
	for _, c := range []struct {
		name writers.Name
		want string
	}{
		{writers.Name{Topic: "orders", Partition: 7, First: 120000, Attempt: "1a2b3c4d5e6f7a8b", Extension: ".parquet"},
			"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet"},
		{writers.Name{Topic: "a-p00001.b", Partition: writers.Several, Attempt: "0000000000000000", Sequence: 12, Extension: ".avro"},
			"a-p00001.b-pmulti-00000000000000000000-0000000000000000-012.avro"},
		{writers.Name{Topic: "t", Partition: 1<<31 - 1, First: 1<<63 - 1, Attempt: "ffffffffffffffff", Sequence: 123456, Extension: ".parquet"},
			"t-p2147483647-09223372036854775807-ffffffffffffffff-123456.parquet"},
		{writers.Name{Topic: long[1:], Attempt: "ffffffffffffffff", Extension: ".parquet"},
			long[1:] + "-p00000-00000000000000000000-ffffffffffffffff-000.parquet"},
		{writers.Name{Topic: long, Attempt: "ffffffffffffffff", Extension: ".parquet"},
			long[:140] + "~5416d58d-p00000-00000000000000000000-ffffffffffffffff-000.parquet"},
		{writers.Name{Topic: "_offsets", Attempt: "ffffffffffffffff", Extension: ".parquet"},
			"topic=_offsets-p00000-00000000000000000000-ffffffffffffffff-000.parquet"},
		{writers.Name{Topic: ".tmp-x", Attempt: "ffffffffffffffff", Extension: ".parquet"},
			"topic=.tmp-x-p00000-00000000000000000000-ffffffffffffffff-000.parquet"},
		{writers.Name{Topic: "_" + long[1:], Attempt: "ffffffffffffffff", Extension: ".parquet"},
			"topic=_" + long[1:140] + "~3a3e4947-p00000-00000000000000000000-ffffffffffffffff-000.parquet"},
	} {
		got := c.name.String()
		if got != c.want {
			t.Errorf("String: %s, want %s", got, c.want)
		}
		parsed, err := writers.Parse(got)
		if err != nil {
			t.Error(err)
		}
		c.name.Topic = writers.ShortTopic(c.name.Topic)
		if diff := cmp.Diff(c.name, parsed); diff != "" {
			t.Errorf("Parse (-want +got):\n%s", diff)
		}
	}
}

func TestOnlyNamesOfOursParse(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".", ".parquet", "part-00000.parquet", "_SUCCESS",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet-1",
		"-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"orders-p7-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"orders-p000007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"orders-p2147483648-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"orders-p00007-0000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"orders-p00007-99999999999999999999-1a2b3c4d5e6f7a8b-000.parquet",
		"orders-p00007-00000000000000120000-1A2b3c4d5e6f7a8b-000.parquet",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8-000.parquet",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-00.parquet",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-0000.parquet",
		"orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet.staged-000.x-y",
		"_orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		".orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"topic=orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"topic=topic=_orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"or ders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		"or~ders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
		strings.Repeat("a", 151) + "-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet",
	} {
		if n, err := writers.Parse(name); err == nil {
			t.Errorf("%q parses as %+v", name, n)
		} else if !n.IsZero() {
			t.Errorf("%q: an error and %+v", name, n)
		}
	}
}

func TestStagingNames(t *testing.T) {
	t.Parallel()
	n := writers.Name{Topic: strings.Repeat("x", 249), Partition: 1<<31 - 1, First: 1<<63 - 1, Attempt: "1a2b3c4d5e6f7a8b", Sequence: 1e6, Extension: ".parquet"}
	name := n.Staging("_shadoof/topics/x/staging/1a2b3c4d5e6f7a8b")
	if err := storage.CheckStaging(name); err != nil {
		t.Error(err)
	}
	base := name[strings.LastIndexByte(name, '/')+1:]
	got, err := writers.ParseStaging(base)
	if err != nil {
		t.Fatal(err)
	}
	n.Topic = writers.ShortTopic(n.Topic)
	if diff := cmp.Diff(n, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := writers.ParseStaging(n.String()); err == nil {
		t.Error("the name of a data file parses as that of a staged one")
	}
}

func FuzzParse(f *testing.F) {
	f.Add("orders-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet")
	f.Add("a-b-pmulti-00000000000000120000-1a2b3c4d5e6f7a8b-1000.avro")
	f.Add(strings.Repeat("a", 140) + "~0123abcd-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet")
	f.Add("topic=_a-p00007-00000000000000120000-1a2b3c4d5e6f7a8b-000.parquet")
	f.Fuzz(func(t *testing.T, name string) {
		n, err := writers.Parse(name)
		if err != nil {
			return
		}
		if got := n.String(); got != name {
			t.Errorf("%q is parsed and printed as %q", name, got)
		}
		if err := storage.CheckName(name); err != nil {
			t.Error(err)
		}
		if writers.IsHidden(name) {
			t.Errorf("readers do not see %q", name)
		}
	})
}
