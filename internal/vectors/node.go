package vectors

import (
	"fmt"
	"math"
	"strconv"
	"testing"
)

// Node is a value inside a case: an object, a list, a number, a text or a truth
// value. A wrong key, index or type ends the test, with case and path.
type Node struct {
	t      testing.TB
	value  any
	path   string
	shared *sharedFiles
}

// sharedFiles resolves {"$file": name} and keeps what it read.
type sharedFiles struct {
	source source
	data   map[string]any
}

// Get returns the value under nested keys.
func (n Node) Get(keys ...string) Node {
	n.t.Helper()
	for _, key := range keys {
		child, ok := n.object()[key]
		n.path += "." + key
		if !ok {
			n.t.Fatalf("vectors: %s: no such key", n.path)
		}
		n.value = child
	}
	return n.resolve()
}

// Has reports whether nested keys exist and the value is not null.
func (n Node) Has(keys ...string) bool {
	n.t.Helper()
	for _, key := range keys {
		object, ok := n.resolve().value.(map[string]any)
		if !ok {
			return false
		}
		n.path += "." + key
		if n.value, ok = object[key]; !ok {
			return false
		}
	}
	return n.value != nil
}

// Keys returns the keys of an object, in no order.
func (n Node) Keys() []string {
	n.t.Helper()
	var keys []string
	for key := range n.object() {
		keys = append(keys, key)
	}
	return keys
}

// Len returns the length of a list.
func (n Node) Len() int { n.t.Helper(); return len(n.list()) }

// At returns element i of a list.
func (n Node) At(i int) Node {
	n.t.Helper()
	list := n.list()
	if i < 0 || i >= len(list) {
		n.t.Fatalf("vectors: %s: index %d of %d", n.path, i, len(list))
	}
	n.value, n.path = list[i], n.path+"["+strconv.Itoa(i)+"]"
	return n.resolve()
}

// Float returns a number.
func (n Node) Float() float64 {
	n.t.Helper()
	v, ok := n.resolve().value.(float64)
	if !ok {
		n.t.Fatalf("vectors: %s: want a number, got %T", n.path, n.value)
	}
	return v
}

// Int returns a whole number.
func (n Node) Int() int {
	n.t.Helper()
	v := n.Float()
	if v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		n.t.Fatalf("vectors: %s: want a whole number, got %v", n.path, v)
	}
	return int(v)
}

// Bool returns a truth value.
func (n Node) Bool() bool {
	n.t.Helper()
	v, ok := n.resolve().value.(bool)
	if !ok {
		n.t.Fatalf("vectors: %s: want true or false, got %T", n.path, n.value)
	}
	return v
}

// String returns a text.
func (n Node) String() string {
	n.t.Helper()
	v, ok := n.resolve().value.(string)
	if !ok {
		n.t.Fatalf("vectors: %s: want a text, got %T", n.path, n.value)
	}
	return v
}

// Floats returns a number or nested lists of numbers, flat and row-major. If sizes are
// given, the shape must match; -1 stands for any size.
func (n Node) Floats(shape ...int) []float64 {
	n.t.Helper()
	var flat []float64
	have, err := flatten(n.resolve().value, &flat)
	if err != nil {
		n.t.Fatalf("vectors: %s: %v", n.path, err)
	}
	if len(shape) > 0 {
		same := len(shape) == len(have)
		for i := 0; same && i < len(shape); i++ {
			same = shape[i] == -1 || shape[i] == have[i]
		}
		if !same {
			n.t.Fatalf("vectors: %s: shape is %v, want %v", n.path, have, shape)
		}
	}
	return flat
}

// Shape returns the sizes of nested lists of numbers; empty for a number.
func (n Node) Shape() []int {
	n.t.Helper()
	var flat []float64
	have, err := flatten(n.resolve().value, &flat)
	if err != nil {
		n.t.Fatalf("vectors: %s: %v", n.path, err)
	}
	return have
}

// Ints returns a list of whole numbers.
func (n Node) Ints() []int {
	n.t.Helper()
	out := make([]int, n.Len())
	for i := range out {
		out[i] = n.At(i).Int()
	}
	return out
}

func (n Node) object() map[string]any {
	n.t.Helper()
	object, ok := n.resolve().value.(map[string]any)
	if !ok {
		n.t.Fatalf("vectors: %s: want an object, got %T", n.path, n.value)
	}
	return object
}

func (n Node) list() []any {
	n.t.Helper()
	list, ok := n.resolve().value.([]any)
	if !ok {
		n.t.Fatalf("vectors: %s: want a list, got %T", n.path, n.value)
	}
	return list
}

// resolve replaces {"$file": name} by the data field of that file.
func (n Node) resolve() Node {
	n.t.Helper()
	object, ok := n.value.(map[string]any)
	if !ok || len(object) != 1 || n.shared == nil {
		return n
	}
	name, ok := object["$file"].(string)
	if !ok {
		return n
	}
	data, ok := n.shared.data[name]
	if !ok {
		var content struct{ Data any }
		if err := n.shared.source.decode(n.shared.source.path("gps", name), &content); err != nil {
			n.t.Fatalf("vectors: %s: %v", n.path, err)
		}
		data = content.Data
		n.shared.data[name] = data
	}
	n.value = data
	return n
}

// flatten appends the numbers of v to flat and returns the shape of v. Every list of
// one level must have the same shape.
func flatten(v any, flat *[]float64) ([]int, error) {
	switch v := v.(type) {
	case float64:
		*flat = append(*flat, v)
		return []int{}, nil
	case []any:
		var inner []int
		for i, e := range v {
			shape, err := flatten(e, flat)
			if err != nil {
				return nil, err
			}
			if i == 0 {
				inner = shape
			} else if fmt.Sprint(shape) != fmt.Sprint(inner) {
				return nil, fmt.Errorf("ragged list: element %d has shape %v, the first %v", i, shape, inner)
			}
		}
		return append([]int{len(v)}, inner...), nil
	}
	return nil, fmt.Errorf("want numbers, got %T", v)
}
