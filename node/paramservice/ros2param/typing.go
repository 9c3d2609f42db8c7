package ros2param

import (
	"errors"
	"fmt"
	"math/big"

	"guidedpolicysearch/node/paramservice/pyyaml"
	"guidedpolicysearch/node/rcl"
)

// ErrValue is wrapped where a text is no value of a parameter.
var ErrValue = errors.New("not a parameter value")

// ParseValue types a value as `ros2 param set` does: the text is read as YAML by PyYAML's rules;
// a list of one type is an array; a list of several is the text itself, and so is what the
// YAML parser cannot put together.
func ParseValue(text string) (rcl.Value, error) {
	v, err := pyyaml.Load(text)
	if errors.Is(err, pyyaml.ErrSyntax) {
		return rcl.Value{Type: rcl.String, Str: text}, nil
	} else if err != nil {
		return rcl.Value{}, fmt.Errorf("%w: %q: %w; put it in quotes to have it as a text", ErrValue, text, err)
	}
	switch v.Kind {
	case pyyaml.Bool:
		return rcl.Value{Type: rcl.Bool, Bool: v.Bool}, nil
	case pyyaml.Int:
		i, err := integer(v)
		return rcl.Value{Type: rcl.Integer, Int: i}, err
	case pyyaml.Float:
		return rcl.Value{Type: rcl.Double, Double: v.Float}, nil
	case pyyaml.String:
		return rcl.Value{Type: rcl.String, Str: v.Text}, nil
	case pyyaml.List:
		return array(v.Items, text)
	}
	return rcl.Value{}, fmt.Errorf("%w: %q is of type %s in YAML, expected a bool, integer, double, string or a list of one of these; "+
		"put it in quotes to have it as a text", ErrValue, text, v.Kind)
}

func integer(v pyyaml.Value) (int64, error) {
	if v.Kind == pyyaml.Bool {
		v.Int = new(big.Int)
		if v.Bool {
			v.Int.SetInt64(1)
		}
	}
	if !v.Int.IsInt64() {
		return 0, fmt.Errorf("%w: integer %.40s, expected one in [-9223372036854775808, 9223372036854775807]", ErrValue, v.Int.String())
	}
	return v.Int.Int64(), nil
}

func array(items []pyyaml.Value, text string) (rcl.Value, error) {
	all := func(kinds ...pyyaml.Kind) bool {
		for _, x := range items {
			ok := false
			for _, k := range kinds {
				ok = ok || x.Kind == k
			}
			if !ok {
				return false
			}
		}
		return true
	}
	switch {
	case all(pyyaml.Bool):
		v := rcl.Value{Type: rcl.BoolArray}
		for _, x := range items {
			v.Bools = append(v.Bools, x.Bool)
		}
		return v, nil
	case all(pyyaml.Int, pyyaml.Bool): // a bool of Python is an int
		v := rcl.Value{Type: rcl.IntegerArray}
		for _, x := range items {
			i, err := integer(x)
			if err != nil {
				return rcl.Value{}, err
			}
			v.Ints = append(v.Ints, i)
		}
		return v, nil
	case all(pyyaml.Float):
		v := rcl.Value{Type: rcl.DoubleArray}
		for _, x := range items {
			v.Doubles = append(v.Doubles, x.Float)
		}
		return v, nil
	case all(pyyaml.String):
		v := rcl.Value{Type: rcl.StringArray}
		for _, x := range items {
			v.Strs = append(v.Strs, x.Text)
		}
		return v, nil
	}
	return rcl.Value{Type: rcl.String, Str: text}, nil
}
