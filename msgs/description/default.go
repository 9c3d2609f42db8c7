package description

import (
	"math"
	"strconv"
	"strings"

	"guidedpolicysearch/msgs/idl"
)

// defaultText returns a default value as rosidl writes it into descriptions: in the way of
// Python, arrays as tuples.
func defaultText(f idl.Field) string {
	switch {
	case f.Default == nil:
		return ""
	case f.Type.Shape == idl.Single && f.Type.Primitive == idl.String:
		return f.Default[0].String
	case f.Type.Shape == idl.Single:
		return valueText(f.Type.Primitive, f.Default[0])
	}
	values := make([]string, len(f.Default))
	for i, v := range f.Default {
		values[i] = valueText(f.Type.Primitive, v)
	}
	if len(values) == 1 {
		return "(" + values[0] + ",)"
	}
	return "(" + strings.Join(values, ", ") + ")"
}

// valueText returns one value, a string in quotes.
func valueText(t idl.Primitive, v idl.Value) string {
	switch t {
	case idl.Bool:
		if v.Bool {
			return "True"
		}
		return "False"
	case idl.Int8, idl.Int16, idl.Int32, idl.Int64:
		return strconv.FormatInt(v.Int, 10)
	case idl.Uint8, idl.Uint16, idl.Uint32, idl.Uint64:
		return strconv.FormatUint(v.Uint, 10)
	case idl.Float32:
		return floatText(v.Float, 32)
	case idl.Float64:
		return floatText(v.Float, 64)
	}
	quote := "'"
	if strings.Contains(v.String, "'") && !strings.Contains(v.String, `"`) {
		quote = `"`
	}
	return quote + strings.NewReplacer(`\`, `\\`, quote, `\`+quote, "\n", `\n`, "\t", `\t`, "\r", `\r`).Replace(v.String) + quote
}

// floatText returns the shortest text that reads back as x, never that of an integer.
func floatText(x float64, bits int) string {
	if size := math.Abs(x); x != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(x, 'e', -1, bits)
	}
	s := strconv.FormatFloat(x, 'f', -1, bits)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}
