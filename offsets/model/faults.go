package model

import "fmt"

// A fault breaks one rule. At most one is set.
type fault struct {
	lostOn412, giveUp, gcByAge, noUploadIsDone, repairNewKey, rebaseUnchecked, publishByPut, keepTokens,
	keepRepairTokens, fillAboveNext, replaceUnchecked, markEarly, publishFirst, conditionalComplete,
	createThenWrite, freshID, fenceUnchecked, replaceUnpublished, showEarly, hideEarly, replaceIgnoresDrop, deleteFirst, slowComplete,
	dropsForgotten, gcByKey, gcBlind, gcByAttempt, markThenDiscard, repairUnmarked, dropUnmarked, repairOverwrites, noConfirm, phantomIsLost, confirmByName bool
}

// ownerMatters: with these faults a process can do harm after its record landed, so it stays alive in the model.
func (f *fault) ownerMatters() bool { return f.lostOn412 || f.freshID || f.gcByAttempt }

var faults = []struct {
	name, config, about string
	set                 func(*fault)
}{
	{"412-is-lost", "default", "a 412 on the own record is taken as a lost race", func(f *fault) { f.lostOn412 = true }},
	{"give-up-after-timeout", "default", "timeout, then 404: the worker discards its files", func(f *fault) { f.giveUp = true }},
	{"gc-by-age", "default", "gc discards old staged files without a fence", func(f *fault) { f.gcByAge = true }},
	{"no-upload-is-done", "default", "NoSuchUpload is taken as published, without a HEAD", func(f *fault) { f.noUploadIsDone = true }},
	{"repair-new-key", "default", "a repair stages under a key of its own", func(f *fault) { f.repairNewKey = true }},
	{"rebase-unchecked", "default", "a commit goes to the next slot without a look at from == next", func(f *fault) { f.rebaseUnchecked = true }},
	{"publish-by-put", "default", "publishing is a PUT or copy, which can be repeated", func(f *fault) { f.publishByPut = true }},
	{"keep-tokens", "default", "a removal deletes the key and discards no token", func(f *fault) { f.keepTokens = true }},
	{"keep-repair-tokens", "default", "a removal discards the original token only", func(f *fault) { f.keepRepairTokens = true }},
	{"fill-above-next", "default", "a fill may lie above next", func(f *fault) { f.fillAboveNext = true }},
	{"replace-unchecked", "default", "a replace is valid although its bundle was replaced before", func(f *fault) { f.replaceUnchecked = true }},
	{"mark-early", "default", "the marker is written before all files were seen", func(f *fault) { f.markEarly = true }},
	{"publish-first", "default", "files are published before the commit", func(f *fault) { f.publishFirst = true }},
	{"conditional-complete", "default", "a conditional complete answers 409 and destroys the upload", func(f *fault) { f.conditionalComplete = true }},
	{"create-then-write", "default", "a record is created empty and filled later; readers skip empty ones", func(f *fault) { f.createThenWrite = true }},
	{"fresh-id", "default", "a resend carries a fresh id, so the worker does not know its own record", func(f *fault) { f.freshID = true }},
	{"fence-unchecked", "default", "gc rebases a fence without a look whether its attempt was committed, and discards what is fenced", func(f *fault) { f.fenceUnchecked = true }},
	{"replace-unpublished", "default", "a bundle may be replaced while records about it have no marker", func(f *fault) { f.replaceUnpublished = true }},
	{"replace-ignores-drop", "default", "a replace waits for the marker of its bundle's version only, not for those of drops", func(f *fault) { f.replaceIgnoresDrop = true }},
	{"show-early", "default", "hide-first: the new files are shown before the old ones are gone", func(f *fault) { f.showEarly = true }},
	{"hide-early", "default", "show-first: the old files are removed before the new ones were seen", func(f *fault) { f.hideEarly = true }},
	{"delete-first", "default", "a removal deletes the key before it discards the tokens", func(f *fault) { f.deleteFirst = true }},
	{"slow-complete", "default", "a store answers a discard while a complete of the same token has yet to show its object", func(f *fault) { f.slowComplete = true }},
	{"drops-forgotten", "default", "the state kept in checkpoints lacks dropped files, so a repair of one is valid", func(f *fault) { f.dropsForgotten = true }},
	{"gc-by-key", "default", "gc takes the upload of a repair for a leftover of the attempt in its key", func(f *fault) { f.gcByKey = true }},
	{"gc-blind", "default", "gc passes over uploads under keys of named attempts, and those of repairs that died are such", func(f *fault) { f.gcBlind = true }},
	{"gc-by-attempt", "partitions", "gc passes over what a named attempt staged and the record does not name", func(f *fault) { f.gcByAttempt = true }},
	{"mark-then-discard", "default", "unused tokens are discarded after the marker", func(f *fault) { f.markThenDiscard = true }},
	{"repair-unmarked", "default", "a repair has no marker of its own", func(f *fault) { f.repairUnmarked = true }},
	{"drop-unmarked", "default", "a drop has no marker", func(f *fault) { f.dropUnmarked = true }},
	{"no-confirm", "default", "a record that was read is acted upon although it is not durable", func(f *fault) { f.noConfirm = true }},
	{"phantom-is-lost", "default", "another's record in the slot is taken as a lost race although it is not durable", func(f *fault) { f.phantomIsLost = true }},
	{"confirm-by-name", "default", "a record that was read is held for durable because its slot is, which holds another by now", func(f *fault) { f.confirmByName = true }},
	{"repair-overwrites", "exclusive", "a repair leaves the old token usable, and two repairs of one file are valid", func(f *fault) { f.repairOverwrites = true }},
}

func (m *model) inject(name string) error {
	for _, f := range faults {
		if f.name == name {
			f.set(&m.fault)
			return nil
		}
	}
	return fmt.Errorf("unknown fault %q", name)
}
