package algorithm

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/trajopt"
)

// LagrangianConfig holds the settings of LagrangianGPS.
type LagrangianConfig struct {
	Alternating AlternatingConfig
	// Penalty is rho, in the cost's unit per squared action, > 0; default 1e-3. 0 multipliers
	// and a large rho are a penalty method, a small one dual ascent.
	Penalty float64
	// Growth multiplies rho after each iteration, >= 1; default 1.
	Growth float64
	// Rate is the step of the multipliers in units of 2 rho, >= 0; default 0.5. 1 is the step of
	// the method of multipliers.
	Rate float64
}

// DefaultLagrangianConfig returns the defaults.
func DefaultLagrangianConfig() LagrangianConfig {
	return LagrangianConfig{Alternating: DefaultAlternatingConfig(), Penalty: 1e-3, Growth: 1, Rate: 0.5}
}

// NewLagrangianGPS returns guided policy search by dual gradient descent on the augmented Lagrangian
//
//	L = E[cost] + sum_t lambda_t'(pi(x_t) - u_t) + rho_t |pi(x_t) - u_t|^2
//
// of the deterministic constraint u_t = pi(x_t): controllers minimise it under the linearised policy,
// the policy by regression on u_t - lambda_t / (2 rho_t), and lambda_t takes a step along
// pi(x_t) - u_t. There is one cost per condition, as for NewTrajOpt.
func NewLagrangianGPS(cfg LagrangianConfig, costs []cost.Term, dX, dU int) (Algorithm, error) {
	return newAlternating(cfg.Alternating, &lagrangian{cfg}, costs, dX, dU)
}

type lagrangian struct{ cfg LagrangianConfig }

func (a *lagrangian) validate() error {
	switch c := a.cfg; {
	case !(c.Penalty > 0) || math.IsInf(c.Penalty, 0):
		return fmt.Errorf("algorithm: penalty is %v, need a finite number > 0", c.Penalty)
	case !(c.Growth >= 1) || math.IsInf(c.Growth, 0):
		return fmt.Errorf("algorithm: growth of the penalty is %v, need a finite number >= 1", c.Growth)
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 0):
		return fmt.Errorf("algorithm: rate of the multipliers is %v, need a finite number >= 0", c.Rate)
	}
	return nil
}

func (a *lagrangian) begin(T, dX, dU int) *policy.Duals {
	return policy.NewDuals(T, dX, dU, a.cfg.Penalty)
}

// problem adds lambda'(K x + k - u) + rho |u - K x - k|^2 to the cost.
func (a *lagrangian) problem(p *trajopt.Problem, linear *lqg.Controller, d *policy.Duals) {
	T, dX, dU := linear.Sizes()
	D := dX + dU
	square := linear.Clone()
	a.squared(square)
	s, sum := lqg.NewSurrogate(square), p.Cost.Clone()
	for t := range T {
		quad, lin := sum.QuadAt(t), sum.LinAt(t)
		for i := range quad {
			quad[i] += d.Weight[t] * s.Quad[t*D*D+i]
		}
		for i := range lin {
			lin[i] += d.Weight[t] * s.Lin[t*D+i]
		}
		for i, v := range d.Bias[t*dU : (t+1)*dU] {
			lin[dX+i] -= v
			for j := range dX {
				lin[j] += v * linear.Gain(t)[i*dX+j]
			}
		}
	}
	p.Cost = sum
}

// squared sets all covariances to I/2, under which -log c is |u - K x - k|^2.
func (a *lagrangian) squared(c *lqg.Controller) {
	clear(c.Chol)
	for t := range c.T {
		for i := range c.DU {
			c.CholAt(t)[i*(c.DU+1)] = math.Sqrt2 / 2
		}
	}
}

func (a *lagrangian) lesson(c *lqg.Controller, d *policy.Duals) (*lqg.Controller, []float64) {
	taught := c.Clone()
	a.squared(taught)
	for i, v := range d.Bias {
		taught.Bias[i] -= v / (2 * d.Weight[i/c.DU])
	}
	return taught, d.Weight
}

func (a *lagrangian) step(d *policy.Duals, between *apart, last bool) error {
	T, dU, share := d.T, d.DU, 1/float64(len(between.samples))
	u := make([]float64, dU)
	for n, s := range between.samples {
		for t := range T {
			between.controller.Act(u, s.State(t), t, nil)
			for i, v := range u {
				d.Bias[t*dU+i] += a.cfg.Rate * 2 * d.Weight[t] * share * (between.means[(n*T+t)*dU+i] - v)
			}
		}
	}
	if last {
		for t := range d.Weight {
			d.Weight[t] *= a.cfg.Growth
		}
	}
	return d.Validate()
}
