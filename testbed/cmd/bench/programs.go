package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"shadoof/testbed/hdfsbed"
)

// The programs by their names.
const (
	shadoof      = "shadoof"
	fetchOnly    = "fetch"
	readOnly     = "read"
	encodeOnly   = "encode"
	byArrow      = "arrow"
	ofNewest     = "pinned"
	passThrough  = "shadoof-avro"
	reframeOnly  = "reframe"
	ofMaps       = "afternoon"
	ofStructs    = "struct"
	decodeOnly   = "decode"
	openFiles    = "open-files"
	twoWorkers   = "workers"
	allocations  = "allocations"
	dictionaries = "dictionaries"
	onHDFS       = "shadoof-hdfs"
)

// A program is something to measure, on records of some formats.
type program struct {
	name    string
	formats []string
	run     func(ctx context.Context, b *bed, format string) (measurement, error)
}

var (
	allFormats  = []string{avroFormat, jsonFormat, protobufFormat, registryFormat}
	threeMaps   = []string{avroFormat, jsonFormat, protobufFormat} // of these libraries make maps
	bothFormats = []string{avroFormat, jsonFormat}
	avroOnly    = []string{avroFormat}
)

// programs in the order in which they run: what a ratio compares is close together.
var programs = []program{
	{shadoof, allFormats, runShadoof},
	{ofNewest, []string{registryFormat}, runNewest},
	{fetchOnly, allFormats, own(fetchOnly)},
	{readOnly, allFormats, own(readOnly)},
	{encodeOnly, avroOnly, own(encodeOnly)},
	{byArrow, avroOnly, own(byArrow)},
	{passThrough, avroOnly, runPassThrough},
	{reframeOnly, avroOnly, own(reframeOnly)},
	{ofMaps, threeMaps, own(ofMaps)},
	{ofStructs, bothFormats, own(ofStructs)},
	{decodeOnly, allFormats, own(decodeOnly)},
	{openFiles, avroOnly, own(openFiles)},
	{twoWorkers, avroOnly, own(twoWorkers)},
	{allocations, allFormats, countAllocations},
	{dictionaries, avroOnly, benchDictionaries},
	{onHDFS, bothFormats, runOnHDFS},
}

func programNames() []string {
	var names []string
	for _, p := range programs {
		names = append(names, p.name)
	}
	return names
}

// choose returns the programs that were asked for: those that can run here when nothing was.
func choose(names string) ([]program, error) {
	if names == "" {
		chosen := slices.Clone(programs)
		if _, ok := hdfsbed.FromEnv(); !ok {
			chosen = slices.DeleteFunc(chosen, func(p program) bool { return p.name == onHDFS })
		}
		return chosen, nil
	}
	var chosen []program
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(programs, func(p program) bool { return p.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no program is called %q: %s are", name, strings.Join(programNames(), ", "))
		}
		chosen = append(chosen, programs[i])
	}
	return chosen, nil
}
