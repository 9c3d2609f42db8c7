package lqg

import (
	"fmt"
	"math"
)

// HoldConfig describes the initial controller that holds the first state by LQR on a
// double integrator.
type HoldConfig struct {
	// Gains is the assumed acceleration per action, dU, in the unit of acceleration per
	// action; Acc the assumed constant acceleration, dU.
	Gains, Acc []float64
	// Variance is the action variance at unit stiffness, > 0, in the action's unit squared.
	Variance float64
	// Stiffness weighs the position error, StiffnessVel (times Stiffness) the velocity
	// error, both >= 0; FinalWeight multiplies the whole cost of the last step, the
	// action's included.
	Stiffness, StiffnessVel, FinalWeight float64
	// DT is the time step in s, > 0.
	DT float64
}

// DefaultHoldConfig returns unit stiffness, velocity weight 0.5 and final weight 1.
func DefaultHoldConfig() HoldConfig {
	return HoldConfig{Variance: 1, Stiffness: 1, StiffnessVel: 0.5, FinalWeight: 1, DT: 0.05}
}

// GuessedDynamics returns F (dX x (dX+dU)) and f (dX) of the double integrator
// q' = q + dt dq + dt^2 (acc + gains u), dq' = dq + dt (acc + gains u), for a state that
// begins with dU positions and dU velocities; further states are predicted as zero.
func GuessedDynamics(dX int, gains, acc []float64, dt float64) (F, f []float64) {
	dU := len(gains)
	d := dX + dU
	F, f = make([]float64, dX*d), make([]float64, dX)
	for i := range dU {
		F[i*d+i] = 1
		F[i*d+dU+i] = dt
		F[i*d+dX+i] = dt * dt * gains[i]
		F[(dU+i)*d+dU+i] = 1
		F[(dU+i)*d+dX+i] = dt * gains[i]
		f[i] = dt * dt * acc[i]
		f[dU+i] = dt * acc[i]
	}
	return F, f
}

// HoldInitialState returns the LQR controller about x0 (dX, beginning with dU positions
// and dU velocities) on GuessedDynamics with cost
// diag(stiffness, stiffness*stiffness_vel, 0, 1)/variance. T is the number of actions.
func HoldInitialState(cfg HoldConfig, x0 []float64, T, dU int) (*Controller, error) {
	dX := len(x0)
	switch {
	case len(cfg.Gains) != dU || len(cfg.Acc) != dU:
		return nil, fmt.Errorf("lqg: initial controller for %d actions needs as many gains and accelerations, got %d and %d", dU, len(cfg.Gains), len(cfg.Acc))
	case dX < 2*dU:
		return nil, fmt.Errorf("lqg: initial controller needs a state that begins with %d positions and %d velocities, got %d states", dU, dU, dX)
	case !(cfg.Variance > 0) || !(cfg.DT > 0) || !(cfg.Stiffness >= 0) || !(cfg.StiffnessVel >= 0) || !(cfg.FinalWeight >= 0):
		return nil, fmt.Errorf("lqg: initial controller needs variance and dt > 0 and weights >= 0, got variance %v, dt %v, stiffness %v, velocity weight %v, final weight %v",
			cfg.Variance, cfg.DT, cfg.Stiffness, cfg.StiffnessVel, cfg.FinalWeight)
	}
	d := dX + dU
	F, f := GuessedDynamics(dX, cfg.Gains, cfg.Acc, cfg.DT)
	dyn, cost := NewDynamics(T, dX, dU), NewCost(T, dX, dU)
	for t := range T {
		copy(dyn.FAt(t), F)
		copy(dyn.BiasAt(t), f)
		weight := 1.0
		if t == T-1 {
			weight = cfg.FinalWeight
		}
		quad, lin := cost.QuadAt(t), cost.LinAt(t)
		for i := range dU {
			quad[i*d+i] = weight * cfg.Stiffness / cfg.Variance
			quad[(dU+i)*d+dU+i] = weight * cfg.Stiffness * cfg.StiffnessVel / cfg.Variance
			quad[(dX+i)*d+dX+i] = weight / cfg.Variance
			lin[i] = -quad[i*d+i] * x0[i]
			lin[dU+i] = -quad[(dU+i)*d+dU+i] * x0[dU+i]
		}
	}
	c := NewController(T, dX, dU)
	// No anchor and eta 0 with a unit divisor leave the plain LQR problem.
	obj := &Objective{Cost: cost, Anchor: &Surrogate{T: T, DX: dX, DU: dU, Quad: make([]float64, T*d*d), Lin: make([]float64, T*d)}, MaxEnt: 1}
	if err := NewBackwardPass(dX, dU).Run(c, obj, dyn, 0); err != nil {
		return nil, fmt.Errorf("initial controller: %w", err)
	}
	return c, nil
}

// PDConfig describes an initial controller u = -p (q - q0) - p d (dq - dq0) with noise.
type PDConfig struct {
	// PosGains is p, VelGainsMult is d in s.
	PosGains, VelGainsMult float64
	// Variance is the action variance, > 0.
	Variance float64
}

// ProportionalDerivative returns the PD controller about x0 (dX, beginning with dQ
// positions and dQ velocities) for the first dU joints; T is the number of actions.
func ProportionalDerivative(cfg PDConfig, x0 []float64, T, dQ, dU int) (*Controller, error) {
	dX := len(x0)
	if dU > dQ || dX < 2*dQ {
		return nil, fmt.Errorf("lqg: PD controller for %d actions needs at least as many joints (got %d) and a state that begins with their positions and velocities (got %d states)", dU, dQ, dX)
	}
	if !(cfg.Variance > 0) {
		return nil, fmt.Errorf("lqg: PD controller needs a variance > 0, got %v", cfg.Variance)
	}
	c := NewController(T, dX, dU)
	for t := range T {
		gain, bias, chol := c.Gain(t), c.BiasAt(t), c.CholAt(t)
		for i := range dU {
			gain[i*dX+i] = -cfg.PosGains
			gain[i*dX+dQ+i] = -cfg.PosGains * cfg.VelGainsMult
			bias[i] = cfg.PosGains * (x0[i] + cfg.VelGainsMult*x0[dQ+i])
			chol[i*dU+i] = math.Sqrt(cfg.Variance)
		}
	}
	return c, nil
}
