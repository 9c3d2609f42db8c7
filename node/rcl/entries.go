package rcl

import (
	"errors"
	"fmt"
)

// ErrParameters is wrapped by every error about a parameter file or a parameter value.
var ErrParameters = errors.New("invalid parameters")

// Assignment is one value written for a parameter, and where.
type Assignment struct {
	Value  Value
	Source Position
}

// slot holds the latest value of one type given to an entry.
type slot struct {
	Assignment
	order int // of writing, over all entries of a store
}

// entry is one parameter under one node key. rcl keeps a value per type, and the type that
// comes first in Type's order wins, whichever was written last.
type entry struct {
	name     string
	slots    [StringArray + 1]slot
	pass     int        // the reading of a file that wrote last, 0 for an argument
	latest   Position   // where that was
	repeated []Position // earlier places of the same reading
}

// winner is the value that rcl gives out; its Type is NotSet where none was written.
func (e *entry) winner() slot {
	for t := Bool; t <= StringArray; t++ {
		if e.slots[t].Value.Type != NotSet {
			return e.slots[t]
		}
	}
	return slot{Assignment: Assignment{Source: e.latest}}
}

// ignored lists what was written after the winner and yet loses to its type.
func (e *entry) ignored() []Assignment {
	var list []Assignment
	winner := e.winner()
	for _, s := range e.slots {
		if s.Value.Type != NotSet && s.order > winner.order {
			list = append(list, s.Assignment)
		}
	}
	return list
}

// nodeEntries holds the parameters under one node key, in the order first written.
type nodeEntries struct {
	key     string
	source  Position
	entries []*entry
}

// find gives the index of the parameter, adding it where it is new.
func (n *nodeEntries) find(name string) int {
	for i, e := range n.entries {
		if e.name == name {
			return i
		}
	}
	n.entries = append(n.entries, &entry{name: name})
	return len(n.entries) - 1
}

// store is rcl_params_t: what all files and arguments gave, in order.
type store struct {
	nodes  []*nodeEntries
	count  int // entries in all, an upper bound
	order  int // of the last assignment
	passes int // files read so far
}

func (s *store) find(key string, source Position) (int, error) {
	for i, n := range s.nodes {
		if n.key == key {
			return i, nil
		}
	}
	if len(s.nodes) == maxNodes {
		return 0, &SourceError{Source: source, Err: ErrParameters,
			Problem: fmt.Sprintf("more than %d node keys", maxNodes)}
	}
	s.nodes = append(s.nodes, &nodeEntries{key: key, source: source})
	return len(s.nodes) - 1, nil
}

// grow counts a new parameter against the bound.
func (s *store) grow(at Position) error {
	if s.count++; s.count > maxParameters {
		return &SourceError{Source: at, Err: ErrParameters,
			Problem: fmt.Sprintf("more than %d parameters", maxParameters)}
	}
	return nil
}

// valueReader types the scalars of one value as they come, alone or inside a sequence.
type valueReader struct {
	store      *store
	pass       int
	inSequence bool
	element    Type     // type of the elements of the sequence so far
	start      Position // of the sequence
}

func (r *valueReader) beginSequence(at Position) {
	r.inSequence, r.element, r.start = true, NotSet, at
}

// scalar writes the value of ev into e.
func (r *valueReader) scalar(ev event, e *entry) error {
	if ev.empty && !ev.quoted {
		return &SourceError{Source: ev.pos, Err: ErrParameters,
			Problem: fmt.Sprintf("%s has no value, expected a scalar or a sequence of one type", e.name)}
	}
	value := typeScalar(ev.text, ev.quoted)
	if !r.inSequence {
		r.assign(e, value, ev.pos)
		return nil
	}
	array := arrayOf(value.Type)
	if r.element == NotSet {
		r.element = value.Type
		r.assign(e, Value{Type: array}, r.start)
	} else if r.element != value.Type {
		return &SourceError{Source: ev.pos, Err: ErrParameters,
			Problem: fmt.Sprintf("%s: %s in a sequence that began with %s, expected one type throughout (write 1.0, not 1, among doubles)",
				e.name, value.Type, r.element)}
	}
	target := &e.slots[array].Value
	switch array {
	case BoolArray:
		target.Bools = append(target.Bools, value.Bool)
	case IntegerArray:
		target.Ints = append(target.Ints, value.Int)
	case DoubleArray:
		target.Doubles = append(target.Doubles, value.Double)
	case StringArray:
		target.Strs = append(target.Strs, value.Str)
	}
	return nil
}

func (r *valueReader) assign(e *entry, v Value, at Position) {
	e.touch(r.pass, at)
	r.store.order++
	e.slots[v.Type] = slot{Assignment: Assignment{Value: v, Source: at}, order: r.store.order}
}

// touch notes where the entry was written, and whether it was before in the same reading.
func (e *entry) touch(pass int, at Position) {
	if pass != 0 && e.pass == pass {
		e.repeated = append(e.repeated, e.latest)
	} else {
		e.repeated = nil
	}
	e.pass, e.latest = pass, at
}

func arrayOf(t Type) Type {
	switch t {
	case Bool:
		return BoolArray
	case Integer:
		return IntegerArray
	case Double:
		return DoubleArray
	}
	return StringArray
}
