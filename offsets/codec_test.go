package offsets

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// everyType is a log with a record of every type, all members of which are set somewhere.
func everyType() []Body {
	a := attemptName
	end := noon.Add(-time.Second)
	full := bundle(a(1), 0, 100, 160)
	full.Segments[0].To = 200
	full.Segments[0].Gaps = Gaps{
		Control: 3, Aborted: 4, Compacted: 5, Tombstone: 6,
		Retention: []Range{{160, 165}}, Truncated: []Range{{165, 167}}, Operator: []Range{{167, 170}}, Unexplained: []Range{{170, 171}},
	}
	full.Segments[0].AtEnd, full.Segments[0].EndTime = true, &end
	full.Files[0].Rows, full.Files[0].Late = 60, 2
	bad := file(a(1), 1, 0, 171, 182)
	bad.Kind, bad.Reasons = KindQuarantine, map[string]int64{"<not json>": 10, "too old": 1}
	full.Files = append(full.Files, bad)

	fresh := full
	fresh.Files = []File{file(a(3), 0, 0, 100, 160), bad}
	fresh.Files[0].CopyOf = &FileRef{2, full.Files[0].Key}
	fresh.Files[1].Key, fresh.Files[1].RetryOf = "orders/replaced.parquet", []FileRef{{2, bad.Key}}

	existing := startsOf(2)
	existing.Existing = &Decision{"ann", "files of Camus stay"}
	big := lift(a(5), bundle(a(5), 1, 150, 170))
	big.Attached = &Attachment{SHA256: strings.Repeat("ab", 32), Takes: []int{0}}
	return []Body{
		existing,
		&Commit{lift(a(1), full, Bundle{Segments: []Segment{{Partition: 1, From: 100, To: 110, Epoch: -1, Gaps: Gaps{Aborted: 10}}}})},
		&Skip{Incarnation: 1, Partition: 1, From: 110, To: 150, Gap: GapOperator, Decision: Decision{"ann", "poison"}},
		&Fill{changed(lift(a(2), bundle(a(2), 1, 120, 130)))},
		&Replace{Lift: lift(a(3), fresh), Remove: []BundleRef{{2, 0}}, Swap: ShowFirst, Tried: []string{"unfit"}},
		&Repair{Attempt: a(4), File: FileRef{4, file(a(2), 0, 1, 120, 130).Key}, Bytes: 77, Token: json.RawMessage(`{"path":"again"}`), After: 0},
		&Drop{Incarnation: 1, Files: []FileRef{{4, file(a(2), 0, 1, 120, 130).Key}}, Emptied: []Range{{4, 5}}, Decision: Decision{"bob", "lost"}},
		&Fence{Attempts: []string{a(9)}},
		&Commit{big},
		&Incarnate{Incarnation: 2, TopicID: strings.Repeat("8", 32), Cluster: "cluster-1", Partitions: []PartitionStart{{Epoch: -1}}, Cause: "recreated", Decision: Decision{"ann", "new topic"}},
		&Complete{Incarnation: 2, Through: noon.UnixMilli(), Folders: []string{"orders/dt=2026-11-20/hr=11"}, Vacant: []string{"orders/dt=2026-11-20/hr=10"},
			Open: []string{"orders", "orders/dt=2026-11-20/hr=10", "orders/dt=2026-11-20/hr=11", "orders/dt=2026-11-20/hr=12"}},
	}
}

// changed adds what a lift says of schemas.
func changed(l Lift) Lift {
	l.Writers = map[int32]string{12: "00000000000000bb", 7: "00000000000000aa"}
	l.Refused, l.RefusedKeys = []int32{9, 13}, []int32{3}
	l.Changes = []string{"field a: int32 became int64"}
	return l
}

