package main

import (
	"github.com/mmcloughlin/avo/operand"
	"github.com/mmcloughlin/avo/reg"
)

// halfSize is the number of rows of a block that a register of AVX2 holds.
const halfSize = size / 2

// halves holds the registers and variables of factor256. Half h of a column is its rows
// from 4h on; columns from 4 on have no first half, since it is above the diagonal.
type halves struct {
	machine
	constants
	columns, multipliers operand.Mem // M D and M - I, column by column
	pivots, inverses     operand.Mem
	n, rows              reg.Register // rows: mask of the rows below n
}

// half returns the register of half h of column j.
func (f *halves) half(j, h int) reg.VecPhysical {
	if h == 0 {
		return f.vector(size + j)
	}
	return f.vector(j)
}

// first returns the first half that column j has.
func first(j int) int { return j / halfSize }

// part returns the address of half h of the column of eight numbers at m.
func part(m operand.Mem, j, h int) operand.Mem { return m.Offset(j*lane + h*halfSize*number) }

// from returns the address of the mask of rows from j on.
func (f *halves) from(j, h int) operand.Mem {
	return part(f.zerosOnes.Offset((size-j)*number), 0, h)
}

// broadcast sets all of to to row i of column j.
func (f *halves) broadcast(i, j int, to operand.Op) {
	f.VPERMPD(operand.U8(i%halfSize*0x55), f.half(j, i/halfSize), to)
}

// factor256 has room for half of what factor512 holds, so M D comes first, then M^-1.
func (m machine) factor256(k constants) {
	a, stride, w, n := m.factor()
	m.Attributes(0) // the frame is too large for NOSPLIT
	f := &halves{machine: m, constants: k, n: n, rows: m.GP64(),
		columns: m.AllocLocal(size * lane), multipliers: m.AllocLocal(size * lane),
		pivots: m.AllocLocal(lane), inverses: m.AllocLocal(lane)}
	m.LEAQ(f.onesZeros.Offset(size*number), f.rows)
	last := m.GP64()
	m.MOVQ(n, last)
	m.SHLQ(operand.U8(3), last)
	m.SUBQ(last, f.rows)

	f.load(a, stride)
	for j := range size {
		f.eliminate(j)
		m.leaveAfter(j, n, "factored")
	}
	m.Label("factored")
	failed := f.roots()
	for c := range size {
		for h := first(c); h < 2; h++ {
			m.VMOVUPD(part(unit(k, c), 0, h), f.half(c, h))
		}
	}
	for j := range size - 1 {
		f.invert(j)
		m.leaveAfter(j, n, "inverted")
	}
	m.Label("inverted")
	f.storeInverse(w)
	f.storeFactor(a, stride)
	m.Label("done")
	m.Store(n, m.ReturnIndex(0))
	m.end()
	m.fail(failed)
}

// load reads the columns, rows from n on as zeros. Columns from n on are not read; their
// registers hold another one, which nothing uses.
func (f *halves) load(a, stride reg.Register) {
	column, next, one := f.GP64(), f.GP64(), f.vector(15)
	f.MOVQ(a, column)
	f.VBROADCASTSD(f.one, one)
	for h := range 2 { // rows from n on pass as 1
		f.VMOVUPD(one, part(f.pivots, 0, h))
		f.VMOVUPD(one, part(f.inverses, 0, h))
	}
	for j := range size {
		if j > 0 {
			f.LEAQ(indexed(column, stride, 1), next)
			f.CMPQ(f.n, operand.U8(j))
			f.CMOVQGT(next, column)
		}
		for h := first(j); h < 2; h++ {
			x := f.half(j, h)
			f.VMOVUPD(at(f.rows, h*halfSize*number), x)
			f.VANDPD(at(column, h*halfSize*number), x, x)
		}
	}
}

// eliminate makes column j of M from that of M D, and subtracts its part of the rest.
func (f *halves) eliminate(j int) {
	inverse, pivot, t := f.vector(12), f.vector(15), f.vector(15)
	f.Commentf("Column %d of M D.", j)
	f.broadcast(j, j, pivot)
	f.VMOVSD(pivot.AsX(), f.pivots.Offset(j*number))
	for h := first(j); h < 2; h++ {
		f.VMOVUPD(f.half(j, h), part(f.columns, j, h))
	}
	f.VBROADCASTSD(f.one, inverse)
	f.VDIVPD(pivot, inverse, inverse)
	f.VMOVSD(inverse.AsX(), f.inverses.Offset(j*number))
	for h := first(j + 1); h < 2; h++ {
		multiplier := f.vector(13 + h)
		f.VMULPD(inverse, f.half(j, h), multiplier)
		if j >= h*halfSize {
			f.VANDPD(f.from(j+1, h), multiplier, multiplier)
		}
		f.VMOVUPD(multiplier, part(f.multipliers, j, h))
	}
	for k := j + 1; k < size; k++ {
		f.broadcast(k, j, t)
		for h := first(k); h < 2; h++ {
			f.VFNMADD231PD(t, f.vector(13+h), f.half(k, h))
		}
	}
}

