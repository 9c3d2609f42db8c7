package cdr

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Decoder reads one payload. The first error stays: after it every read gives zero
// values and leaves slices and strings alone.
type Decoder struct {
	buf   []byte
	pos   int
	big   bool
	typ   string
	err   error
	depth int
	path  [maxDepth]step
}

// NewDecoder returns a decoder for a payload of the ROS type that is named in errors.
// A header that is neither 00 00 nor 00 01 is the decoder's first error.
func NewDecoder(src []byte, typ string) Decoder {
	d := Decoder{buf: src, typ: typ}
	switch {
	case len(src) < HeaderSize:
		d.fail("", ErrTruncated, fmt.Sprintf("%d bytes, want a header of %d and a body", len(src), HeaderSize))
	case src[0] != 0 || src[1] > 1:
		d.fail("", ErrHeader, fmt.Sprintf("encapsulation % x, want 00 00 (big endian) or 00 01 (little endian)", src[:2]))
	default:
		d.big = src[1] == 0
		d.pos = HeaderSize
	}
	return d
}

// Err returns the first error, a *Error, or nil.
func (d *Decoder) Err() error { return d.err }

// Rest is the number of bytes that are not read yet. Behind a whole message up to 3 are
// padding.
func (d *Decoder) Rest() int { return len(d.buf) - d.pos }

// Enter names the field that the next reads are inside of.
func (d *Decoder) Enter(field string) {
	if d.depth < maxDepth {
		d.path[d.depth] = step{field, -1}
	}
	d.depth++
}

// Index says which element of the entered field is read next, and returns false if
// reading has failed.
func (d *Decoder) Index(i int) bool {
	if d.depth > 0 && d.depth <= maxDepth {
		d.path[d.depth-1].index = i
	}
	return d.err == nil
}

// Leave ends the field that Enter began.
func (d *Decoder) Leave() { d.depth-- }

// take returns the next n*size bytes, aligned to size, or nil.
func (d *Decoder) take(field string, size, n int) []byte {
	if d.err != nil || n == 0 {
		return nil
	}
	at := d.pos + (-(d.pos - HeaderSize))&(size-1)
	if at > len(d.buf) || n > (len(d.buf)-at)/size {
		d.fail(field, ErrTruncated, fmt.Sprintf("%d bytes left, want %d and %d of padding", len(d.buf)-d.pos, n*size, at-d.pos))
		return nil
	}
	d.pos = at + n*size
	return d.buf[at:d.pos:d.pos]
}

// Len reads the count of a sequence whose elements take at least minSize bytes each
// on the wire. A count that the rest of the payload cannot hold, or over bound where
// bound is not 0, is an error and gives 0: nothing is allocated by an unchecked count.
func (d *Decoder) Len(field string, minSize, bound int) int {
	n := int64(d.Uint32(field))
	if d.err != nil {
		return 0
	}
	if bound > 0 && n > int64(bound) {
		d.pos -= 4
		d.fail(field, ErrBound, fmt.Sprintf("length %d, the definition allows %d", n, bound))
		return 0
	}
	if left := len(d.buf) - d.pos; n > int64(left/minSize) {
		d.pos -= 4
		d.fail(field, ErrTruncated, fmt.Sprintf("length %d needs at least %d bytes, %d are left", n, n*int64(minSize), left))
		return 0
	}
	return int(n)
}

// Resize returns s with length n. It keeps the elements that are there, and with them
// the memory they hold, and allocates only if the capacity is too small.
func Resize[T any](s []T, n int) []T {
	if n <= cap(s) {
		return s[:n]
	}
	grown := make([]T, n)
	copy(grown, s[:cap(s)])
	return grown
}

// Empty reads the one byte of a message without fields.
func (d *Decoder) Empty() { d.take("(empty message)", 1, 1) }

// Bool reads one byte; every value but 0 is true.
func (d *Decoder) Bool(field string) bool { return d.Uint8(field) != 0 }

// String reads a string into dst, and allocates only if it differs from what dst
// holds. Bytes are kept as they are, valid UTF-8 or not. bound is the largest length
// in bytes, or 0.
func (d *Decoder) String(field string, dst *string, bound int) {
	n := d.Len(field, 1, 0)
	if d.err != nil {
		return
	}
	if n == 0 {
		*dst = ""
		return
	}
	b := d.take(field, 1, n)
	if b[n-1] != 0 {
		d.pos--
		d.fail(field, ErrString, fmt.Sprintf("last of %d bytes is %#02x, want 0", n, b[n-1]))
		return
	}
	b = b[:n-1]
	if bound > 0 && len(b) > bound {
		d.fail(field, ErrBound, fmt.Sprintf("string of %d bytes, the definition allows %d", len(b), bound))
		return
	}
	if *dst != string(b) {
		*dst = string(b)
	}
}

// Int8 reads one value.
func (d *Decoder) Int8(field string) int8 {
	if b := d.take(field, 1, 1); b != nil {
		return int8(b[0])
	}
	return 0
}

// Uint8 reads one value.
func (d *Decoder) Uint8(field string) uint8 {
	if b := d.take(field, 1, 1); b != nil {
		return b[0]
	}
	return 0
}

// Int16 reads one value.
func (d *Decoder) Int16(field string) int16 { return int16(d.Uint16(field)) }

// Uint16 reads one value.
func (d *Decoder) Uint16(field string) uint16 {
	b := d.take(field, 2, 1)
	switch {
	case b == nil:
		return 0
	case d.big:
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

// Int32 reads one value.
func (d *Decoder) Int32(field string) int32 { return int32(d.Uint32(field)) }

// Uint32 reads one value.
func (d *Decoder) Uint32(field string) uint32 {
	b := d.take(field, 4, 1)
	switch {
	case b == nil:
		return 0
	case d.big:
		return binary.BigEndian.Uint32(b)
	}
	return binary.LittleEndian.Uint32(b)
}

// Int64 reads one value.
func (d *Decoder) Int64(field string) int64 { return int64(d.Uint64(field)) }

// Uint64 reads one value.
func (d *Decoder) Uint64(field string) uint64 {
	b := d.take(field, 8, 1)
	switch {
	case b == nil:
		return 0
	case d.big:
		return binary.BigEndian.Uint64(b)
	}
	return binary.LittleEndian.Uint64(b)
}

// Float32 reads one value.
func (d *Decoder) Float32(field string) float32 { return math.Float32frombits(d.Uint32(field)) }

// Float64 reads one value.
func (d *Decoder) Float64(field string) float64 { return math.Float64frombits(d.Uint64(field)) }
