package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// grid writes loops over columns of lanes of float32 numbers, begun after function: do takes a
// vector of D in a register, and the address of A's at the same place, and leaves what becomes
// D's.
func (m machine) grid(two bool, do func(d reg.VecPhysical, a operand.Mem)) {
	d, dStride := m.parameter("d"), m.parameter("dStride")
	m.SHLQ(m.shift(), dStride)
	a, aStride := d, dStride
	if two {
		a, aStride = m.parameter("a"), m.parameter("aStride")
		m.SHLQ(m.shift(), aStride)
	}
	lanes, columns := m.parameter("lanes"), m.parameter("columns")
	m.SHLQ(operand.U8(6), lanes) // in bytes, of which one lane has 64
	offset := m.GP64()
	m.Label("columns")
	m.XORQ(offset, offset)
	m.Label("lanes")
	v := m.vector(0)
	m.VMOVUPS(indexed(d, offset, 1), v)
	do(v, indexed(a, offset, 1))
	m.VMOVUPS(v, indexed(d, offset, 1))
	m.ADDQ(operand.U8(m.bytes), offset)
	m.CMPQ(offset, lanes)
	m.JL(operand.LabelRef("lanes"))
	m.ADDQ(dStride, d)
	if two {
		m.ADDQ(aStride, a)
	}
	m.DECQ(columns)
	m.JNZ(operand.LabelRef("columns"))
	m.end()
}

const (
	oneBlock  = "func(d *float32, dStride, lanes, columns int)"
	twoBlocks = "func(d *float32, dStride int, a *float32, aStride, lanes, columns int)"
)

// relu writes d = max(d, 0). Of a maximum with a NaN, and of one of zeros, the first operand of
// the instruction as Go writes it comes out.
func (m machine) relu() {
	m.function("relu", oneBlock, "replaces numbers by their positive parts.")
	zero := m.vector(1)
	m.zero(zero)
	m.grid(false, func(d reg.VecPhysical, _ operand.Mem) { m.VMAXPS(d, zero, d) })
}

// reluSlope writes d = d + (a - a) where a > 0, else 0; the difference is a NaN where a is none or
// infinite.
func (m machine) reluSlope() {
	m.function("reluSlope", twoBlocks, "multiplies d by the slope of what relu made.")
	zero, t, mask := m.vector(1), m.vector(2), m.vector(3)
	m.zero(zero)
	m.grid(true, func(d reg.VecPhysical, a operand.Mem) {
		m.VMOVUPS(a, t)
		if m.bytes == 64 {
			m.VCMPPS(operand.U8(notLessOrEqual), zero, t, reg.K1)
			m.VSUBPS(t, t, t)
			m.VADDPS_Z(t, d, reg.K1, d)
			return
		}
		m.VCMPPS(operand.U8(notLessOrEqual), zero, t, mask)
		m.VSUBPS(t, t, t)
		m.VADDPS(t, d, d)
		m.VANDPS(mask, d, d)
	})
}

// notLessOrEqual is the condition of VCMPPS that is true for NaN.
const notLessOrEqual = 6

// tanh clamps, so that a NaN stays one: of a minimum or maximum with it the first operand of the
// instruction as Go writes it comes out.
func (m machine) tanh(k constants) {
	m.function("tanh", oneBlock, "replaces numbers by their hyperbolic tangents.")
	high, low, one, minus := m.vector(1), m.vector(2), m.vector(3), m.vector(4)
	square, p, q, c := m.vector(5), m.vector(6), m.vector(7), m.vector(8)
	m.VBROADCASTSS(k.tanhLimit, high)
	m.VBROADCASTSS(k.tanhLimit.Offset(4), low)
	m.VBROADCASTSS(k.one32, one)
	m.zero(minus)
	m.VSUBPS(one, minus, minus)
	horner := func(y reg.VecPhysical, coefficients []operand.Mem) {
		m.VBROADCASTSS(coefficients[len(coefficients)-1], y)
		for i := len(coefficients) - 2; i >= 0; i-- {
			m.VBROADCASTSS(coefficients[i], c)
			m.VFMADD213PS(c, square, y)
		}
	}
	m.grid(false, func(d reg.VecPhysical, _ operand.Mem) {
		m.VMINPS(d, high, d)
		m.VMAXPS(d, low, d)
		m.VMULPS(d, d, square)
		horner(p, k.tanhP)
		horner(q, k.tanhQ)
		m.VMULPS(p, d, d)
		m.VDIVPS(q, d, d)
		m.VMINPS(d, one, d)
		m.VMAXPS(d, minus, d)
	})
}

