package main

import "math"

// A goal is a ratio that must hold. Its figure is NaN where something that it needs was not measured.
type goal struct {
	id      string
	what    string
	limit   float64 // 0: there is none, the figure is for comparison
	atLeast bool    // the figure must not be below the limit, instead of above it
	figure  func(*report) float64
}

var goals = []goal{
	{"R1", "Avro to Parquet / (fetch + encode of preloaded columns)", 1.25, false, func(r *report) float64 {
		return r.cpu(avroFormat, shadoof) / (r.cpu(avroFormat, fetchOnly) + r.cpu(avroFormat, encodeOnly))
	}},
	{"R1", "Avro to Parquet / (shadoof's own read + encode of preloaded columns)", 0, false, func(r *report) float64 {
		return r.cpu(avroFormat, shadoof) / (r.cpu(avroFormat, readOnly) + r.cpu(avroFormat, encodeOnly))
	}},
	{"R2", "Avro to Parquet / afternoon", 1 / 3.5, false, func(r *report) float64 { return r.cpu(avroFormat, shadoof) / r.cpu(avroFormat, ofMaps) }},
	{"R2", "JSON to Parquet / afternoon", 1 / 3.5, false, func(r *report) float64 { return r.cpu(jsonFormat, shadoof) / r.cpu(jsonFormat, ofMaps) }},
	{"R2", "Protobuf to Parquet / afternoon", 1 / 3.5, false, func(r *report) float64 {
		return r.cpu(protobufFormat, shadoof) / r.cpu(protobufFormat, ofMaps)
	}},
	{"R3", "Avro to columns with dictionaries / twmb/avro to any", 0.25, false, func(r *report) float64 { return r.decoding(avroFormat) }},
	{"R3", "JSON to columns with dictionaries / " + jsonLibrary() + " to map", 0.45, false, func(r *report) float64 { return r.decoding(jsonFormat) }},
	{"R3", "Protobuf to columns with dictionaries / dynamicpb", 0.2, false, func(r *report) float64 { return r.decoding(protobufFormat) }},
	{"R4", "JSON to Parquet / Avro to Parquet", 1.5, false, func(r *report) float64 { return r.cpu(jsonFormat, shadoof) / r.cpu(avroFormat, shadoof) }},
	{"R4", "Protobuf to Parquet / Avro to Parquet", 1.2, false, func(r *report) float64 { return r.cpu(protobufFormat, shadoof) / r.cpu(avroFormat, shadoof) }},
	{"R5", "Avro to Avro / (fetch + re-frame and compress)", 1.1, false, func(r *report) float64 {
		return r.cpu(avroFormat, passThrough) / (r.cpu(avroFormat, fetchOnly) + r.cpu(avroFormat, reframeOnly))
	}},
	{"R6", "allocations per record of Avro in steady state", 0.05, false, func(r *report) float64 { return r.figure(avroFormat, allocations, steadyAllocations) }},
	{"R6", "allocations per record of JSON in steady state", 0.05, false, func(r *report) float64 { return r.figure(jsonFormat, allocations, steadyAllocations) }},
	{"R6", "allocations per record of Protobuf in steady state", 0.05, false, func(r *report) float64 { return r.figure(protobufFormat, allocations, steadyAllocations) }},
	{"R6", "allocations per record of Avro by a registry in steady state", 0.05, false, func(r *report) float64 { return r.figure(registryFormat, allocations, steadyAllocations) }},
	{"R7", "automatic / best hand-made dictionaries, CPU", 1.1, false, func(r *report) float64 {
		return r.figure(avroFormat, dictionaries, nsAutomatic) / r.figure(avroFormat, dictionaries, nsHandMade)
	}},
	{"R7", "automatic / best hand-made dictionaries, bytes", 1.1, false, func(r *report) float64 {
		return r.figure(avroFormat, dictionaries, bytesAutomatic) / r.figure(avroFormat, dictionaries, bytesHandMade)
	}},
	{"R8", "bytes of files / arrow-go's", 1.05, false, func(r *report) float64 { return r.output(avroFormat, encodeOnly) / r.output(avroFormat, byArrow) }},
	{"R9", "CPU per row, 200 open files with 1,000 rows a switch / one file", 1.4, false, func(r *report) float64 {
		return r.figure(avroFormat, openFiles, nsManyFiles) / r.figure(avroFormat, openFiles, nsOneFile)
	}},
	{"R9", "heap of 200 open files / raw bytes of their rows", 1.0, false, func(r *report) float64 { return r.figure(avroFormat, openFiles, heapOfRaw) }},
	{"R10", "wall time of one worker / of two, decode and encode", 1.85, true, func(r *report) float64 {
		return r.figure(avroFormat, twoWorkers, secondsOne) / r.figure(avroFormat, twoWorkers, secondsTwo)
	}},
	{"registry", "Avro by three generations in turns, of a registry / by one, pinned", 0, false, func(r *report) float64 {
		return r.cpu(registryFormat, shadoof) / r.cpu(registryFormat, ofNewest)
	}},
	{"HDFS", "Avro to Parquet in HDFS / on a local disk", 0, false, func(r *report) float64 { return r.cpu(avroFormat, onHDFS) / r.cpu(avroFormat, shadoof) }},
	{"HDFS", "JSON to Parquet in HDFS / on a local disk", 0, false, func(r *report) float64 { return r.cpu(jsonFormat, onHDFS) / r.cpu(jsonFormat, shadoof) }},
}

// A ratio is a goal with its figure.
type ratio struct {
	ID      string   `json:"id"`
	What    string   `json:"what"`
	Figure  *float64 `json:"figure,omitempty"` // nil: not measured
	Goal    float64  `json:"goal,omitempty"`   // 0: none
	AtLeast bool     `json:"at_least,omitempty"`
	OK      *bool    `json:"ok,omitempty"` // nil: not measured, or without a goal
}

// ratios are all goals with their figures, and what else was measured to compare: from the medians of all rounds.
func (r *report) ratios() []ratio {
	var all []ratio
	for _, g := range goals {
		one := ratio{ID: g.id, What: g.what, Goal: g.limit, AtLeast: g.atLeast}
		if v := g.figure(r); !math.IsNaN(v) && !math.IsInf(v, 0) {
			one.Figure = &v
			if ok := g.atLeast && v >= g.limit || !g.atLeast && v <= g.limit; g.limit > 0 {
				one.OK = &ok
			}
		}
		if one.Figure != nil || g.limit > 0 {
			all = append(all, one)
		}
	}
	return all
}

// decoding is R3: the decoder and the dictionaries, by the library.
func (r *report) decoding(format string) float64 {
	return (r.figure(format, decodeOnly, nsColumns) + r.figure(format, decodeOnly, nsDictionary)) / r.figure(format, decodeOnly, nsValues)
}
