package paramservice

import (
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/rcl"
)

// FromMessage takes the value that the message's type names. The arrays are those of the
// message.
func FromMessage(m *rcl_interfaces.ParameterValue) rcl.Value {
	v := rcl.Value{Type: rcl.Type(m.Type)}
	switch v.Type {
	case rcl.Bool:
		v.Bool = m.BoolValue
	case rcl.Integer:
		v.Int = m.IntegerValue
	case rcl.Double:
		v.Double = m.DoubleValue
	case rcl.String:
		v.Str = m.StringValue
	case rcl.ByteArray:
		v.Bytes = m.ByteArrayValue
	case rcl.BoolArray:
		v.Bools = m.BoolArrayValue
	case rcl.IntegerArray:
		v.Ints = m.IntegerArrayValue
	case rcl.DoubleArray:
		v.Doubles = m.DoubleArrayValue
	case rcl.StringArray:
		v.Strs = m.StringArrayValue
	}
	return v
}

// ToMessage is the reverse of FromMessage.
func ToMessage(v rcl.Value) rcl_interfaces.ParameterValue {
	return rcl_interfaces.ParameterValue{Type: uint8(v.Type), BoolValue: v.Bool, IntegerValue: v.Int, DoubleValue: v.Double,
		StringValue: v.Str, ByteArrayValue: v.Bytes, BoolArrayValue: v.Bools, IntegerArrayValue: v.Ints,
		DoubleArrayValue: v.Doubles, StringArrayValue: v.Strs}
}

// size is about what a value takes on the wire, in bytes.
func size(v rcl.Value) int {
	n := 64 + len(v.Str) + len(v.Bytes) + len(v.Bools) + 8*len(v.Ints) + 8*len(v.Doubles)
	for _, s := range v.Strs {
		n += 8 + len(s)
	}
	return n
}