// tanhSlope writes d = d (1 - a^2).
func (m machine) tanhSlope(k constants) {
	m.function("tanhSlope", twoBlocks, "multiplies d by the slope of what tanh made.")
	one, t, slope := m.vector(1), m.vector(2), m.vector(3)
	m.VBROADCASTSS(k.one32, one)
	m.grid(true, func(d reg.VecPhysical, a operand.Mem) {
		m.VMOVUPS(a, t)
		m.VMOVAPS(one, slope)
		m.VFNMADD231PS(t, t, slope)
		m.VMULPS(slope, d, d)
	})
}

// adam is bound by its division and root, so that nothing is unrolled.
func (m machine) adam() {
	m.function("adam", "func(f *[8]float32, p, m, v, gradient *float32, lanes int)",
		"does a step of Adam, f being the struct of that name.")
	factors := m.parameter("f")
	f := m.vectors(0, 8)
	for i, v := range f {
		m.VBROADCASTSS(at(factors, 4*i), v)
	}
	keep1, take1, keep2, take2, shrink, rate, root, epsilon := f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7]
	p, first, second, gradient := m.parameter("p"), m.parameter("m"), m.parameter("v"), m.parameter("gradient")
	lanes, offset := m.parameter("lanes"), m.GP64()
	m.SHLQ(operand.U8(6), lanes)
	m.XORQ(offset, offset)
	mean, square, g, t, parameter := m.vector(8), m.vector(9), m.vector(10), m.vector(11), m.vector(12)
	m.Label("lanes")
	m.VMOVUPS(indexed(gradient, offset, 1), g)
	m.VMULPS(take1, g, mean)
	m.VFMADD231PS(indexed(first, offset, 1), keep1, mean)
	m.VMOVUPS(mean, indexed(first, offset, 1))
	m.VMULPS(take2, g, square)
	m.VMULPS(g, square, square)
	m.VFMADD231PS(indexed(second, offset, 1), keep2, square)
	m.VMOVUPS(square, indexed(second, offset, 1))
	m.VSQRTPS(square, t)
	m.VFMADD213PS(epsilon, root, t)
	m.VMULPS(rate, mean, mean)
	m.VDIVPS(t, mean, mean)
	m.VMOVUPS(indexed(p, offset, 1), parameter)
	m.VFMSUB213PS(mean, shrink, parameter)
	m.VMOVUPS(parameter, indexed(p, offset, 1))
	m.ADDQ(operand.U8(m.bytes), offset)
	m.CMPQ(offset, lanes)
	m.JL(operand.LabelRef("lanes"))
	m.end()
}

// transpose32 serves both instruction sets: squares of eight by eight.
func (m machine) transpose32() {
	m.function("transpose32", "func(dst *float32, dstStride int, a *float32, stride, rows, columns int)",
		"transposes a matrix of rows x columns squares of eight by eight.")
	dst, dstStride, a, stride := m.parameter("dst"), m.parameter("dstStride"), m.parameter("a"), m.parameter("stride")
	rows, columns := m.parameter("rows"), m.parameter("columns")
	from, to, left, row := m.GP64(), m.GP64(), m.GP64(), m.GP64()
	m.SHLQ(m.shift(), dstStride)
	m.SHLQ(m.shift(), stride)
	m.Label("columns")
	m.MOVQ(rows, left)
	m.MOVQ(a, row)
	m.MOVQ(dst, to)
	m.Label("rows")
	m.MOVQ(row, from)
	x, t := m.vectors(0, 8), m.vectors(8, 8)
	for _, v := range x {
		m.VMOVUPS(at(from, 0), v)
		m.ADDQ(stride, from)
	}
	for i := 0; i < 8; i += 2 {
		m.VUNPCKLPS(x[i+1], x[i], t[i])
		m.VUNPCKHPS(x[i+1], x[i], t[i+1])
	}
	const low, high = 0x44, 0xee // pairs of each half
	for half := 0; half < 8; half += 4 {
		for i := range 2 {
			m.VSHUFPS(operand.U8(low), t[half+i+2], t[half+i], x[half+2*i])
			m.VSHUFPS(operand.U8(high), t[half+i+2], t[half+i], x[half+2*i+1])
		}
	}
	for i := range 4 {
		m.VPERM2F128(operand.U8(0x20), x[i+4], x[i], t[i])
		m.VPERM2F128(operand.U8(0x31), x[i+4], x[i], t[i+4])
	}
	for _, v := range t {
		m.VMOVUPS(v, at(to, 0))
		m.ADDQ(dstStride, to)
	}
	m.ADDQ(operand.U8(8*4), row)
	m.DECQ(left)
	m.JNZ(operand.LabelRef("rows"))
	m.ADDQ(operand.U8(8*4), dst)
	m.LEAQ(indexed(a, stride, 8), a)
	m.DECQ(columns)
	m.JNZ(operand.LabelRef("columns"))
	m.end()
}
