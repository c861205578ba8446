package partitioning

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What texts mean: an instant (Z), what clocks show, or a date.
func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ pattern, text, want string }{
		{"rfc3339", "2026-11-20T11:30:00.9999+01:00", "2026-11-20T10:30:00.999Z"},
		{"%Y-%m-%d %H:%M:%S", "2026-11-20 11:30:05", "2026-11-20T11:30:05"},
		{"%F %T", "2026-11-20 11:30:05", "2026-11-20T11:30:05"},
		{"%F %R", "2026-11-20 11:30", "2026-11-20T11:30:00"},
		{"%F", "2024-02-29", "2024-02-29"},
		{"%F", "2023-02-29", ""},
		{"%F", "2100-02-29", ""},
		{"%F", "2026-00-01", ""},
		{"%F", "2026-13-01", ""},
		{"%F", "2026-11-00", ""},
		{"%F", "2026-11-31", ""},
		{"%F", "2026-11-2", ""},
		{"%F", "2026-11-20 ", ""},
		{"%F", " 2026-11-20", ""},
		{"%F", "26-11-20", ""},
		{"%F", "", ""},
		{"%D %R", "11/20/68 00:00", "2068-11-20T00:00:00"},
		{"%D", "11/20/69", "1969-11-20"},
		{"%Y%m%d%H%M%S", "20261120113005", "2026-11-20T11:30:05"},
		{"%Y%m%d%H%M%S", "2026112011300", ""},
		{"%-d.%-m.%Y %-H:%M", "1.2.2026 3:04", "2026-02-01T03:04:00"},
		{"%-d.%-m.%Y %-H:%M", "31.12.2026 23:04", "2026-12-31T23:04:00"},
		{"%-d.%-m.%Y", "011.2.2026", ""},
		{"%e %b %Y", " 1 Feb 2026", "2026-02-01"},
		{"%e %b %Y", "21 feb 2026", "2026-02-21"},
		{"%e %b %Y", " 0 Feb 2026", ""},
		{"%e %b %Y", "1 Feb 2026", ""},
		{"%d %B %Y", "01 MAY 2026", "2026-05-01"},
		{"%d %B %Y", "01 Febr 2026", ""},
		{"%d %b %Y", "01 February 2026", ""},
		{"%a, %d %b %Y %T %Z", "Fri, 20 Nov 2026 11:30:05 GMT", "2026-11-20T11:30:05Z"},
		{"%A %d %h %Y", "friday 20 Nov 2026", "2026-11-20"},
		{"%a %d %b %Y", "Fre 20 Nov 2026", ""},
		{"%F %T %Z", "2026-11-20 11:30:05 UTC", "2026-11-20T11:30:05Z"},
		{"%F %T %Z", "2026-11-20 11:30:05 CST", ""},
		{"%Y.%j", "2024.366", "2024-12-31"},
		{"%Y.%j", "2026.001", "2026-01-01"},
		{"%Y.%j", "2026.366", ""},
		{"%Y.%j", "2026.000", ""},
		{"%d/%b/%Y:%H:%M:%S %z", "20/Nov/2026:11:30:05 +0130", "2026-11-20T10:00:05Z"},
		{"%F %T%z", "2026-11-20 11:30:05-01", "2026-11-20T12:30:05Z"},
		{"%F %T%z", "2026-11-20 11:30:05-01:00", "2026-11-20T12:30:05Z"},
		{"%F %T%z", "2026-11-20 11:30:05Z", "2026-11-20T11:30:05Z"},
		{"%F %T%z", "2026-11-20 11:30:05-1", ""},
		{"%F %T%z", "2026-11-20 11:30:05+24:00", ""},
		{"%F %T%z", "2026-11-20 11:30:05+01:60", ""},
		{"%F %T%z", "2026-11-20 11:30:05+01:", ""},
		{"%F%z", "2026-11-20+01:00", "2026-11-19T23:00:00Z"},
		{"%F %T.%f", "2026-11-20 11:30:05.1", "2026-11-20T11:30:05.1"},
		{"%F %T,%f", "2026-11-20 11:30:05,123456789", "2026-11-20T11:30:05.123"},
		{"%F %T.%f", "2026-11-20 11:30:05.1234567890", ""},
		{"%F %T.%f", "2026-11-20 11:30:05.", ""},
		{"%F %I:%M %p", "2026-11-20 12:30 AM", "2026-11-20T00:30:00"},
		{"%F %I:%M %p", "2026-11-20 12:30 pm", "2026-11-20T12:30:00"},
		{"%F %-I%p", "2026-11-20 1PM", "2026-11-20T13:00:00"},
		{"%F %I:%M %p", "2026-11-20 00:30 AM", ""},
		{"%F %I:%M %p", "2026-11-20 13:30 PM", ""},
		{"%F %T", "2026-11-20 24:00:00", ""},
		{"%F %T", "2026-11-20 11:30:60", ""},
		{"%s", "1700000000", "2023-11-14T22:13:20Z"},
		{"%s", "-1", "1969-12-31T23:59:59Z"},
		{"%s.%f", "1700000000.1239", "2023-11-14T22:13:20.123Z"},
		{"%s.%f", "-1.0001", "1969-12-31T23:59:58.999Z"},
		{"%s.%f", "-0.5", "1969-12-31T23:59:59.5Z"},
		{"%Q", "1700000000123", "2023-11-14T22:13:20.123Z"},
		{"/Date(%Q)/", "/Date(1700000000123)/", "2023-11-14T22:13:20.123Z"},
		{"%s", "", ""},
		{"%s", "-", ""},
		{"%s", "+1", ""},
		{"%s", "1e9", ""},
		{"%s", "9999999999999999", ""},
		{"%s", "99999999999999999999999999", ""},
		{"100%% %F", "100% 2026-11-20", "2026-11-20"},
		{"%F %%F", "2026-11-20 %F", "2026-11-20"},
		{"um %H Uhr, %F", "um 11 Uhr, 2026-11-20", "2026-11-20T11:00:00"},
		{"%F 時", "2026-11-20 時", "2026-11-20"},
	} {
		p, err := parsePattern(c.pattern)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if ms, ok := p.parse([]byte(c.text)); ok {
			got = show1(ms, p.names)
		}
		if got != c.want {
			t.Errorf("%s reads %q as %q, want %q", c.pattern, c.text, got, c.want)
		}
	}
}

