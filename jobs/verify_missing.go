package jobs

import (
	"fmt"
	"path"
	"time"
)

// gone tells of live files that are not there: by folder where that has lost all of its files, as when somebody deleted it.
func (a *audit) gone(live map[string]liveFile, files []liveFile) {
	left, lost := map[string]int{}, map[string][]liveFile{}
	for key := range live {
		left[path.Dir(key)]++
	}
	for _, f := range files {
		folder := path.Dir(f.Key)
		left[folder]--
		lost[folder] = append(lost[folder], f)
	}
	for folder, files := range lost {
		if left[folder] == 0 && len(files) > 1 {
			rows, from, to := int64(0), files[0].MinTime, files[0].MaxTime
			for _, f := range files {
				rows += f.Rows
				from, to = min(from, f.MinTime), max(to, f.MaxTime)
			}
			a.differ("%s/: all %d files of the folder (%d rows) are gone: somebody deleted it; `shadoof resolve --topic %s --drop-missing --bucket %s --reason ...` records its rows as a gap; %s",
				folder, len(files), rows, a.w.topic, files[0].Bucket, a.again(from, to))
			continue
		}
		for _, f := range files {
			a.differ("%s of version %d (%d rows) is gone: somebody deleted it; `shadoof resolve --topic %s --drop %s --reason ...` records its rows as a gap; %s",
				f.Key, f.v, f.Rows, a.w.topic, f.Key, a.again(f.MinTime, f.MaxTime))
		}
	}
}

// again is the command that lifts the records of files once more.
func (a *audit) again(from, to int64) string {
	text := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.999Z07:00") }
	return fmt.Sprintf("`shadoof backfill --topic %s --replace --from %s --to %s` lifts them again, if Kafka still has them", a.w.topic, text(from), text(to+1))
}
