package mixture

import (
	"math"

	"guidedpolicysearch/gps/internal/kernel"
)

// naturalOrder leaves the dimensions as they are.
func naturalOrder(D int) []int {
	order := make([]int, D)
	for i := range order {
		order[i] = i
	}
	return order
}

// discerningOrder returns an order of the dimensions in which the first few tell the
// mixture's components apart the best, so that partial Mahalanobis distances grow fast. One
// after the other, it takes the dimension whose variance over all points is the largest
// multiple of its variance within the components, both as they are given the dimensions
// before it: a Cholesky factorisation of the mean covariance with pivots. All but the first
// panel of dimensions stay in their order.
func discerningOrder(m *Mixture) []int {
	K, D := m.K, m.D
	within, total := make([]float64, D*D), make([]float64, D*D)
	center, off := make([]float64, D), make([]float64, D)
	for k := range K {
		kernel.Axpy(center, math.Exp(m.LogWeights[k]), m.Mean(k))
	}
	for k := range K {
		w := math.Exp(m.LogWeights[k])
		kernel.Axpy(within, w, m.Cov(k))
		kernel.Difference(off, m.Mean(k), center, 1)
		for i, v := range off {
			kernel.Axpy(total[i*D:(i+1)*D], w*v, off)
		}
	}
	kernel.Axpy(total, 1, within)
	order, used := make([]int, 0, D), make([]bool, D)
	a, b, slope := make([]float64, D), make([]float64, D), make([]float64, D)
	for range min(D, panel) {
		best, most := -1, 0.0
		for i := range D {
			if v := total[i*D+i] / within[i*D+i]; !used[i] && v > most {
				best, most = i, v
			}
		}
		if best < 0 { // numbers out of range
			break
		}
		used[best] = true
		order = append(order, best)
		// What is left of the others given this one, by the regression within.
		pivot, spread := within[best*D+best], total[best*D+best]
		copy(a, within[best*D:(best+1)*D])
		copy(b, total[best*D:(best+1)*D])
		for i, v := range a {
			slope[i] = v / pivot
		}
		for i, s := range slope {
			if !used[i] {
				kernel.Axpy(within[i*D:(i+1)*D], -s, a)
				kernel.Axpy(total[i*D:(i+1)*D], -s, b)
				kernel.Axpy(total[i*D:(i+1)*D], s*spread-b[i], slope)
			}
		}
	}
	for i, taken := range used {
		if !taken {
			order = append(order, i)
		}
	}
	return order
}
