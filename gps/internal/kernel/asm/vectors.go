package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// unrolled is the number of lanes that a step of the loops over long vectors takes.
const unrolled = 4

// stream writes a loop over n lanes of the vectors at the pointers, which it moves: do takes
// the vector at a displacement, with a register number for each of the vectors in flight.
func (m machine) stream(n reg.Register, pointers []reg.Register, do func(displacement, i int)) {
	for _, step := range []int{unrolled, 1} {
		name := fmt.Sprintf("lanes%d", step)
		m.CMPQ(n, operand.U8(step))
		m.JL(operand.LabelRef("end" + name))
		m.Label(name)
		for i := range step * m.perLane() {
			do(i*m.bytes, i)
		}
		for _, p := range pointers {
			m.ADDQ(operand.U32(step*lane), p)
		}
		m.SUBQ(operand.U8(step), n)
		m.CMPQ(n, operand.U8(step))
		m.JGE(operand.LabelRef(name))
		m.Label("end" + name)
	}
}

// dot adds the products of two vectors to sums in eight lanes. One sum per lane leaves the
// processor waiting for each, but keeps short vectors, which are the rule, cheap to add up.
func (m machine) dot() {
	m.function("dot", "func(acc, x, y *float64, n int)",
		"adds the products of n lanes of x and y to the eight sums at acc.")
	acc, x, y, n := m.parameter("acc"), m.parameter("x"), m.parameter("y"), m.parameter("n")
	sums := m.vectors(0, m.perLane())
	for i, s := range sums {
		m.VMOVUPD(at(acc, i*m.bytes), s)
	}
	m.stream(n, []reg.Register{x, y}, func(displacement, i int) {
		t := m.vector(4 + i)
		m.VMOVUPD(at(x, displacement), t)
		m.VFMADD231PD(at(y, displacement), t, sums[i%len(sums)])
	})
	for i, s := range sums {
		m.VMOVUPD(s, at(acc, i*m.bytes))
	}
	m.end()
}

// axpy adds a x to dst.
func (m machine) axpy() {
	m.function("axpy", "func(dst *float64, a float64, x *float64, n int)",
		"adds a times n lanes of x to those of dst.")
	dst, x, n := m.parameter("dst"), m.parameter("x"), m.parameter("n")
	a := m.vector(0)
	m.Load(m.Param("a"), a.AsX())
	m.VBROADCASTSD(a.AsX(), a)
	m.stream(n, []reg.Register{dst, x}, func(displacement, i int) {
		t := m.vector(4 + i)
		m.VMOVUPD(at(dst, displacement), t)
		m.VFMADD231PD(at(x, displacement), a, t)
		m.VMOVUPD(t, at(dst, displacement))
	})
	m.end()
}

// difference writes dst = (x - y) s.
func (m machine) difference() {
	m.function("difference", "func(dst, x, y *float64, s float64, n int)",
		"writes s times the difference of n lanes of x and y to those of dst.")
	dst, x, y, n := m.parameter("dst"), m.parameter("x"), m.parameter("y"), m.parameter("n")
	s := m.vector(0)
	m.Load(m.Param("s"), s.AsX())
	m.VBROADCASTSD(s.AsX(), s)
	m.stream(n, []reg.Register{dst, x, y}, func(displacement, i int) {
		t := m.vector(4 + i)
		m.VMOVUPD(at(x, displacement), t)
		m.VSUBPD(at(y, displacement), t, t)
		m.VMULPD(s, t, t)
		m.VMOVUPD(t, at(dst, displacement))
	})
	m.end()
}

// peak multiplies and adds in registers only, to measure how fast the core does that.
func (m machine) peak() {
	m.function("peak", "func(n int)", fmt.Sprintf("does n times %d lanes of fused multiply-adds.", peakLanes))
	n := m.parameter("n")
	sums, factor := m.vectors(0, peakLanes), m.vector(peakLanes)
	for _, v := range append(sums, factor) {
		m.zero(v)
	}
	m.Label("loop")
	for range m.perLane() {
		for _, s := range sums {
			m.VFMADD231PD(factor, factor, s)
		}
	}
	m.DECQ(n)
	m.JG(operand.LabelRef("loop"))
	m.end()
}

// peakLanes is more than the multiply-adds that any core has under way.
const peakLanes = 12
