package policy

import (
	"fmt"

	"guidedpolicysearch/gps/lqg"
)

// Estimator foretells cost and divergence of a controller under a model. It owns workspace: one
// goroutine at a time.
type Estimator struct {
	marginals  *lqg.Trajectory
	forward    *lqg.ForwardPass
	divergence *lqg.Divergence
	// Cost holds the expected cost of each step, T+1; KL the divergence from the linearised
	// policy, T, in nat. Run overwrites them.
	Cost, KL []float64
}

// NewEstimator returns a workspace for T steps, dX states and dU actions.
func NewEstimator(T, dX, dU int) *Estimator {
	return &Estimator{marginals: lqg.NewTrajectory(T, dX, dU), forward: lqg.NewForwardPass(dX, dU), divergence: lqg.NewDivergence(dX, dU),
		Cost: make([]float64, T+1), KL: make([]float64, T)}
}

// Run fills Cost and KL(p || pi) of the controller p from the linearised policy under the marginals
// that p has from x0 under the dynamics, and returns both sums. (One public implementation has + dU/2
// in the divergence where - dU/2 is right, which makes no difference between iterations.) Errors are
// those of lqg.ForwardPass.Run, or wrap ErrInvalid where a sum is not finite. It does not allocate on
// success.
func (e *Estimator) Run(p, linearised *lqg.Controller, dynamics *lqg.Dynamics, x0 *lqg.InitialState, cost *lqg.Cost) (expected, kl float64, err error) {
	if err := e.forward.Run(e.marginals, x0, p, dynamics); err != nil {
		return 0, 0, err
	}
	expected = lqg.ExpectedCost(e.Cost, cost, e.marginals)
	kl = e.divergence.PerStep(e.KL, p, linearised, e.marginals)
	if expected-expected != 0 || kl-kl != 0 {
		return 0, 0, fmt.Errorf("%w: expected cost is %v and divergence from the policy %v: check the scale of dynamics and cost", ErrInvalid, expected, kl)
	}
	return expected, kl, nil
}

// Marginals returns the marginals of the last Run, as a view.
func (e *Estimator) Marginals() *lqg.Trajectory { return e.marginals }
