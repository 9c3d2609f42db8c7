package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// mirror transposes square blocks below the diagonal, as high as a vector, to those above.
func (m machine) mirror(k constants) {
	m.function("mirror", "func(a *float64, stride, n int)",
		"copies the part of a below the diagonal to the part above it, n x n.")
	a, n := m.parameter("a"), m.parameter("n")
	s := m.strided(m.parameter("stride"))
	wide := m.bytes / number
	row, column, left := m.GP64(), m.GP64(), m.GP64() // below and right of the diagonal block
	right := m.GP64()                                 // from one block to the next on the right
	m.MOVQ(s.multiples[1], right)
	m.IMUL3Q(operand.U8(wide), right, right)
	columns := m.vectors(0, wide)

	m.Label("diagonal")
	for i, v := range columns { // those from n on are not read, nor is what they become used
		if i > 0 {
			m.CMPQ(n, operand.U8(i))
			m.JLE(operand.LabelRef("loaded"))
		}
		m.VMOVUPD(s.column(a, i, 0), v)
	}
	m.Label("loaded")
	for i, v := range m.transpose(columns) {
		if i == 0 {
			continue
		}
		m.CMPQ(n, operand.U8(i))
		m.JLE(operand.LabelRef("stored"))
		m.storeBelow(k, v, i, s.column(a, i, 0))
	}
	m.Label("stored")
	m.LEAQ(at(a, m.bytes), row)
	m.LEAQ(indexed(a, right, 1), column)
	m.MOVQ(n, left)

	m.Label("block")
	m.SUBQ(operand.U8(wide), left)
	m.JLE(operand.LabelRef("next"))
	for i, v := range columns {
		m.VMOVUPD(s.column(row, i, 0), v)
	}
	for i, v := range m.transpose(columns) {
		if i > 0 {
			m.CMPQ(left, operand.U8(i))
			m.JLE(operand.LabelRef("next"))
		}
		m.VMOVUPD(v, s.column(column, i, 0))
	}
	m.ADDQ(operand.U32(m.bytes), row)
	m.ADDQ(right, column)
	m.JMP(operand.LabelRef("block"))

	m.Label("next")
	m.LEAQ(at(right, m.bytes), column)
	m.ADDQ(column, a)
	m.SUBQ(operand.U8(wide), n)
	m.JG(operand.LabelRef("diagonal"))
	m.end()
}

// storeBelow stores the first count numbers of v.
func (m machine) storeBelow(k constants, v reg.VecPhysical, count int, to operand.Mem) {
	if m.bytes == 64 {
		bits := m.GP32()
		m.MOVL(operand.U32(1<<count-1), bits)
		m.KMOVW(bits, reg.K1)
		m.VMOVUPD(v, reg.K1, to)
		return
	}
	mask := m.vector(15)
	m.VMOVUPD(k.onesZeros.Offset((8-count)*number), mask)
	m.VMASKMOVPD(v, mask, to)
}

// transpose returns the registers of the rows of a square of columns.
func (m machine) transpose(columns []reg.VecPhysical) []reg.VecPhysical {
	wide := len(columns)
	pairs := m.vectors(wide, wide) // even and odd rows of two columns
	for i := 0; i < wide; i += 2 {
		m.VUNPCKLPD(columns[i+1], columns[i], pairs[i])
		m.VUNPCKHPD(columns[i+1], columns[i], pairs[i+1])
	}
	rows := make([]reg.VecPhysical, wide)
	for odd := range 2 {
		if wide == 4 {
			rows[odd], rows[odd+2] = columns[odd], columns[odd+2]
			m.VPERM2F128(operand.U8(0x20), pairs[odd+2], pairs[odd], rows[odd])
			m.VPERM2F128(operand.U8(0x31), pairs[odd+2], pairs[odd], rows[odd+2])
			continue
		}
		// Quarters: rows odd and odd+4 of the left four columns, of the right four; then
		// rows odd+2 and odd+6.
		t := columns[4*odd : 4*odd+4]
		for i, quarters := range []uint64{0x88, 0xdd} {
			m.VSHUFF64X2(operand.Imm(quarters), pairs[odd+2], pairs[odd], t[2*i])
			m.VSHUFF64X2(operand.Imm(quarters), pairs[odd+6], pairs[odd+4], t[2*i+1])
		}
		for i := range 2 {
			low, high := m.vector(16+4*odd+2*i), m.vector(17+4*odd+2*i)
			m.VSHUFF64X2(operand.Imm(0x88), t[2*i+1], t[2*i], low)
			m.VSHUFF64X2(operand.Imm(0xdd), t[2*i+1], t[2*i], high)
			rows[odd+2*i], rows[odd+2*i+4] = low, high
		}
	}
	return rows
}
