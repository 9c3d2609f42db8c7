package main

import (
	"fmt"

	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// size is the number of rows and columns of the block that is factored.
const size = 8

// Conditions of VCMPPD that are false for NaN.
const (
	lessOrEqual    = 2
	greaterOrEqual = 13
)

// factor begins the function that factorPortable describes and returns its parameters, the
// stride in bytes.
func (m machine) factor() (a, stride, w, n reg.Register) {
	m.function("factor", "func(a *float64, stride int, w *float64, n int) int",
		"replaces the lower part of a, n x n, by its Cholesky factor, and w by the factor's",
		"inverse, as factorPortable does.")
	a, stride, w, n = m.parameter("a"), m.parameter("stride"), m.parameter("w"), m.parameter("n")
	m.SHLQ(operand.U8(3), stride)
	return a, stride, w, n
}

// leaveAfter jumps to the label if column j is the last.
func (m machine) leaveAfter(j int, n reg.Register, label string) {
	if j < size-1 {
		m.CMPQ(n, operand.U8(j+1))
		m.JE(operand.LabelRef(label))
	}
}

// fail ends a factor: failed has a bit for each column without a pivot.
func (m machine) fail(failed reg.Register) {
	m.Label("fail")
	m.BSFQ(failed, failed)
	m.Store(failed, m.ReturnIndex(0))
	m.end()
}

// factor512 holds each column of M D and of M^-1 in a register. A product, a fused
// multiply-add and a division of single numbers lead from one pivot to the next: the column
// that the next one is in would take a broadcast longer. The rest is done meanwhile.
func (m machine) factor512(k constants) {
	a, stride, w, n := m.factor()
	x, v, lanes := m.vectors(0, size), m.vectors(size, size), m.vectors(2*size, size)
	one, pivots, inverse, multipliers, inverses := m.vector(24), m.vector(25), m.vector(26), m.vector(27), m.vector(28)
	broadcast := func(j int, from operand.Op, register int) reg.VecPhysical {
		to := m.vector(29 + register%3)
		m.VPERMPD(from, lanes[j], to)
		return to
	}

	m.Comment("Mask j holds the rows from j to n. That of 0 shares a register with that of 1.")
	masks := [size]operand.Op{reg.K1, reg.K1, reg.K2, reg.K3, reg.K4, reg.K5, reg.K6, reg.K7}
	rows, bits, column := m.GP64(), m.GP64(), m.GP64()
	m.MOVQ(n, reg.RCX)
	m.MOVQ(operand.U32(1), rows)
	m.SHLQ(reg.CL, rows)
	m.DECQ(rows)
	setMask := func(j int) {
		m.MOVQ(rows, bits)
		m.ANDQ(operand.U32(0xff<<j&0xff), bits)
		m.KMOVW(bits.As32(), masks[j])
	}
	m.MOVQ(a, column)
	m.VBROADCASTSD(k.one, one)
	m.VMOVAPD(one, pivots) // lanes from n on pass as 1
	for j := range size {
		setMask(j)
		if j > 0 { // columns from n on are not read
			next := m.GP64()
			m.LEAQ(indexed(column, stride, 1), next)
			m.CMPQ(n, operand.U8(j))
			m.CMOVQGT(next, column)
		}
		m.VMOVUPD_Z(at(column, 0), masks[j], x[j])
		if j == 0 {
			m.VMOVAPD(x[j], masks[j], pivots)
		}
		m.VMOVUPD(unit(k, j), v[j])
		m.VPBROADCASTQ(k.indices.Offset(j*number), lanes[j])
	}

	m.VDIVSD(x[0].AsX(), one.AsX(), inverse.AsX())
	for j := range size {
		m.Commentf("Column %d: the next pivot, then the columns.", j)
		if j == size-1 {
			m.VMOVAPD(x[j], masks[j], pivots)
			m.VBROADCASTSD(inverse.AsX(), inverse)
			m.VMOVAPD(inverse, masks[j], inverses)
			break
		}
		next, pivot, product := broadcast(j+1, x[j], 0), broadcast(j+1, x[j+1], 1), m.vector(31)
		m.VMULSD(inverse.AsX(), next.AsX(), product.AsX())
		m.VFNMADD231SD(next.AsX(), product.AsX(), pivot.AsX())
		m.VBROADCASTSD(inverse.AsX(), inverse)
		if j == 0 {
			m.VMOVAPD(inverse, inverses)
		} else {
			m.VMOVAPD(x[j], masks[j], pivots)
			m.VMOVAPD(inverse, masks[j], inverses)
		}
		m.leaveAfter(j, n, "finish")
		m.VMULPD_Z(inverse, x[j], masks[j+1], multipliers)
		m.VDIVSD(pivot.AsX(), one.AsX(), inverse.AsX())
		m.VFNMADD231PD(next, multipliers, x[j+1])
		for k := j + 2; k < size; k++ {
			m.VFNMADD231PD(broadcast(k, x[j], k), multipliers, x[k])
		}
		for c := range j {
			m.VFNMADD231PD(broadcast(j, v[c], c), multipliers, masks[j+1], v[c])
		}
		m.VFNMADD231PD(one, multipliers, v[j])
	}

	m.Label("finish")
	failed := m.GP64()
	m.VCMPPD_BCST(operand.U8(greaterOrEqual), k.smallest, pivots, reg.K1)
	m.VCMPPD_BCST(operand.U8(lessOrEqual), k.largest, pivots, reg.K1, reg.K1)
	m.KMOVW(reg.K1, failed.As32())
	m.XORQ(operand.U32(0xff), failed)
	m.JNZ(operand.LabelRef("fail"))
	setMask(1)
	m.VSQRTPD(pivots, pivots)
	m.VMULPD(pivots, inverses, inverses)
	m.LEAQ(indexed(a, stride, 8), column)
	for j := size - 1; j >= 0; j-- {
		if j == 0 {
			setMask(0)
		}
		m.SUBQ(stride, column)
		m.VMULPD_Z(inverses, v[j], masks[j], v[j])
		m.VMOVUPD(v[j], at(w, j*lane))
		m.CMPQ(n, operand.U8(j))
		m.JLE(operand.LabelRef(fmt.Sprintf("stored%d", j)))
		m.VMULPD_Z(broadcast(j, inverses, j), x[j], masks[j], x[j])
		m.MOVQ(operand.U32(1<<j), bits) // the root itself on the diagonal
		m.KMOVW(bits.As32(), masks[j])
		m.VMOVAPD(pivots, masks[j], x[j])
		m.VMOVUPD(x[j], at(column, 0))
		m.Label(fmt.Sprintf("stored%d", j))
	}
	m.Store(n, m.ReturnIndex(0))
	m.end()
	m.fail(failed)
}
