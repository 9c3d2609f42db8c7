package pi2

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/internal/dense"
)

// costTable holds costs-to-go, S_n,t = sum_{s >= t} c_n,s.
type costTable struct {
	T, N int
	toGo []float64 // T x N
}

// maxCost bounds costs-to-go, so that their differences are finite.
const maxCost = 1e300

// Set fills the table with the costs of N samples, T or T+1 each.
func (c *costTable) Set(costs [][]float64) error {
	c.N = len(costs)
	c.toGo = grow(c.toGo, c.T*c.N)
	for n, list := range costs {
		if len(list) != len(costs[0]) || len(list) != c.T && len(list) != c.T+1 {
			return fmt.Errorf("%w: sample %d has costs of %d time steps, sample 0 of %d, need T=%d, or T+1 with the last state's", ErrSamples, n, len(list), len(costs[0]), c.T)
		}
		if t := dense.FirstNotFinite(list); t >= 0 {
			return fmt.Errorf("%w: cost of sample %d at time step %d is %v", ErrNotFinite, n, t, list[t])
		}
		sum := 0.0
		if len(list) > c.T {
			sum = list[c.T]
		}
		for t := c.T - 1; t >= 0; t-- {
			sum += list[t]
			if !(math.Abs(sum) <= maxCost) {
				return fmt.Errorf("%w: the costs of sample %d from time step %d on sum up to %v, need a magnitude of at most %.0e", ErrNotFinite, n, t, sum, maxCost)
			}
			c.toGo[t*c.N+n] = sum
		}
	}
	return nil
}

// ToGo returns the costs-to-go of step t, N, as a view.
func (c *costTable) ToGo(t int) []float64 { return c.toGo[t*c.N : (t+1)*c.N : (t+1)*c.N] }

// Equal tells whether no sample is better than another from step t on.
func (c *costTable) Equal(t int) bool {
	list := c.ToGo(t)
	for _, s := range list {
		if s != list[0] {
			return false
		}
	}
	return true
}
