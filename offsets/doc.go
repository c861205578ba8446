// Package offsets is the memory of the product: the commit log of a topic. A log is a sequence of immutable records in slots
// 1, 2, 3, … on the user's own store, each created if absent; what a topic's offsets and files are is a pure function of it.
//
// # On the store
//
// Below Dir(topic):
//
//	log/<v>.json                   record v, 20 digits; the log has no holes, and no byte of it ever changes
//	att/<attempt>.json             the bundles of a large record; part of the log once a record names it
//	pub/<v>                        what version v asks for is done
//	settings/<hash>.json           settings that commits name
//	ckpt/<inverted v>.json         the fold up to v; newest first in a listing. A cache
//	pack/<v>.jsonl.zst             the 100 records up to v, verbatim. A cache
//
// A record is one line of JSON with a newline at its end. Its members are those of [Header], then those of its [Body], then
// "sha256", the hash in hex over all bytes before `,"sha256"`. Decode takes nothing else: a torn record lacks the newline or
// fails the hash. Checkpoints are sealed in the same way.
//
// # Who checks what
//
// [Fold] decides whether a record is valid where it stands, by the state alone, so that a fold that starts at a checkpoint and
// one that starts at slot 1 come to the same verdict. What only the earlier records themselves can tell (that no attempt is named
// twice, that a removal names something that exists, that rows and gaps add up to the offsets) is checked by whoever proposes a
// record, and afterwards by an [Audit], which reads the log from its first slot.
//
// Every proposer folds everything before its slot and checks its own record by the same fold. So a record that is not valid means
// that the store broke create-if-absent, or that somebody edited the log: [ErrDamaged], and a person must look.
//
// # What was read counts only once it is durable
//
// Some stores show a change before it would survive a crash. A [Log] therefore keeps two states: the newest that it folded, and
// the newest that it knows to be durable, by [storage.Store.Confirm] or by a clean Created. When a confirmation says "gone", it
// goes back to the second and reads again. To confirm is to ask the store first and then to read the record again: the name may
// have come to hold another record since it was first read.
//
// Package offsets/model explores the protocol state by state.
package offsets
