package jobs

import (
	"fmt"
	"path"
	"strconv"
	"strings"

	"shadoof/offsets"
	"shadoof/writers"
)

// An InspectKind is what a name below a root stands for.
type InspectKind string

// The kinds.
const (
	InspectData       InspectKind = "data"
	InspectQuarantine InspectKind = "quarantine"
	InspectStaged     InspectKind = "staged"
	InspectRecord     InspectKind = "record"
	InspectMarker     InspectKind = "marker"
	InspectCheckpoint InspectKind = "checkpoint"
	InspectPack       InspectKind = "pack"
	InspectAttachment InspectKind = "attachment"
	InspectSettings   InspectKind = "settings"
	InspectRoot       InspectKind = "root" // store.json
)

// An inspectName is a name taken apart.
type inspectName struct {
	name  string
	kind  InspectKind
	topic string // as it stands in file names: shortened if it is long
	short bool
	v     int64  // record, marker, checkpoint, pack
	id    string // attempt of an attachment or staged file; hash of settings
	file  writers.Name
}

// parseInspectName takes a name below the root apart. A name that shadoof would not write is an error.
func parseInspectName(name string) (n inspectName, err error) {
	notOurs := fmt.Errorf("%s is no name that shadoof writes below a root", name)
	n.name = name
	if name == storeName {
		n.kind = InspectRoot
		return n, nil
	}
	base := path.Base(name)
	if isSuccess(name) && !strings.HasPrefix(name, "_shadoof/") {
		return n, fmt.Errorf("%s is an empty marker: it says that the time folder is complete, and `shadoof hours` says since when", name)
	}
	if rest, ok := strings.CutPrefix(name, topicsDir); ok {
		topic, _, ok := strings.Cut(rest, "/")
		if !ok || !isTopic(topic) {
			return n, notOurs
		}
		n.topic = topic
		if n.ofLog() {
			return n, nil
		}
	} else if strings.HasPrefix(name, "_shadoof/") {
		return n, notOurs
	}
	if file, err := writers.ParseStaging(base); err == nil {
		n.kind, n.file, n.id = InspectStaged, file, file.Attempt
		return n, n.takeTopic(notOurs)
	}
	if n.file, err = writers.Parse(base); err != nil {
		return n, notOurs
	}
	switch {
	case n.topic == "" && strings.Contains(name, "/"):
		n.kind = InspectData
	case n.topic != "" && strings.HasPrefix(name, offsets.QuarantineDir(n.topic)+"/"):
		n.kind = InspectQuarantine
	default:
		return n, notOurs
	}
	n.id = n.file.Attempt
	return n, n.takeTopic(notOurs)
}

const topicsDir = "_shadoof/topics/"

// ofLog finds out whether the name is one of the log and what surrounds it.
func (n *inspectName) ofLog() bool {
	name, dir := n.name, path.Dir(n.name)
	if v, ok := offsets.ParseLogName(n.topic, dir); ok { // HDFS: a folder of that name holds the record
		n.kind, n.v = InspectRecord, v
		return true
	}
	for kind, parse := range map[InspectKind]func(topic, name string) (int64, bool){
		InspectRecord: offsets.ParseLogName, InspectMarker: offsets.ParsePubName, InspectCheckpoint: offsets.ParseCkptName, InspectPack: offsets.ParsePackName,
	} {
		if v, ok := parse(n.topic, name); ok {
			n.kind, n.v = kind, v
			return true
		}
	}
	id := strings.TrimSuffix(path.Base(name), ".json")
	switch {
	case writers.IsAttempt(id) && name == offsets.AttName(n.topic, id):
		n.kind, n.id = InspectAttachment, id
	case len(id) == 64 && name == offsets.SettingsName(n.topic, id):
		n.kind, n.id = InspectSettings, id
	default:
		return false
	}
	return true
}

// takeTopic takes the topic from the file's name where the folders do not tell it, and refuses a file of one topic among another's.
func (n *inspectName) takeTopic(notOurs error) error {
	if n.topic == "" {
		n.topic, n.short = n.file.Topic, strings.Contains(n.file.Topic, "~")
		if !n.short {
			n.topic = strings.TrimPrefix(n.topic, "topic=")
		}
		return nil
	}
	if writers.ShortTopic(n.topic) != n.file.Topic {
		return notOurs
	}
	return nil
}

// An OffsetName names one offset of a partition.
type OffsetName struct {
	Topic     string
	Partition int32
	Offset    int64
}

func (n OffsetName) String() string { return fmt.Sprintf("%s/%d@%d", n.Topic, n.Partition, n.Offset) }

// ParseOffsetName reads TOPIC/PARTITION@OFFSET. ok is false for anything else.
func ParseOffsetName(s string) (n OffsetName, ok bool) {
	topic, rest, ok := strings.Cut(s, "/")
	if !ok || !isTopic(topic) {
		return n, false
	}
	partition, offset, ok := strings.Cut(rest, "@")
	if !ok {
		return n, false
	}
	p, err := strconv.ParseUint(partition, 10, 31)
	if err != nil {
		return n, false
	}
	o, err := strconv.ParseUint(offset, 10, 63)
	return OffsetName{topic, int32(p), int64(o)}, err == nil
}
