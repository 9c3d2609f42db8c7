package initial

import (
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/lqg"
)

// FeedForward says where the feed-forward actions of Track come from.
type FeedForward string

const (
	// FeedRecorded takes the efforts of the demonstration.
	FeedRecorded FeedForward = "recorded"
	// FeedInverse takes them from the inverse dynamics of a model.
	FeedInverse FeedForward = "inverse_dynamics"
	// FeedNone leaves the motion to the feedback.
	FeedNone FeedForward = "none"
)

// InverseDynamics is a model of a plant that every joint of is driven.
type InverseDynamics interface {
	// InverseDynamics writes the actions, dQ, that give accelerations ddq at positions q
	// and velocities dq, dQ each.
	InverseDynamics(dst, q, dq, ddq []float64)
}

// TrackConfig describes an initial controller that follows a demonstration.
type TrackConfig struct {
	// FeedForward is where u_ff comes from.
	FeedForward FeedForward
	// Model gives u_ff for FeedInverse; it is for dQ actions.
	Model InverseDynamics
	// Feedback holds the gains about the demonstration and the variances.
	Feedback PDConfig
}

// Track returns the controller u = u_ff(t) + Kp (q_d(t) - q) + Kd (dq_d(t) - dq) with
// noise, for dX states, about a resampled demonstration.
//
// With FeedInverse u_ff of a step is M(q) a + h(q, dq) of the model at the reference's
// position and velocity in the middle of the step, with the mean acceleration over the
// step, a = (dq_d(t+1) - dq_d(t)) / dt: the action is held over the step, and so the
// error is of second order in dt. Errors wrap ErrConfig, or ErrDemonstration where that
// lacks efforts. A reference without the arrays of its sizes, which Resample gives, panics.
func Track(cfg TrackConfig, ref *Reference, dX, dU int) (*lqg.Controller, error) {
	if ref == nil {
		panic("initial: reference is nil, need one that Demonstration.Resample returned")
	}
	T, dQ := ref.T, ref.DQ
	if err := checkSizes(T, dX, dQ, dU); err != nil {
		return nil, err
	}
	ref.checkShape()
	if err := cfg.Feedback.Validate(dQ, dU); err != nil {
		return nil, err
	}
	c := lqg.NewController(T, dX, dU)
	switch cfg.FeedForward {
	case FeedNone:
	case FeedRecorded:
		if ref.Effort == nil || ref.DU != dU {
			return nil, fmt.Errorf("%w: it has %d recorded efforts for %d actions; record them, or use inverse dynamics or no feed-forward", ErrDemonstration, ref.DU, dU)
		}
		copy(c.Bias, ref.Effort)
	case FeedInverse:
		if cfg.Model == nil || dQ != dU {
			return nil, fmt.Errorf("%w: inverse dynamics need a model of a plant whose %d joints are driven by as many actions, have %d actions and model %T", ErrConfig, dQ, dU, cfg.Model)
		}
		acceleration := make([]float64, dQ)
		for t := range T {
			for j := range acceleration {
				acceleration[j] = (ref.Velocity[(t+1)*dQ+j] - ref.Velocity[t*dQ+j]) / ref.DT
			}
			u := c.BiasAt(t)
			cfg.Model.InverseDynamics(u, ref.Middle[t*dQ:(t+1)*dQ], ref.MiddleVelocity[t*dQ:(t+1)*dQ], acceleration)
			if i := dense.FirstNotFinite(u); i >= 0 {
				return nil, fmt.Errorf("%w: inverse dynamics give action %d of %v at time step %d: positions, velocities or accelerations %v there are too large", ErrDemonstration, i, u[i], t, acceleration)
			}
		}
	default:
		return nil, fmt.Errorf("%w: feed-forward is %q, need %s, %s or %s", ErrConfig, cfg.FeedForward, FeedRecorded, FeedInverse, FeedNone)
	}
	for t := range T {
		cfg.Feedback.feedBack(c, t, ref.Position[t*dQ:(t+1)*dQ], ref.Velocity[t*dQ:(t+1)*dQ])
	}
	if err := checkResult(c); err != nil {
		return nil, err
	}
	return c, nil
}