func show1(ms int64, names reading) string {
	return time.UnixMilli(ms).UTC().Format(map[reading]string{instant: time.RFC3339Nano, shown: "2006-01-02T15:04:05.999", date: time.DateOnly}[names])
}

func TestPatternsThatNameNoTime(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"":              "no directives such as %Y",
		"yyyy-MM-dd":    "no directives such as %Y",
		"%":             "ends within a directive",
		"%F %-":         "ends within a directive",
		"%F %q":         `"%q" is none of %Y %y`,
		"%F %-S":        `"%-S" is none of`,
		"%-F":           `"%-F" is none of`,
		"%m-%d":         "it has no year",
		"%T":            "it has no year",
		"%%":            "it has no year",
		"%Y":            "it has no day",
		"%Y-%m":         "it has no day",
		"%Y %d":         "it has no day",
		"%F %j":         "without month and day",
		"%F %M":         "leaves out",
		"%F %H:%S":      "leaves out",
		"%F %H:%M.%f":   "leaves out",
		"%F %I":         "go together",
		"%F %H %p":      "go together",
		"%F %I:%M %H%p": "it has the hour twice",
		"%F %m":         "it has the month twice",
		"%F %b":         "it has the month twice",
		"%F %y":         "it has the year twice",
		"%F %T %z %Z":   "it has the zone twice",
		"%s %Q":         "it has the time twice",
		"%s %F":         "it has the year beside the time since 1970",
		"%s %z":         "it has the zone beside",
		"%Q.%f":         "it has the fraction beside",
		"%-d%m%Y":       "where its day ends",
		"%F %T.%f%z":    "",
		"%F %T%z%f":     "where its zone ends",
		"%s%f":          "where its time ends",
		"%s0":           "where its time ends",
		"%-d1%m%Y":      "where its day ends",
	} {
		_, err := parsePattern(pattern)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: error %v, want %s", pattern, err, want)
		}
	}
}

// layoutsOf directives, in the language of package time; several where that reads in several ways what is one directive here.
var layoutsOf = map[string][]string{
	"%Y": {"2006"}, "%y": {"06"}, "%m": {"01"}, "%-m": {"1"}, "%b": {"Jan"}, "%h": {"Jan"}, "%B": {"January"}, "%d": {"02"}, "%-d": {"2"}, "%e": {"_2"}, "%j": {"002"},
	"%H": {"15"}, "%I": {"03"}, "%-I": {"3"}, "%p": {"PM", "pm"}, "%M": {"04"}, "%S": {"05"}, "%a": {"Mon"}, "%A": {"Monday"},
	"%z": {"-0700", "-07:00", "-07", "Z07:00", "Z0700", "Z07"}, "%Z": {"UTC", "GMT", "Z"},
	"%F": {"2006-01-02"}, "%T": {"15:04:05"}, "%R": {"15:04"}, "%D": {"01/02/06"}, "%%": {"%"},
	".%f": {".000", ".000000", ".000000000", ".0"}, ",%f": {",000", ",000000", ",000000000", ",00"},
}

// layoutOf is a pattern in the language of package time, by a choice among the layouts of each directive; ok is false where there is
// none.
func layoutOf(pattern string, choose func(n int) int) (layout string, ok bool) {
	for i := 0; i < len(pattern); {
		n := 0
		switch c := pattern[i]; {
		case (c == '.' || c == ',') && strings.HasPrefix(pattern[i+1:], "%f"):
			n = 3
		case c == '%' && strings.HasPrefix(pattern[i+1:], "-"):
			n = 3
		case c == '%':
			n = 2
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z', c == '_':
			return "", false // letters and digits of a layout mean something
		case (c == '.' || c == ',') && i > 0 && (pattern[i-1] == 'S' || pattern[i-1] == 'T'):
			return "", false // digits that follow would be a fraction
		default:
			layout += string(c)
			i++
			continue
		}
		if i+n > len(pattern) {
			return "", false
		}
		among, known := layoutsOf[pattern[i:i+n]]
		if !known {
			return "", false
		}
		layout += among[choose(len(among))]
		i += n
	}
	return layout, true
}