func TestRecordsKeepTheirBytes(t *testing.T) {
	t.Parallel()
	seen := map[string]int{}
	for _, r := range chain(everyType()...) {
		name := string(r.Type)
		if seen[name]++; seen[name] > 1 {
			name += "-attached"
		}
		golden := filepath.Join("testdata", name+".json")
		data, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(golden, data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		same(t, golden, string(want), string(data))
		got, err := Decode(want)
		if err != nil {
			t.Fatalf("%s: %v", golden, err)
		}
		if l := r.Lift(); l != nil && l.Attached != nil {
			l.Bundles = nil // they stand in the attachment
		}
		same(t, golden, r, got)
	}
	if len(seen) != 10 {
		t.Errorf("%d of 10 types", len(seen))
	}
}

func TestEveryTypeIsValidInItsPlace(t *testing.T) {
	t.Parallel()
	audit := NewAudit()
	for _, r := range chain(everyType()...) {
		if err := audit.Apply(r); err != nil {
			t.Fatal(err)
		}
	}
	s := audit.State()
	same(t, "removed", Removed{Versions: []Range{{4, 5}}, Bundles: []BundleRef{{2, 0}}}, s.Removed)
	same(t, "partitions", map[int32]PartitionState{0: {Epoch: -1, Since: noon.Add(10 * time.Minute).UnixMilli()}}, s.Partitions)
	same(t, "incarnation", 2, s.Incarnation)
}

// reseal replaces text in a record and gives it the hash that goes with it.
func reseal(data []byte, old, fresh string) []byte {
	object := bytes.Replace(data[:len(data)-len(sealBefore)-64-len(sealAfter)], []byte(old), []byte(fresh), 1)
	return seal(append(object, '}'))
}

func TestDecodeIsStrict(t *testing.T) {
	t.Parallel()
	good, err := Encode(chain(startsOf(1), &Commit{lift(attemptName(1), bundle(attemptName(1), 0, 100, 110))})[1])
	if err != nil {
		t.Fatal(err)
	}
	flip := bytes.Clone(good)
	flip[len(flip)/2] ^= 1
	for name, c := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                 {nil, "do not end in a sha256"},
		"torn":                  {good[:len(good)/2], "do not end in a sha256"},
		"without its newline":   {good[:len(good)-1], "do not end in a sha256"},
		"two newlines":          {append(bytes.Clone(good), '\n'), "do not end in a sha256"},
		"one bit":               {flip, "hash to"},
		"edited":                {bytes.Replace(good, []byte(`"rows":10`), []byte(`"rows":11`), 1), "hash to"},
		"unknown type":          {reseal(good, `"type":"commit"`, `"type":"cometh"`), `unknown type "cometh"`},
		"unknown member":        {reseal(good, `"attempt":`, `"speed":9,"attempt":`), "unknown field"},
		"unknown inner member":  {reseal(good, `"kind":`, `"kindred":1,"kind":`), "unknown field"},
		"member twice":          {reseal(good, `"attempt":`, `"attempt":"0","attempt":`), `"attempt" stands twice`},
		"header member twice":   {reseal(good, `"v":2`, `"v":2,"v":3`), `"v" stands twice`},
		"hash twice":            {reseal(good, `"v":2`, `"v":2,"sha256":"00"`), `"sha256" stands twice`},
		"member in capitals":    {reseal(good, `"type":`, `"TYPE":`), "unknown type"},
		"newer level":           {reseal(good, `"level":1`, `"level":3`), "written by a newer shadoof (format 1, level 3;"},
		"newer format":          {reseal(good, `"format":1`, `"format":3`), "written by a newer shadoof (format 3, level 1;"},
		"a member of format 2":  {reseal(good, `"bundles":`, `"late":["orders/x"],"bundles":`), "has format 1, level 1, and takes 2, 1"},
		"newer format, no hash": {[]byte(`{"format":3,"level":1,"crc":"x"}`), "written by a newer shadoof (format 3"},
		"level 0":               {reseal(good, `"level":1`, `"level":0`), "level 0"},
		"version 0":             {reseal(good, `"v":2`, `"v":0`), "version 0"},
		"no prev":               {reseal(good, `"prev":"000000000000000000000000001d0001"`, `"prev":""`), "prev"},
		"id in capitals":        {reseal(good, `"id":"000000000000000000000000001d0002"`, `"id":"000000000000000000000000001D0002"`), "hex"},
		"no time":               {reseal(good, `"time":"2026-11-20T12:02:00Z",`, ``), "no time"},
		"value after it":        {reseal(good, `{"format"`, `{} {"format"`), "more than one JSON value"},
		"bundles and attached":  {reseal(good, `"bundles":`, `"attached":{"sha256":"x","takes":[0]},"bundles":`), "in an attachment"},
		"not an object":         {reseal(good, `{`, `[`), "not a JSON object"},
	} {
		r, err := Decode(c.data)
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want an error with %q", name, r, err, c.want)
		}
	}
}

