package paramservice

import (
	"fmt"
	"math"
	"strings"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
)

// describe turns a declared parameter's descriptor into the message.
func describe(d params.Descriptor) rcl_interfaces.ParameterDescriptor {
	m := rcl_interfaces.ParameterDescriptor{Name: d.Name, Type: uint8(d.Type), Description: description(d),
		AdditionalConstraints: constraints(d), ReadOnly: d.ReadOnly}
	if d.Range == nil {
		return m
	}
	switch {
	case d.Type == rcl.Double && isFinite(d.Range):
		m.FloatingPointRange = []rcl_interfaces.FloatingPointRange{{FromValue: d.Range.Min, ToValue: d.Range.Max, Step: d.Step}}
	case d.Type == rcl.Integer && isIntegerRange(d.Range):
		m.IntegerRange = []rcl_interfaces.IntegerRange{{FromValue: smallest(d.Range), ToValue: largest(d.Range), Step: uint64(d.Step)}}
	}
	return m
}

// description is the declared one, with the unit and when a change takes effect.
func description(d params.Descriptor) string {
	var b strings.Builder
	b.WriteString(d.Description)
	if !strings.HasSuffix(d.Description, ".") {
		b.WriteByte('.')
	}
	if d.Unit != "" {
		fmt.Fprintf(&b, " Unit: %s.", d.Unit)
	}
	switch d.Takes {
	case params.AtOnce:
		b.WriteString(" A change takes effect at once.")
	case params.AtTrial:
		b.WriteString(" A change takes effect at the next trial.")
	case params.AtStart:
		b.WriteString(" Takes effect when the node is configured: can be set while it is unconfigured.")
	case params.Never:
		b.WriteString(" Can be set at start only.")
	}
	return b.String()
}

// constraints says what the ranges of the message cannot.
func constraints(d params.Descriptor) string {
	var parts []string
	each := ""
	if d.Type >= rcl.ByteArray {
		each = "each element "
	}
	if d.Choices != nil {
		parts = append(parts, each+"one of "+strings.Join(d.Choices, ", "))
	}
	if d.Range != nil {
		inMessage := d.Type == rcl.Double && isFinite(d.Range) || d.Type == rcl.Integer && isIntegerRange(d.Range)
		parts = append(parts, bounds(d, each, inMessage)...)
	}
	isDouble := d.Type == rcl.Double || d.Type == rcl.DoubleArray
	if isDouble && d.Finite {
		parts = append(parts, each+"finite")
	}
	if d.Length != "" {
		text := "as many elements as " + d.Length
		if d.LengthOptional {
			text += ", or none"
		}
		parts = append(parts, text)
	}
	if d.Path {
		parts = append(parts, "a path, absolute or from the node's working folder")
	}
	return strings.Join(parts, "; ")
}

// bounds: those that are included are in the message's own ranges, inMessage.
func bounds(d params.Descriptor, each string, inMessage bool) []string {
	r := d.Range
	if !inMessage && !math.IsInf(r.Min, 0) && !math.IsInf(r.Max, 0) {
		text := fmt.Sprintf("%sin %s", each, r)
		if d.Step != 0 {
			text += fmt.Sprintf(" in steps of %v", d.Step)
		}
		return []string{text}
	}
	var parts []string
	if !math.IsInf(r.Min, 0) && (r.OpenMin || !inMessage) {
		parts = append(parts, each+words(r.OpenMin, "greater than", "at least", r.Min))
	}
	if !math.IsInf(r.Max, 0) && (r.OpenMax || !inMessage) {
		parts = append(parts, each+words(r.OpenMax, "less than", "at most", r.Max))
	}
	return parts
}

func words(open bool, opened, closed string, bound float64) string {
	if open {
		closed = opened
	}
	return fmt.Sprintf("%s %v", closed, bound)
}

// isFinite tells whether both ends are finite: sliders of rqt divide by the distance.
func isFinite(r *params.Range) bool { return !math.IsInf(r.Min, 0) && !math.IsInf(r.Max, 0) }

// isIntegerRange tells whether both ends are integers of 32 bits: sliders of rqt overflow on more.
func isIntegerRange(r *params.Range) bool {
	return r.Min >= math.MinInt32 && r.Max <= math.MaxInt32
}

func smallest(r *params.Range) int64 {
	n := int64(math.Ceil(r.Min))
	if r.OpenMin && float64(n) == r.Min {
		n++
	}
	return n
}

func largest(r *params.Range) int64 {
	n := int64(math.Floor(r.Max))
	if r.OpenMax && float64(n) == r.Max {
		n--
	}
	return n
}
