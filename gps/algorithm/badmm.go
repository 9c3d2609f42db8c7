package algorithm

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/trajopt"
)

// BADMMConfig holds the settings of BADMM.
type BADMMConfig struct {
	Alternating AlternatingConfig
	// InitialWeight is nu_t at the beginning, in the cost's unit per nat, > 0; default 0.01.
	InitialWeight float64
	// Duals says how multipliers and weights change: the multipliers after each turn, the weights
	// after the last of an iteration.
	Duals policy.DualConfig
}

// DefaultBADMMConfig returns the defaults.
func DefaultBADMMConfig() BADMMConfig {
	return BADMMConfig{Alternating: DefaultAlternatingConfig(), InitialWeight: 0.01, Duals: policy.DefaultDualConfig()}
}

// NewBADMM returns guided policy search by Bregman alternating directions (arXiv:1504.00702, section 4):
// controllers minimise E[cost - lambda'u] + nu_t KL(p || pi) about the linearised policy, the policy
// learns the controllers shifted by their multipliers, and lambda climbs. There is one cost per
// condition, as for NewTrajOpt.
func NewBADMM(cfg BADMMConfig, costs []cost.Term, dX, dU int) (Algorithm, error) {
	return newAlternating(cfg.Alternating, &badmm{cfg}, costs, dX, dU)
}

type badmm struct{ cfg BADMMConfig }

func (a *badmm) validate() error {
	if v := a.cfg.InitialWeight; !(v > 0) || math.IsInf(v, 0) {
		return fmt.Errorf("algorithm: initial weight is %v, need a finite number > 0", v)
	}
	return a.cfg.Duals.Validate()
}

func (a *badmm) begin(T, dX, dU int) *policy.Duals {
	return policy.NewDuals(T, dX, dU, a.cfg.InitialWeight)
}

func (a *badmm) problem(p *trajopt.Problem, linear *lqg.Controller, d *policy.Duals) {
	p.Policy = d.Term(linear)
}

func (a *badmm) lesson(c *lqg.Controller, d *policy.Duals) (*lqg.Controller, []float64) {
	taught := lqg.NewController(c.T, c.DX, c.DU)
	d.Shift(taught, c)
	return taught, d.Weight
}

func (a *badmm) step(d *policy.Duals, between *apart, last bool) error {
	if err := d.Climb(a.cfg.Duals, between.controller, between.linear, between.samples, between.means); err != nil || !last {
		return err
	}
	return d.Reweigh(a.cfg.Duals, between.kl, between.previous)
}
