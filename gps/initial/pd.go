package initial

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
)

// PDConfig describes an initial controller u = Kp (q0 - q) + Kd (dq0 - dq) with noise.
type PDConfig struct {
	// Stiffness is Kp, dU x dQ, in the action's unit per unit of position; Damping is Kd,
	// dU x dQ, in the action's unit per unit of velocity. Diagonal makes them of one gain
	// per joint.
	Stiffness, Damping []float64
	// Variance of each action, dU, > 0, in the action's unit squared.
	Variance []float64
}

// Validate returns an error wrapping ErrConfig that names the field that is wrong for dQ
// joints and dU actions.
func (c PDConfig) Validate(dQ, dU int) error {
	if err := checkLists(list{"stiffness", c.Stiffness, dU * dQ}, list{"damping", c.Damping, dU * dQ}); err != nil {
		return err
	}
	return checkVariance(c.Variance, dU)
}

// ProportionalDerivative returns the PD controller about x0 (dX), which begins with dQ
// positions and dQ velocities; T is the number of actions. Errors wrap ErrConfig.
func ProportionalDerivative(cfg PDConfig, x0 []float64, T, dQ, dU int) (*lqg.Controller, error) {
	dX := len(x0)
	if err := checkSizes(T, dX, dQ, dU); err != nil {
		return nil, err
	}
	if err := cfg.Validate(dQ, dU); err != nil {
		return nil, err
	}
	c := lqg.NewController(T, dX, dU)
	for t := range T {
		cfg.feedBack(c, t, x0[:dQ], x0[dQ:2*dQ])
	}
	if err := checkResult(c); err != nil {
		return nil, err
	}
	return c, nil
}

// feedBack sets step t of c to feedback about positions and velocities, dQ each.
func (c PDConfig) feedBack(dst *lqg.Controller, t int, q, dq []float64) {
	dQ, dX, dU := len(q), dst.DX, dst.DU
	gain, bias, chol := dst.Gain(t), dst.BiasAt(t), dst.CholAt(t)
	for i := range dU {
		for j := range dQ {
			p, d := c.Stiffness[i*dQ+j], c.Damping[i*dQ+j]
			gain[i*dX+j], gain[i*dX+dQ+j] = -p, -d
			bias[i] += p*q[j] + d*dq[j]
		}
		chol[i*dU+i] = math.Sqrt(c.Variance[i])
	}
}

// Constant returns the controller of T actions u, dU, for dX states, whatever the state,
// with the variance of each action, dU, > 0, in the action's unit squared. Errors wrap
// ErrConfig.
func Constant(u, variance []float64, T, dX int) (*lqg.Controller, error) {
	dU := len(u)
	if err := checkSizes(T, dX, 0, dU); err != nil {
		return nil, err
	}
	if err := checkLists(list{"action", u, dU}); err != nil {
		return nil, err
	}
	if err := checkVariance(variance, dU); err != nil {
		return nil, err
	}
	c := lqg.NewController(T, dX, dU)
	for t := range T {
		copy(c.BiasAt(t), u)
		for i, v := range variance {
			c.CholAt(t)[i*dU+i] = math.Sqrt(v)
		}
	}
	return c, nil
}

// checkResult returns an error if a controller of finite settings is not finite itself.
func checkResult(c *lqg.Controller) error {
	if err := c.Validate(); err != nil {
		return fmt.Errorf("%w: gains, positions and velocities are too large: %w", ErrConfig, err)
	}
	return nil
}
