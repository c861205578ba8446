// Package model is an explicit-state model of the commit protocol of one topic. It visits every state that can be reached within small
// bounds, nearest first, so that a counterexample is a shortest one, and checks each against all invariants. No part of the
// program uses it. When the protocol changes, change the model first.
//
//	go test -short ./offsets/model                          a small configuration whole, and every fault: seconds
//	go test ./offsets/model                                 five configurations
//	SHADOOF_LONG=1 go test -timeout 1h ./offsets/model      all; needs 6 GiB of memory
//	SHADOOF_LONG=1 go test -v -run 'Invariants/six' ...     one of them
//	go test -v -run 'Counterexample/gc-by-age' ...          one fault, with its trace
//
// state.go: state, fold, validity. steps.go: what can happen, by workers.go and publishers.go (also removers and gc). check.go:
// invariants. model.go: bounds. faults.go: broken rules. explore.go: the search.
//
// # Modelled
//
// Slots by create-if-absent; a PUT lands at any later time or never, the reply is always lost: the worker reads its id back or dies.
// Resending the same bytes changes nothing, so it needs no step.
//
// Commit, fill, replace (hide-first, show-first), repair, drop, fence; init is implied. The log is folded from slot 1, and an
// invalid record is a violation.
//
// A store that shows a record before it is durable: the newest record may vanish until it is durable, by somebody's confirmation or
// by itself. As long as it stands, every other PUT is refused, but not forgotten: its sender repeats it. Nobody goes on to the next
// slot, nor acts on the record, before it is durable. The store keeps its changes in order, so only the newest record can be in doubt.
//
// Two workers that die anywhere and come back as anybody. Publishers, removers, gc and recovery have no memory: what they act on, once
// true, stays true, so "read long ago" and "reads now" are the same step. A stale publisher may therefore use any token the log
// ever named, at any time, whatever was marked or removed since. (What is not durable does not stay true; the faults that act on it
// remember who saw what.)
//
// Tokens are used once. Others may abort any of them at any time; a file may be held for lost while its token works.
//
// Markers after the work of their record, for drops and repairs too; unused tokens are discarded before the marker; a removal is record,
// tokens, key, marker, with publishers between any two of them.
//
// gc by fence; without one for what a named attempt's record leaves out, and for an unnamed upload under a key that is published or
// removed. Anything may look old.
//
// # Invariants
//
// Visible only if named. An offset visible once, but for the old and new file between a show-first record and its marker. No gap in
// show-first. Never back after a delete. A removing record's marker: its files are gone; any other marker: its live files were seen.
// A live file never seen has tokens that work or were taken from outside, never ones that the protocol used up. Commits are disjoint,
// next is where coverage ends. No invalid record. An open token is always somebody's duty: a live worker's, gc's, or of a record
// without marker. With exclusive repairs: no object is overwritten, no two usable tokens for a key.
//
// # Not modelled
//
// Incarnate, skip, epochs and log truncation (topic.go has a model of these, which knows no files); several topics; checkpoints and packs (but drops-forgotten); a replace of several bundles
// at once; the content of files; time (gc age, upload lifetime); drops and fences that vanish; HDFS details (rename onto a name, TOCTOU
// of Stat), 403, full disks; liveness beyond "somebody's duty".
//
// Atomic by assumption of the store: a token's use (see slow-complete), create-if-absent (see create-then-write), read after write.
// Drop and fence are appended at once: their proposers hold nothing, so landing late is the same as being sent late.
//
// Exclusive repairs (events.exclusive) are those of the program: the repairer stages, discards the old tokens, finds the key absent, then
// appends; the record is valid only after as many repairs as it says. The other configurations have a weaker form.
//
// # Results (one busy core, 2026-11)
//
// No violation, every search complete; each fault found, by a counterexample of 2 to 12 steps.
//
//	configuration        states  depth           configuration        states  depth
//	small               261,310     20           default          14,503,421     26
//	exclusive           692,913     28           partitions        6,266,632     22
//	long              1,452,482     24           six              29,626,121     28
//	forward           1,031,967     19           large-files       2,651,246     32
//	files             2,170,066     28           large-partitions 13,617,604     24
//
// Three attempts with one file each can fill six slots at most, so long holds for any number of slots.
//
// # To extend it
//
// A new record: valid and apply in state.go, who sends it in workers.go, what its marker means in carriedOut. A new rule: its fault first,
// then see that it is found. A guard that can become false again must not be read by a process without memory: give it a state bit,
// as attempts have.
package model
