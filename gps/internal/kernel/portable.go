package kernel

import (
	"math"
	"unsafe"
)

// at returns the i-th number after p.
func at(p *float64, i int) *float64 { return (*float64)(unsafe.Add(unsafe.Pointer(p), i*8)) }

// lanes returns the Lane numbers from the i-th after p.
func lanesAt(p *float64, i int) *[Lane]float64 { return (*[Lane]float64)(unsafe.Pointer(at(p, i))) }

func productPortable(p *operands) {
	for j := range p.columns {
		first := 0
		if p.shape == lower {
			first = j / Lane
		}
		for i := first; i < p.lanes; i++ {
			var acc [Lane]float64
			if p.c != nil {
				acc = *lanesAt(p.c, j*p.cStride+i*Lane)
				flip(&acc, p.sign)
			}
			b := j * p.bOuter
			if active == plainPath {
				for l := range p.inner {
					x, y := lanesAt(p.a, l*p.aStride+i*Lane), *at(p.b, b+l*p.bInner)
					for r := range acc {
						acc[r] += float64(x[r] * y)
					}
				}
			} else {
				for l := range p.inner {
					x, y := lanesAt(p.a, l*p.aStride+i*Lane), *at(p.b, b+l*p.bInner)
					for r := range acc {
						acc[r] = math.FMA(x[r], y, acc[r])
					}
				}
			}
			flip(&acc, p.sign)
			if i == p.lanes-1 && p.half == 1 {
				*(*[Lane / 2]float64)(unsafe.Pointer(at(p.d, j*p.dStride+i*Lane))) = [Lane / 2]float64(acc[:])
				continue
			}
			*lanesAt(p.d, j*p.dStride+i*Lane) = acc
		}
	}
}

func flip(v *[Lane]float64, sign uint64) {
	if sign != 0 {
		for r := range v {
			v[r] = -v[r]
		}
	}
}

// factorPortable replaces the lower part of a (n x n, n <= Lane) by its Cholesky factor L and
// writes L^-1 to w; both are Lane rows high, zero outside of the lower part. It returns n, or
// the first column whose pivot is not a normal number > 0; a and w are then as they were.
//
// It factors A = M D M', M with a unit diagonal, which needs one division from a pivot to the
// next where columns of L need a square root, a division and a product; L = M sqrt(D).
func factorPortable(a *float64, stride int, w *float64, n int) int {
	var x, v [Lane][Lane]float64 // M D and M^-1, column by column
	var m, root, r [Lane]float64 // a column of M, sqrt(D) and its inverse
	for j := range n {
		copy(x[j][j:n], lanesAt(a, j*stride)[j:n])
		v[j][j] = 1
	}
	for j := range n {
		pivot := x[j][j]
		if !(pivot >= smallest && pivot <= math.MaxFloat64) {
			return j
		}
		inverse := 1 / pivot
		root[j] = math.Sqrt(pivot)
		r[j] = root[j] * inverse
		for i := j + 1; i < n; i++ {
			m[i] = x[j][i] * inverse
		}
		for k := j + 1; k < n; k++ {
			for i := k; i < n; i++ {
				x[k][i] = mulAdd(-m[i], x[j][k], x[k][i])
			}
		}
		for c := range j + 1 {
			for i := j + 1; i < n; i++ {
				v[c][i] = mulAdd(-m[i], v[c][j], v[c][i])
			}
		}
	}
	for j := range n {
		for i := j; i < n; i++ {
			x[j][i] *= r[j]
			v[j][i] *= r[i]
		}
		x[j][j] = root[j]
		*lanesAt(a, j*stride) = x[j]
	}
	*(*[Lane][Lane]float64)(unsafe.Pointer(w)) = v
	return n
}

// smallest is the smallest normal number; the inverse of a smaller one may overflow.
const smallest = 0x1p-1022

func dotPortable(acc *[Lane]float64, x, y *float64, n int) {
	for l := range n {
		u, v := lanesAt(x, l*Lane), lanesAt(y, l*Lane)
		for r := range acc {
			acc[r] = mulAdd(u[r], v[r], acc[r])
		}
	}
}

func squaresPortable(dst, z *float64, stride, lanes, columns int) {
	for j := range columns {
		var acc [Lane]float64
		x := at(z, j*stride)
		dotPortable(&acc, x, x, lanes)
		*at(dst, j) += sumLanes(&acc)
	}
}

func axpyPortable(dst *float64, a float64, x *float64, n int) {
	for l := range n {
		d, v := lanesAt(dst, l*Lane), lanesAt(x, l*Lane)
		for r := range d {
			d[r] = mulAdd(a, v[r], d[r])
		}
	}
}

func differencePortable(dst, x, y *float64, s float64, n int) {
	for l := range n {
		d, u, v := lanesAt(dst, l*Lane), lanesAt(x, l*Lane), lanesAt(y, l*Lane)
		for r := range d {
			d[r] = (u[r] - v[r]) * s
		}
	}
}

func mirrorPortable(a *float64, stride, n int) {
	for j := range n {
		for i := j + 1; i < n; i++ {
			*at(a, i*stride+j) = *at(a, j*stride+i)
		}
	}
}

func transposePortable(dst *float64, dstStride int, a *float64, stride, rows, columns int) {
	for j := range columns {
		for i := range rows {
			*at(dst, i*dstStride+j) = *at(a, j*stride+i)
		}
	}
}

// sink keeps what peakPortable computes from being left out.
var sink float64

func peakPortable(n int) {
	var s [peakLanes]float64
	factor := sink
	for range n * Lane {
		for i := range s {
			s[i] = mulAdd(factor, factor, s[i])
		}
	}
	for _, v := range s {
		sink += v
	}
}
