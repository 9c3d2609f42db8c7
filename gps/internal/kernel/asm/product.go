package main

import (
	"fmt"
	"slices"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// Fields of kernel.operands, each of eight bytes, in their order.
const (
	fieldD = iota
	fieldC
	fieldA
	fieldB
	fieldDStride
	fieldCStride
	fieldAStride
	fieldBInner
	fieldBOuter
	fieldLanes
	fieldColumns
	fieldInner
	fieldSign
	fieldShape
	fieldHalf
	fields
)

// product holds the registers and variables of a product while it is written.
type product struct {
	machine
	operands  reg.Register
	aStride   reg.Register // in bytes, as bInner
	bInner    reg.Register
	outer     strided      // columns of op(B)
	offset    reg.Register // of the tile's first row, in bytes
	remaining reg.Register // vectors of rows that are left in these columns
	rows      reg.Register // vectors of the tile
	d, c, b   operand.Mem  // variables: first column of the tile
	left      operand.Mem  // columns that are left
	width     operand.Mem  // columns of the tile
}

// product writes D = C +- A op(B) by tiles of D that stay in registers: columns of tiles
// outside, lanes of rows in them, the sum inside.
func (m machine) product() {
	name, fieldsOf := "product", "operands"
	if m.single {
		name, fieldsOf = "product32", "operands32"
	}
	m.function(name, fmt.Sprintf("func(p *[%d]uint64)", fields),
		"computes the product that p, an *"+fieldsOf+", describes.")
	p := &product{machine: m, operands: m.parameter("p")}
	p.aStride, p.bInner = p.stride(fieldAStride), p.stride(fieldBInner)
	outer := p.GP64()
	p.MOVQ(p.field(fieldBOuter), outer)
	p.outer = p.strided(outer)
	p.d, p.c, p.b, p.left = p.variable(fieldD), p.variable(fieldC), p.variable(fieldB), p.variable(fieldColumns)
	p.width = p.AllocLocal(number)
	p.offset, p.remaining, p.rows = p.GP64(), p.GP64(), p.GP64()

	p.Label("columns")
	columns := p.GP64()
	p.MOVQ(p.left, columns)
	p.TESTQ(columns, columns)
	p.JZ(operand.LabelRef("done"))
	p.XORQ(p.offset, p.offset)
	p.MOVQ(p.field(fieldLanes), p.remaining)
	if !m.single { // whose products are whole, and not subtracted
		p.CMPQ(p.field(fieldShape), operand.U8(0))
		p.JE(operand.LabelRef("whole"))
		p.skipAboveDiagonal(columns)
		p.Label("whole")
	}
	p.balance(columns, columns, m.widest())
	p.MOVQ(columns, p.width)
	if m.perLane() == 2 {
		p.ADDQ(p.remaining, p.remaining)
		p.SUBQ(p.field(fieldHalf), p.remaining)
	}
	p.TESTQ(p.remaining, p.remaining)
	p.JLE(operand.LabelRef("next"))
	for c := m.widest(); c > 1; c-- {
		p.CMPQ(columns, operand.U8(c))
		p.JE(operand.LabelRef(fmt.Sprintf("columns%d", c)))
	}
	for c := 1; c <= m.widest(); c++ {
		p.column(c)
	}
	p.Label("next")
	p.advance()
	p.JMP(operand.LabelRef("columns"))
	p.Label("done")
	p.end()
}

func (p *product) field(i int) operand.Mem { return at(p.operands, i*number) }

// variable returns a variable on the stack that begins as the field.
func (p *product) variable(field int) operand.Mem {
	v, scratch := p.AllocLocal(number), p.GP64()
	p.MOVQ(p.field(field), scratch)
	p.MOVQ(scratch, v)
	return v
}

// stride returns a field in bytes.
func (p *product) stride(field int) reg.Register {
	r := p.GP64()
	p.MOVQ(p.field(field), r)
	p.SHLQ(p.shift(), r)
	return r
}

// skipAboveDiagonal begins the rows at the lane of the first column, and keeps the tile
// within the eight columns whose diagonal is in that lane.
func (p *product) skipAboveDiagonal(columns reg.Register) {
	first, group, eight := p.GP64(), p.GP64(), p.GP64()
	p.MOVQ(p.field(fieldColumns), first)
	p.SUBQ(columns, first)
	p.MOVQ(first, group)
	p.SHRQ(operand.U8(3), first)
	p.SUBQ(first, p.remaining)
	p.SHLQ(operand.U8(6), first)
	p.MOVQ(first, p.offset)
	p.ANDQ(operand.U8(7), group)
	p.MOVQ(operand.U32(8), eight)
	p.SUBQ(group, eight)
	p.CMPQ(columns, eight)
	p.CMOVQGT(eight, columns)
}

// balance sets to = left if that is at most most; else half of it, at most most: so that
// the last tiles are of nearly the same size.
func (p *product) balance(left, to reg.Register, most int) {
	half := p.GP64()
	p.LEAQ(at(left, 1), half)
	p.SHRQ(operand.U8(1), half)
	if left != to {
		p.MOVQ(left, to)
	}
	p.CMPQ(to, operand.U8(most))
	p.CMOVQGT(half, to)
	p.MOVQ(operand.U32(most), half)
	p.CMPQ(to, half)
	p.CMOVQGT(half, to)
}

// column writes all rows of a tile of c columns.
func (p *product) column(c int) {
	tallest := p.heights[c-1]
	name := func(half string, r int) string { return fmt.Sprintf("tile%dx%d%s", r, c, half) }
	choose := func(half string) {
		for r := tallest; r > 1; r-- {
			p.CMPQ(p.rows, operand.U8(r))
			p.JE(operand.LabelRef(name(half, r)))
		}
	}
	p.Label(fmt.Sprintf("columns%d", c))
	p.balance(p.remaining, p.rows, tallest)
	if p.perLane() == 1 { // of a last half lane the last vector is half a one
		p.CMPQ(p.rows, p.remaining)
		p.JNE(operand.LabelRef(fmt.Sprintf("full%d", c)))
		p.CMPQ(p.field(fieldHalf), operand.U8(0))
		p.JE(operand.LabelRef(fmt.Sprintf("full%d", c)))
		choose("half")
		for r := 1; r <= tallest; r++ {
			p.Label(name("half", r))
			p.tile(r, c, true)
			p.JMP(operand.LabelRef("next"))
		}
		p.Label(fmt.Sprintf("full%d", c))
	}
	choose("")
	for r := 1; r <= tallest; r++ {
		p.Label(name("", r))
		p.tile(r, c, false)
		p.ADDQ(operand.U32(r*p.bytes), p.offset)
		p.SUBQ(operand.U8(r), p.remaining)
		p.JNZ(operand.LabelRef(fmt.Sprintf("columns%d", c)))
		p.JMP(operand.LabelRef("next"))
	}
}

// advance moves the column variables past the tile.
func (p *product) advance() {
	width := p.GP64()
	p.MOVQ(p.width, width)
	p.SUBQ(width, p.left)
	p.SHLQ(p.shift(), width)
	for _, v := range []struct {
		column operand.Mem
		stride int
	}{{p.d, fieldDStride}, {p.c, fieldCStride}, {p.b, fieldBOuter}} {
		step := p.GP64()
		p.MOVQ(p.field(v.stride), step)
		p.IMULQ(width, step)
		p.ADDQ(step, v.column)
	}
}

// tile writes high vectors by c columns of D; with half, the last vectors are of half the
// size.
func (p *product) tile(high, c int, half bool) {
	name := fmt.Sprintf("%dx%d", high, c)
	if half {
		name += "half"
	}
	// part returns what of a register vector i of a column takes.
	part := func(i int, v reg.VecPhysical) reg.VecPhysical {
		if half && i == high-1 {
			return ymm[slices.Index(zmm[:], v)]
		}
		return v
	}
	sums, sign := p.vectors(0, high*c), p.vector(p.registers-1)
	sum := func(i, k int) reg.VecPhysical { return part(i, sums[k*high+i]) }
	column, stride := p.GP64(), p.GP64()
	each := func(do func(i, k int)) {
		for k := range c {
			for i := range high {
				do(i, k)
			}
			if k < c-1 {
				p.ADDQ(stride, column)
			}
		}
	}

	p.Commentf("Sums of %d vectors x %d from +-C or 0.", high, c)
	p.CMPQ(p.field(fieldC), operand.U8(0))
	p.JE(operand.LabelRef("zero" + name))
	p.MOVQ(p.field(fieldCStride), stride)
	p.SHLQ(p.shift(), stride)
	p.MOVQ(p.c, column)
	p.ADDQ(p.offset, column)
	if p.single {
		each(func(i, k int) { p.move(at(column, i*p.bytes), sum(i, k)) })
	} else {
		p.VBROADCASTSD(p.field(fieldSign), sign)
		each(func(i, k int) { p.xor(at(column, i*p.bytes), part(i, sign), sum(i, k)) })
	}
	p.JMP(operand.LabelRef("sum" + name))
	p.Label("zero" + name)
	for _, s := range sums {
		p.zero(s)
	}

	p.Label("sum" + name)
	a, b, l := p.GP64(), p.GP64(), p.GP64()
	p.MOVQ(p.field(fieldInner), l)
	p.TESTQ(l, l)
	p.JZ(operand.LabelRef("store" + name))
	p.MOVQ(p.field(fieldA), a)
	p.ADDQ(p.offset, a)
	p.MOVQ(p.b, b)
	p.Label("loop" + name)
	p.step(a, b, high, c, part, sum)
	p.ADDQ(p.aStride, a)
	p.ADDQ(p.bInner, b)
	p.DECQ(l)
	p.JNZ(operand.LabelRef("loop" + name))

	p.Label("store" + name)
	p.MOVQ(p.field(fieldDStride), stride)
	p.SHLQ(p.shift(), stride)
	p.MOVQ(p.d, column)
	p.ADDQ(p.offset, column)
	if !p.single {
		p.VBROADCASTSD(p.field(fieldSign), sign)
	}
	each(func(i, k int) {
		if !p.single {
			p.xor(sum(i, k), part(i, sign), sum(i, k))
		}
		p.move(sum(i, k), at(column, i*p.bytes))
	})
}

// step adds A[:, l] op(B)[l, :] to the sums. What a tile has less of, vectors of A or
// columns of op(B), is held in registers; the other passes by.
func (p *product) step(a, b reg.Register, high, c int, part func(i int, v reg.VecPhysical) reg.VecPhysical, sum func(i, k int) reg.VecPhysical) {
	free := high * c // the first register without a sum
	if high <= c {
		held := p.vectors(free, high)
		for i, v := range held {
			p.move(at(a, i*p.bytes), part(i, v))
		}
		for k := range c {
			if high == 1 && p.bytes == 64 { // the broadcast is a part of the instruction
				p.multiplyAddSpread(p.outer.column(b, k, 0), part(0, held[0]), sum(0, k))
				continue
			}
			x := p.vector(free + high + k%(p.registers-free-high))
			p.spread(p.outer.column(b, k, 0), x)
			for i, v := range held {
				p.multiplyAdd(part(i, v), part(i, x), sum(i, k))
			}
		}
		return
	}
	held := p.vectors(free, c)
	for k, x := range held {
		p.spread(p.outer.column(b, k, 0), x)
	}
	for i := range high {
		v := p.vector(free + c + i%(p.registers-free-c))
		p.move(at(a, i*p.bytes), part(i, v))
		for k, x := range held {
			p.multiplyAdd(part(i, v), part(i, x), sum(i, k))
		}
	}
}
