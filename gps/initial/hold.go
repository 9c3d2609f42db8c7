package initial

import (
	"errors"
	"fmt"

	"guidedpolicysearch/gps/lqg"
)

// HoldConfig describes the initial controller that holds the first state by LQR on a
// double integrator.
type HoldConfig struct {
	// Actuation is the assumed acceleration of each joint per action, B, dQ x dU, in the
	// unit of acceleration per action. Diagonal makes it of one gain per joint; a passive
	// joint has a row of zeros.
	Actuation []float64
	// Acc is the assumed constant acceleration, dQ.
	Acc []float64
	// Variance is the action variance at unit stiffness, > 0, in the action's unit
	// squared. Default 1.
	Variance float64
	// Stiffness weighs the position error, StiffnessVel (times Stiffness) the velocity
	// error, both >= 0, against actions in the action's unit. Default 1 and 0.5.
	Stiffness, StiffnessVel float64
	// FinalWeight multiplies the whole cost of the last step, the action's included, > 0:
	// the last step's variance is Variance / FinalWeight. Default 1.
	FinalWeight float64
	// DT is the time step in s, > 0. Default 0.05.
	DT float64
}

// DefaultHoldConfig returns unit stiffness, velocity weight 0.5 and final weight 1, and
// actuation and constant acceleration still to be set.
func DefaultHoldConfig() HoldConfig {
	return HoldConfig{Variance: 1, Stiffness: 1, StiffnessVel: 0.5, FinalWeight: 1, DT: 0.05}
}

// Validate returns an error wrapping ErrConfig that names the field that is wrong for dQ
// joints and dU actions.
func (c HoldConfig) Validate(dQ, dU int) error {
	for _, field := range []struct {
		name  string
		value float64
		ok    bool
		need  string
	}{
		{"variance", c.Variance, positive(c.Variance), "> 0"},
		{"stiffness", c.Stiffness, notNegative(c.Stiffness), ">= 0"},
		{"velocity weight", c.StiffnessVel, notNegative(c.StiffnessVel), ">= 0"},
		{"final weight", c.FinalWeight, positive(c.FinalWeight), "> 0"},
		{"dt", c.DT, positive(c.DT), "> 0"},
	} {
		if !field.ok {
			return fmt.Errorf("%w: %s is %v, need a finite number %s", ErrConfig, field.name, field.value, field.need)
		}
	}
	return checkLists(list{"actuation", c.Actuation, dQ * dU}, list{"acc", c.Acc, dQ})
}

// GuessedDynamics returns F (dX x (dX+dU)) and f (dX) of the double integrator
// q' = q + dt dq + dt^2 (acc + B u), dq' = dq + dt (acc + B u), for a state that begins
// with dQ = len(acc) positions and as many velocities; further states are predicted as
// zero. actuation is B, dQ x dU.
func GuessedDynamics(dX int, actuation, acc []float64, dU int, dt float64) (F, f []float64) {
	dQ := len(acc)
	if len(actuation) != dQ*dU || dX < 2*dQ {
		panic(fmt.Sprintf("initial: guessed dynamics of dX=%d states, dQ=%d joints and dU=%d actions with an actuation of %d numbers", dX, dQ, dU, len(actuation)))
	}
	d := dX + dU
	F, f = make([]float64, dX*d), make([]float64, dX)
	for i := range dQ {
		position, velocity := F[i*d:(i+1)*d], F[(dQ+i)*d:(dQ+i+1)*d]
		position[i], position[dQ+i], velocity[dQ+i] = 1, dt, 1
		for j := range dU {
			position[dX+j] = dt * dt * actuation[i*dU+j]
			velocity[dX+j] = dt * actuation[i*dU+j]
		}
		f[i] = dt * dt * acc[i]
		f[dQ+i] = dt * acc[i]
	}
	return F, f
}

// HoldInitialState returns the LQR controller about x0 (dX) on GuessedDynamics with cost
// diag(stiffness, stiffness*stiffness_vel, 0, 1)/variance. T is the number of actions; x0
// begins with dQ positions and dQ velocities. Errors wrap ErrConfig, or are those of the
// backward pass where the settings are too far apart for its numbers.
func HoldInitialState(cfg HoldConfig, x0 []float64, T, dQ, dU int) (*lqg.Controller, error) {
	dX := len(x0)
	if err := checkSizes(T, dX, dQ, dU); err != nil {
		return nil, err
	}
	if err := cfg.Validate(dQ, dU); err != nil {
		return nil, err
	}
	if err := checkLists(list{"initial state", x0, dX}); err != nil {
		return nil, err
	}
	d := dX + dU
	F, f := GuessedDynamics(dX, cfg.Actuation, cfg.Acc, dU, cfg.DT)
	dyn, cost := lqg.NewDynamics(T, dX, dU), lqg.NewCost(T, dX, dU)
	for t := range T {
		copy(dyn.FAt(t), F)
		copy(dyn.BiasAt(t), f)
		weight := 1 / cfg.Variance
		if t == T-1 {
			weight *= cfg.FinalWeight
		}
		quad, lin := cost.QuadAt(t), cost.LinAt(t)
		for i := range 2 * dQ {
			quad[i*d+i] = weight * cfg.Stiffness
			if i >= dQ {
				quad[i*d+i] *= cfg.StiffnessVel
			}
			lin[i] = -quad[i*d+i] * x0[i]
		}
		for i := range dU {
			quad[(dX+i)*d+dX+i] = weight
		}
	}
	c := lqg.NewController(T, dX, dU)
	// No anchor and eta 0 with a unit divisor leave the plain LQR problem.
	obj := &lqg.Objective{Cost: cost, Anchor: &lqg.Surrogate{T: T, DX: dX, DU: dU, Quad: make([]float64, T*d*d), Lin: make([]float64, T*d)}, MaxEnt: 1}
	err := lqg.NewBackwardPass(dX, dU).Run(c, obj, dyn, 0)
	if err == nil {
		err = c.Validate()
	}
	if errors.Is(err, lqg.ErrIndefinite) || errors.Is(err, lqg.ErrNotFinite) {
		return nil, fmt.Errorf("%w: the LQR problem about the initial state breaks down: bring actuation, accelerations, stiffness, variance and dt (%v s) closer to 1: %w", ErrConfig, cfg.DT, err)
	}
	if err != nil {
		return nil, err
	}
	return c, nil
}
