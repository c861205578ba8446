package memory

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"

	"shadoof/storage"
)

// disk is what clients share. Methods that end in Locked need mu.
type disk struct {
	mu        sync.Mutex
	clock     func() time.Time
	changed   func(name string, data []byte) // may be nil
	objects   map[string]object
	uploads   map[string]*upload
	lastID    int
	delayed   []delayed
	unsettled []unsettled

	undo   func() // how to undo the change that was made last; nil if there was none since it was cleared
	proved bool   // the answer that was given last promises that what it says is durable
}

type object struct {
	data     []byte
	modified time.Time
	upload   string // by which it came into being, if it was staged
}

type upload struct {
	key   string
	begun time.Time
	data  []byte
}

type unsettled struct {
	name string
	undo func()
}

type delayed struct {
	c     Call
	apply func()
}

// setLocked gives an object its bytes, and takeLocked removes it: nothing else changes what there is.
func (d *disk) setLocked(name string, o object) {
	d.objects[name] = o
	if d.changed != nil {
		d.changed(name, o.data)
	}
}

func (d *disk) takeLocked(name string) {
	delete(d.objects, name)
	if d.changed != nil {
		d.changed(name, nil)
	}
}

// token is the JSON of a staged file.
type token struct {
	Upload string `json:"upload_id"`
}

func parseToken(t storage.Token) (token, error) {
	var tok token
	if err := json.Unmarshal(t, &tok); err != nil {
		return tok, fmt.Errorf("token %.80q: %w", t, err)
	}
	if tok.Upload == "" {
		return tok, fmt.Errorf("token %.80q names no upload: is it of another kind of store? %w", t, fs.ErrInvalid)
	}
	return tok, nil
}

func (t token) marshal() storage.Token {
	data, err := json.Marshal(t)
	if err != nil {
		panic(err) // a struct of one string
	}
	return data
}

func (d *disk) cloneLocked() *disk {
	c := &disk{clock: d.clock, objects: maps.Clone(d.objects), uploads: map[string]*upload{}, lastID: d.lastID}
	for id, u := range d.uploads {
		c.uploads[id] = &upload{u.key, u.begun, slices.Clone(u.data)}
	}
	return c
}

// settledLocked runs a change that is durable once made, and with it everything before it.
func (d *disk) settledLocked(apply func() string) string {
	d.undo, d.proved = nil, false
	answer := apply()
	if d.undo != nil || d.proved {
		d.unsettled = nil
	}
	return answer
}

func (d *disk) createLocked(name string, data []byte) storage.Put {
	if _, there := d.objects[name]; there {
		return storage.Exists
	}
	d.setLocked(name, object{data, d.clock(), ""})
	d.undo = func() { d.takeLocked(name) }
	return storage.Created
}

func (d *disk) deleteLocked(name string) {
	if o, there := d.objects[name]; there {
		d.takeLocked(name)
		d.undo = func() { d.setLocked(name, o) }
	}
	d.proved = true
}

func (d *disk) stageLocked(key string) string {
	d.lastID++
	id := fmt.Sprintf("u%06d", d.lastID)
	d.uploads[id] = &upload{key: key, begun: d.clock()}
	d.undo = func() { delete(d.uploads, id) }
	return id
}

func (d *disk) publishLocked(key string, pairs []staged) storage.Publication {
	if o, there := d.objects[key]; there {
		if slices.ContainsFunc(pairs, func(p staged) bool { return p.made(o) }) {
			d.proved = true
			return storage.AlreadyPublished
		}
		return storage.PublishConflict
	}
	newest := pairs[len(pairs)-1]
	u := d.uploads[newest.upload]
	if u == nil || u.key != key || int64(len(u.data)) != newest.bytes {
		return storage.NothingToPublish
	}
	delete(d.uploads, newest.upload)
	d.setLocked(key, object{u.data, d.clock(), newest.upload})
	d.undo = func() {
		d.takeLocked(key)
		d.uploads[newest.upload] = u
	}
	return storage.Published
}

