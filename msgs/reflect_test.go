package msgs_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strconv"

	"guidedpolicysearch/msgs/gen"
)

// allocated returns the bytes allocated so far.
func allocated() uint64 {
	var s runtime.MemStats
	runtime.ReadMemStats(&s)
	return s.TotalAlloc
}

// setStruct sets the fields of a message from JSON; every field has to be there.
func setStruct(v reflect.Value, fields map[string]any) error {
	if len(fields) != v.NumField() {
		return fmt.Errorf("%d fields in the vector, %d in %s", len(fields), v.NumField(), v.Type())
	}
	for name, x := range fields {
		f := v.FieldByName(gen.GoName(name))
		if !f.IsValid() {
			return fmt.Errorf("%s has no field for %s", v.Type(), name)
		}
		if err := setValue(f, x); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// setValue sets one value from JSON.
func setValue(v reflect.Value, x any) error {
	switch v.Kind() {
	case reflect.Struct:
		fields, ok := x.(map[string]any)
		if !ok {
			return fmt.Errorf("%v is no object", x)
		}
		return setStruct(v, fields)
	case reflect.Slice, reflect.Array:
		list, ok := x.([]any)
		if !ok {
			return fmt.Errorf("%v is no list", x)
		}
		if v.Kind() == reflect.Slice {
			v.Set(reflect.MakeSlice(v.Type(), len(list), len(list)))
		}
		if len(list) != v.Len() {
			return fmt.Errorf("%d values for %s", len(list), v.Type())
		}
		for i := range list {
			if err := setValue(v.Index(i), list[i]); err != nil {
				return err
			}
		}
		return nil
	case reflect.Bool:
		b, ok := x.(bool)
		if !ok {
			return fmt.Errorf("%v is no bool", x)
		}
		v.SetBool(b)
		return nil
	case reflect.String:
		s, ok := x.(string)
		if !ok {
			return fmt.Errorf("%v is no string", x)
		}
		v.SetString(s)
		return nil
	}
	var text string
	switch n := x.(type) {
	case json.Number:
		text = n.String()
	case string:
		text = n
	default:
		return fmt.Errorf("%v is no number", x)
	}
	var err error
	switch {
	case v.CanFloat():
		var f float64
		if f, err = strconv.ParseFloat(text, 64); math.IsNaN(f) {
			f = math.Float64frombits(0x7ff8000000000000)
		}
		v.SetFloat(f)
	case v.CanInt():
		var n int64
		n, err = strconv.ParseInt(text, 10, v.Type().Bits())
		v.SetInt(n)
	default:
		var n uint64
		n, err = strconv.ParseUint(text, 10, v.Type().Bits())
		v.SetUint(n)
	}
	return err
}

// difference returns where two values differ, floats by their bits, or "". Empty and
// nil slices are the same.
func difference(a, b reflect.Value) string {
	switch a.Kind() {
	case reflect.Struct:
		for i := range a.NumField() {
			if d := difference(a.Field(i), b.Field(i)); d != "" {
				return a.Type().Field(i).Name + ": " + d
			}
		}
		return ""
	case reflect.Slice, reflect.Array:
		if a.Len() != b.Len() {
			return fmt.Sprintf("length %d, want %d", a.Len(), b.Len())
		}
		for i := range a.Len() {
			if d := difference(a.Index(i), b.Index(i)); d != "" {
				return fmt.Sprintf("[%d]: %s", i, d)
			}
		}
		return ""
	}
	if a.CanFloat() {
		if x, y := math.Float64bits(a.Float()), math.Float64bits(b.Float()); x != y {
			return fmt.Sprintf("%x, want %x", x, y)
		}
		return ""
	}
	if !a.Equal(b) {
		return fmt.Sprintf("%v, want %v", a, b)
	}
	return ""
}

// referenceEncode is a second encoder, over reflection and in either byte order.
func referenceEncode(v reflect.Value, big bool) []byte {
	e := reference{order: binary.LittleEndian, out: []byte{0, 1, 0, 0}}
	if big {
		e = reference{order: binary.BigEndian, out: []byte{0, 0, 0, 0}}
	}
	e.value(v)
	return e.out
}

type reference struct {
	order binary.AppendByteOrder
	out   []byte
}

// number writes the low bytes of bits, aligned to their size.
func (e *reference) number(size int, bits uint64) {
	for (len(e.out)-4)%size != 0 {
		e.out = append(e.out, 0)
	}
	switch size {
	case 1:
		e.out = append(e.out, byte(bits))
	case 2:
		e.out = e.order.AppendUint16(e.out, uint16(bits))
	case 4:
		e.out = e.order.AppendUint32(e.out, uint32(bits))
	case 8:
		e.out = e.order.AppendUint64(e.out, bits)
	}
}

func (e *reference) value(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			e.value(v.Field(i))
		}
		if v.NumField() == 0 {
			e.number(1, 0)
		}
	case reflect.Slice:
		e.number(4, uint64(v.Len()))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			e.value(v.Index(i))
		}
	case reflect.String:
		e.number(4, uint64(v.Len()+1))
		e.out = append(append(e.out, v.String()...), 0)
	case reflect.Bool:
		if v.Bool() {
			e.number(1, 1)
		} else {
			e.number(1, 0)
		}
	case reflect.Float32:
		e.number(4, uint64(math.Float32bits(float32(v.Float()))))
	case reflect.Float64:
		e.number(8, math.Float64bits(v.Float()))
	default:
		size := v.Type().Bits() / 8
		if v.CanInt() {
			e.number(size, uint64(v.Int()))
		} else {
			e.number(size, v.Uint())
		}
	}
}