func TestEncodeRefusesABodyOfAnotherType(t *testing.T) {
	t.Parallel()
	r := chain(startsOf(1))[0]
	r.Type = TypeFence
	if data, err := Encode(r); err == nil {
		t.Errorf("encoded as %s", data)
	}
}

func TestNamesParse(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 249)
	for _, tp := range []string{"a", "..a", "log", long} {
		for _, v := range []int64{1, 99, 1 << 40, 1<<63 - 1} {
			for name, c := range map[string]struct {
				make  func(string, int64) string
				parse func(string, string) (int64, bool)
			}{"log": {LogName, ParseLogName}, "pub": {PubName, ParsePubName}, "ckpt": {CkptName, ParseCkptName}, "pack": {PackName, ParsePackName}} {
				if name == "ckpt" && v == 1<<63-1 {
					continue // no log gets there
				}
				n := c.make(tp, v)
				if got, ok := c.parse(tp, n); !ok || got != v {
					t.Errorf("%s: parsed %d, %v", n, got, ok)
				}
				for _, bad := range []string{n + "x", "x" + n, n[:len(n)-1], strings.ToUpper(n), strings.Replace(n, "/0", "/+", 1), strings.Replace(n, "/0", "/", 1)} {
					if got, ok := c.parse(tp, bad); ok && bad != n {
						t.Errorf("%s: parsed as %d", bad, got)
					}
				}
			}
		}
	}
	if CkptName(topic, 200) > CkptName(topic, 100) {
		t.Error("the newest checkpoint does not come first in a listing")
	}
}

func FuzzDecode(f *testing.F) {
	for _, r := range chain(everyType()...) {
		data, err := Encode(r)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, false)
		f.Add(data[:len(data)-len(sealBefore)-64-len(sealAfter)], true)
	}
	f.Fuzz(func(t *testing.T, data []byte, sealed bool) {
		if sealed {
			data = seal(bytes.Clone(data)) // so that the fuzzer gets past the hash
		}
		r, err := Decode(data)
		if err != nil {
			if !errors.Is(err, ErrDamaged) {
				t.Fatal(err)
			}
			return
		}
		again, err := Encode(r)
		if err != nil {
			t.Fatal(err)
		}
		r2, err := Decode(again)
		if err != nil {
			t.Fatalf("%v: %s", err, again)
		}
		same(t, "decoded again", r, r2)
		s := &State{V: r.V - 1, ID: r.Prev, Incarnation: 1, Partitions: map[int32]PartitionState{0: {Next: 100}}}
		if n, err := Fold(s, r); err == nil && n.Incarnation > 0 {
			if err := n.check(); err != nil {
				t.Fatalf("folded %s: %v", again, err)
			}
		}
	})
}

func TestAnIncarnationThatKeepsMarksTakesFormat2(t *testing.T) {
	t.Parallel()
	for want, p := range map[int]PartitionStart{1: {Start: 8}, 2: {Start: 8, Mark: &Mark{Offset: 7}}} {
		if format, level := needs(&Incarnate{Incarnation: 2, Partitions: []PartitionStart{p}}); format != want || level != 1 {
			t.Errorf("%+v takes format %d, level %d", p, format, level)
		}
	}
}
