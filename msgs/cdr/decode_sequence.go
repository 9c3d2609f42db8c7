package cdr

import (
	"encoding/binary"
	"math"
)

// The methods in the plural fill an array; those with Seq read a count, resize the
// slice within its capacity where that is large enough, and fill it. bound is the
// largest count, or 0.

// Bools reads len(dst) elements.
func (d *Decoder) Bools(field string, dst []bool) {
	for i, x := range d.take(field, 1, len(dst)) {
		dst[i] = x != 0
	}
}

// BoolSeq reads a sequence.
func (d *Decoder) BoolSeq(field string, dst *[]bool, bound int) {
	if n := d.Len(field, 1, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Bools(field, *dst)
	}
}

// Strings reads len(dst) elements of at most strBound bytes, 0 for no bound.
func (d *Decoder) Strings(field string, dst []string, strBound int) {
	d.Enter(field)
	for i := range dst {
		if !d.Index(i) {
			break
		}
		d.String("", &dst[i], strBound)
	}
	d.Leave()
}

// StringSeq reads a sequence of strings of at most strBound bytes, 0 for no bound.
func (d *Decoder) StringSeq(field string, dst *[]string, bound, strBound int) {
	if n := d.Len(field, MinString, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Strings(field, *dst, strBound)
	}
}

// Int8s reads len(dst) elements.
func (d *Decoder) Int8s(field string, dst []int8) {
	for i, x := range d.take(field, 1, len(dst)) {
		dst[i] = int8(x)
	}
}

// Int8Seq reads a sequence.
func (d *Decoder) Int8Seq(field string, dst *[]int8, bound int) {
	if n := d.Len(field, 1, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Int8s(field, *dst)
	}
}

// Uint8s reads len(dst) elements.
func (d *Decoder) Uint8s(field string, dst []uint8) {
	copy(dst, d.take(field, 1, len(dst)))
}

// Uint8Seq reads a sequence.
func (d *Decoder) Uint8Seq(field string, dst *[]uint8, bound int) {
	if n := d.Len(field, 1, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Uint8s(field, *dst)
	}
}

// Int16s reads len(dst) elements.
func (d *Decoder) Int16s(field string, dst []int16) {
	b := d.take(field, 2, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = int16(binary.BigEndian.Uint16(b[2*i:]))
		}
	default:
		for i := range dst {
			dst[i] = int16(binary.LittleEndian.Uint16(b[2*i:]))
		}
	}
}

// Int16Seq reads a sequence.
func (d *Decoder) Int16Seq(field string, dst *[]int16, bound int) {
	if n := d.Len(field, 2, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Int16s(field, *dst)
	}
}

// Uint16s reads len(dst) elements.
func (d *Decoder) Uint16s(field string, dst []uint16) {
	b := d.take(field, 2, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = binary.BigEndian.Uint16(b[2*i:])
		}
	default:
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint16(b[2*i:])
		}
	}
}

// Uint16Seq reads a sequence.
func (d *Decoder) Uint16Seq(field string, dst *[]uint16, bound int) {
	if n := d.Len(field, 2, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Uint16s(field, *dst)
	}
}

// Int32s reads len(dst) elements.
func (d *Decoder) Int32s(field string, dst []int32) {
	b := d.take(field, 4, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = int32(binary.BigEndian.Uint32(b[4*i:]))
		}
	default:
		for i := range dst {
			dst[i] = int32(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
}

// Int32Seq reads a sequence.
func (d *Decoder) Int32Seq(field string, dst *[]int32, bound int) {
	if n := d.Len(field, 4, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Int32s(field, *dst)
	}
}

// Uint32s reads len(dst) elements.
func (d *Decoder) Uint32s(field string, dst []uint32) {
	b := d.take(field, 4, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = binary.BigEndian.Uint32(b[4*i:])
		}
	default:
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
	}
}

// Uint32Seq reads a sequence.
func (d *Decoder) Uint32Seq(field string, dst *[]uint32, bound int) {
	if n := d.Len(field, 4, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Uint32s(field, *dst)
	}
}

// Int64s reads len(dst) elements.
func (d *Decoder) Int64s(field string, dst []int64) {
	b := d.take(field, 8, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = int64(binary.BigEndian.Uint64(b[8*i:]))
		}
	default:
		for i := range dst {
			dst[i] = int64(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
}

// Int64Seq reads a sequence.
func (d *Decoder) Int64Seq(field string, dst *[]int64, bound int) {
	if n := d.Len(field, 8, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Int64s(field, *dst)
	}
}

// Uint64s reads len(dst) elements.
func (d *Decoder) Uint64s(field string, dst []uint64) {
	b := d.take(field, 8, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = binary.BigEndian.Uint64(b[8*i:])
		}
	default:
		for i := range dst {
			dst[i] = binary.LittleEndian.Uint64(b[8*i:])
		}
	}
}

// Uint64Seq reads a sequence.
func (d *Decoder) Uint64Seq(field string, dst *[]uint64, bound int) {
	if n := d.Len(field, 8, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Uint64s(field, *dst)
	}
}

// Float32s reads len(dst) elements.
func (d *Decoder) Float32s(field string, dst []float32) {
	b := d.take(field, 4, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.BigEndian.Uint32(b[4*i:]))
		}
	default:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
	}
}

// Float32Seq reads a sequence.
func (d *Decoder) Float32Seq(field string, dst *[]float32, bound int) {
	if n := d.Len(field, 4, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Float32s(field, *dst)
	}
}

// Float64s reads len(dst) elements.
func (d *Decoder) Float64s(field string, dst []float64) {
	b := d.take(field, 8, len(dst))
	switch {
	case b == nil:
	case d.big:
		for i := range dst {
			dst[i] = math.Float64frombits(binary.BigEndian.Uint64(b[8*i:]))
		}
	default:
		for i := range dst {
			dst[i] = math.Float64frombits(binary.LittleEndian.Uint64(b[8*i:]))
		}
	}
}

// Float64Seq reads a sequence.
func (d *Decoder) Float64Seq(field string, dst *[]float64, bound int) {
	if n := d.Len(field, 8, bound); d.err == nil {
		*dst = Resize(*dst, n)
		d.Float64s(field, *dst)
	}
}