// Whatever a pattern's directives write of a random time, it reads again, as package time does.
func TestPatternsReadWhatTheyWrite(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	pick := func(among ...string) string { return among[r.IntN(len(among))] }
	read := map[string]bool{}
	for range 20_000 {
		day := pick("%Y-%m-%d", "%F", "%D", "%d/%b/%Y", "%-d.%-m.%Y", "%e %B %Y", "%Y.%j", "%A %d %h %y", "%a, %d %b %Y", "%Y%m%d")
		clocks := pick("", " %H", " %R", " %T", " %T.%f", " %T,%f", " %I %p", " %-I:%M:%S.%f %p", "|%H%M%S")
		zone := pick("", " %z", "%Z")
		pattern := day + clocks + zone
		p, err := parsePattern(pattern)
		if err != nil {
			t.Fatal(err)
		}
		layout, ok := layoutOf(pattern, r.IntN)
		if !ok {
			t.Fatalf("no layout of %s", pattern)
		}
		at := time.Unix(r.Int64N(4_000_000_000)-400_000_000, r.Int64N(1e9)).UTC() // two digits of a year say which: 1969 to 2068
		if at.Year() < 1969 || at.Year() > 2068 {
			continue
		}
		if zone == " %z" {
			at = at.In(time.FixedZone("", (r.IntN(47)-23)*1800))
		}
		text := at.Format(layout)
		want, err := time.Parse(layout, text)
		if err != nil { // an offset of half hours by a layout of hours
			continue
		}
		got, ok := p.parse([]byte(text))
		if diff := cmp.Diff(fmt.Sprint(want.UnixMilli(), true), fmt.Sprint(got, ok)); diff != "" {
			t.Fatalf("%s, %s, %q: -want +got\n%s", pattern, layout, text, diff)
		}
		read[day], read[clocks], read[zone] = true, true, true
		for i := range len(text) + 1 { // a byte too many
			other := text[:i] + "\x00" + text[i:]
			if ms, ok := p.parse([]byte(other)); ok {
				t.Fatalf("%s reads %q as %d", pattern, other, ms)
			}
		}
	}
	if len(read) != 10+9+3-1 { // nothing is a piece of two kinds
		t.Errorf("read only %v", read)
	}
}

func FuzzRFC3339(f *testing.F) {
	for _, s := range []string{"2026-11-20T11:30:00.999999999+01:00", "2026-11-20T11:30:00Z", "2026-02-29T11:30:00Z", "2026-11-20T11:30:00,5Z", "2026-11-20T11:30:00+24:00", "2026-11-20t11:30:00z",
		"0000-01-01T00:00:00-00:00", "2026-11-20T24:00:00Z", "2026-11-20T11:30:60Z", "2026-11-20T1:30:00Z", "2026-11-20T11:30:00.Z", "2026-11-20T11:30:00+23:59", "2026-11-20T11:30:00+00:60"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		ms, ok := parseRFC3339(b)
		var want time.Time
		if err := want.UnmarshalText(b); (err == nil) != ok || ok && want.UnixMilli() != ms {
			t.Fatalf("%q: %d, %v; package time: %v, %v", b, ms, ok, want, err)
		}
	})
}

func FuzzPattern(f *testing.F) {
	f.Add("%F %T", "2026-11-20 11:30:05", uint64(0))
	f.Add("%d/%b/%Y:%H:%M:%S %z", "20/Nov/2026:11:30:05 +0100", uint64(1))
	f.Add("%e %B %y %-I %p", " 1 May 69 12 am", uint64(2))
	f.Add("%Y.%j %H:%M:%S.%f", "2024.366 00:00:00.000001", uint64(3))
	f.Add("%s.%f", "-12.5", uint64(4))
	f.Add("/Date(%Q)/", "/Date(1700000000123)/", uint64(5))
	f.Add("%a, %d %h %Y %T %Z", "Fri, 20 Nov 2026 11:30:05 GMT", uint64(6))
	f.Fuzz(func(t *testing.T, pattern, text string, choice uint64) {
		p, err := parsePattern(pattern)
		if err != nil {
			return
		}
		ms, ok := p.parse([]byte(text))
		if !ok {
			return
		}
		layout, known := layoutOf(pattern, func(n int) int { i := choice % uint64(n); choice /= uint64(n); return int(i) })
		if !known {
			return
		}
		want, err := time.Parse(layout, text)
		if err != nil {
			return
		}
		if want.UnixMilli() != ms {
			t.Fatalf("%s reads %q as %d, and %s as %d", pattern, text, ms, layout, want.UnixMilli())
		}
	})
}
