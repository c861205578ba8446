package partitioning

import (
	"fmt"
	"strings"
)

// rfc3339 is the word for times by RFC 3339 among patterns.
const rfc3339 = "rfc3339"

// A pattern reads times from text: literal bytes and directives, as in strftime and strptime. It is compiled once and reads without
// allocating.
type pattern struct {
	source  string
	steps   []step  // none for RFC 3339
	names   reading // what its texts name: an instant, a time without a zone, a date
	yearDay bool    // by the day of the year
	epoch   bool    // by seconds or milliseconds since 1970
}

// A step reads one part of a text.
type step struct {
	read        method
	element     element // what a number is
	least, most int     // of a number
	digits      [2]int  // of a number: the fewest and the most
	text        string  // literal
}

type method uint8

const (
	literally method = iota
	number
	spacedNumber // a space may stand for the first digit
	fraction
	seconds
	millis
	shortMonth
	fullMonth
	shortWeekday
	fullWeekday
	half
	offset
	zoneName
)

// An element is what a step says about a time.
type element uint8

const (
	year element = iota
	month
	day
	dayOfYear
	hour // also of twelve
	minute
	second
	nanos
	afternoon
	shift // from UTC, in seconds
	since // 1970, in seconds or milliseconds
	minus // since is negative
	weekday
	elements
)

var elementNames = [elements]string{"year", "month", "day", "day of the year", "hour", "minute", "second", "fraction", "half of the day", "zone", "time", "sign", "weekday"}

// directives by their letters.
var directives = map[byte]step{
	'Y': {read: number, element: year, most: 9999, digits: [2]int{4, 4}},
	'y': {read: number, element: year, most: 99, digits: [2]int{2, 2}},
	'm': {read: number, element: month, least: 1, most: 12, digits: [2]int{2, 2}},
	'd': {read: number, element: day, least: 1, most: 31, digits: [2]int{2, 2}},
	'e': {read: spacedNumber, element: day, least: 1, most: 31, digits: [2]int{2, 2}},
	'j': {read: number, element: dayOfYear, least: 1, most: 366, digits: [2]int{3, 3}},
	'H': {read: number, element: hour, most: 23, digits: [2]int{2, 2}},
	'I': {read: number, element: hour, least: 1, most: 12, digits: [2]int{2, 2}},
	'M': {read: number, element: minute, most: 59, digits: [2]int{2, 2}},
	'S': {read: number, element: second, most: 59, digits: [2]int{2, 2}},
	'f': {read: fraction, element: nanos},
	's': {read: seconds, element: since},
	'Q': {read: millis, element: since},
	'b': {read: shortMonth, element: month},
	'h': {read: shortMonth, element: month},
	'B': {read: fullMonth, element: month},
	'a': {read: shortWeekday, element: weekday},
	'A': {read: fullWeekday, element: weekday},
	'p': {read: half, element: afternoon},
	'z': {read: offset, element: shift},
	'Z': {read: zoneName, element: shift},
}

// shorthands of several directives.
var shorthands = strings.NewReplacer("%%", "%%", "%F", "%Y-%m-%d", "%T", "%H:%M:%S", "%R", "%H:%M", "%D", "%m/%d/%y")

const knownDirectives = "%Y %y %m %b %B %d %e %j %H %I %p %M %S %f %z %Z %s %Q %a %A %F %T %R %D %%, and %-m %-d %-H %-I without a leading zero"

// parsePattern compiles a pattern, or the word rfc3339.
func parsePattern(source string) (*pattern, error) {
	p := &pattern{source: source}
	if source == rfc3339 {
		p.names = instant
		return p, nil
	}
	if !strings.Contains(source, "%") {
		return nil, fmt.Errorf("pattern %q has no directives such as %%Y: it is read as strftime writes, as in %%Y-%%m-%%d %%H:%%M:%%S", source)
	}
	rest := shorthands.Replace(source)
	for rest != "" {
		before, after, found := strings.Cut(rest, "%")
		p.literal(before)
		if !found {
			break
		}
		n, err := p.directive(after)
		if err != nil {
			return nil, fmt.Errorf("pattern %q: %w", source, err)
		}
		rest = after[n:]
	}
	if err := p.check(); err != nil {
		return nil, fmt.Errorf("pattern %q: %w", source, err)
	}
	return p, nil
}

