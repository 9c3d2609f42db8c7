package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// transposeTo transposes squares as high as a vector, with what is outside of the matrices
// masked.
func (m machine) transposeTo(k constants) {
	m.function("transpose", "func(dst *float64, dstStride int, a *float64, stride, rows, columns int)",
		"writes a, columns of rows numbers, to dst, rows of columns numbers.")
	dst, a, rows, columns := m.parameter("dst"), m.parameter("a"), m.parameter("rows"), m.parameter("columns")
	dstStride, stride := m.parameter("dstStride"), m.parameter("stride")
	m.SHLQ(operand.U8(3), dstStride)
	m.SHLQ(operand.U8(3), stride)
	wide := m.bytes / number
	square := m.vectors(0, wide)
	below, right := mask{reg.K1, m.vector(14)}, mask{reg.K2, m.vector(15)}
	from, to, left := m.GP64(), m.GP64(), m.GP64()

	m.Label("rows")
	m.setMask(k, below, rows)
	m.MOVQ(a, from)
	m.MOVQ(dst, to)
	m.MOVQ(columns, left)
	m.Label("columns")
	m.setMask(k, right, left)
	for i, v := range square { // those from left on are not read, nor is what they become stored
		if i > 0 {
			m.CMPQ(left, operand.U8(i))
			m.JLE(operand.LabelRef("loaded"))
		}
		m.load(from, below, v)
		m.ADDQ(stride, from)
	}
	m.Label("loaded")
	row, across := m.GP64(), m.transpose(square)
	m.MOVQ(to, row)
	m.CMPQ(left, operand.U8(wide))
	m.JL(operand.LabelRef("part"))
	stored := func(store func(v reg.VecPhysical)) {
		for i, v := range across {
			if i > 0 {
				m.CMPQ(rows, operand.U8(i))
				m.JLE(operand.LabelRef("stored"))
			}
			store(v)
			m.ADDQ(dstStride, row)
		}
	}
	stored(func(v reg.VecPhysical) { m.VMOVUPD(v, at(row, 0)) })
	m.JMP(operand.LabelRef("stored"))
	m.Label("part") // masked stores are slow
	stored(func(v reg.VecPhysical) { m.store(v, right, row) })
	m.Label("stored")
	m.ADDQ(operand.U32(m.bytes), to)
	m.SUBQ(operand.U8(wide), left)
	m.JG(operand.LabelRef("columns"))

	m.ADDQ(operand.U32(m.bytes), a)
	for range wide {
		m.ADDQ(dstStride, dst)
	}
	m.SUBQ(operand.U8(wide), rows)
	m.JG(operand.LabelRef("rows"))
	m.end()
}

// mask is of the first numbers of a vector: a mask register for AVX-512, a vector for AVX2.
type mask struct {
	bits   operand.Op
	vector reg.VecPhysical
}

// setMask sets a mask to as many numbers as are left, at most all of a vector.
func (m machine) setMask(k constants, to mask, left reg.Register) {
	wide := m.GP64()
	m.MOVQ(operand.U32(m.bytes/number), wide)
	m.CMPQ(left, wide)
	m.CMOVQLT(left, wide)
	m.NEGQ(wide)
	if m.bytes == 64 {
		m.MOVQ(wide, reg.RCX)
		m.ADDQ(operand.U8(size), reg.RCX)
		m.MOVQ(operand.U32(0xff), wide)
		m.SHRQ(reg.CL, wide)
		m.KMOVW(wide.As32(), to.bits)
		return
	}
	table := m.GP64()
	m.LEAQ(k.onesZeros, table)
	m.VMOVUPD(operand.Mem{Base: table, Index: wide, Scale: number, Disp: size * number}, to.vector)
}

func (m machine) load(from reg.Register, by mask, to reg.VecPhysical) {
	if m.bytes == 64 {
		m.VMOVUPD_Z(at(from, 0), by.bits, to)
	} else {
		m.VMASKMOVPD(at(from, 0), by.vector, to)
	}
}

func (m machine) store(v reg.VecPhysical, by mask, to reg.Register) {
	if m.bytes == 64 {
		m.VMOVUPD(v, by.bits, at(to, 0))
	} else {
		m.VMASKMOVPD(v, by.vector, at(to, 0))
	}
}
