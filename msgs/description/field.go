package description

import "guidedpolicysearch/msgs/idl"

// Numbers of type_description_interfaces/msg/FieldType: of single values, and what an array
// or sequence of them adds.
const (
	nested        = 1
	octet         = 16
	boundedString = 21

	array             = 48
	boundedSequence   = 96
	unboundedSequence = 144
)

// padding is the field of a message that has none: a struct in C needs one.
const padding = "structure_needs_at_least_one_member"

// primitive returns the number of a primitive type.
func primitive(p idl.Primitive) uint8 {
	switch p {
	case idl.Int8:
		return 2
	case idl.Uint8:
		return 3
	case idl.Int16:
		return 4
	case idl.Uint16:
		return 5
	case idl.Int32:
		return 6
	case idl.Uint32:
		return 7
	case idl.Int64:
		return 8
	case idl.Uint64:
		return 9
	case idl.Float32:
		return 10
	case idl.Float64:
		return 11
	case idl.Bool:
		return 15
	}
	return 17 // string
}

// fieldType describes the type of a field.
func fieldType(t idl.Type) FieldType {
	f := FieldType{Capacity: uint64(t.Size), StringCapacity: uint64(t.StringMax)}
	switch {
	case t.Primitive == "":
		f.ID, f.Nested = nested, t.Message.String()
	case t.Octet:
		f.ID = octet
	case t.StringMax > 0:
		f.ID = boundedString
	default:
		f.ID = primitive(t.Primitive)
	}
	switch {
	case t.Shape == idl.Array:
		f.ID += array
	case t.Shape == idl.Sequence && t.Size > 0:
		f.ID += boundedSequence
	case t.Shape == idl.Sequence:
		f.ID += unboundedSequence
	}
	return f
}

// fields describes the fields of a message.
func fields(m *idl.Message) []Field {
	if len(m.Fields) == 0 {
		return []Field{{Name: padding, Type: FieldType{ID: primitive(idl.Uint8)}}}
	}
	out := make([]Field, len(m.Fields))
	for i, f := range m.Fields {
		out[i] = Field{f.Name, fieldType(f.Type), defaultText(f)}
	}
	return out
}
