package main

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
)

// damageCommands are what scripts do to a commit log, as the hand that edits it would, and the copy that goes to the wrong place.
func damageCommands() map[string]func(ts *testscript.TestScript, neg bool, args []string) {
	return map[string]func(ts *testscript.TestScript, neg bool, args []string){
		"damage": damage,
		"plain":  plainOutput,
		"stray":  stray,
	}
}

// A mishap changes the files below the root in the folder lake. log is the log of the topic orders.
type mishap func(ts *testscript.TestScript, lake string)

const ordersLog, clicksLog = "_shadoof/topics/orders/log", "_shadoof/topics/clicks/log"

func slot(lake, log string, v int) string {
	return filepath.Join(lake, log, fmt.Sprintf("%020d.json", v))
}

var mishaps = map[string]mishap{
	"hole":         func(ts *testscript.TestScript, lake string) { ts.Check(os.Remove(slot(lake, ordersLog, 2))) },
	"no first":     func(ts *testscript.TestScript, lake string) { ts.Check(os.Remove(slot(lake, ordersLog, 1))) },
	"no log":       func(ts *testscript.TestScript, lake string) { ts.Check(os.RemoveAll(filepath.Join(lake, ordersLog))) },
	"edited":       inSlot(2, false, `"rows":10`, `"rows":11`),
	"edited whole": inSlot(2, true, `"to":10`, `"to":11`), // by one who knew of the hash
	"cut off":      func(ts *testscript.TestScript, lake string) { ts.Check(os.Truncate(slot(lake, ordersLog, 3), 100)) },
	"empty":        func(ts *testscript.TestScript, lake string) { ts.Check(os.Truncate(slot(lake, ordersLog, 3), 0)) },
	"twice":        copied(ordersLog, 2, ordersLog, 3), // record 2 in slot 3
	"forked":       inSlot(3, true, `"prev":"`, `"prev":"0`),
	"sibling":      fork,
	"format":       inSlot(3, true, `"format":1`, `"format":9`),
	"level":        inSlot(3, true, `"level":1`, `"level":9`),
	"type":         inSlot(3, true, `"type":"commit"`, `"type":"rewind"`),
	"member":       inSlot(3, true, `"attempt":`, `"speed":1,"attempt":`),
	"other record": copied(clicksLog, 2, ordersLog, 5),
	"other root":   fromRoot("other", 3),
	"older copy":   fromRoot("older", 4),
	"other log":    otherLog,
	"store id": func(ts *testscript.TestScript, lake string) {
		ts.Check(os.WriteFile(filepath.Join(lake, "_shadoof/store.json"), []byte("{}\n"), 0o644))
	},
	"layout": func(ts *testscript.TestScript, lake string) {
		ts.Check(os.WriteFile(filepath.Join(lake, "_shadoof/store.json"), []byte(`{"layout":7,"id":"00"}`+"\n"), 0o644))
	},
	"settings": func(ts *testscript.TestScript, lake string) {
		all, err := filepath.Glob(filepath.Join(lake, "_shadoof/topics/orders/settings/*"))
		ts.Check(err)
		for _, name := range all {
			ts.Check(os.WriteFile(name, []byte("{}"), 0o644))
		}
	},
	"lost end": func(ts *testscript.TestScript, lake string) { ts.Check(os.Remove(slot(lake, ordersLog, 4))) },
	"nothing":  func(*testscript.TestScript, string) {},
}

// damage NAME makes the folder lake what the folder pristine is, but for the mishap of that name.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	name := strings.Join(args, " ")
	what, ok := mishaps[name]
	if !ok {
		ts.Fatalf("no mishap is called %q", name)
	}
	lake := ts.MkAbs("lake")
	ts.Check(os.RemoveAll(lake))
	ts.Check(os.CopyFS(lake, os.DirFS(ts.MkAbs("pristine"))))
	what(ts, lake)
}