func (p *pattern) literal(text string) {
	if n := len(p.steps); n > 0 && p.steps[n-1].read == literally {
		p.steps[n-1].text += text
	} else if text != "" {
		p.steps = append(p.steps, step{text: text})
	}
}

// directive adds the directive whose letters follow a percent sign; n is how many these are.
func (p *pattern) directive(letters string) (n int, err error) {
	loose := strings.HasPrefix(letters, "-")
	if loose {
		n++
	}
	if n == len(letters) {
		return 0, fmt.Errorf("it ends within a directive; %%%% is a percent sign")
	}
	letter := letters[n]
	if letter == '%' && !loose {
		p.literal("%")
		return 1, nil
	}
	s, ok := directives[letter]
	if loose {
		ok = ok && strings.IndexByte("mdHI", letter) >= 0
		s.digits[0] = 1
	}
	if !ok {
		return 0, fmt.Errorf("%q is none of %s", "%"+letters[:n+1], knownDirectives)
	}
	p.steps = append(p.steps, s)
	return n + 1, nil
}

// check refuses patterns whose texts name no time, or more than one, and finds out what they name.
func (p *pattern) check() error {
	var seen [elements]bool
	twelve := false
	for i, s := range p.steps {
		if s.read == literally {
			continue
		}
		if seen[s.element] {
			return fmt.Errorf("it has the %s twice", elementNames[s.element])
		}
		seen[s.element] = true
		twelve = twelve || s.element == hour && s.most == 12
		p.epoch = p.epoch || s.element == since
		if s.ragged() && i+1 < len(p.steps) && p.steps[i+1].digital() {
			return fmt.Errorf("where its %s ends cannot be told from the digits that follow", elementNames[s.element])
		}
	}
	if p.epoch {
		return p.checkEpoch(&seen)
	}
	lacks := func(have, need element) bool { return seen[have] && !seen[need] }
	switch {
	case !seen[year]:
		return fmt.Errorf("it has no year: %%Y, %%y, or %%s for seconds since 1970")
	case seen[dayOfYear] && (seen[month] || seen[day]):
		return fmt.Errorf("%%j is the day of the year: it goes without month and day")
	case !seen[dayOfYear] && (!seen[month] || !seen[day]):
		return fmt.Errorf("it has no day: that takes a month (%%m, %%b, %%B) and %%d, or %%j")
	case lacks(minute, hour), lacks(second, minute), lacks(nanos, second):
		return fmt.Errorf("it leaves out the hour, minute or second before a finer one")
	case twelve != seen[afternoon]:
		return fmt.Errorf("%%I, an hour of twelve, and %%p, AM or PM, go together")
	}
	p.yearDay = seen[dayOfYear]
	switch {
	case seen[shift]:
		p.names = instant
	case seen[hour]:
		p.names = shown
	default:
		p.names = date
	}
	return nil
}

// checkEpoch is check for patterns of seconds or milliseconds since 1970.
func (p *pattern) checkEpoch(seen *[elements]bool) error {
	ms := false
	for _, s := range p.steps {
		ms = ms || s.read == millis
	}
	for e := range elements {
		if seen[e] && e != since && (e != nanos || ms) {
			return fmt.Errorf("it has the %s beside the time since 1970, which says all", elementNames[e])
		}
	}
	p.names = instant
	return nil
}

// ragged steps read as many digits as there are.
func (s *step) ragged() bool {
	switch s.read {
	case number:
		return s.digits[0] < s.digits[1]
	case fraction, seconds, millis, offset:
		return true
	}
	return false
}

// digital steps may begin with a digit.
func (s *step) digital() bool {
	switch s.read {
	case literally:
		return s.text[0] >= '0' && s.text[0] <= '9'
	case number, spacedNumber, fraction, seconds, millis:
		return true
	}
	return false
}
