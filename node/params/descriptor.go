package params

import (
	"fmt"
	"strings"

	"guidedpolicysearch/node/rcl"
)

// Takes says when a change at run time takes effect.
type Takes string

const (
	AtOnce  Takes = "now"
	AtTrial Takes = "trial" // at the beginning of the next trial
	AtStart Takes = "start" // when the node is configured: not to be set from then on
	Never   Takes = "never" // not at run time: read-only
)

// Descriptor describes a parameter, as rcl_interfaces/msg/ParameterDescriptor does.
type Descriptor struct {
	Name        string
	Type        rcl.Type
	Description string
	Unit        string   // SI unit, "" for none
	Range       *Range   // nil for none; of each element of an array
	Step        float64  // values are Range.Min + k Step, and Range.Max; 0 for any in between
	Choices     []string // nil for any string
	Length      string   // the array parameter of equal length, "" for none
	// LengthOptional allows an empty array in spite of Length.
	LengthOptional bool
	Finite         bool // NaN and infinities are refused
	Path           bool // a file or folder, or a list of them
	Default        rcl.Value
	Takes          Takes
	ReadOnly       bool // Takes is Never
}

// Names lists the parameters in the order they were declared.
func (s *Set) Names() []string {
	names := make([]string, len(s.parameters))
	for i, p := range s.parameters {
		names[i] = p.Name
	}
	return names
}

// Describe gives the descriptor of a parameter, the zero Descriptor where there is none.
func (s *Set) Describe(name string) Descriptor {
	if p := s.byName[name]; p != nil {
		return p.Descriptor
	}
	return Descriptor{}
}

// Value gives the present value of a parameter, not set where there is none.
func (s *Set) Value(name string) rcl.Value {
	if p := s.byName[name]; p != nil {
		return p.value()
	}
	return rcl.Value{}
}

// Source says where the present value of a parameter was given; zero for the default.
func (s *Set) Source(name string) rcl.Position {
	if p := s.byName[name]; p != nil {
		return p.source
	}
	return rcl.Position{}
}

// value reads the field. A field that the program itself set to what ROS cannot hold (a uint64
// beyond int64) reads as not set.
func (p *parameter) value() rcl.Value {
	v, err := p.codec.encode(p.field)
	if err != nil {
		return rcl.Value{}
	}
	return v
}

// expected says in a few words what a value must be: "double in [0, 1] rad".
func (p *parameter) expected() string {
	var b strings.Builder
	b.WriteString(p.Type.String())
	each := ""
	if p.Type >= rcl.ByteArray {
		each = " each"
	}
	if p.Range != nil {
		fmt.Fprintf(&b, "%s in %s", each, p.Range)
	}
	if p.Step != 0 {
		fmt.Fprintf(&b, " in steps of %s", bound(p.Step))
	}
	if p.Choices != nil {
		fmt.Fprintf(&b, "%s one of %s", each, strings.Join(p.Choices, ", "))
	}
	if p.Unit != "" {
		fmt.Fprintf(&b, " (unit %s)", p.Unit)
	}
	if p.Length != "" {
		fmt.Fprintf(&b, ", as many as %s", p.Length)
	}
	return b.String()
}
