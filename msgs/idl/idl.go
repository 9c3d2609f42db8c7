// Package idl reads ROS 2 interface definitions: .msg, .srv and .action files, in the
// form of https://docs.ros.org/en/humble/Concepts/Basic/About-Interfaces.html.
//
// wstring is refused: no message here needs it, and its form on the wire differs
// between middlewares.
package idl

import (
	"errors"
	"fmt"
)

// ErrSyntax marks a definition that cannot be read; the error says file and line.
var ErrSyntax = errors.New("idl: bad interface definition")

// Primitive is a type that needs no definition.
type Primitive string

// The primitive types; byte and char are other names of uint8 (see Type.Octet).
const (
	Bool    Primitive = "bool"
	Int8    Primitive = "int8"
	Uint8   Primitive = "uint8"
	Int16   Primitive = "int16"
	Uint16  Primitive = "uint16"
	Int32   Primitive = "int32"
	Uint32  Primitive = "uint32"
	Int64   Primitive = "int64"
	Uint64  Primitive = "uint64"
	Float32 Primitive = "float32"
	Float64 Primitive = "float64"
	String  Primitive = "string"
)

// primitives maps the names in definitions.
var primitives = map[string]Primitive{
	"bool": Bool, "byte": Uint8, "char": Uint8, "int8": Int8, "uint8": Uint8,
	"int16": Int16, "uint16": Uint16, "int32": Int32, "uint32": Uint32,
	"int64": Int64, "uint64": Uint64, "float32": Float32, "float64": Float64, "string": String,
}

// Shape says how many values a field holds.
type Shape int

// The shapes of fields.
const (
	Single   Shape = iota // one value
	Array                 // exactly Size values
	Sequence              // any number, or at most Size where Size is not 0
)

// Ref names a type: package, kind ("msg", "srv", "action") and name.
type Ref struct{ Package, Kind, Name string }

// String returns the ROS name, "sensor_msgs/msg/JointState".
func (r Ref) String() string { return r.Package + "/" + r.Kind + "/" + r.Name }

// Type is the type of a field.
type Type struct {
	Primitive Primitive // empty for a message
	Octet     bool      // written as byte: uint8 on the wire, a type of its own in descriptions
	Message   Ref       // where Primitive is empty
	StringMax int       // largest length of a string in bytes, 0 for any
	Shape     Shape
	Size      int
}

// Field is one field of a message.
type Field struct {
	Name    string
	Type    Type
	Default []Value // nil: none; one value, or one per element
	Comment []string
}

// Constant is one named constant.
type Constant struct {
	Name    string
	Type    Primitive
	Value   Value
	Comment []string
}

// Message is one message: of a .msg file, or one part of a .srv or .action file.
type Message struct {
	Ref       Ref
	Comment   []string // the comment block at the top of the file
	Fields    []Field
	Constants []Constant
	Text      string // the definition as it was written
}

// syntax returns an ErrSyntax for a line.
func syntax(file string, line int, format string, args ...any) error {
	return fmt.Errorf("%w: %s:%d: %s", ErrSyntax, file, line, fmt.Sprintf(format, args...))
}
