package pyyaml

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// Kind is the Python type of a value.
type Kind int

// The types that safe_load makes. Pairs of !!pairs and !!omap are tuples.
const (
	None Kind = iota
	Bool
	Int
	Float
	String
	Bytes
	Date // datetime.date or datetime.datetime
	List
	Tuple
	Dict
	Set
)

var kindNames = [...]string{"NoneType", "bool", "int", "float", "str", "bytes", "date", "list", "tuple", "dict", "set"}

// String is the name of the type in Python.
func (k Kind) String() string { return kindNames[k] }

// Value is a Python value; Kind names the fields that hold it.
type Value struct {
	Kind  Kind
	Bool  bool
	Int   *big.Int
	Float float64
	Text  string  // of String and Bytes; of a Date, its str
	repr  string  // of a Date
	Items []Value // of List, Tuple and Set
	Dict  []Entry // in the order of insertion, no key twice
}

// Entry is a key of a dict, with its value.
type Entry struct {
	Key, Value Value
}

// Get finds the entry of a dict with a string as key.
func (v Value) Get(key string) (Value, bool) {
	for _, e := range v.Dict {
		if e.Key.Kind == String && e.Key.Text == key {
			return e.Value, true
		}
	}
	return Value{}, false
}

// Str is Python's str.
func (v Value) Str() string {
	switch v.Kind {
	case String, Date:
		return v.Text
	}
	return v.Repr()
}

// Repr is Python's repr. Beyond maxText bytes it is cut.
func (v Value) Repr() string {
	var b strings.Builder
	v.repr1(&b)
	return b.String()
}

// maxText bounds what aliases inside aliases may grow to.
const maxText = 16 << 20

func (v Value) repr1(b *strings.Builder) {
	if b.Len() > maxText {
		return
	}
	switch v.Kind {
	case None:
		b.WriteString("None")
	case Bool:
		if v.Bool {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case Int:
		b.WriteString(v.Int.String())
	case Float:
		b.WriteString(FloatRepr(v.Float))
	case String:
		b.WriteString(StringRepr(v.Text))
	case Bytes:
		b.WriteString(bytesRepr(v.Text))
	case Date:
		b.WriteString(v.repr)
	case List:
		writeItems(b, "[", v.Items, "]")
	case Tuple:
		writeItems(b, "(", v.Items, ")")
	case Set:
		if len(v.Items) == 0 {
			b.WriteString("set()")
			return
		}
		writeItems(b, "{", v.Items, "}")
	case Dict:
		b.WriteByte('{')
		for i, e := range v.Dict {
			if i > 0 {
				b.WriteString(", ")
			}
			e.Key.repr1(b)
			b.WriteString(": ")
			e.Value.repr1(b)
		}
		b.WriteByte('}')
	}
}

func writeItems(b *strings.Builder, open string, items []Value, end string) {
	b.WriteString(open)
	for i, x := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		x.repr1(b)
	}
	b.WriteString(end)
}

// FloatRepr is Python's repr of a float: the shortest digits, with an exponent from 1e16 and
// below 1e-4.
func FloatRepr(x float64) string {
	switch {
	case math.IsNaN(x):
		return "nan"
	case math.IsInf(x, 1):
		return "inf"
	case math.IsInf(x, -1):
		return "-inf"
	}
	s := strconv.FormatFloat(x, 'e', -1, 64)
	exponent, _ := strconv.Atoi(s[strings.IndexByte(s, 'e')+1:])
	if exponent < -4 || exponent >= 16 {
		return s
	}
	s = strconv.FormatFloat(x, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// StringRepr is Python's repr of a string.
func StringRepr(s string) string { return quote(s, func(r rune) bool { return unicode.IsPrint(r) }, s) }

func bytesRepr(s string) string {
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return "b" + quote(string(runes), func(r rune) bool { return r >= 0x20 && r < 0x7f }, s)
}

// quote puts s in single quotes, or in double ones where whole has single ones only.
func quote(s string, printable func(rune) bool, whole string) string {
	mark := byte('\'')
	if strings.Contains(whole, "'") && !strings.Contains(whole, `"`) {
		mark = '"'
	}
	var b strings.Builder
	b.WriteByte(mark)
	for _, r := range s {
		switch {
		case r == '\\' || r == rune(mark):
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case printable(r):
			b.WriteRune(r)
		case r <= 0xff:
			b.WriteString(`\x` + hex(r, 2))
		case r <= 0xffff:
			b.WriteString(`\u` + hex(r, 4))
		default:
			b.WriteString(`\U` + hex(r, 8))
		}
	}
	b.WriteByte(mark)
	return b.String()
}

func hex(r rune, digits int) string {
	s := strconv.FormatInt(int64(r), 16)
	return strings.Repeat("0", max(0, digits-len(s))) + s
}
