package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A table is for people: columns that are aligned, or Markdown.
type table struct {
	head []string
	rows [][]string
}

func (t *table) add(cells ...string) { t.rows = append(t.rows, cells) }

func (t *table) print(w io.Writer, markdown bool) error {
	if markdown {
		return t.markdown(w)
	}
	aligned := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, cells := range append([][]string{t.head}, t.rows...) {
		if _, err := fmt.Fprintln(aligned, strings.Join(cells, "\t")); err != nil {
			return err
		}
	}
	return aligned.Flush()
}

func (t *table) markdown(w io.Writer) error {
	line := func(cells []string) error {
		_, err := fmt.Fprintf(w, "| %s |\n", strings.Join(cells, " | "))
		return err
	}
	if err := line(t.head); err != nil {
		return err
	}
	if _, err := fmt.Fprintln(w, "|"+strings.Repeat(" --- |", len(t.head))); err != nil {
		return err
	}
	for _, cells := range t.rows {
		if err := line(cells); err != nil {
			return err
		}
	}
	return nil
}
