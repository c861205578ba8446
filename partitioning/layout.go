package partitioning

import (
	"fmt"
	"strings"
	"time"
)

// Presets of layouts, by name.
var presets = map[string]string{
	"hive":  "dt=%Y-%m-%d/hr=%H",
	"camus": "hourly/%Y/%m/%d/%H",
}

// A layout makes folder names of times: literal text and the directives %Y %m %d %H %M, as in strftime.
type layout struct {
	parts  []part
	unit   time.Duration // the finest time that folders tell apart: a minute, an hour, or a day (also for months and years)
	finest byte          // the directive of that: Y, m, d, H, M
}

type part struct {
	literal   string
	directive byte // 0 for a literal
}

var units = map[byte]time.Duration{'Y': 24 * time.Hour, 'm': 24 * time.Hour, 'd': 24 * time.Hour, 'H': time.Hour, 'M': time.Minute}

// parseLayout takes a preset or a pattern. A pattern must tell years apart, may not leave out a unit between the coarsest and the
// finest, and makes relative folder names that every store takes and no reader hides.
func parseLayout(s string) (*layout, error) {
	pattern := s
	if p, ok := presets[s]; ok {
		pattern = p
	}
	l := &layout{unit: 24 * time.Hour}
	seen := map[byte]bool{}
	rest := pattern
	for rest != "" {
		i := strings.IndexByte(rest, '%')
		if i < 0 {
			l.parts = append(l.parts, part{literal: rest})
			break
		}
		if i > 0 {
			l.parts = append(l.parts, part{literal: rest[:i]})
		}
		if i+1 == len(rest) || units[rest[i+1]] == 0 {
			return nil, fmt.Errorf("layout %q: %q is none of %%Y %%m %%d %%H %%M", s, rest[i:min(i+2, len(rest))])
		}
		d := rest[i+1]
		seen[d] = true
		l.parts = append(l.parts, part{directive: d})
		l.unit = min(l.unit, units[d])
		rest = rest[i+2:]
	}
	const order = "YmdHM"
	missing := byte(0)
	for _, d := range []byte(order) {
		switch {
		case seen[d] && missing == 0:
			l.finest = d
		case !seen[d] && missing == 0:
			missing = d
		case seen[d] && missing != 0:
			return nil, fmt.Errorf("layout %q has %%%c and not %%%c: different times would share a folder", s, d, missing)
		}
	}
	if !seen['Y'] {
		return nil, fmt.Errorf("layout %q has no %%Y: use hive, camus, or a pattern of %%Y %%m %%d %%H %%M", s)
	}
	if err := checkFolder(l.format(time.Date(2026, 11, 20, 13, 5, 0, 0, time.UTC))); err != nil {
		return nil, fmt.Errorf("layout %q: %w", s, err)
	}
	return l, nil
}

func (l *layout) format(t time.Time) string {
	var b strings.Builder
	year, month, day := t.Date()
	hour, minute, _ := t.Clock()
	for _, p := range l.parts {
		switch p.directive {
		case 0:
			b.WriteString(p.literal)
		case 'Y':
			fmt.Fprintf(&b, "%04d", year)
		case 'm':
			fmt.Fprintf(&b, "%02d", int(month))
		case 'd':
			fmt.Fprintf(&b, "%02d", day)
		case 'H':
			fmt.Fprintf(&b, "%02d", hour)
		case 'M':
			fmt.Fprintf(&b, "%02d", minute)
		}
	}
	return b.String()
}

// checkFolder refuses folder names that some store cannot hold or some reader hides.
func checkFolder(name string) error {
	for _, seg := range strings.Split(name, "/") {
		switch {
		case seg == "":
			return fmt.Errorf("the folder %q has an empty part", name)
		case seg[0] == '.' || seg[0] == '_':
			return fmt.Errorf("the folder %q has a part that begins with %q: readers take it for hidden", name, seg[:1])
		case len(seg) > 200:
			return fmt.Errorf("the folder %q has a part of more than 200 bytes", name)
		}
		for _, r := range seg {
			if r <= ' ' || r > '~' || strings.ContainsRune(`:\*?"<>|%#`, r) {
				return fmt.Errorf("the folder %q has the character %q, which not every store takes", name, r)
			}
		}
	}
	return nil
}
