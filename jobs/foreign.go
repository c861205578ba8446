package jobs

import (
	"fmt"
	"path"

	"shadoof/offsets"
	"shadoof/writers"
)

// isOthers says whether a file that a lift of the topic names is another topic's, by its name: a log that was copied there still fits in
// itself.
func isOthers(topic, key string) bool {
	n, err := writers.Parse(path.Base(key))
	return err == nil && n.Topic != writers.ShortTopic(topic)
}

// ownLog looks whether the log that was read is the topic's own, by the files of its newest lift. verify looks at all of them.
func (w *worker) ownLog() error {
	l, _ := w.log.LastLift()
	if l == nil {
		return nil
	}
	for _, b := range l.Bundles {
		for _, f := range b.Files {
			if isOthers(w.topic, f.Key) {
				return fmt.Errorf("%s: its log names %.300q, which is no file of this topic: the log of another topic was put below %s; nothing was read: %w",
					w.topic, f.Key, offsets.Dir(w.topic), offsets.ErrDamaged)
			}
		}
	}
	return nil
}

func (a *audit) foreign(v int64, key string) {
	if isOthers(a.w.topic, key) {
		a.differ("version %d names %.300q, which is no file of this topic: the log of another topic was put below %s", v, key, offsets.Dir(a.w.topic))
	}
}
