package offsets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"time"

	"shadoof/storage"
	"shadoof/storage/memory"
)

func TestAppendOfManyWritersLosesNoSlot(t *testing.T) {
	t.Parallel()
	const writers, each = 8, 6
	for _, shared := range []bool{false, true} {
		store := started(t, memory.Options{})
		one := open(store, 1)
		var all sync.WaitGroup
		for w := range writers {
			l := one
			if !shared {
				l = open(store.Attach(memory.Options{}), int64(w))
			}
			all.Go(func() {
				for i := range each {
					attempt := attemptName(w*each + i)
					r, err := l.Append(t.Context(), propose(attempt, 3))
					if err != nil {
						t.Errorf("writer %d: %v", w, err)
						return
					}
					if l.State().V < r.V || l.Marked(r.V) {
						t.Errorf("writer %d: state at %d after record %d, marked %v", w, l.State().V, r.V, l.Marked(r.V))
					}
				}
			})
		}
		all.Wait()
		records := recordsIn(t, store)
		if len(records) != 1+writers*each {
			t.Errorf("shared %v: %d records, want %d", shared, len(records), 1+writers*each)
		}
	}
}

func TestAppendAsksDecideAnewAfterALostRace(t *testing.T) {
	t.Parallel()
	store := started(t, memory.Options{})
	rival := open(store.Attach(memory.Options{}), 2)
	l := open(store, 1)
	var seen []int64
	var behind []int
	l.o.Backoff = func(_ context.Context, n int) error { behind = append(behind, n); return nil }
	r, err := l.Append(t.Context(), func(s *State) (Body, error) {
		seen = append(seen, s.V)
		if len(seen) == 1 {
			for i := range 3 {
				if _, err := rival.Append(t.Context(), propose(attemptName(10+i), 5)); err != nil {
					t.Error(err)
				}
			}
		}
		return propose(attemptName(1), 2)(s)
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "versions decided on", []int64{1, 4}, seen)
	same(t, "behind", []int{3}, behind)
	same(t, "slot", int64(5), r.V)
	same(t, "next", int64(117), l.State().Partitions[0].Next)
	recordsIn(t, store)
}

func TestAppendReturnsTheErrorOfDecideAsItIs(t *testing.T) {
	t.Parallel()
	store := started(t, memory.Options{})
	mine := errors.New("nothing left")
	if _, err := open(store, 1).Append(t.Context(), func(*State) (Body, error) { return nil, mine }); err != mine {
		t.Errorf("got %v", err)
	}
	if n := store.Counts()[memory.OpPutNew]; n != 1 {
		t.Errorf("%d puts, want that of the init only", n)
	}
}

func TestAppendSendsNothingThatIsNotValid(t *testing.T) {
	t.Parallel()
	short := bundle(attemptName(1), 0, 100, 110)
	short.Files[0].Rows = 9
	for name, body := range map[string]Body{
		"not next":     &Commit{lift(attemptName(1), bundle(attemptName(1), 0, 105, 110))},
		"no sum":       &Commit{lift(attemptName(1), short)},
		"no partition": &Skip{Incarnation: 1, Partition: 7, From: 0, To: 1, Gap: GapOperator},
	} {
		store := started(t, memory.Options{})
		_, err := open(store, 1).Append(t.Context(), func(*State) (Body, error) { return body, nil })
		if err == nil || errors.Is(err, ErrDamaged) || errors.Is(err, ErrUnresolved) {
			t.Errorf("%s: %v", name, err)
		}
		if n := len(store.Objects()); n != 1 {
			t.Errorf("%s: %d objects", name, n)
		}
	}
	store := started(t, memory.Options{})
	l := open(store, 1)
	for i, want := range []bool{true, false} {
		if _, err := l.Append(t.Context(), propose(attemptName(1), 1)); (err == nil) != want {
			t.Errorf("same attempt, time %d: %v", i+1, err)
		}
	}
}

// verdicts are all ways in which an operation can fail.
var verdicts = map[string]func(memory.Op) memory.Verdict{
	"lost": always(memory.Lose), "reply lost": always(memory.LoseReply), "repeated": always(memory.Repeat),
	"delayed": always(memory.Delay), "unsettled": always(memory.Unsettle),
	"unsettled, and not to be confirmed": func(o memory.Op) memory.Verdict {
		if o == memory.OpConfirm {
			return memory.Lose
		}
		return memory.Unsettle
	},
}

func always(v memory.Verdict) func(memory.Op) memory.Verdict {
	return func(memory.Op) memory.Verdict { return v }
}

// Every operation of an Append fails in every way, once or several times in a row. Some operations later, delayed requests land, and
// what is still unsettled vanishes. Whatever happens: exactly one record of the attempt is in the log, and the caller is
// told so.
func TestAppendSurvivesAFaultAtEveryOperation(t *testing.T) {
	t.Parallel()
	for name, verdict := range verdicts {
		for fault := range 12 {
			for _, times := range []int{1, 2, 3} {
				for _, later := range []int{1, 2, 3, 4, 100} {
					label := fmt.Sprintf("%s at operation %d, %d times, landing or vanishing %d later", name, fault+1, times, later)
					base := started(t, memory.Options{})
					write(t, base, chain(startsOf(2), &Commit{lift(attemptName(9), bundle(attemptName(9), 0, 100, 110))})[1:])
					store := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
						at := c.Seq - 1 - fault
						if at >= later {
							base.Land()
							base.Crash()
						}
						if at >= 0 && at < times {
							return verdict(c.Op)
						}
						return memory.Proceed
					}})
					appendOnce(t, label, base, store)
				}
			}
		}
	}
}

