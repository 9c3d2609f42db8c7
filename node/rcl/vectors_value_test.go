package rcl

import (
	"encoding/json"
	"fmt"
	"strconv"
)

// vectorValue is a parameter of the vectors; Error where rclcpp refuses it.
type vectorValue struct {
	Type  string
	Value json.RawMessage
	Error bool
}

func (v vectorValue) decode() (Value, error) {
	var raw any
	if err := json.Unmarshal(v.Value, &raw); err != nil {
		return Value{}, err
	}
	list, _ := raw.([]any)
	out := Value{}
	for t := NotSet; t <= StringArray; t++ {
		if t.String() == v.Type {
			out.Type = t
		}
	}
	number := func(x any) float64 {
		switch x := x.(type) {
		case float64:
			return x
		case string:
			f, err := strconv.ParseFloat(x, 64)
			if err != nil {
				panic(err)
			}
			return f
		}
		panic(fmt.Sprintf("%v is no number", x))
	}
	integer := func(x any) int64 {
		if s, ok := x.(string); ok {
			i, err := strconv.ParseInt(s, 10, 64)
			if err != nil {
				panic(err)
			}
			return i
		}
		return int64(x.(float64))
	}
	switch out.Type {
	case Bool:
		out.Bool = raw.(bool)
	case Integer:
		out.Int = integer(raw)
	case Double:
		out.Double = number(raw)
	case String:
		out.Str = raw.(string)
	}
	for _, x := range list {
		switch out.Type {
		case BoolArray:
			out.Bools = append(out.Bools, x.(bool))
		case IntegerArray:
			out.Ints = append(out.Ints, integer(x))
		case DoubleArray:
			out.Doubles = append(out.Doubles, number(x))
		case StringArray:
			out.Strs = append(out.Strs, x.(string))
		}
	}
	return out, nil
}
