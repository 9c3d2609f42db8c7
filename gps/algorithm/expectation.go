package algorithm

import (
	"math"

	"guidedpolicysearch/gps/lqg"
)

// ExpectedCost returns the expected cost of a controller under a model, +Inf where it
// overflows.
func ExpectedCost(c *lqg.Controller, model *Model) float64 {
	return newExpectation(c).cost(c, model)
}

// Improvement compares expected costs: of the previous controller under its own model, of
// the current controller under the previous model (what the update promised), and of the
// current controller under its own model. Where an expected cost overflows, as it may under
// a fitted model that is unstable, the improvement is the lowest number there is.
func Improvement(previous, current *Model) (predicted, actual float64) {
	return newExpectation(current.Controller).improvement(previous, current)
}

// expectation computes expected costs, with its workspace, for one problem size.
type expectation struct {
	forward   *lqg.ForwardPass
	marginals *lqg.Trajectory
	steps     []float64 // T+1
}

func newExpectation(c *lqg.Controller) *expectation {
	return &expectation{forward: lqg.NewForwardPass(c.DX, c.DU), marginals: lqg.NewTrajectory(c.T, c.DX, c.DU), steps: make([]float64, c.T+1)}
}

// fits tells whether the workspace is for controllers of c's size.
func (e *expectation) fits(c *lqg.Controller) bool {
	m := e.marginals
	return m.T == c.T && m.DX == c.DX && m.DU == c.DU
}

func (e *expectation) cost(c *lqg.Controller, model *Model) float64 {
	if e.forward.Run(e.marginals, model.X0, c, model.Dynamics) != nil {
		return math.Inf(1)
	}
	if v := lqg.ExpectedCost(e.steps, model.Cost, e.marginals); v-v == 0 {
		return v
	}
	return math.Inf(1)
}

func (e *expectation) improvement(previous, current *Model) (predicted, actual float64) {
	before := e.cost(previous.Controller, previous)
	return difference(before, e.cost(current.Controller, previous)), difference(before, e.cost(current.Controller, current))
}

func difference(before, after float64) float64 {
	if d := before - after; d-d == 0 {
		return d
	}
	return -math.MaxFloat64
}