// appendOnce appends to a log of two records, by a client that fails, and checks what came of it.
func appendOnce(t *testing.T, label string, base, store *memory.Store) {
	t.Helper()
	l := open(store, 1)
	decided := 0
	r, err := l.Append(t.Context(), func(s *State) (Body, error) {
		if decided++; s.V != 2 {
			return nil, errors.New("somebody else committed")
		}
		return propose(attemptName(1), 4)(s)
	})
	base.Land()
	base.Crash()
	records := recordsIn(t, base)
	switch {
	case err != nil && decided == 0 && !errors.Is(err, ErrUnresolved):
		same(t, label+": records after "+err.Error(), 2, len(records)) // reading failed before anything was sent
	case err != nil:
		t.Fatalf("%s: %v\n%s", label, err, store.Trace())
	case len(records) != 3 || records[2].ID != r.ID || l.State().V != 3 || l.State().ID != r.ID || decided != 1:
		t.Fatalf("%s: %d records, state at %d, decided %d times\n%s", label, len(records), l.State().V, decided, store.Trace())
	default:
		done := store.Operations()
		if err := l.ConfirmNewest(t.Context()); err != nil || store.Operations() != done {
			t.Fatalf("%s: the record that was appended is not known to be durable: %v", label, err)
		}
	}
}

// As above, with a rival who takes the slot at any moment: it is one or the other, and both know which.
func TestAppendKnowsWhoWon(t *testing.T) {
	t.Parallel()
	for name, verdict := range verdicts {
		for fault := 1; fault <= 12; fault++ {
			for moment := 1; moment <= 12; moment++ {
				label := fmt.Sprintf("%s at operation %d, a rival before operation %d", name, fault, moment)
				base := started(t, memory.Options{})
				rival := open(base.Attach(memory.Options{}), 2)
				store := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
					if c.Seq == fault+1 {
						base.Crash()
					}
					if c.Seq == moment {
						if _, err := rival.Append(t.Context(), propose(attemptName(2), 4)); err != nil {
							t.Errorf("%s: rival: %v", label, err)
						}
						base.Land()
					}
					if c.Seq == fault {
						return verdict(c.Op)
					}
					return memory.Proceed
				}})
				l := open(store, 1)
				lost := errors.New("lost")
				_, err := l.Append(t.Context(), func(s *State) (Body, error) {
					if s.Partitions[0].Next != 100 {
						return nil, lost
					}
					return propose(attemptName(1), 4)(s)
				})
				base.Land()
				base.Crash()
				won := false
				for _, r := range recordsIn(t, base) {
					won = won || attemptOf(r.Body) == attemptName(1)
				}
				injected := errors.Is(err, memory.ErrInjected) && !errors.Is(err, ErrUnresolved)
				if (err == nil) != won || err != nil && err != lost && !injected {
					t.Fatalf("%s: in the log %v, told %v\n%s", label, won, err, store.Trace())
				}
			}
		}
	}
}

