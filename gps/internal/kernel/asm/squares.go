package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// squares sums the squares of as many columns together as a vector has numbers, so that
// the eight sums of each are added up for all of them at once.
func (m machine) squares() {
	m.function("squares", "func(dst, z *float64, stride, lanes, columns int)",
		"adds to dst, for each column of z, the sum of the squares of its rows.")
	dst, z, lanes, columns := m.parameter("dst"), m.parameter("z"), m.parameter("lanes"), m.parameter("columns")
	s := m.strided(m.parameter("stride"))
	together := m.bytes / number
	for _, count := range []int{together, 1} {
		loop, skip := fmt.Sprintf("columns%d", count), fmt.Sprintf("end%d", count)
		m.CMPQ(columns, operand.U8(count))
		m.JL(operand.LabelRef(skip))
		m.Label(loop)
		sums := m.vectors(0, count*m.perLane())
		for _, v := range sums {
			m.zero(v)
		}
		row, left := m.GP64(), m.GP64()
		m.MOVQ(z, row)
		m.MOVQ(lanes, left)
		m.Label(fmt.Sprintf("lanes%d", count))
		for k := range count {
			for i := range m.perLane() {
				t := m.vector(len(sums) + (k*m.perLane()+i)%4)
				m.VMOVUPD(s.column(row, k, i*m.bytes), t)
				m.VFMADD231PD(t, t, sums[k*m.perLane()+i])
			}
		}
		m.ADDQ(operand.U32(lane), row)
		m.DECQ(left)
		m.JNZ(operand.LabelRef(fmt.Sprintf("lanes%d", count)))
		switch {
		case count == 1:
			m.fold(sums, m.vector(4))
			m.VADDSD(at(dst, 0), sums[0].AsX(), sums[0].AsX())
			m.VMOVSD(sums[0].AsX(), at(dst, 0))
		case count == 8:
			m.fold8(sums, m.vectors(8, 2))
			m.VADDPD(at(dst, 0), sums[0], sums[0])
			m.VMOVUPD(sums[0], at(dst, 0))
		default:
			m.fold4(sums, m.vectors(8, 2))
			m.VADDPD(at(dst, 0), sums[0], sums[0])
			m.VMOVUPD(sums[0], at(dst, 0))
		}
		m.ADDQ(operand.U32(count*number), dst)
		for range count {
			m.ADDQ(s.multiples[1], z)
		}
		m.SUBQ(operand.U8(count), columns)
		m.CMPQ(columns, operand.U8(count))
		m.JGE(operand.LabelRef(loop))
		m.Label(skip)
	}
	m.end()
}

// fold leaves ((s0+s4)+(s2+s6)) + ((s1+s5)+(s3+s7)) in the first number of sums.
func (m machine) fold(sums []reg.VecPhysical, t reg.VecPhysical) {
	s := sums[0]
	if m.perLane() == 1 {
		m.VEXTRACTF64X4(operand.U8(1), s, t.AsY())
		m.VADDPD(t.AsY(), s.AsY(), s.AsY())
	} else {
		m.VADDPD(sums[1], s, s)
	}
	m.VEXTRACTF128(operand.U8(1), s.AsY(), t.AsX())
	m.VADDPD(t.AsX(), s.AsX(), s.AsX())
	m.VUNPCKHPD(s.AsX(), s.AsX(), t.AsX())
	m.VADDSD(t.AsX(), s.AsX(), s.AsX())
}

// fold8 leaves the folds of eight registers in the first.
func (m machine) fold8(sums, t []reg.VecPhysical) {
	// add sets a to the sum of what the two selections of quarters take from a and b.
	add := func(a, b reg.VecPhysical, one, other uint64) {
		m.VSHUFF64X2(operand.Imm(one), b, a, t[0])
		m.VSHUFF64X2(operand.Imm(other), b, a, t[1])
		m.VADDPD(t[1], t[0], a)
	}
	m.Comment("Halves of lanes of columns 0 and 2, 4 and 6, 1 and 3, 5 and 7.")
	for _, c := range []int{0, 4, 1, 5} {
		add(sums[c], sums[c+2], 0x44, 0xee)
	}
	m.Comment("Quarters of the even columns, and of the odd ones.")
	for _, c := range []int{0, 1} {
		add(sums[c], sums[c+4], 0x88, 0xdd)
	}
	m.VUNPCKLPD(sums[1], sums[0], t[0])
	m.VUNPCKHPD(sums[1], sums[0], t[1])
	m.VADDPD(t[1], t[0], sums[0])
}

// fold4 leaves the folds of four pairs of registers in the first.
func (m machine) fold4(sums, t []reg.VecPhysical) {
	for c := range 4 {
		m.VADDPD(sums[2*c+1], sums[2*c], sums[2*c])
	}
	for _, c := range []int{0, 1} { // columns c and c+2
		m.VPERM2F128(operand.U8(0x20), sums[2*c+4], sums[2*c], t[0])
		m.VPERM2F128(operand.U8(0x31), sums[2*c+4], sums[2*c], t[1])
		m.VADDPD(t[1], t[0], sums[2*c])
	}
	m.VUNPCKLPD(sums[2], sums[0], t[0])
	m.VUNPCKHPD(sums[2], sums[0], t[1])
	m.VADDPD(t[1], t[0], sums[0])
}
