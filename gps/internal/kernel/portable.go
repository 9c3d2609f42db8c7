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

// factorPortable replaces the lower part of a (n x n, n <= Lane) by its Cholesky factor and
// writes the factor's inverse to w; both are Lane rows high, zero outside of the lower part.
// It returns n, or the first column whose pivot is not a finite number > 0.
func factorPortable(a *float64, stride int, w *float64, n int) int {
	var l, inv [Lane][Lane]float64 // column by column
	var reciprocal [Lane]float64
	for j := range n {
		x := lanesAt(a, j*stride)
		copy(l[j][j:n], x[j:n])
		inv[j][j] = 1
	}
	for j := range n {
		pivot := l[j][j]
		if !(pivot > 0 && pivot <= math.MaxFloat64) {
			return j
		}
		root := math.Sqrt(pivot)
		r := 1 / root
		l[j][j], reciprocal[j] = root, r
		for i := j + 1; i < n; i++ {
			l[j][i] *= r
		}
		for k := j + 1; k < n; k++ {
			for i := k; i < n; i++ {
				l[k][i] = mulAdd(-l[j][i], l[j][k], l[k][i])
			}
		}
		for c := range j + 1 {
			inv[c][j] *= r
			for i := j + 1; i < n; i++ {
				inv[c][i] = mulAdd(-l[j][i], inv[c][j], inv[c][i])
			}
		}
	}
	for j := range n {
		*lanesAt(a, j*stride) = l[j]
	}
	*(*[Lane][Lane]float64)(unsafe.Pointer(w)) = inv
	return n
}

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