func TestAppendStopsUnresolved(t *testing.T) {
	t.Parallel()
	for name, verdict := range map[string]memory.Verdict{"landed": memory.LoseReply, "may land": memory.Delay, "did not land": memory.Lose} {
		store := started(t, memory.Options{})
		ctx, cancel := context.WithCancel(t.Context())
		faulty := store.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
			if c.Op == memory.OpPutNew {
				cancel()
				return verdict
			}
			return memory.Proceed
		}})
		r, err := open(faulty, 1).Append(ctx, propose(attemptName(1), 4))
		if !errors.Is(err, ErrUnresolved) || errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v, %v", name, r, err)
		}
		cancel()
	}
}

func TestAppendThatIsToldToStopBeforeItSentAnything(t *testing.T) {
	t.Parallel()
	store := started(t, memory.Options{})
	ctx, cancel := context.WithCancel(t.Context())
	_, err := open(store, 1).Append(ctx, func(s *State) (Body, error) {
		cancel()
		return propose(attemptName(1), 4)(s)
	})
	if !errors.Is(err, context.Canceled) || errors.Is(err, ErrUnresolved) {
		t.Error(err)
	}
	same(t, "records", 1, len(recordsIn(t, store)))
}

// answering is a store whose PutNew is replaced.
type answering struct {
	storage.Store
	put  func(put func() (storage.Put, error)) (storage.Put, error)
	open func(name string) error
	conf func(name string) (storage.Durability, error)
}

func (a *answering) PutNew(ctx context.Context, name string, data []byte) (storage.Put, error) {
	if a.put == nil {
		return a.Store.PutNew(ctx, name, data)
	}
	return a.put(func() (storage.Put, error) { return a.Store.PutNew(ctx, name, data) })
}

func (a *answering) Open(ctx context.Context, name string, from, n int64) (*storage.Object, error) {
	if a.open != nil {
		if err := a.open(name); err != nil {
			return nil, err
		}
	}
	return a.Store.Open(ctx, name, from, n)
}

func (a *answering) Confirm(ctx context.Context, name string) (storage.Durability, error) {
	if a.conf != nil {
		return a.conf(name)
	}
	return a.Store.Confirm(ctx, name)
}

