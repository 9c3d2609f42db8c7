package cost

// derivatives are those of a penalty by m elements of a deviation, in the form that the chain
// rule takes least work from: the Hessian is diag(diagonal) + outer direction direction'.
type derivatives struct {
	gradient, diagonal, direction []float64 // m
	outer                         float64
}

func newDerivatives(m int) derivatives {
	return derivatives{gradient: make([]float64, m), diagonal: make([]float64, m), direction: make([]float64, m)}
}

// differentiate is Evaluate with the Hessian in parts.
func (p Penalty) differentiate(dst *derivatives, d, w []float64, ramp float64) float64 {
	value, round, outer := p.norms(d, w, ramp)
	dst.outer = outer
	for i, di := range d {
		wi := w[i] * ramp
		dst.diagonal[i] = p.L2*wi + round*wi*wi
		dst.gradient[i] = dst.diagonal[i] * di
		dst.direction[i] = wi * wi * di
	}
	return value + p.separable(dst.gradient, dst.diagonal, 1, d, w, ramp)
}

// chain turns derivatives by d, m, into those by q for d = J q + const, J m x n: g = J'gd, n,
// and h = J'hd J, n x n, the part of one direction as (J'direction)(J'direction)'. along has
// n elements.
func chain(g, h []float64, d *derivatives, jac, along []float64) {
	n := len(g)
	clear(g)
	clear(h)
	clear(along)
	for i, slope := range d.gradient {
		row, c, v := jac[i*n:(i+1)*n], d.diagonal[i], d.direction[i]
		for a, j := range row {
			g[a] += j * slope
			along[a] += j * v
			addScaled(h[a*n+a:(a+1)*n], c*j, row[a:])
		}
	}
	for a, v := range along {
		addScaled(h[a*n+a:(a+1)*n], d.outer*v, along[a:])
		for b := range a {
			h[a*n+b] = h[b*n+a]
		}
	}
}

// addScaled adds c times src to dst.
func addScaled(dst []float64, c float64, src []float64) {
	if c == 0 {
		return
	}
	dst = dst[:len(src)]
	for i, v := range src {
		dst[i] += c * v
	}
}
