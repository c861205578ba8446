package faults

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"

	"shadoof/testbed/faults/history"
)

// said is what reports of run, backfill and gc have in common.
type said struct {
	Run    string      `json:"run"`
	Error  string      `json:"error"`
	Topics []saidTopic `json:"topics"`
	Result *saidTopic  `json:"result"` // of a backfill
}

type saidTopic struct {
	Topic       string  `json:"topic"`
	Versions    []int64 `json:"versions"`
	Unpublished int     `json:"unpublished"`
	Error       string  `json:"error"`
}

// A command that a message advises stands between back quotes.
var advised = regexp.MustCompile("`(shadoof (?:resolve|run) [^`]+)`")

// look takes from the output of a process what is to be judged.
func (ps *processes) look(p *history.Process, out, stderr string) {
	stdout, _ := os.ReadFile(out)
	log, _ := os.ReadFile(stderr)
	p.Panic = bytes.Contains(log, []byte("panic: ")) || bytes.Contains(log, []byte("fatal error: ")) && bytes.Contains(log, []byte("goroutine "))
	var s said
	if json.Unmarshal(stdout, &s) == nil {
		p.Run = s.Run
		var errs []string
		if s.Error != "" {
			errs = append(errs, s.Error)
		}
		if s.Result != nil {
			s.Topics = append(s.Topics, *s.Result)
		}
		for _, t := range s.Topics {
			if len(t.Versions) > 0 {
				if p.Versions == nil {
					p.Versions = map[string][]int64{}
				}
				p.Versions[t.Topic] = t.Versions
			}
			p.Unpublished += t.Unpublished
			if t.Error != "" {
				errs = append(errs, t.Topic+": "+t.Error)
			}
		}
		p.Reason = strings.Join(errs, "; ")
	}
	if p.Code == 0 {
		return
	}
	if p.Reason == "" {
		lines := bytes.Split(bytes.TrimSpace(log), []byte("\n"))
		p.Reason = string(lines[len(lines)-1])
	}
	if p.Code == 4 {
		seen := map[string]bool{}
		for _, m := range advised.FindAllSubmatch(append(log, stdout...), -1) {
			if advice := string(m[1]); !seen[advice] {
				seen[advice] = true
				p.Advice = append(p.Advice, advice)
			}
		}
	}
}

// decision is the command line that carries out an advice.
func decision(advice string) []string {
	words := strings.Fields(strings.TrimPrefix(advice, "shadoof "))
	if words[0] == "run" {
		return append([]string{"run", "--json"}, words[1:]...)
	}
	for i, w := range words {
		if w == "--reason" {
			return append(words[:i:i], "--reason", "the harness decides as the message advises")
		}
	}
	return append(words, "--reason", "the harness decides as the message advises")
}

func commandLine(words []string) string { return strings.Join(words, " ") }

func fileName(who string) string { return strings.ReplaceAll(who, " ", "-") }