func TestAppendThatIsRefused(t *testing.T) {
	t.Parallel()
	denied := fmt.Errorf("403: %w", fs.ErrPermission)
	type put = func(func() (storage.Put, error)) (storage.Put, error)
	refuse := func(func() (storage.Put, error)) (storage.Put, error) { return storage.Refused, denied }

	store := started(t, memory.Options{})
	_, err := open(&answering{Store: store, put: refuse}, 1).Append(t.Context(), propose(attemptName(1), 4))
	if !errors.Is(err, ErrRefused) || !errors.Is(err, fs.ErrPermission) || errors.Is(err, ErrUnresolved) {
		t.Errorf("refused: %v", err)
	}
	same(t, "records", 1, len(recordsIn(t, store)))

	// Refused after an answer that was unclear: the first request may still land, and does.
	store = started(t, memory.Options{})
	puts := 0
	_, err = open(&answering{Store: store, put: func(put func() (storage.Put, error)) (storage.Put, error) {
		switch puts++; {
		case puts == 1:
			return storage.PutUnknown, errors.New("timeout")
		case puts < 5:
			return storage.Refused, denied
		default: // the request of long ago arrives
			_, _ = put()
			return storage.Refused, denied
		}
	}}, 1).Append(t.Context(), propose(attemptName(1), 4))
	if err != nil || puts != 5 {
		t.Errorf("refused after a timeout: %v after %d puts", err, puts)
	}
	same(t, "records", 2, len(recordsIn(t, store)))

	// Refused, and the slot cannot be read: nothing may be concluded, but there is no point in waiting for ever.
	store = started(t, memory.Options{})
	_, err = open(&answering{Store: store, put: refuse, open: func(name string) error {
		if puts = puts + 1; strings.HasSuffix(name, "2.json") && puts > 10 {
			return denied
		}
		return nil
	}}, 1).Append(t.Context(), propose(attemptName(1), 4))
	if !errors.Is(err, ErrUnresolved) && !errors.Is(err, ErrRefused) {
		t.Errorf("refused, unreadable: %v", err)
	}

	// Refused by mistake: it landed all the same.
	store = started(t, memory.Options{})
	_, err = open(&answering{Store: store, put: put(func(put func() (storage.Put, error)) (storage.Put, error) {
		_, _ = put()
		return storage.Refused, denied
	})}, 1).Append(t.Context(), propose(attemptName(1), 4))
	if err != nil {
		t.Errorf("refused by mistake: %v", err)
	}
	same(t, "records", 2, len(recordsIn(t, store)))
}

func TestAppendOnAStoreThatSaysExistsToItsOwnSuccess(t *testing.T) {
	t.Parallel()
	store := started(t, memory.Options{})
	l := open(&answering{Store: store, put: func(put func() (storage.Put, error)) (storage.Put, error) {
		_, err := put()
		return storage.Exists, err
	}}, 1)
	for i := range 3 {
		if _, err := l.Append(t.Context(), propose(attemptName(i), 4)); err != nil {
			t.Fatal(err)
		}
	}
	same(t, "records", 4, len(recordsIn(t, store)))
}

// A rival's record is shown and vanishes: nothing may be concluded from it.
func TestAppendSeesThroughAPhantom(t *testing.T) {
	t.Parallel()
	base := started(t, memory.Options{})
	ghost := base.Attach(memory.Options{Hook: func(c memory.Call) memory.Verdict {
		if c.Op == memory.OpPutNew {
			return memory.Unsettle
		}
		return memory.Proceed
	}})
	shown := chain(startsOf(2), &Commit{lift(attemptName(7), bundle(attemptName(7), 0, 100, 150))})[1]
	data, err := Encode(shown)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ghost.PutNew(t.Context(), LogName(topic, 2), data); !errors.Is(err, memory.ErrInjected) {
		t.Fatal(err)
	}
	asked := 0
	l := logged(t, open(&answering{Store: base.Attach(memory.Options{}), conf: func(name string) (storage.Durability, error) {
		if asked++; asked == 1 {
			return storage.DurabilityUnknown, errors.New("busy") // when it is loaded
		}
		base.Crash() // the store fails over before it can confirm
		return base.Confirm(t.Context(), name)
	}}, 1))
	s, err := l.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "loaded", int64(2), s.V)
	same(t, "unmarked", []int64{2}, l.Unmarked())
	if _, ok := l.Named(attemptName(7)); !ok {
		t.Error("the phantom's attempt is not known")
	}
	if err := l.ConfirmNewest(t.Context()); err != nil {
		t.Fatal(err)
	}
	same(t, "confirmed", int64(1), l.State().V)
	same(t, "unmarked", []int64(nil), l.Unmarked())
	if _, ok := l.Named(attemptName(7)); ok {
		t.Error("the phantom's attempt is still known")
	}
	r, err := l.Append(t.Context(), propose(attemptName(1), 4))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "from", int64(100), r.Lift().Bundles[0].Segments[0].From)
	same(t, "records", 2, len(recordsIn(t, base)))
}

