package offsets

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"shadoof/storage/memory"
)

// A store that fails over may lose settings that were read back already, and keep the record that names them: see create.
func TestWhatARecordNamesIsDurableBeforeIt(t *testing.T) {
	t.Parallel()
	for name, verdict := range verdicts {
		for fault := range 6 {
			base := memory.New(memory.Options{})
			store := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
				if c.Seq == fault+1 {
					return verdict(c.Op)
				}
				if c.Seq == 1 {
					return memory.Unsettle // so that there is something to be confirmed
				}
				return memory.Proceed
			}})
			hash, err := open(store, 1).PutSettings(t.Context(), []byte(`{"a":1}`))
			if err != nil {
				t.Fatalf("%s at operation %d: %v", name, fault+1, err)
			}
			base.Crash()
			if _, err := open(base, 1).Settings(t.Context(), hash); err != nil {
				t.Errorf("%s at operation %d: %v\n%s", name, fault+1, err, store.Trace())
			}
		}
	}
}

func TestSettingsOfARecordThatMayVanishAreStoredAgain(t *testing.T) {
	t.Parallel()
	base := started(t, memory.Options{})
	unsettled := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpPutNew {
			return memory.Unsettle
		}
		return memory.Proceed
	}})
	settings := []byte(`{"a":1}`)
	if _, err := unsettled.PutNew(t.Context(), SettingsName(topic, hashOf(settings)), settings); err == nil {
		t.Fatal("no error")
	}
	l := lift(attemptName(9), bundle(attemptName(9), 0, 100, 110))
	l.Settings = hashOf(settings)
	r, err := Encode(chain(startsOf(2), &Commit{l})[1])
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unsettled.PutNew(t.Context(), LogName(topic, 2), r); err == nil {
		t.Fatal("no error")
	}

	blind := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpConfirm && strings.Contains(c.Name, "/log/") {
			return memory.Lose
		}
		return memory.Proceed
	}})
	log := open(blind, 1)
	if s, err := log.Load(t.Context()); err != nil || s.V != 2 {
		t.Fatal(s, err)
	}
	if _, err := log.PutSettings(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	base.Crash()
	if _, err := open(base, 1).Settings(t.Context(), hashOf(settings)); err != nil {
		t.Errorf("%v\n%s", err, blind.Trace())
	}
}

func hashOf(settings []byte) string {
	sum := sha256.Sum256(settings)
	return hex.EncodeToString(sum[:])
}
