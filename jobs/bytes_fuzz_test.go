package jobs

import (
	"testing"
	"time"

	"shadoof/storage/memory"
)

// What an operator writes for a bound is one, and the same however it is written, or it is a usage error.
func FuzzBound(f *testing.F) {
	for _, text := range []string{"earliest", "latest", "0", "9223372036854775807", "-1", "2026-11-20", "2026-11-20T13:00:00Z", "2026-11-20T13:00:00.5+05:45", "2026-03-29T02:30:00", "9999-12-31", "0001-01-01", "1970-01-01", "24", "2026-13-01"} {
		f.Add(text, "7")
	}
	zone, err := time.LoadLocation("America/New_York")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text, other string) {
		b, err := parseBound(text, zone)
		if err != nil {
			if ExitCode(err) != ExitUsage {
				t.Errorf("%q: exit %d: %v", text, ExitCode(err), err)
			}
			return
		}
		switch b.kind {
		case atOffset:
			if b.offset < 0 {
				t.Errorf("%q is offset %d", text, b.offset)
			}
		case atTime:
			again, err := parseBound(b.time.Format(time.RFC3339Nano), zone)
			if err != nil || !again.time.Equal(b.time) || b.time.UnixMilli() < 0 {
				t.Errorf("%q is %s, and that is %s: %v", text, b.time, again.time, err)
			}
		case earliest, latest:
		default:
			t.Errorf("%q is of kind %d", text, b.kind)
		}
		c, err := parseBound(other, zone)
		if err != nil || b.kind != c.kind || b.kind == earliest || b.kind == latest {
			return
		}
		if same := b.offset == c.offset && b.time.Equal(c.time); !same && b.after(c) == c.after(b) || same && !b.after(c) {
			t.Errorf("%q lies behind %q: %t, and the other way: %t", text, other, b.after(c), c.after(b))
		}
	})
}

// A store.json is taken for ours, or it halts: nothing in between, and nothing is written to a root that is not.
func FuzzStoreInfo(f *testing.F) {
	for _, text := range []string{
		`{"layout":1,"id":"00112233445566778899aabbccddeeff","probed":"2026-11-20T13:00:00Z","endpoint":"memory","build":"test"}` + "\n",
		`{"layout":2}`, `{"layout":1}`, `{"layout":-1,"id":"x"}`, `{"layout":1e0,"id":"x"}`, `{}`, ``, `null`, `[]`, `{"layout":1,"id":"x"}{"layout":1}`, `{"LAYOUT":1,"ID":"x"}`, "\xff", `{"layout":1,"id":"x","probed":"yesterday"}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		store := memory.New(memory.Options{})
		if _, err := store.PutNew(t.Context(), storeName, text); err != nil {
			return
		}
		e := &Env{store: store, endpoint: "memory"}
		info, err := e.storeInfo(t.Context())
		switch {
		case err == nil && (info == nil || info.Layout != layoutVersion || info.ID == ""):
			t.Errorf("%q is taken for %+v", text, info)
		case err != nil && ExitCode(err) != ExitHalted:
			t.Errorf("%q: exit %d: %v", text, ExitCode(err), err)
		}
	})
}
