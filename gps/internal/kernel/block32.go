package kernel

import (
	"math"
	"unsafe"
)

// Lane32 is Lane for float32: the rows of a Block32 are padded to a multiple of it. Sixteen
// numbers are one AVX-512 vector, one cache line.
const Lane32 = 16

// Pad32 returns n rounded up to a multiple of Lane32.
func Pad32(n int) int { return (n + Lane32 - 1) &^ (Lane32 - 1) }

// Block32 is a column-major matrix of float32: element (i, j) stands at Data[j*Stride+i], and
// each column holds a multiple of Lane32 rows. Where a function says so, Stride may be 0: one
// column that stands for all.
type Block32 struct {
	Data   []float32
	Stride int
}

// At returns element (i, j).
func (b Block32) At(i, j int) float32 { return b.Data[j*b.Stride+i] }

// Set sets element (i, j).
func (b Block32) Set(i, j int, v float32) { b.Data[j*b.Stride+i] = v }

// Column returns the first n rows of column j.
func (b Block32) Column(j, n int) []float32 { return b.Data[j*b.Stride:][:n:n] }

// N returns the block as the right operand op(B) = B.
func (b Block32) N() Right32 { return Right32{Data: b.Data, Inner: 1, Outer: stride(b.Stride)} }

// T returns the block as the right operand op(B) = B'.
func (b Block32) T() Right32 { return Right32{Data: b.Data, Inner: stride(b.Stride), Outer: 1} }

// Right32 is Right for float32. A stride of 0 repeats a number.
type Right32 struct {
	Data         []float32
	Inner, Outer int32
}

// NewSlice32 returns n zeros that begin at a multiple of 64 bytes.
func NewSlice32(n int) []float32 {
	all := make([]float32, n+Lane32-1)
	if off := uintptr(unsafe.Pointer(unsafe.SliceData(all))) / 4 % Lane32; off != 0 {
		all = all[Lane32-off:]
	}
	return all[:n:n]
}

// NewBlock32 returns a block of zeros of Pad32(rows) x columns in memory of its own.
func NewBlock32(rows, columns int) Block32 {
	return Block32{NewSlice32(Pad32(rows) * columns), Pad32(rows)}
}

func (b Block32) holds(rows, columns int) bool {
	return columns == 0 || b.Stride >= rows && b.fits(rows, columns)
}

// repeats is holds, or says that the block is one column of so many rows for all.
func (b Block32) repeats(rows, columns int) bool {
	return b.holds(rows, columns) || b.Stride == 0 && b.fits(rows, columns)
}

// Sizes and strides of 31 bits have products that 64 bits hold.
func (b Block32) fits(rows, columns int) bool {
	return uint(b.Stride) <= math.MaxInt32 && uint(columns) <= math.MaxInt32 &&
		uint64(columns-1)*uint64(b.Stride)+uint64(rows) <= uint64(len(b.Data))
}

func (r Right32) holds(inner, columns int) bool {
	return inner == 0 || r.Inner >= 0 && r.Outer >= 0 && uint64(inner-1)*uint64(r.Inner)+uint64(columns-1)*uint64(r.Outer) < uint64(len(r.Data))
}
