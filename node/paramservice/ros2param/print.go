package ros2param

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strings"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/paramservice/pyyaml"
	"guidedpolicysearch/node/rcl"
)

// labels precede a value; index is the type.
var labels = [...]string{"", "Boolean value is:", "Integer value is:", "Double value is:", "String value is:", "Byte values are:",
	"Boolean values are:", "Integer values are:", "Double values are:", "String values are:"}

// typeNames are those of `ros2 param describe`.
var typeNames = [...]string{"not set", "boolean", "integer", "double", "string", "byte array", "boolean array",
	"integer array", "double array", "string array"}

func typeName(t uint8) string {
	if int(t) < len(typeNames) {
		return typeNames[t]
	}
	return fmt.Sprint("type ", t)
}

// python is the value as rclpy hands it to Python.
func python(v rcl.Value) pyyaml.Value {
	list := func(n int, item func(i int) pyyaml.Value) pyyaml.Value {
		l := pyyaml.Value{Kind: pyyaml.List}
		for i := range n {
			l.Items = append(l.Items, item(i))
		}
		return l
	}
	integer := func(i int64) pyyaml.Value { return pyyaml.Value{Kind: pyyaml.Int, Int: big.NewInt(i)} }
	switch v.Type {
	case rcl.Bool:
		return pyyaml.Value{Kind: pyyaml.Bool, Bool: v.Bool}
	case rcl.Integer:
		return integer(v.Int)
	case rcl.Double:
		return pyyaml.Value{Kind: pyyaml.Float, Float: v.Double}
	case rcl.String:
		return pyyaml.Value{Kind: pyyaml.String, Text: v.Str}
	case rcl.ByteArray:
		return list(len(v.Bytes), func(i int) pyyaml.Value { return pyyaml.Value{Kind: pyyaml.Bytes, Text: string(v.Bytes[i : i+1])} })
	case rcl.BoolArray:
		return list(len(v.Bools), func(i int) pyyaml.Value { return pyyaml.Value{Kind: pyyaml.Bool, Bool: v.Bools[i]} })
	case rcl.IntegerArray:
		return list(len(v.Ints), func(i int) pyyaml.Value { return integer(v.Ints[i]) })
	case rcl.DoubleArray:
		return list(len(v.Doubles), func(i int) pyyaml.Value { return pyyaml.Value{Kind: pyyaml.Float, Float: v.Doubles[i]} })
	case rcl.StringArray:
		return list(len(v.Strs), func(i int) pyyaml.Value { return pyyaml.Value{Kind: pyyaml.String, Text: v.Strs[i]} })
	}
	return pyyaml.Value{}
}

// shown is the value as Python prints it: numbers in arrays are in array.array of rclpy.
func shown(v rcl.Value) string {
	text := python(v).Str()
	code := ""
	switch v.Type {
	case rcl.IntegerArray:
		code = "q"
	case rcl.DoubleArray:
		code = "d"
	default:
		return text
	}
	if v.Len() == 0 {
		return "array('" + code + "')"
	}
	return "array('" + code + "', " + text + ")"
}

func (r *runner) printDescriptor(d rcl_interfaces.ParameterDescriptor) {
	r.print("Parameter name: %s\n  Type: %s\n", d.Name, typeName(d.Type))
	if d.Description != "" {
		r.print("  Description: %s\n", d.Description)
	}
	r.print("  Constraints:\n")
	if d.ReadOnly {
		r.print("    Read only: true\n")
	}
	for _, x := range d.FloatingPointRange {
		r.print("    Min value: %s\n    Max value: %s\n", pyyaml.FloatRepr(x.FromValue), pyyaml.FloatRepr(x.ToValue))
		if x.Step != 0 {
			r.print("    Step: %s\n", pyyaml.FloatRepr(x.Step))
		}
	}
	if len(d.FloatingPointRange) == 0 {
		for _, x := range d.IntegerRange {
			r.print("    Min value: %d\n    Max value: %d\n", x.FromValue, x.ToValue)
			if x.Step != 0 {
				r.print("    Step: %d\n", x.Step)
			}
		}
	}
	if d.AdditionalConstraints != "" {
		r.print("    Additional constraints: %s\n", d.AdditionalConstraints)
	}
}

// number is a float in JSON, which has no NaN: that and infinities are strings as in YAML.
type number float64

// MarshalJSON implements json.Marshaler.
func (x number) MarshalJSON() ([]byte, error) {
	if f := float64(x); math.IsNaN(f) || math.IsInf(f, 0) {
		return json.Marshal(rcl.Value{Type: rcl.Double, Double: f}.String())
	}
	return json.Marshal(float64(x))
}

// parameterJSON is a parameter in the output of --json.
type parameterJSON struct {
	Node  string `json:"node"`
	Name  string `json:"name"`
	Type  string `json:"type"`
	Value any    `json:"value"`
}

func valueJSON(v rcl.Value) any {
	switch v.Type {
	case rcl.Bool:
		return v.Bool
	case rcl.Integer:
		return v.Int
	case rcl.Double:
		return number(v.Double)
	case rcl.String:
		return v.Str
	case rcl.ByteArray:
		list := make([]int, len(v.Bytes)) // []byte would be base64
		for i, x := range v.Bytes {
			list[i] = int(x)
		}
		return list
	case rcl.BoolArray:
		return append([]bool{}, v.Bools...)
	case rcl.IntegerArray:
		return append([]int64{}, v.Ints...)
	case rcl.DoubleArray:
		list := make([]number, len(v.Doubles))
		for i, x := range v.Doubles {
			list[i] = number(x)
		}
		return list
	case rcl.StringArray:
		return append([]string{}, v.Strs...)
	}
	return nil
}

// descriptorJSON is a descriptor in the output of --json.
type descriptorJSON struct {
	Node        string   `json:"node"`
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Description string   `json:"description,omitempty"`
	Constraints string   `json:"additional_constraints,omitempty"`
	ReadOnly    bool     `json:"read_only"`
	Range       []number `json:"range,omitempty"` // from, to, step
}

func toJSON(node string, d rcl_interfaces.ParameterDescriptor) descriptorJSON {
	j := descriptorJSON{Node: node, Name: d.Name, Type: strings.ReplaceAll(typeName(d.Type), " ", "_"), Description: d.Description,
		Constraints: d.AdditionalConstraints, ReadOnly: d.ReadOnly}
	for _, x := range d.FloatingPointRange {
		j.Range = []number{number(x.FromValue), number(x.ToValue), number(x.Step)}
	}
	for _, x := range d.IntegerRange {
		j.Range = []number{number(x.FromValue), number(x.ToValue), number(x.Step)}
	}
	return j
}

func (r *runner) printJSON(v any) error {
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	r.print("%s\n", text)
	return nil
}