// The phantom's slot is taken by another's record before the store is asked: the name is durable, what was read was not.
func TestAConfirmationIsOfWhatTheSlotHoldsNow(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"fold", "own"} {
		base := started(t, memory.Options{})
		rival := open(base.Attach(memory.Options{}), 2)
		replaced := false
		store := &answering{Store: base.Attach(memory.Options{}), conf: func(name string) (storage.Durability, error) {
			if !replaced && name == LogName(topic, 2) {
				replaced = true
				base.Tamper(LogName(topic, 2), nil)
				if _, err := rival.Append(t.Context(), propose(attemptName(2), 5)); err != nil {
					t.Error(err)
				}
			}
			return base.Confirm(t.Context(), name)
		}}
		lost := errors.New("lost")
		l := open(store, 1)
		if step == "fold" {
			write(t, base, chain(startsOf(2), &Commit{lift(attemptName(7), bundle(attemptName(7), 0, 100, 150))})[1:])
		} else {
			store.put = func(put func() (storage.Put, error)) (storage.Put, error) {
				_, _ = put()
				return storage.PutUnknown, errors.New("the connection broke")
			}
		}
		_, err := l.Append(t.Context(), func(s *State) (Body, error) {
			if s.Partitions[0].Next != 100 {
				return nil, lost
			}
			return propose(attemptName(1), 4)(s)
		})
		if err != lost {
			t.Errorf("%s: %v", step, err)
		}
		same(t, step+": next", int64(105), l.State().Partitions[0].Next)
		same(t, step+": named", true, func() bool { _, ok := l.Named(attemptName(2)); return ok }())
	}
}

// What was folded last vanishes, and what comes after it now follows another's record: no damage.
func TestExtendGoesBackWhenAPhantomWasReplaced(t *testing.T) {
	t.Parallel()
	base := started(t, memory.Options{})
	write(t, base, chain(startsOf(2), &Commit{lift(attemptName(7), bundle(attemptName(7), 0, 100, 150))})[1:])
	l := open(&answering{Store: base, conf: func(string) (storage.Durability, error) { return storage.DurabilityUnknown, nil }}, 1)
	if s, err := l.Load(t.Context()); err != nil || s.V != 2 {
		t.Fatal(s, err)
	}
	base.Tamper(LogName(topic, 2), nil)
	rival := open(base.Attach(memory.Options{}), 2)
	for i := range 2 {
		if _, err := rival.Append(t.Context(), propose(attemptName(i), 5)); err != nil {
			t.Fatal(err)
		}
	}
	s, err := l.Extend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "state", rival.State(), s)
	same(t, "unmarked", []int64{2, 3}, l.Unmarked())
}

