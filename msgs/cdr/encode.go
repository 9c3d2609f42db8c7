package cdr

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Encoder appends one little-endian payload to a byte slice. It allocates only
// where the slice has to grow.
type Encoder struct {
	buf  []byte
	body int // index of the first byte of the body in buf
}

// NewEncoder returns an encoder that has appended the header to dst.
func NewEncoder(dst []byte) Encoder {
	dst = append(dst, 0, 1, 0, 0)
	return Encoder{buf: dst, body: len(dst)}
}

// Bytes returns dst with the header and everything written so far.
func (e *Encoder) Bytes() []byte { return e.buf }

// align appends zeros until the body's length is a multiple of size, a power of two.
func (e *Encoder) align(size int) {
	for n := -(len(e.buf) - e.body) & (size - 1); n > 0; n-- {
		e.buf = append(e.buf, 0)
	}
}

// Len writes the count of a sequence. It panics at 2^32 elements and more.
func (e *Encoder) Len(n int) {
	if uint64(n) > math.MaxUint32 {
		panic(fmt.Sprintf("cdr: sequence of %d elements, the count has 32 bits", n))
	}
	e.Uint32(uint32(n))
}

// Bound panics if a bounded sequence or string of the definition holds more than
// bound elements or bytes: no receiver would take it.
func (e *Encoder) Bound(field string, n, bound int) {
	if n > bound {
		panic(fmt.Sprintf("cdr: field %s has length %d, its definition allows %d", field, n, bound))
	}
}

// Bool writes one byte, 0 or 1.
func (e *Encoder) Bool(v bool) {
	var b byte
	if v {
		b = 1
	}
	e.buf = append(e.buf, b)
}

// String writes the length with the final zero byte, the bytes, and the zero byte.
func (e *Encoder) String(v string) {
	e.Len(len(v) + 1)
	e.buf = append(e.buf, v...)
	e.buf = append(e.buf, 0)
}

// Bools writes the elements without a count.
func (e *Encoder) Bools(v []bool) {
	for _, x := range v {
		e.Bool(x)
	}
}

// Strings writes the elements without a count.
func (e *Encoder) Strings(v []string) {
	for _, x := range v {
		e.String(x)
	}
}

// Int8 writes one value.
func (e *Encoder) Int8(v int8) {
	e.buf = append(e.buf, byte(v))
}

// Uint8 writes one value.
func (e *Encoder) Uint8(v uint8) {
	e.buf = append(e.buf, v)
}

// Int16 writes one value.
func (e *Encoder) Int16(v int16) {
	e.align(2)
	e.buf = binary.LittleEndian.AppendUint16(e.buf, uint16(v))
}

// Uint16 writes one value.
func (e *Encoder) Uint16(v uint16) {
	e.align(2)
	e.buf = binary.LittleEndian.AppendUint16(e.buf, v)
}

// Int32 writes one value.
func (e *Encoder) Int32(v int32) {
	e.align(4)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(v))
}

// Uint32 writes one value.
func (e *Encoder) Uint32(v uint32) {
	e.align(4)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, v)
}

// Int64 writes one value.
func (e *Encoder) Int64(v int64) {
	e.align(8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(v))
}

// Uint64 writes one value.
func (e *Encoder) Uint64(v uint64) {
	e.align(8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, v)
}

// Float32 writes one value.
func (e *Encoder) Float32(v float32) {
	e.align(4)
	e.buf = binary.LittleEndian.AppendUint32(e.buf, math.Float32bits(v))
}

// Float64 writes one value.
func (e *Encoder) Float64(v float64) {
	e.align(8)
	e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(v))
}

// Int8s writes the elements without a count.
func (e *Encoder) Int8s(v []int8) {
	for _, x := range v {
		e.buf = append(e.buf, byte(x))
	}
}

// Uint8s writes the elements without a count.
func (e *Encoder) Uint8s(v []uint8) { e.buf = append(e.buf, v...) }

// Int16s writes the elements without a count; none need no padding either.
func (e *Encoder) Int16s(v []int16) {
	if len(v) == 0 {
		return
	}
	e.align(2)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint16(e.buf, uint16(x))
	}
}

// Uint16s writes the elements without a count; none need no padding either.
func (e *Encoder) Uint16s(v []uint16) {
	if len(v) == 0 {
		return
	}
	e.align(2)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint16(e.buf, x)
	}
}

// Int32s writes the elements without a count; none need no padding either.
func (e *Encoder) Int32s(v []int32) {
	if len(v) == 0 {
		return
	}
	e.align(4)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint32(e.buf, uint32(x))
	}
}

// Uint32s writes the elements without a count; none need no padding either.
func (e *Encoder) Uint32s(v []uint32) {
	if len(v) == 0 {
		return
	}
	e.align(4)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint32(e.buf, x)
	}
}

// Int64s writes the elements without a count; none need no padding either.
func (e *Encoder) Int64s(v []int64) {
	if len(v) == 0 {
		return
	}
	e.align(8)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, uint64(x))
	}
}

// Uint64s writes the elements without a count; none need no padding either.
func (e *Encoder) Uint64s(v []uint64) {
	if len(v) == 0 {
		return
	}
	e.align(8)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, x)
	}
}

// Float32s writes the elements without a count; none need no padding either.
func (e *Encoder) Float32s(v []float32) {
	if len(v) == 0 {
		return
	}
	e.align(4)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint32(e.buf, math.Float32bits(x))
	}
}

// Float64s writes the elements without a count; none need no padding either.
func (e *Encoder) Float64s(v []float64) {
	if len(v) == 0 {
		return
	}
	e.align(8)
	for _, x := range v {
		e.buf = binary.LittleEndian.AppendUint64(e.buf, math.Float64bits(x))
	}
}
