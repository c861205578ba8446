package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"path"
	"runtime/pprof"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// dictionaryCode is where the product makes dictionaries: a file of writers/parquet.
var dictionaryCode = []string{"dictionary.go"}

// profiledShare runs something under the CPU profiler and returns which share of its time was spent in functions of some files of
// writers/parquet, and in what these call.
func profiledShare(files []string, run func() error) (float64, error) {
	var out bytes.Buffer
	if err := pprof.StartCPUProfile(&out); err != nil {
		return 0, err
	}
	err := run()
	pprof.StopCPUProfile()
	if err != nil {
		return 0, err
	}
	z, err := gzip.NewReader(&out)
	if err != nil {
		return 0, err
	}
	text, err := io.ReadAll(z)
	if err != nil {
		return 0, err
	}
	p, err := readProfile(text)
	if err != nil {
		return 0, err
	}
	return p.share(files), nil
}

// A profile is as much of pprof's format as this needs. https://github.com/google/pprof/blob/main/proto/profile.proto
type profile struct {
	samples   []sample
	locations map[uint64][]uint64 // functions by location, inlined ones included
	files     map[uint64]uint64   // strings by function
	strings   []string
}

type sample struct {
	locations []uint64
	count     uint64
}

// The fields of pprof's messages.
const (
	profileSample, profileLocation, profileFunction, profileStrings = 2, 4, 5, 6

	sampleLocation, sampleValue = 1, 2
	locationID, locationLine    = 1, 4
	lineFunction                = 1
	functionID, functionFile    = 1, 4
)

func (p *profile) share(files []string) float64 {
	wanted := map[uint64]bool{} // locations
	for location, functions := range p.locations {
		wanted[location] = slices.ContainsFunc(functions, func(f uint64) bool {
			name := p.strings[p.files[f]]
			return path.Base(path.Dir(name)) == "parquet" && path.Base(path.Dir(path.Dir(name))) == "writers" && slices.Contains(files, path.Base(name))
		})
	}
	var in, all uint64
	for _, s := range p.samples {
		all += s.count
		if slices.ContainsFunc(s.locations, func(l uint64) bool { return wanted[l] }) {
			in += s.count
		}
	}
	if all == 0 {
		return 0
	}
	return float64(in) / float64(all)
}

func readProfile(text []byte) (*profile, error) {
	p := &profile{locations: map[uint64][]uint64{}, files: map[uint64]uint64{}}
	err := eachField(text, func(field protowire.Number, _ uint64, body []byte) error {
		switch field {
		case profileSample:
			return p.readSample(body)
		case profileLocation:
			return p.readLocation(body)
		case profileFunction:
			var id, file uint64
			err := eachField(body, func(field protowire.Number, v uint64, _ []byte) error {
				switch field {
				case functionID:
					id = v
				case functionFile:
					file = v
				}
				return nil
			})
			p.files[id] = file
			return err
		case profileStrings:
			p.strings = append(p.strings, string(body))
		}
		return nil
	})
	return p, err
}

func (p *profile) readSample(body []byte) error {
	var s sample
	var counts []uint64
	err := eachField(body, func(field protowire.Number, v uint64, packed []byte) (err error) {
		switch field {
		case sampleLocation:
			s.locations, err = appendNumbers(s.locations, v, packed)
		case sampleValue:
			counts, err = appendNumbers(counts, v, packed)
		}
		return err
	})
	if len(counts) > 0 {
		s.count = counts[0]
	}
	p.samples = append(p.samples, s)
	return err
}

func (p *profile) readLocation(body []byte) error {
	var id uint64
	var functions []uint64
	err := eachField(body, func(field protowire.Number, v uint64, line []byte) error {
		switch field {
		case locationID:
			id = v
		case locationLine:
			return eachField(line, func(field protowire.Number, v uint64, _ []byte) error {
				if field == lineFunction {
					functions = append(functions, v)
				}
				return nil
			})
		}
		return nil
	})
	p.locations[id] = functions
	return err
}

// appendNumbers appends a repeated number, packed or not.
func appendNumbers(to []uint64, v uint64, packed []byte) ([]uint64, error) {
	if packed == nil {
		return append(to, v), nil
	}
	for len(packed) > 0 {
		v, n := protowire.ConsumeVarint(packed)
		if n < 0 {
			return to, errProfile
		}
		to, packed = append(to, v), packed[n:]
	}
	return to, nil
}

var errProfile = errors.New("the CPU profile is not what pprof writes")

// eachField visits the fields of a message: a number, or bytes.
func eachField(text []byte, visit func(field protowire.Number, v uint64, body []byte) error) error {
	for len(text) > 0 {
		field, kind, n := protowire.ConsumeTag(text)
		if n < 0 {
			return fmt.Errorf("%w: a tag", errProfile)
		}
		text = text[n:]
		var v uint64
		var body []byte
		switch kind {
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(text)
		case protowire.BytesType:
			body, n = protowire.ConsumeBytes(text)
		default:
			n = protowire.ConsumeFieldValue(field, kind, text)
		}
		if n < 0 {
			return fmt.Errorf("%w: field %d", errProfile, field)
		}
		text = text[n:]
		if err := visit(field, v, body); err != nil {
			return err
		}
	}
	return nil
}
