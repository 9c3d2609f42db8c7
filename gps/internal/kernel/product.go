package kernel

import (
	"fmt"
	"math"
	"unsafe"
)

// Set writes D = A op(B): rows x columns, summed over inner. D and A must hold rows rounded up
// to a multiple of Lane; D's are written up to a multiple of half a Lane. D must not overlap the operands, but
// where rows are at most Lane it may be B itself, not transposed.
func Set(d, a Block, b Right, rows, columns, inner int) {
	multiply(d, Block{}, a, b, rows, columns, inner, 0, whole, false)
}

// Neg writes D = -A op(B).
func Neg(d, a Block, b Right, rows, columns, inner int) {
	multiply(d, Block{}, a, b, rows, columns, inner, minus, whole, false)
}

// Add writes D = C + A op(B). D may be C.
func Add(d, c, a Block, b Right, rows, columns, inner int) {
	multiply(d, c, a, b, rows, columns, inner, 0, whole, true)
}

// Sub writes D = C - A op(B). D may be C.
func Sub(d, c, a Block, b Right, rows, columns, inner int) {
	multiply(d, c, a, b, rows, columns, inner, minus, whole, true)
}

// SetLower is Set for a symmetric product, or one of which only the part on and below the
// diagonal is wanted: what it writes above the diagonal is right in tiles that the diagonal
// passes, and D's old content elsewhere.
func SetLower(d, a Block, b Right, rows, columns, inner int) {
	multiply(d, Block{}, a, b, rows, columns, inner, 0, lower, false)
}

// AddLower is Add for the part on and below the diagonal, as SetLower.
func AddLower(d, c, a Block, b Right, rows, columns, inner int) {
	multiply(d, c, a, b, rows, columns, inner, 0, lower, true)
}

// SubLower is Sub for the part on and below the diagonal, as SetLower.
func SubLower(d, c, a Block, b Right, rows, columns, inner int) {
	multiply(d, c, a, b, rows, columns, inner, minus, lower, true)
}

const (
	minus = 1 << 63 // sign bit: D = -(-C + A op(B))
	whole = 0
	lower = 1
)

func multiply(d, c, a Block, b Right, rows, columns, inner int, sign uint64, shape int, sum bool) {
	if rows <= 0 || columns <= 0 {
		if rows < 0 || columns < 0 {
			panicProduct(d, c, a, b, rows, columns, inner)
		}
		return
	}
	padded := Pad(rows)
	if inner < 0 || !d.holds(padded, columns) || !a.holds(padded, inner) || sum && (c.Data == nil || !c.holds(padded, columns)) || !b.holds(inner, columns) {
		panicProduct(d, c, a, b, rows, columns, inner)
	}
	// Field by field: a literal would be copied, and copies in pairs of words wait for the
	// words just written.
	var p operands
	p.d, p.c, p.a, p.b = unsafe.SliceData(d.Data), unsafe.SliceData(c.Data), unsafe.SliceData(a.Data), unsafe.SliceData(b.Data)
	p.dStride, p.cStride, p.aStride = d.Stride, c.Stride, a.Stride
	p.bInner, p.bOuter = int(b.Inner), int(b.Outer)
	p.lanes, p.columns, p.inner = padded/Lane, columns, inner
	p.sign, p.shape = sign, shape
	if (rows-1)%Lane < Lane/2 {
		p.half = 1
	}
	product(&p)
}

// operands of a product, in the order in which the assembly reads them.
type operands struct {
	d, c, a, b                *float64 // c is nil for zeros
	dStride, cStride, aStride int
	bInner, bOuter            int
	lanes, columns, inner     int // rows/Lane, columns, inner
	sign                      uint64
	shape                     int
	half                      int // 1 if the last lane ends with its fourth row
}

// Sizes and strides of 31 bits have products that 64 bits hold.
func (b Block) holds(rows, columns int) bool {
	return columns == 0 || b.Stride >= rows && uint(b.Stride) <= math.MaxInt32 && uint(columns) <= math.MaxInt32 &&
		uint64(columns-1)*uint64(b.Stride)+uint64(rows) <= uint64(len(b.Data))
}

func (r Right) holds(inner, columns int) bool {
	return inner == 0 || r.Inner >= 0 && r.Outer >= 0 && uint64(inner-1)*uint64(r.Inner)+uint64(columns-1)*uint64(r.Outer) < uint64(len(r.Data))
}

func panicProduct(d, c, a Block, b Right, rows, columns, inner int) {
	panic(fmt.Sprintf("kernel: product of %d x %d (summed over %d) with blocks of %d, %d and %d numbers, strides %d, %d and %d, and a right operand of %d numbers with strides %d and %d",
		rows, columns, inner, len(d.Data), len(c.Data), len(a.Data), d.Stride, c.Stride, a.Stride, len(b.Data), b.Inner, b.Outer))
}
