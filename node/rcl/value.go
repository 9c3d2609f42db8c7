package rcl

import (
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Type is the type of a parameter value. The numbers are those of rcl_interfaces/msg/ParameterType.
type Type uint8

// The parameter types of ROS 2.
const (
	NotSet       Type = 0
	Bool         Type = 1
	Integer      Type = 2
	Double       Type = 3
	String       Type = 4
	ByteArray    Type = 5
	BoolArray    Type = 6
	IntegerArray Type = 7
	DoubleArray  Type = 8
	StringArray  Type = 9
)

var typeNames = [...]string{"not_set", "bool", "integer", "double", "string",
	"byte_array", "bool_array", "integer_array", "double_array", "string_array"}

// String gives the name that `ros2 param describe` uses, with an underscore: "double_array".
func (t Type) String() string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return "type " + strconv.Itoa(int(t))
}

// Value is one parameter value: the field that Type names holds it, the others are zero
// (the union of rcl_interfaces/msg/ParameterValue). The zero Value is not set.
type Value struct {
	Type    Type
	Bool    bool
	Int     int64
	Double  float64
	Str     string
	Bytes   []byte
	Bools   []bool
	Ints    []int64
	Doubles []float64
	Strs    []string
}

// Len is the number of elements of an array value, 0 for the others.
func (v Value) Len() int {
	return len(v.Bytes) + len(v.Bools) + len(v.Ints) + len(v.Doubles) + len(v.Strs)
}

// Equal tells whether v and w have the same type and the same value; NaN equals NaN.
func (v Value) Equal(w Value) bool {
	if v.Type != w.Type {
		return false
	}
	switch v.Type {
	case NotSet:
		return true
	case Bool:
		return v.Bool == w.Bool
	case Integer:
		return v.Int == w.Int
	case Double:
		return sameDouble(v.Double, w.Double)
	case String:
		return v.Str == w.Str
	case ByteArray:
		return string(v.Bytes) == string(w.Bytes)
	case BoolArray:
		return equalFunc(v.Bools, w.Bools, func(a, b bool) bool { return a == b })
	case IntegerArray:
		return equalFunc(v.Ints, w.Ints, func(a, b int64) bool { return a == b })
	case DoubleArray:
		return equalFunc(v.Doubles, w.Doubles, sameDouble)
	case StringArray:
		return equalFunc(v.Strs, w.Strs, func(a, b string) bool { return a == b })
	}
	return false
}

func sameDouble(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }

func equalFunc[T any](a, b []T, same func(T, T) bool) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !same(a[i], b[i]) {
			return false
		}
	}
	return true
}

// String writes the value as YAML that rcl reads back as the same type and value. Three
// values have no such form in rcl: an empty array, a byte array (it reads back as an integer
// array) and a string with a NUL (cut there).
func (v Value) String() string {
	switch v.Type {
	case Bool:
		return strconv.FormatBool(v.Bool)
	case Integer:
		return strconv.FormatInt(v.Int, 10)
	case Double:
		return formatDouble(v.Double)
	case String:
		return quote(v.Str)
	case ByteArray:
		return formatArray(v.Bytes, func(b byte) string { return strconv.Itoa(int(b)) })
	case BoolArray:
		return formatArray(v.Bools, strconv.FormatBool)
	case IntegerArray:
		return formatArray(v.Ints, func(i int64) string { return strconv.FormatInt(i, 10) })
	case DoubleArray:
		return formatArray(v.Doubles, formatDouble)
	case StringArray:
		return formatArray(v.Strs, quote)
	}
	return "not set"
}

func formatArray[T any](a []T, format func(T) string) string {
	var b strings.Builder
	b.WriteByte('[')
	for i, x := range a {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(format(x))
	}
	b.WriteByte(']')
	return b.String()
}

// smallestNormal: below it rcl takes an inexact decimal for a string (strtod's ERANGE), so a
// subnormal is written in hexadecimal, which is exact.
const smallestNormal = 0x1p-1022

func formatDouble(x float64) string {
	switch {
	case math.IsNaN(x):
		return ".nan"
	case math.IsInf(x, 1):
		return ".inf"
	case math.IsInf(x, -1):
		return "-.inf"
	case x != 0 && math.Abs(x) < smallestNormal:
		return strconv.FormatFloat(x, 'x', -1, 64)
	}
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// quote writes s as a YAML double-quoted scalar in printable ASCII and printable UTF-8.
func quote(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < 0x20 || r >= 0x7f && r < 0xa0:
			b.WriteString(`\x`)
			b.WriteByte(hex[r>>4])
			b.WriteByte(hex[r&15])
		case strconv.IsPrint(r):
			b.WriteRune(r)
		default:
			b.WriteString(`\U`)
			for shift := 28; shift >= 0; shift -= 4 {
				b.WriteByte(hex[r>>shift&15])
			}
		}
		i += n
	}
	b.WriteByte('"')
	return b.String()
}
