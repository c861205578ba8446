package jobs

import (
	"context"
	"fmt"
	"path"

	"shadoof/offsets"
	"shadoof/storage"
)

// Stores that stage in files keep those of an attempt in a folder of their own, within one of these two. Readers of the topic's
// folder take names that begin with _ for hidden, and no staged file ends like a data file.

// stagingUnderRoot holds the staging folders of a topic's attempts beside its log.
func stagingUnderRoot(topic string) string { return path.Dir(offsets.StagingDir(topic, "x")) }

// stagingInTopic holds them within the topic's folder: for clusters where a file cannot be moved there from outside, because the
// folder has its own encryption zone, quota or ACL.
func stagingInTopic(folder string) string { return folder + "/_staging" }

// dataStaging is where this configuration stages data files of a topic.
func (e *Env) dataStaging(set *Settings) string {
	if e.stageInTopic {
		return stagingInTopic(set.Folder)
	}
	return stagingUnderRoot(set.Topic)
}

// stagings are all folders in which staged files of a topic can lie, whatever the configuration was when they were staged.
func (e *Env) stagings(set *Settings) []string {
	if !e.stagesInFolders {
		return []string{stagingUnderRoot(set.Topic)}
	}
	return []string{stagingUnderRoot(set.Topic), stagingInTopic(set.Folder)}
}

// moves are the pairs of folders between which files of a topic move when they are published.
func (e *Env) moves(set *Settings) []storage.Move {
	return []storage.Move{
		{Staging: e.dataStaging(set), Folder: set.Folder},
		{Staging: stagingUnderRoot(set.Topic), Folder: offsets.QuarantineDir(set.Topic)},
	}
}

// tryMoves finds out, before anything of a new topic is committed, whether what will be staged can be published. A commit whose
// files can never become visible would hold up the topic until a person drops them.
func (w *worker) tryMoves(ctx context.Context) error {
	mover, ok := w.env.store.(storage.Mover)
	if !ok {
		return nil
	}
	for _, m := range w.env.moves(w.set) {
		if err := mover.TryMove(ctx, m); err != nil {
			return fmt.Errorf("%s: nothing was read: %w", w.topic, err)
		}
	}
	return nil
}
