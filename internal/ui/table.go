package ui

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

// A Table is rows of cells under a header. A column whose header begins with ">" is aligned to the right.
type Table struct {
	right []bool
	rows  [][]string
}

// NewTable begins a table.
func NewTable(header ...string) *Table {
	t := &Table{right: make([]bool, len(header))}
	names := make([]string, len(header))
	for i, h := range header {
		names[i], t.right[i] = strings.CutPrefix(h, ">")
	}
	t.rows = [][]string{names}
	return t
}

// Row adds a row, one cell for each column of the header. Numbers are written with Count.
func (t *Table) Row(cells ...any) {
	row := make([]string, len(t.right))
	for i := range row {
		switch c := cells[i].(type) {
		case string:
			row[i] = c
		case int:
			row[i] = Count(int64(c))
		case int64:
			row[i] = Count(c)
		default:
			row[i] = fmt.Sprint(c)
		}
	}
	t.rows = append(t.rows, row)
}

// Len is the number of rows, without the header.
func (t *Table) Len() int { return len(t.rows) - 1 }

// Print writes the table.
func (t *Table) Print(w io.Writer) error {
	width := make([]int, len(t.right))
	for _, r := range t.rows {
		for i, c := range r {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var text strings.Builder
	tw := tabwriter.NewWriter(&text, 0, 0, 2, ' ', 0)
	for _, r := range t.rows {
		for i, c := range r {
			c = oneLine(c)
			if t.right[i] {
				c = strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)) + c
			}
			if i > 0 {
				c = "\t" + c
			}
			_, _ = io.WriteString(tw, c) // a strings.Builder takes everything
		}
		_, _ = io.WriteString(tw, "\n")
	}
	_ = tw.Flush()
	for line := range strings.Lines(text.String()) {
		if _, err := io.WriteString(w, strings.TrimRight(line, " \n")+"\n"); err != nil {
			return err
		}
	}
	return nil
}

// oneLine keeps characters that would break the table, or the terminal, out of a cell.
func oneLine(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, s)
}
