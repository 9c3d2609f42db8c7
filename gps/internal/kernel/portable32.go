package kernel

import (
	"math"
	"unsafe"
)

// lane32At returns the Lane32 numbers from the i-th after p.
func lane32At(p *float32, i int) *[Lane32]float32 {
	return (*[Lane32]float32)(unsafe.Add(unsafe.Pointer(p), i*4))
}

func at32(p *float32, i int) *float32 { return (*float32)(unsafe.Add(unsafe.Pointer(p), i*4)) }

func product32Portable(p *operands32) {
	for j := range p.columns {
		for i := range p.lanes {
			var acc [Lane32]float32
			if p.c != nil {
				acc = *lane32At(p.c, j*p.cStride+i*Lane32)
			}
			b := j * p.bOuter
			for l := range p.inner {
				x, y := lane32At(p.a, l*p.aStride+i*Lane32), *at32(p.b, b+l*p.bInner)
				if active == plainPath {
					for r := range acc {
						acc[r] += float32(x[r] * y)
					}
					continue
				}
				for r := range acc {
					acc[r] = fma32(x[r], y, acc[r])
				}
			}
			if i == p.lanes-1 && p.half == 1 {
				*(*[Lane32 / 2]float32)(unsafe.Pointer(at32(p.d, j*p.dStride+i*Lane32))) = [Lane32 / 2]float32(acc[:])
				continue
			}
			*lane32At(p.d, j*p.dStride+i*Lane32) = acc
		}
	}
}

// fma32 returns x*y + z rounded once. The product of two float32 is exact in float64, where the
// sum is rounded a first time: that matters only where what comes out lies half-way between two
// float32, or is too small to be a normal one.
func fma32(x, y, z float32) float32 {
	product, w := float64(x)*float64(y), float64(z)
	s := product + w
	const smallest32 = 0x1p-126
	if b := math.Float64bits(s); b&(1<<29-1) != 1<<28 && !(math.Abs(s) < smallest32) || s == 0 {
		return float32(s)
	}
	// Rounding to odd keeps what was lost in the last bit, for the second rounding to see
	// (Boldo and Melquiond, "Emulation of a FMA and correctly rounded sums", 2008).
	part := s - product
	lost := (product - (s - part)) + (w - part)
	if b := math.Float64bits(s); lost != 0 && b&1 == 0 {
		if lost > 0 == (s > 0) {
			b++
		} else {
			b--
		}
		s = math.Float64frombits(b)
	}
	return float32(s)
}

// mulAdd32 returns x*y + z as the path in use rounds it.
func mulAdd32(x, y, z float32) float32 {
	if active == plainPath {
		return float32(x*y) + z
	}
	return fma32(x, y, z)
}

// each32 calls do for the lanes of columns of d and a.
func each32(d *float32, dStride int, a *float32, aStride, lanes, columns int, do func(d, a *[Lane32]float32)) {
	for j := range columns {
		for i := range lanes {
			do(lane32At(d, j*dStride+i*Lane32), lane32At(a, j*aStride+i*Lane32))
		}
	}
}

func reluPortable(a *float32, stride, lanes, columns int) {
	each32(a, stride, a, stride, lanes, columns, func(d, _ *[Lane32]float32) {
		for r, v := range d {
			if v < 0 {
				d[r] = 0
			}
		}
	})
}

func reluSlopePortable(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	each32(d, dStride, a, aStride, lanes, columns, func(d, a *[Lane32]float32) {
		for r, v := range a {
			d[r] += v - v
			if v <= 0 {
				d[r] = 0
			}
		}
	})
}

// Numerator and denominator of tanh x = x P(x^2) / Q(x^2), constants first: fitted to the least
// relative error, 2.2e-8, for |x| up to 9.02, of which tanh is 1 in float32.
var (
	tanhP = [...]float32{1, 0.13379939172811146, 0.0034942751743050351, 2.0586582970085663e-5, 1.3321821017764394e-8}
	tanhQ = [...]float32{1, 0.46713255337121779, 0.025872045625283248, 3.2834489015541706e-4, 7.7634687570437771e-7}
)

// tanhLimit is where the quotient has reached 1.
const tanhLimit = 9

func tanhPortable(a *float32, stride, lanes, columns int) {
	each32(a, stride, a, stride, lanes, columns, func(d, _ *[Lane32]float32) {
		for r, v := range d {
			x := v
			if x > tanhLimit {
				x = tanhLimit
			} else if x < -tanhLimit {
				x = -tanhLimit
			}
			square := float32(x * x)
			x = float32(x*polynomial32(tanhP[:], square)) / polynomial32(tanhQ[:], square)
			if x > 1 {
				x = 1
			} else if x < -1 {
				x = -1
			}
			d[r] = x
		}
	})
}

// polynomial32 is Horner's rule.
func polynomial32(c []float32, x float32) float32 {
	y := c[len(c)-1]
	for i := len(c) - 2; i >= 0; i-- {
		y = mulAdd32(y, x, c[i])
	}
	return y
}

func tanhSlopePortable(d *float32, dStride int, a *float32, aStride, lanes, columns int) {
	each32(d, dStride, a, aStride, lanes, columns, func(d, a *[Lane32]float32) {
		for r, v := range a {
			d[r] = float32(d[r] * mulAdd32(-v, v, 1))
		}
	})
}

const adamFactors = 8

func (a *Adam) factors() unsafe.Pointer { return unsafe.Pointer(a) }

func adamPortable(f *[adamFactors]float32, p, m, v, g *float32, lanes int) {
	a := (*Adam)(unsafe.Pointer(f))
	for l := range lanes {
		p, m, v, g := lane32At(p, l*Lane32), lane32At(m, l*Lane32), lane32At(v, l*Lane32), lane32At(g, l*Lane32)
		for r := range p {
			m[r] = mulAdd32(a.Keep1, m[r], float32(a.Take1*g[r]))
			v[r] = mulAdd32(a.Keep2, v[r], float32(float32(a.Take2*g[r])*g[r]))
			root := float32(math.Sqrt(float64(v[r]))) // rounded to float64 first makes no difference
			step := float32(a.Rate*m[r]) / mulAdd32(a.Root, root, a.Epsilon)
			p[r] = mulAdd32(a.Shrink, p[r], -step)
		}
	}
}

func transpose32Portable(dst *float32, dstStride int, a *float32, stride, rows, columns int) {
	for j := range columns {
		for i := range rows {
			*at32(dst, i*dstStride+j) = *at32(a, j*stride+i)
		}
	}
}