// inSlot replaces text in a record of orders; sealed gives it the hash that goes with it.
func inSlot(v int, sealed bool, old, fresh string) mishap {
	return func(ts *testscript.TestScript, lake string) {
		name := slot(lake, ordersLog, v)
		b, err := os.ReadFile(name)
		ts.Check(err)
		if !bytes.Contains(b, []byte(old)) {
			ts.Fatalf("%s does not hold %s: %s", name, old, b)
		}
		b = bytes.Replace(b, []byte(old), []byte(fresh), 1)
		if fresh == `"prev":"0` { // as long as before
			at := bytes.Index(b, []byte(fresh)) + len(fresh)
			b = append(b[:at+31], b[at+32:]...)
		}
		if sealed {
			b = seal(b)
		}
		ts.Check(os.WriteFile(name, b, 0o644))
	}
}

// seal gives a record the hash of what it holds.
func seal(record []byte) []byte {
	open := record[:bytes.LastIndex(record, []byte(`,"sha256"`))]
	return fmt.Appendf(nil, "%s,\"sha256\":\"%x\"}\n", open, sha256.Sum256(open))
}

// copied puts a record into another slot.
func copied(fromLog string, from int, toLog string, to int) mishap {
	return func(ts *testscript.TestScript, lake string) {
		b, err := os.ReadFile(slot(lake, fromLog, from))
		ts.Check(err)
		ts.Check(os.WriteFile(slot(lake, toLog, to), b, 0o644))
	}
}

// fromRoot puts a record of another root into its slot here.
func fromRoot(root string, v int) mishap {
	return func(ts *testscript.TestScript, lake string) {
		b, err := os.ReadFile(slot(ts.MkAbs(root), ordersLog, v))
		ts.Check(err)
		ts.Check(os.WriteFile(slot(lake, ordersLog, v), b, 0o644))
	}
}

// fork has two records claim one predecessor: 5 is a copy of 4, with its own number and id.
func fork(ts *testscript.TestScript, lake string) {
	b, err := os.ReadFile(slot(lake, ordersLog, 4))
	ts.Check(err)
	b = bytes.Replace(b, []byte(`"v":4`), []byte(`"v":5`), 1)
	b = regexp.MustCompile(`"id":"[0-9a-f]{32}"`).ReplaceAll(b, []byte(`"id":"`+strings.Repeat("f", 32)+`"`))
	ts.Check(os.WriteFile(slot(lake, ordersLog, 5), seal(b), 0o644))
}

// otherLog puts all that _shadoof has of clicks in the place of what it has of orders.
func otherLog(ts *testscript.TestScript, lake string) {
	orders, clicks := filepath.Join(lake, "_shadoof/topics/orders"), filepath.Join(lake, "_shadoof/topics/clicks")
	ts.Check(os.RemoveAll(orders))
	ts.Check(os.CopyFS(orders, os.DirFS(clicks)))
}

var (
	longHex = regexp.MustCompile(`\b[0-9a-f]{16,64}\b`)
	times   = regexp.MustCompile(`(?m) +([\d.]+ (ms|s)|TIME) *$`)
)

// plain FILE writes the last stdout and stderr to a file, without what is another one each time.
func plainOutput(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile("stdout")
	if stderr := ts.ReadFile("stderr"); stderr != "" {
		text += "--- stderr\n" + stderr
	}
	text = strings.ReplaceAll(text, ts.Getenv("WORK"), "$WORK")
	text = longHex.ReplaceAllStringFunc(text, func(s string) string {
		if strings.HasPrefix(s, "0000") {
			return s // a slot's number
		}
		return fmt.Sprintf("<%d hex>", len(s))
	})
	text = times.ReplaceAllString(text, "")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o644))
}

// stray NAME makes an empty file; the name may have escapes.
func stray(ts *testscript.TestScript, _ bool, args []string) {
	name := ts.MkAbs(string(unescape(ts, args[0])))
	ts.Check(os.MkdirAll(filepath.Dir(name), 0o777))
	ts.Check(os.WriteFile(name, nil, 0o666))
}
