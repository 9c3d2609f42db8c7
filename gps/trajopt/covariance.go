package trajopt

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/internal/kernel"
)

// roundOff is how far below zero an eigenvalue of a covariance may lie, relative to its
// largest entry, and how far from symmetric it may be: what a fit leaves.
const roundOff = 1e-6

// covariance tells whether matrices are covariances, with its workspace.
type covariance struct {
	n      int
	block  kernel.Block
	factor *kernel.Factor
}

func newCovariance(n int) covariance {
	return covariance{n: n, block: kernel.NewBlock(n, n), factor: kernel.NewFactor(n, 0)}
}

// is reports whether a (n x n) is one.
func (c *covariance) is(a []float64) bool {
	n, largest, apart := c.n, 0.0, 0.0
	for j := range n {
		column, row := c.block.Column(j, n), a[j*n:(j+1)*n]
		largest = max(largest, math.Abs(row[j]))
		for i := j; i < n; i++ {
			v := a[i*n+j]
			column[i] = v
			if v != row[i] {
				apart = max(apart, math.Abs(v-row[i])) // NaN stays
			}
		}
	}
	if !(apart <= roundOff*largest) && c.asymmetry(a, largest) != "" {
		return false
	}
	for i := range n {
		c.block.Data[i*c.block.Stride+i] += roundOff*largest + 1e-300
	}
	return c.factor.Cholesky(c.block, n, 0) == n
}

// fault returns what keeps a from being a covariance, "" if nothing does.
func (c *covariance) fault(a []float64) string {
	if c.is(a) {
		return ""
	}
	largest := 0.0
	for i := range c.n {
		largest = max(largest, math.Abs(a[i*c.n+i]))
	}
	if what := c.asymmetry(a, largest); what != "" {
		return what
	}
	return dense.Spectrum(a, c.n, c.n)
}

// asymmetry names the first pair of entries that should be equal and are too far apart, "" if
// there is none.
func (c *covariance) asymmetry(a []float64, largest float64) string {
	n := c.n
	for i := range n {
		for j := range i {
			if !(math.Abs(a[i*n+j]-a[j*n+i]) <= roundOff*(largest+math.Abs(a[i*n+j]))) {
				return fmt.Sprintf("has %.6g at (%d, %d) and %.6g at (%d, %d)", a[i*n+j], i, j, a[j*n+i], j, i)
			}
		}
	}
	return ""
}
