package report

import (
	"math"

	"guidedpolicysearch/gps/lqg"
)

// Gains is a controller u ~ N(K_t x + k_t, C_t) in numbers per joint and time step, dU x T.
type Gains struct {
	// Norm holds the Euclidean norms of the rows of K_t.
	Norm [][]float64
	// Bias holds k_t in N m.
	Bias [][]float64
	// Deviation holds the standard deviations sqrt(C_t[j][j]) in N m.
	Deviation [][]float64
}

// NewGains returns the numbers of a controller.
func NewGains(c *lqg.Controller) *Gains {
	g := &Gains{Norm: rows(c.DU, c.T), Bias: rows(c.DU, c.T), Deviation: rows(c.DU, c.T)}
	for t := range c.T {
		for j := range c.DU {
			g.Norm[j][t] = norm(c.Gain(t)[j*c.DX : (j+1)*c.DX])
			g.Bias[j][t] = c.BiasAt(t)[j]
			g.Deviation[j][t] = norm(c.CholAt(t)[j*c.DU : j*c.DU+j+1])
		}
	}
	return g
}

// norm returns the Euclidean norm.
func norm(v []float64) float64 {
	sum := 0.0
	for _, e := range v {
		sum += e * e
	}
	return math.Sqrt(sum)
}
