// Package description describes ROS 2 types as data and computes their type hashes
// (RIHS01), as ROS 2 has them from Iron on: REP-2011 and REP-2016,
// https://www.ros.org/reps/rep-2011.html, and rosidl_generator_type_description.
//
// A hash is the SHA-256 of a type's description in JSON: names and types of its fields in
// order, and the same of all types it contains. Comments, constants and default values do
// not count, names of fields and bounds do.
package description

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
)

// Prefix begins every hash of the version that Hash computes.
const Prefix = "RIHS01_"

// FieldType is what type_description_interfaces/msg/FieldType holds.
type FieldType struct {
	ID             uint8  // one of the constants of that message
	Capacity       uint64 // size of an array, bound of a sequence, else 0
	StringCapacity uint64 // bound of a string, else 0
	Nested         string // "std_msgs/msg/Header" where the field holds messages
}

// Field is one field of a type.
type Field struct {
	Name    string
	Type    FieldType
	Default string // as text, empty if there is none
}

// Source is the text that a type was defined by.
type Source struct {
	Encoding string // "msg", "srv", "action", or Implicit
	Text     string // empty for an implicit type
}

// Implicit is the encoding of types that follow from a service or an action.
const Implicit = "implicit"

// Individual is one type without those that it contains.
type Individual struct {
	Name   string // "sensor_msgs/msg/JointState"
	Fields []Field
	Source Source
}

// Description is a type and all that it contains.
type Description struct {
	Individual
	Referenced []Individual // at any depth, each once, ordered by name
}

// Hash returns the type hash: RIHS01_ and 64 hexadecimal digits.
func (d *Description) Hash() string {
	b := d.Individual.appendJSON([]byte(`{"type_description": `))
	b = append(b, `, "referenced_type_descriptions": [`...)
	for i := range d.Referenced {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = d.Referenced[i].appendJSON(b)
	}
	sum := sha256.Sum256(append(b, "]}"...))
	return Prefix + hex.EncodeToString(sum[:])
}

// appendJSON appends what the hash is taken of. Names are letters, digits, underscores and
// slashes, which JSON leaves as they are.
func (t *Individual) appendJSON(b []byte) []byte {
	text := func(key, value string) { b = append(append(append(append(b, key...), '"'), value...), '"') }
	number := func(key string, value uint64) { b = strconv.AppendUint(append(b, key...), value, 10) }
	text(`{"type_name": `, t.Name)
	b = append(b, `, "fields": [`...)
	for i, f := range t.Fields {
		if i > 0 {
			b = append(b, ", "...)
		}
		text(`{"name": `, f.Name)
		number(`, "type": {"type_id": `, uint64(f.Type.ID))
		number(`, "capacity": `, f.Type.Capacity)
		number(`, "string_capacity": `, f.Type.StringCapacity)
		text(`, "nested_type_name": `, f.Type.Nested)
		b = append(b, "}}"...)
	}
	return append(b, "]}"...)
}
