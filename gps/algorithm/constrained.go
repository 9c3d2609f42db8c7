package algorithm

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/trajopt"
)

// ConstrainedConfig holds the settings of ConstrainedGPS.
type ConstrainedConfig struct {
	Alternating AlternatingConfig
	// InitialWeight is lambda_t at the beginning, in the cost's unit per nat, > 0; default 0.01.
	InitialWeight float64
	// Rate is alpha of lambda_t += alpha KL_t, >= 0; default 1e-3.
	Rate float64
	// Growth multiplies all lambda_t after each turn, >= 1: a rising schedule, which ends learning
	// where it rises faster than the cost falls. Default 1.1.
	Growth float64
	// MaxWeight bounds lambda_t, > 0; default 1e4.
	MaxWeight float64
}

// DefaultConstrainedConfig returns the defaults.
func DefaultConstrainedConfig() ConstrainedConfig {
	return ConstrainedConfig{Alternating: DefaultAlternatingConfig(), InitialWeight: 0.01, Rate: 1e-3, Growth: 1.1, MaxWeight: 1e4}
}

// NewConstrainedGPS returns guided policy search under the constraint
//
//	min_{p, pi} E_p[cost]  s.t.  KL(p(x_t) p(u_t|x_t) || p(x_t) pi(u_t|x_t)) = 0
//
// by dual gradient ascent: controllers minimise E[cost] + sum_t lambda_t KL_t about the linearised
// policy, the policy learns from them weighted by lambda_t, and lambda_t rises by Rate KL_t and
// with the schedule (the stochastic form; Levine & Koltun, ICML 2014). There is one
// cost per condition, as for NewTrajOpt.
func NewConstrainedGPS(cfg ConstrainedConfig, costs []cost.Term, dX, dU int) (Algorithm, error) {
	return newAlternating(cfg.Alternating, &constrained{cfg}, costs, dX, dU)
}

type constrained struct{ cfg ConstrainedConfig }

func (a *constrained) validate() error {
	switch c := a.cfg; {
	case !(c.InitialWeight > 0) || math.IsInf(c.InitialWeight, 0) || !(c.MaxWeight >= c.InitialWeight) || math.IsInf(c.MaxWeight, 0):
		return fmt.Errorf("algorithm: need 0 < initial weight <= max weight, got %v and %v", c.InitialWeight, c.MaxWeight)
	case !(c.Rate >= 0) || math.IsInf(c.Rate, 0):
		return fmt.Errorf("algorithm: rate of the weights is %v, need a finite number >= 0", c.Rate)
	case !(c.Growth >= 1) || math.IsInf(c.Growth, 0):
		return fmt.Errorf("algorithm: growth of the weights is %v, need a finite number >= 1", c.Growth)
	}
	return nil
}

func (a *constrained) begin(T, dX, dU int) *policy.Duals {
	return policy.NewDuals(T, dX, dU, a.cfg.InitialWeight)
}

func (a *constrained) problem(p *trajopt.Problem, linear *lqg.Controller, d *policy.Duals) {
	p.Policy = d.Term(linear)
}

func (a *constrained) lesson(c *lqg.Controller, d *policy.Duals) (*lqg.Controller, []float64) {
	return c, d.Weight
}

func (a *constrained) step(d *policy.Duals, between *apart, _ bool) error {
	for t, kl := range between.kl {
		d.Weight[t] = min(a.cfg.MaxWeight, a.cfg.Growth*(d.Weight[t]+a.cfg.Rate*kl))
	}
	return nil
}