func (d *disk) discardLocked(key, id string) storage.Discarding {
	if u := d.uploads[id]; u != nil && u.key == key {
		delete(d.uploads, id)
		d.undo = func() { d.uploads[id] = u }
		return storage.Discarded
	}
	d.proved = true
	if o, there := d.objects[key]; there && o.upload == id {
		return storage.TokenUsed
	}
	return storage.AbsentToken
}

func (d *disk) confirmLocked(name string) storage.Durability {
	if _, there := d.objects[name]; !there {
		return storage.Gone
	}
	for i, u := range slices.Backward(d.unsettled) {
		if u.name == name {
			d.unsettled = slices.Delete(d.unsettled, 0, i+1)
			break
		}
	}
	return storage.Durable
}

// staged is a parsed storage.Staged.
type staged struct {
	upload string
	bytes  int64
}

func (p staged) made(o object) bool { return o.upload == p.upload && int64(len(o.data)) == p.bytes }

// Land carries out, in their order, the operations that were delayed, and returns how many there were.
func (s *Store) Land() int {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.delayed)
	for _, l := range d.delayed {
		l.apply()
	}
	d.delayed = nil
	return n
}

// Delayed returns the operations that were delayed and did not land, in their order. They have no numbers.
func (s *Store) Delayed() []Call {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	var calls []Call
	for _, l := range s.disk.delayed {
		calls = append(calls, l.c)
	}
	return calls
}

// LandOne carries out operation i of Delayed, before others that may be older.
func (s *Store) LandOne(i int) {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	l := d.delayed[i]
	d.delayed = slices.Delete(d.delayed, i, i+1)
	l.apply()
}

// Crash undoes the changes that are still unsettled, and returns how many there were.
func (s *Store) Crash() int {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	n := len(d.unsettled)
	for _, u := range slices.Backward(d.unsettled) {
		u.undo()
	}
	d.unsettled = nil
	return n
}

// Unsettled returns the names of the objects and keys whose changes Crash would undo now, in the order of the changes.
func (s *Store) Unsettled() []string {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	var names []string
	for _, u := range s.disk.unsettled {
		names = append(names, u.name)
	}
	return names
}

// AbortUploads drops every staged file whose key drop accepts (nil accepts all), as lifecycle rules and careless tools do, and
// returns how many there were.
func (s *Store) AbortUploads(drop func(key string) bool) int {
	d := s.disk
	d.mu.Lock()
	defer d.mu.Unlock()
	before := len(d.uploads)
	maps.DeleteFunc(d.uploads, func(_ string, u *upload) bool { return drop == nil || drop(u.key) })
	return before - len(d.uploads)
}

// Objects returns the names of all objects, sorted. It is no operation: nothing counts or traces it.
func (s *Store) Objects() []string {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return slices.Sorted(maps.Keys(s.disk.objects))
}

// Bytes returns the content of an object, or nil. It is no operation.
func (s *Store) Bytes(name string) []byte {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	return bytes.Clone(s.disk.objects[name].data)
}

// Contents returns all objects of one moment. Their bytes are not to be changed. It is no operation.
func (s *Store) Contents() map[string][]byte {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	all := make(map[string][]byte, len(s.disk.objects))
	for name, o := range s.disk.objects {
		all[name] = o.data
	}
	return all
}

// Staged returns the keys of all staged files, sorted. It is no operation.
func (s *Store) Staged() []string {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	keys := []string{}
	for _, u := range s.disk.uploads {
		keys = append(keys, u.key)
	}
	slices.Sort(keys)
	return keys
}

// Tamper sets the bytes of an object, or removes it where data is nil, as somebody does who goes around the store. It is no
// operation.
func (s *Store) Tamper(name string, data []byte) {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if data == nil {
		s.disk.takeLocked(name)
		return
	}
	o := s.disk.objects[name]
	s.disk.setLocked(name, object{bytes.Clone(data), s.disk.clock(), o.upload})
}
