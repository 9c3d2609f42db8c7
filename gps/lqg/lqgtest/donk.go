package lqgtest

import (
	"testing"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/internal/vectors"
)

// DonkController reads gains, biases and covariances of a donk case under the given keys.
func DonkController(t *testing.T, n vectors.Node, gain, bias, covar string) *lqg.Controller {
	t.Helper()
	shape := n.Get(gain).Shape()
	c := lqg.NewController(shape[0], shape[2], shape[1])
	copy(c.K, n.Get(gain).Floats())
	copy(c.Bias, n.Get(bias).Floats())
	copy(c.Chol, n.Get(covar).Floats(c.T, c.DU, c.DU))
	for k := range c.T {
		if !dense.Cholesky(c.CholAt(k), c.DU) {
			t.Fatalf("%s at step %d is not positive definite", covar, k)
		}
	}
	return c
}

// DonkDynamics reads F, f and the noise's covariance, which is zero if there is none under
// the key.
func DonkDynamics(n vectors.Node, covar string) *lqg.Dynamics {
	shape := n.Get("F").Shape()
	d := lqg.NewDynamics(shape[0], shape[1], shape[2]-shape[1])
	copy(d.F, n.Get("F").Floats())
	copy(d.Bias, n.Get("f").Floats())
	if n.Has(covar) {
		copy(d.Cov, n.Get(covar).Floats())
	}
	return d
}

// DonkCost reads C, c and, if it is there, cc of a problem of dX states.
func DonkCost(n vectors.Node, dX int) *lqg.Cost {
	shape := n.Get("C").Shape()
	cost := lqg.NewCost(shape[0]-1, dX, shape[1]-dX)
	copy(cost.Quad, n.Get("C").Floats())
	copy(cost.Lin, n.Get("c").Floats())
	if n.Has("cc") {
		copy(cost.Const, n.Get("cc").Floats())
	}
	return cost
}

// Covariances returns C_t and C_t^-1 of all steps.
func Covariances(c *lqg.Controller) (cov, precision []float64) {
	n := c.DU * c.DU
	cov, precision = make([]float64, len(c.Chol)), make([]float64, len(c.Chol))
	for t := range c.T {
		c.Covariance(cov[t*n:(t+1)*n], t)
		c.Precision(precision[t*n:(t+1)*n], t)
	}
	return cov, precision
}
