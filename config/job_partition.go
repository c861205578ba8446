package config

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

func (d *document) partition(m *mapping, zone *time.Location) Partition {
	p := Partition{
		By:        m.choice("by", "timestamp", "timestamp", "field"),
		Unit:      m.unit("ms"),
		Pattern:   m.textOrList("pattern"),
		Timezone:  m.zoneOrNone("timezone"),
		Layout:    m.text("layout", "hive"),
		MaxFuture: m.duration("max_future", day, 0),
		Otherwise: m.text("otherwise", "quarantine"),
	}
	p.Fields = d.timeFields(m, p)
	least := m.text("min", "2015-01-01")
	t, err := parseTime(least, zone)
	if err != nil {
		m.reject("min", "%q is not a date such as 2015-01-01, or a time such as 2015-01-01T00:00:00Z", clip(least))
	}
	p.Min = t
	if p.Layout == "" {
		m.reject("layout", "is empty: hive, camus, or a pattern such as dt=%%Y-%%m-%%d")
	}
	if p.Otherwise != "quarantine" && p.Otherwise != "timestamp" {
		if err := checkFolder(p.Otherwise); err != nil {
			m.reject("otherwise", "%v; quarantine, timestamp, or a folder", err)
		}
	}
	return p
}

func (m *mapping) unit(unset string) string { return m.choice("unit", unset, "s", "ms", "us", "ns") }

// timeFields reads a path, or a list of paths and of sections with a path.
func (d *document) timeFields(m *mapping, p Partition) []TimeField {
	n, w, ok := m.lookup("field")
	if !ok {
		return nil
	}
	nodes := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		if nodes = n.Content; len(nodes) == 0 {
			d.report(w, "is empty: by: field needs the field's path, such as header.time")
		}
	}
	var fields []TimeField
	for i, e := range nodes {
		at := w
		if n.Kind == yaml.SequenceNode {
			e = resolved(e)
			at.line, at.column, at.path = e.Line, e.Column, w.path+"["+strconv.Itoa(i)+"]"
		}
		f, ok := d.timeField(e, at, p)
		if !ok || f.Path == "" && n.Kind != yaml.SequenceNode {
			continue
		}
		switch {
		case slices.Contains(strings.Split(f.Path, "."), ""):
			d.report(at, "%q has an empty part: it is a path of field names such as header.time", clip(f.Path))
		case slices.ContainsFunc(fields, func(earlier TimeField) bool { return earlier.Path == f.Path }):
			d.report(at, "%q stands twice: always the first that is there counts", clip(f.Path))
		}
		fields = append(fields, f)
	}
	return fields
}

// timeField reads a path, or a section that says more about it than the partition does about all.
func (d *document) timeField(n *yaml.Node, w at, p Partition) (TimeField, bool) {
	f := TimeField{Unit: p.Unit, Pattern: p.Pattern, Timezone: p.Timezone}
	if n.Kind != yaml.MappingNode {
		path, ok := d.text(n, w)
		f.Path = path
		return f, ok
	}
	m := d.mappingAt(n, "job.partition.field", w.path)
	f.Unit = m.unit(p.Unit)
	if !m.has("path") {
		m.reject("path", "is missing: the field's path, such as header.time")
		return f, false
	}
	f.Path = m.text("path", "")
	if m.has("pattern") {
		f.Pattern = m.textOrList("pattern")
	}
	if m.has("timezone") {
		f.Timezone = m.zoneOrNone("timezone")
	}
	return f, true
}

// textOrList reads one value, or a list of them. An empty one is none.
func (m *mapping) textOrList(key string) []string {
	n, _, ok := m.lookup(key)
	if !ok {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		if s := m.text(key, ""); s != "" {
			return []string{s}
		}
		return nil
	}
	var texts []string
	for _, it := range m.list(key) {
		texts = append(texts, it.text)
	}
	return texts
}

// zoneOrNone reads a time zone; nil for an empty value.
func (m *mapping) zoneOrNone(key string) *time.Location {
	if m.text(key, "") == "" {
		return nil
	}
	return m.zone(key)
}

func (d *document) completePartition(m *mapping, j *Job) {
	p := j.Partition
	switch {
	case p.By == "field" && len(p.Fields) == 0:
		m.reject("field", "is missing: by: field needs the field's path, such as header.time")
	case p.By == "field" && j.Value.plain():
		m.reject("by", "a %s value has no fields", j.Value.Format)
	case p.By != "field":
		const needs = "has no effect unless by is field"
		if len(p.Fields) > 0 {
			m.reject("field", needs)
		}
		if p.Unit != "ms" {
			m.reject("unit", needs)
		}
		if len(p.Pattern) > 0 {
			m.reject("pattern", needs)
		}
		if p.Timezone != nil {
			m.reject("timezone", needs+"; folders are in the job's timezone")
		}
	}
	if p.By == "timestamp" && p.Otherwise == "timestamp" {
		m.reject("otherwise", "timestamp is what by names already: quarantine, or a folder")
	}
}

// completeLayout refuses folders that the store cannot have, that readers do not see, and that lead elsewhere. Whether a pattern names a
// time is for who makes folders of it.
func (d *document) completeLayout(m *mapping, layout string) {
	if err := checkFolder(strings.ReplaceAll(layout, ":", "")); err != nil && layout != "" {
		m.reject("layout", "%v", err)
		return
	}
	if d.scheme == "hdfs" && strings.Contains(layout, ":") {
		m.reject("layout", "%q has a colon, which HDFS refuses in names", clip(layout))
	}
}
