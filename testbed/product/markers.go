package product

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// marker is the last part of the name of a marker of a time folder.
const marker = "/_SUCCESS"

// A logged is what a lister wants to know of a record of the log.
type logged struct {
	V       int64  `json:"v"`
	Type    string `json:"type"`
	Bundles []struct {
		Files []struct {
			Key string `json:"key"`
		} `json:"files"`
	} `json:"bundles"`
	Late   []string `json:"late"`
	Remove []struct {
		V      int64 `json:"v"`
		Bundle int   `json:"bundle"`
	} `json:"remove"`
	Files []struct {
		Key string `json:"key"`
	} `json:"files"` // of a drop
	Folders []string `json:"folders"` // of a complete
	Reopens []string `json:"reopens"`
}

// completeness is what was seen of the markers of complete folders, and what may never be: see judge and unlate.
type completeness struct {
	log    map[int64]*logged
	looks  []look         // the last three, the oldest first
	judged map[string]int // how many looks at a folder with a marker were judged
}

// A look is a listing, and the newest record that was known right after it.
type look struct {
	visible map[string]bool
	newest  int64
}

// judge takes the next look, and says what its markers promise and do not keep. Files come before their marker, and go after it, and
// a listing takes its time: a marker of one listing speaks for the next one, as long as it has not gone meanwhile.
func (c *completeness) judge(visible []string) (bad []string) {
	now := look{visible: map[string]bool{}}
	for _, key := range visible {
		now.visible[key] = true
	}
	for v := range c.log {
		now.newest = max(now.newest, v)
	}
	c.looks = append(c.looks, now)
	if len(c.looks) > 4 {
		c.looks = c.looks[1:]
	}
	if len(c.looks) >= 2 {
		before := c.looks[len(c.looks)-2]
		for folder := range markersOf(before.visible) {
			first, reopened := c.said(folder, now.newest)
			if first > 0 && !reopened {
				bad = append(bad, c.compare(folder, first, now)...)
			}
		}
	}
	if len(c.looks) == 4 { // the first only says what was known before the second
		one, two := c.looks[1], c.looks[2]
		for folder := range markersOf(one.visible) {
			last := c.lastSaid(folder, now.newest)
			if now.visible[folder+marker] && last > 0 && last <= c.looks[0].newest {
				bad = append(bad, c.compare(folder, last, two)...)
			}
		}
	}
	return bad
}

func markersOf(visible map[string]bool) map[string]bool {
	out := map[string]bool{}
	for key := range visible {
		if folder, ok := strings.CutSuffix(key, marker); ok {
			out[folder] = true
		}
	}
	return out
}

// said tells when a folder was said to be complete first, and whether it was reopened ever.
func (c *completeness) said(folder string, through int64) (first int64, reopened bool) {
	for v := int64(1); v <= through; v++ {
		r := c.log[v]
		if r == nil {
			continue
		}
		if first == 0 && slices.Contains(r.Folders, folder) {
			first = v
		}
		reopened = reopened || slices.Contains(r.Reopens, folder)
	}
	return first, reopened
}

func (c *completeness) lastSaid(folder string, through int64) (last int64) {
	for v := int64(1); v <= through; v++ {
		if r := c.log[v]; r != nil && slices.Contains(r.Folders, folder) {
			last = v
		}
	}
	return last
}

// compare says what a folder that was complete as of a version lacks, and what it has of a version that reopens it.
func (c *completeness) compare(folder string, v int64, at look) (bad []string) {
	c.judged[folder]++
	for key := range c.live(folder, v) {
		if !at.visible[key] {
			bad = append(bad, fmt.Sprintf("%s has its marker by version %d, and %s is not to be seen", folder, v, key))
		}
	}
	for later, r := range c.log {
		if later <= v || !slices.Contains(r.Reopens, folder) {
			continue
		}
		for _, b := range r.Bundles {
			for _, f := range b.Files {
				if strings.HasPrefix(f.Key, folder+"/") && at.visible[f.Key] {
					bad = append(bad, fmt.Sprintf("%s has its marker still, and %s of version %d, which reopens it, is to be seen", folder, f.Key, later))
				}
			}
		}
	}
	return bad
}

// live are the files of a folder as of a version.
func (c *completeness) live(folder string, through int64) map[string]bool {
	out := map[string]bool{}
	for v := int64(1); v <= through; v++ {
		r := c.log[v]
		if r == nil {
			continue
		}
		for _, b := range r.Bundles {
			for _, f := range b.Files {
				if strings.HasPrefix(f.Key, folder+"/") {
					out[f.Key] = true
				}
			}
		}
		for _, f := range r.Files {
			delete(out, f.Key)
		}
		for _, ref := range r.Remove {
			if of := c.log[ref.V]; of != nil && ref.Bundle < len(of.Bundles) {
				for _, f := range of.Bundles[ref.Bundle].Files {
					delete(out, f.Key)
				}
			}
		}
	}
	return out
}

// unlate says which versions added rows to a folder that was complete by then, without calling them late.
func (c *completeness) unlate() (bad []string) {
	complete := map[string]int64{}
	for _, v := range slices.Sorted(maps.Keys(c.log)) {
		r := c.log[v]
		for _, b := range r.Bundles {
			for _, f := range b.Files {
				folder := f.Key[:strings.LastIndex(f.Key, "/")]
				if complete[folder] > 0 && r.Type != "replace" && !slices.Contains(r.Late, folder) {
					bad = append(bad, fmt.Sprintf("version %d (%s) adds to %s, complete by version %d, and does not say that it is late", v, r.Type, folder, complete[folder]))
				}
			}
		}
		for _, folder := range r.Folders {
			complete[folder] = v
		}
	}
	return bad
}