// What stands in the slot cannot be read, so whose it is cannot be told.
func TestAppendOnADamagedSlot(t *testing.T) {
	t.Parallel()
	for name, mangle := range map[string]func([]byte) []byte{
		"torn":  func(b []byte) []byte { return b[:len(b)/2] },
		"other": func(b []byte) []byte { return reseal(b, `"run":`, `"run" :`) },
	} {
		base := started(t, memory.Options{})
		l := open(&answering{Store: base, put: func(put func() (storage.Put, error)) (storage.Put, error) {
			_, _ = put()
			base.Tamper(LogName(topic, 2), mangle(base.Bytes(LogName(topic, 2))))
			return storage.PutUnknown, nil
		}}, 1)
		_, err := l.Append(t.Context(), propose(attemptName(1), 4))
		if !errors.Is(err, ErrUnresolved) || !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAppendGivesUpOnAStoreThatCannotConfirm(t *testing.T) {
	t.Parallel()
	base := started(t, memory.Options{})
	why := errors.New("safe mode")
	l := open(&answering{Store: base, conf: func(string) (storage.Durability, error) { return storage.DurabilityUnknown, why }}, 1)
	if _, err := l.Append(t.Context(), propose(attemptName(1), 4)); !errors.Is(err, why) || errors.Is(err, ErrUnresolved) {
		t.Error(err)
	}
	same(t, "records", 1, len(recordsIn(t, base)))
}

func TestBackoffEndsWithTheContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := wait(ctx, 1000); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	began := time.Now()
	if err := wait(t.Context(), 0); err != nil || time.Since(began) > time.Second {
		t.Error(err, time.Since(began))
	}
}

func TestAppendAttachesLargeLifts(t *testing.T) {
	t.Parallel()
	const bundles = 700
	store := memory.New(memory.Options{})
	write(t, store, chain(startsOf(bundles)))
	attempt := attemptName(1)
	all := func(s *State) []Bundle {
		var out []Bundle
		for p := range int32(bundles) {
			if s.Partitions[p].Next == 100 {
				out = append(out, bundle(attempt, p, 100, 110))
			}
		}
		return out
	}
	rival := open(store.Attach(memory.Options{}), 2)
	l := open(store, 1)
	turns := 0
	r, err := l.Append(t.Context(), func(s *State) (Body, error) {
		if turns++; turns == 1 {
			if _, err := rival.Append(t.Context(), propose(attemptName(2), 5)); err != nil {
				t.Error(err)
			}
		}
		return &Commit{lift(attempt, all(s)...)}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "turns", 2, turns)
	same(t, "bundles", bundles-1, len(r.Lift().Bundles))
	same(t, "first taken", 1, r.Lift().Attached.Takes[0])
	if n := len(store.Bytes(LogName(topic, 3))); n > 8<<10 {
		t.Errorf("the record has %d bytes", n)
	}
	records := recordsIn(t, store)
	same(t, "read back", r, records[2])

	got, err := l.Record(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "one slot", r, got)

	// Damage of the attachment is damage of the log.
	name := AttName(topic, attempt)
	data := store.Bytes(name)
	for what, edited := range map[string][]byte{"edited": bytes.Replace(data, []byte(`"rows":10`), []byte(`"rows":11`), 1), "gone": nil} {
		store.Tamper(name, edited)
		if _, err := open(store, 3).Load(t.Context()); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// An attempt that is proposed again finds its attachment and takes what it still wants of it; one that would add to it is refused.
func TestAppendFindsTheAttachmentOfAnEarlierAppend(t *testing.T) {
	t.Parallel()
	const bundles = 700
	store := memory.New(memory.Options{})
	write(t, store, chain(startsOf(bundles)))
	attempt := attemptName(1)
	proposing := func(from, to int32) func(*State) (Body, error) {
		return func(*State) (Body, error) {
			l := lift(attempt)
			for p := from; p < to; p++ {
				l.Bundles = append(l.Bundles, bundle(attempt, p, 100, 110))
			}
			return &Commit{l}, nil
		}
	}
	refuse := true
	l := open(&answering{Store: store, put: func(put func() (storage.Put, error)) (storage.Put, error) {
		if refuse && len(store.Objects()) == 2 {
			return storage.Refused, fs.ErrPermission
		}
		return put()
	}}, 1)
	if _, err := l.Append(t.Context(), proposing(0, bundles-1)); !errors.Is(err, ErrRefused) {
		t.Fatal(err)
	}
	refuse = false
	if _, err := l.Append(t.Context(), proposing(1, bundles)); err == nil || !strings.Contains(err.Error(), "can only drop bundles") {
		t.Fatal(err)
	}
	r, err := l.Append(t.Context(), proposing(1, bundles-1))
	if err != nil {
		t.Fatal(err)
	}
	same(t, "taken", bundles-2, len(r.Lift().Attached.Takes))
	same(t, "records", 2, len(recordsIn(t, store)))
}
