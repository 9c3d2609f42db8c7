package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Element types (TensorProto.DataType) that are read.
const (
	typeFloat   = 1
	typeInt32   = 6
	typeInt64   = 7
	typeFloat16 = 10
	typeDouble  = 11
)

// elements names the element types of ONNX for errors, by number.
var elements = []string{"undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool", "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"}

func elementName(element int64) string {
	if element >= 0 && element < int64(len(elements)) {
		return elements[element]
	}
	return fmt.Sprintf("type %d", element)
}

// isFloat says if an element type is one of a policy's numbers.
func isFloat(element int64) bool {
	return element == typeFloat || element == typeDouble || element == typeFloat16
}

// tensor is a TensorProto: its numbers are in raw, or in the list of their type.
type tensor struct {
	name      string
	dims      []int64
	element   int64
	raw       []byte
	hasRaw    bool
	external  bool // its numbers are in another file
	segmented bool // it is a part of a tensor
	floats    []float64
	doubles   []float64
	int32s    []int64 // of float16 too: their bits
	int64s    []int64
}

func readTensor(m message) (tensor, error) {
	t := tensor{}
	err := m.each(func(f field) error {
		switch f.number {
		case 1:
			return f.integers(&t.dims)
		case 2:
			return f.intoInteger(&t.element)
		case 3:
			t.segmented = true
		case 4:
			return f.float32s(&t.floats)
		case 5:
			return f.integers(&t.int32s)
		case 7:
			return f.integers(&t.int64s)
		case 8:
			return f.intoText(&t.name)
		case 9:
			raw, err := f.message("raw_data")
			t.raw, t.hasRaw = raw.data, true
			return err
		case 10:
			return f.float64s(&t.doubles)
		case 13:
			t.external = true
		case 14:
			var location int64
			err := f.intoInteger(&location)
			t.external = t.external || location != 0
			return err
		}
		return nil
	})
	return t, err
}

// values returns the numbers of a tensor whose element type is isFloat, by rows. What is not
// finite is an error.
func (t *tensor) values() ([]float64, error) {
	var out []float64
	var err error
	switch t.element {
	case typeFloat:
		out, err = listed(t, t.floats, 4, float32At)
	case typeDouble:
		out, err = listed(t, t.doubles, 8, float64At)
	case typeFloat16:
		bits := make([]float64, len(t.int32s))
		for i, b := range t.int32s {
			bits[i] = float16(uint16(b))
		}
		out, err = listed(t, bits, 2, func(b []byte) float64 { return float16(binary.LittleEndian.Uint16(b)) })
	default:
		return nil, fmt.Errorf("%w: tensor %q has elements of %s, expected float32, float64 or float16", ErrUnsupported, t.name, elementName(t.element))
	}
	if err != nil {
		return nil, err
	}
	for i, v := range out {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("%w: tensor %q, element %d of %d is %v", ErrNotFinite, t.name, i, len(out), v)
		}
	}
	return out, nil
}

// integers returns the numbers of a tensor of int64 or int32, as shapes and axes are.
func (t *tensor) integers() ([]int64, error) {
	switch t.element {
	case typeInt64:
		return listed(t, t.int64s, 8, func(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b)) })
	case typeInt32:
		return listed(t, t.int32s, 4, func(b []byte) int64 { return int64(int32(binary.LittleEndian.Uint32(b))) })
	}
	return nil, fmt.Errorf("%w: tensor %q has elements of %s, expected int64 or int32", ErrUnsupported, t.name, elementName(t.element))
}

// listed returns a tensor's numbers from raw_data, or from list, and holds them to its dims.
// Nothing is allocated before the bytes are known to be there.
func listed[T any](t *tensor, list []T, size int, number func([]byte) T) ([]T, error) {
	if t.external {
		return nil, fmt.Errorf("%w: tensor %q is stored in another file (external data); save the model as one file", ErrUnsupported, t.name)
	}
	if t.segmented {
		return nil, fmt.Errorf("%w: tensor %q is stored in segments", ErrUnsupported, t.name)
	}
	have := len(list)
	if t.hasRaw {
		if have > 0 || len(t.raw)%size != 0 {
			return nil, fmt.Errorf("%w: tensor %q of %s has %d bytes of raw_data and %d numbers beside, expected one of both, and %d bytes a number", ErrMalformed, t.name, elementName(t.element), len(t.raw), have, size)
		}
		have = len(t.raw) / size
	}
	want := int64(1)
	for _, d := range t.dims {
		if d < 0 || want > (1<<40)/max(d, 1) {
			return nil, fmt.Errorf("%w: tensor %q has dims %v, expected those of its %d numbers", ErrMalformed, t.name, t.dims, have)
		}
		want *= d
	}
	if want != int64(have) {
		return nil, fmt.Errorf("%w: tensor %q has dims %v, which are %d numbers, and holds %d", ErrMalformed, t.name, t.dims, want, have)
	}
	if !t.hasRaw {
		return list, nil
	}
	out := make([]T, have)
	for i := range out {
		out[i] = number(t.raw[i*size:])
	}
	return out, nil
}

func float32At(b []byte) float64 {
	return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
}

func float64At(b []byte) float64 { return math.Float64frombits(binary.LittleEndian.Uint64(b)) }

// float16 returns the number of IEEE 754 binary16 bits.
func float16(bits uint16) float64 {
	exponent, fraction := int(bits>>10&31), float64(bits&1023)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		if v = math.Inf(1); fraction != 0 {
			return math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if bits>>15 != 0 {
		v = -v
	}
	return v
}
