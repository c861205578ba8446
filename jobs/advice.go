package jobs

import (
	"errors"

	"shadoof/extract"
	"shadoof/offsets"
	"shadoof/storage"
)

// Advice is what to do about an error for which no decision can be taken with `shadoof resolve`, and "" for the others, which name their
// command. topic may be "", where it is not known.
func Advice(topic string, err error) string {
	selected := ""
	if topic != "" {
		selected = " --topic " + topic
	}
	switch {
	case errors.As(err, new(*extract.TruncatedError)) && ExitCode(err) != ExitHalted:
		return "run again: `shadoof run" + selected + "` looks at where the logs part, and says what to decide"
	case errors.Is(err, storage.ErrUnfit):
		return "`shadoof doctor" + selected + "` shows which promises the store keeps; no decision helps, but another store or another set-up of it"
	case errors.Is(err, offsets.ErrNewer):
		return "nothing is wrong with the log: a newer shadoof goes on with it. Run that version, or one after it, wherever the topic is lifted; `shadoof version` says which this one is"
	case errors.Is(err, offsets.ErrDamaged):
		return "stop all runs of the topic, and put back what the message names as it was, byte for byte, from a version of the object or a backup; " +
			"delete nothing. `shadoof verify" + selected + "` says when all is right. See docs/operations.md, \"the commit log is damaged\""
	}
	return ""
}
