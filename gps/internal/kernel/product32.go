package kernel

import (
	"fmt"
	"unsafe"
)

// Set32 writes D = A op(B): rows x columns, summed over inner. D and A hold rows rounded up to a
// multiple of Lane32; D's are written up to a multiple of half of it. D must not overlap the
// operands.
func Set32(d, a Block32, b Right32, rows, columns, inner int) {
	multiply32(d, Block32{}, a, b, rows, columns, inner, false)
}

// Add32 writes D = C + A op(B). D may be C. C's Stride may be 0.
func Add32(d, c, a Block32, b Right32, rows, columns, inner int) {
	multiply32(d, c, a, b, rows, columns, inner, true)
}

func multiply32(d, c, a Block32, b Right32, rows, columns, inner int, sum bool) {
	if rows <= 0 || columns <= 0 {
		if rows < 0 || columns < 0 {
			panicProduct32(d, c, a, b, rows, columns, inner)
		}
		return
	}
	padded := Pad32(rows)
	if inner < 0 || !d.holds(padded, columns) || !a.holds(padded, inner) || sum && (c.Data == nil || !c.repeats(padded, columns)) || !b.holds(inner, columns) {
		panicProduct32(d, c, a, b, rows, columns, inner)
	}
	var p operands32 // field by field: see multiply
	p.d, p.c, p.a, p.b = unsafe.SliceData(d.Data), unsafe.SliceData(c.Data), unsafe.SliceData(a.Data), unsafe.SliceData(b.Data)
	p.dStride, p.cStride, p.aStride = d.Stride, c.Stride, a.Stride
	p.bInner, p.bOuter = int(b.Inner), int(b.Outer)
	p.lanes, p.columns, p.inner = padded/Lane32, columns, inner
	if (rows-1)%Lane32 < Lane32/2 {
		p.half = 1
	}
	product32(&p)
}

// operands32 is operands for float32; sign and shape stay 0.
type operands32 struct {
	d, c, a, b                *float32
	dStride, cStride, aStride int
	bInner, bOuter            int
	lanes, columns, inner     int
	sign                      uint64
	shape                     int
	half                      int
}

func panicProduct32(d, c, a Block32, b Right32, rows, columns, inner int) {
	panic(fmt.Sprintf("kernel: float32 product of %d x %d (summed over %d) with blocks of %d, %d and %d numbers, strides %d, %d and %d, and a right operand of %d numbers with strides %d and %d",
		rows, columns, inner, len(d.Data), len(c.Data), len(a.Data), d.Stride, c.Stride, a.Stride, len(b.Data), b.Inner, b.Outer))
}