// roots checks the pivots, replaces them by their square roots and their inverses by those
// of the roots.
func (f *halves) roots() (failed reg.Register) {
	low, high := f.GP64(), f.GP64()
	bits := [2]reg.GPVirtual{low, high}
	for h := range 2 {
		pivots, good, bound := f.vector(13), f.vector(14), f.vector(15)
		f.VMOVUPD(part(f.pivots, 0, h), pivots)
		f.VBROADCASTSD(f.smallest, bound)
		f.VCMPPD(operand.U8(greaterOrEqual), bound, pivots, good)
		f.VBROADCASTSD(f.largest, bound)
		f.VCMPPD(operand.U8(lessOrEqual), bound, pivots, bound)
		f.VANDPD(bound, good, good)
		f.VMOVMSKPD(good, bits[h].As32())
		f.VSQRTPD(pivots, pivots)
		f.VMOVUPD(pivots, part(f.pivots, 0, h))
		f.VMULPD(part(f.inverses, 0, h), pivots, pivots)
		f.VMOVUPD(pivots, part(f.inverses, 0, h))
	}
	f.SHLQ(operand.U8(halfSize), high)
	f.ORQ(high, low)
	f.XORQ(operand.U32(0xff), low)
	f.JNZ(operand.LabelRef("fail"))
	return low
}

// invert subtracts column j of M times row j of M^-1 from what is below that row.
func (f *halves) invert(j int) {
	f.Commentf("Row %d of M^-1.", j)
	t, sum := f.vector(15), f.vector(12)
	for h := first(j + 1); h < 2; h++ {
		f.VMOVUPD(part(f.multipliers, j, h), f.vector(13+h))
	}
	for c := range j + 1 {
		f.broadcast(j, c, t)
		for h := max(first(c), first(j+1)); h < 2; h++ {
			v, multiplier := f.half(c, h), f.vector(13+h)
			if j < h*halfSize {
				f.VFNMADD231PD(t, multiplier, v)
				continue
			}
			f.VMOVAPD(v, sum) // rows to j stay: an infinite one times 0 is NaN
			f.VFNMADD231PD(t, multiplier, sum)
			f.VBLENDPD(operand.U8(0xf<<(j%halfSize+1)&0xf), sum, v, v)
		}
	}
}

// storeInverse writes W = D^-1/2 M^-1.
func (f *halves) storeInverse(w reg.Register) {
	zero := f.vector(15)
	f.zero(zero)
	for h := range 2 {
		f.VMOVUPD(part(f.inverses, 0, h), f.vector(13+h))
	}
	for c := range size {
		for h := range 2 {
			v := zero
			if h >= first(c) {
				v = f.half(c, h)
				f.VMULPD(f.vector(13+h), v, v)
				f.VANDPD(at(f.rows, h*halfSize*number), v, v)
			}
			f.VMOVUPD(v, at(w, c*lane+h*halfSize*number))
		}
	}
}

// storeFactor writes L = M D^1/2, the roots themselves on the diagonal.
func (f *halves) storeFactor(a, stride reg.Register) {
	scale, root, zero := f.vector(13), f.vector(14), f.vector(15)
	for j := range size {
		f.VBROADCASTSD(f.inverses.Offset(j*number), scale)
		f.VBROADCASTSD(f.pivots.Offset(j*number), root)
		for h := range 2 {
			l := zero
			if h >= first(j) {
				l = f.vector(h)
				f.VMULPD(part(f.columns, j, h), scale, l)
				if h == first(j) {
					f.VANDPD(f.from(j, h), l, l)
					f.VBLENDPD(operand.U8(1<<(j%halfSize)), root, l, l)
				}
			}
			f.VMOVUPD(l, at(a, h*halfSize*number))
		}
		f.leaveAfter(j, f.n, "done")
		f.ADDQ(stride, a)
	}
}
