package motion

import (
	"errors"
	"fmt"
	"math"
)

// ErrConfig marks gains that no controller can be built from.
var ErrConfig = errors.New("motion: invalid gains")

// PIDConfig holds the gains of position control, one entry per joint. IntegralGain and
// IntegralClamp may both be empty: then there is no integral.
type PIDConfig struct {
	Stiffness     []float64 `param:"stiffness" desc:"Position gain per joint." unit:"N m/rad" range:"[0, inf)"`
	Damping       []float64 `param:"damping" desc:"Velocity gain per joint." unit:"N m s/rad" range:"[0, inf)" len:"stiffness"`
	IntegralGain  []float64 `param:"integral_gain" desc:"Gain on the integral of the distance, per joint; 0, or an empty list, for none." unit:"N m/(rad s)" range:"[0, inf)" len:"stiffness,optional"`
	IntegralClamp []float64 `param:"integral_clamp" desc:"Largest torque of the integral per joint, so that a joint that is held back does not wind up." unit:"N m" range:"[0, inf)" len:"stiffness,optional"`
}

// DefaultPIDConfig returns gains for a light two-joint arm, without an integral.
func DefaultPIDConfig() PIDConfig {
	return PIDConfig{Stiffness: []float64{6, 1}, Damping: []float64{3, 0}}
}

// Validate returns an error wrapping ErrConfig that names the key, the joint and what was
// expected.
func (c PIDConfig) Validate() error {
	n := len(c.Stiffness)
	if n == 0 {
		return fmt.Errorf("%w: stiffness is empty, need one entry per joint", ErrConfig)
	}
	for _, g := range []struct {
		key      string
		list     []float64
		optional bool
	}{
		{"stiffness", c.Stiffness, false},
		{"damping", c.Damping, false},
		{"integral_gain", c.IntegralGain, true},
		{"integral_clamp", c.IntegralClamp, true},
	} {
		if len(g.list) != n && !(g.optional && len(g.list) == 0) {
			return fmt.Errorf("%w: %s has %d entries, need %d, one per joint as stiffness has", ErrConfig, g.key, len(g.list), n)
		}
		for i, v := range g.list {
			if !(v >= 0) || math.IsInf(v, 0) {
				return fmt.Errorf("%w: %s of joint %d is %v, need a finite number >= 0", ErrConfig, g.key, i, v)
			}
		}
	}
	if len(c.IntegralGain) != len(c.IntegralClamp) {
		return fmt.Errorf("%w: integral_gain has %d entries and integral_clamp %d, need both or neither: an integral without a clamp winds up", ErrConfig, len(c.IntegralGain), len(c.IntegralClamp))
	}
	return nil
}

// PID is the position controller of the reference (cbfinn/gps, PositionController):
//
//	torque = stiffness (goal - q) + damping (goal' - dq) + I
//	I <- I + integral_gain (goal - q) dt, within +-integral_clamp
//
// per joint. The clamp is on the torque, in N m. It keeps a joint that is blocked, or whose
// torque is at its limit, from winding up further than that. Without an integral, and for
// a goal at rest, its torques are those of Position, bit by bit. It owns workspace: one
// goroutine at a time.
type PID struct {
	cfg      PIDConfig
	integral []float64 // N m
}

// NewPID returns a controller for the given number of joints, or an error wrapping
// ErrConfig.
func NewPID(cfg PIDConfig, joints int) (*PID, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if len(cfg.Stiffness) != joints {
		return nil, fmt.Errorf("%w: stiffness has %d entries, need %d, one per joint", ErrConfig, len(cfg.Stiffness), joints)
	}
	if len(cfg.IntegralGain) == 0 {
		cfg.IntegralGain, cfg.IntegralClamp = make([]float64, joints), make([]float64, joints)
	}
	return &PID{cfg: cfg, integral: make([]float64, joints)}, nil
}

// Reset forgets the integral. It is due whenever another controller had the arm.
func (c *PID) Reset() { clear(c.integral) }

// Act writes the torque, one per joint, in N m, for joints at q (rad) that move at dq
// (rad/s) to a goal at goalVelocity (rad/s); a nil goalVelocity is a goal at rest. dt is the
// time since the last call in s; the integral stays as it is unless dt > 0 and it remains
// finite. A q or dq that is not finite gives a torque that is not, which the caller refuses;
// the integral does not keep it. Act does not allocate.
func (c *PID) Act(torque, goal, goalVelocity, q, dq []float64, dt float64) {
	n := len(c.integral)
	if len(torque) != n || len(goal) != n || len(q) != n || len(dq) != n || goalVelocity != nil && len(goalVelocity) != n {
		panic(fmt.Sprintf("motion: PID for %d joints got torque %d, goal %d, goalVelocity %d, q %d, dq %d", n, len(torque), len(goal), len(goalVelocity), len(q), len(dq)))
	}
	for i := range torque {
		distance := goal[i] - q[i]
		if more := c.cfg.IntegralGain[i] * distance * dt; dt > 0 && more-more == 0 {
			clamp := c.cfg.IntegralClamp[i]
			c.integral[i] = min(max(c.integral[i]+more, -clamp), clamp)
		}
		lag := -dq[i]
		if goalVelocity != nil {
			lag = goalVelocity[i] - dq[i]
		}
		torque[i] = c.cfg.Stiffness[i]*distance + c.cfg.Damping[i]*lag + c.integral[i]
	}
}
