package node

import (
	"fmt"
	"slices"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
)

// reachable checks that trials begin within the limits that the arm is held to, those of an
// evaluation too.
func (c *Config) reachable(r *robot.Robot) error {
	lower, upper := c.limits(r)
	for _, list := range []struct {
		key, of   string
		positions []float64
	}{
		{"conditions.initial_position", "condition", c.Conditions.Position},
		{"conditions.random.lower", "box", c.Conditions.Random.Lower},
		{"conditions.random.upper", "box", c.Conditions.Random.Upper},
		{"conditions.test_position", "start", c.Conditions.TestPosition},
		{"conditions.test_lower", "box", c.Conditions.TestLower},
		{"conditions.test_upper", "box", c.Conditions.TestUpper},
	} {
		if i := outside(lower, upper, list.positions); i >= 0 {
			joint := i % r.DU()
			return params.FieldError{Key: list.key, Problem: fmt.Sprintf("has %v for joint %q in %s %d, its limits are %v and %v",
				list.positions[i], r.Joints()[joint], list.of, i/r.DU(), lower[joint], upper[joint])}
		}
	}
	return nil
}

// limits returns those of the joints' positions: what the robot's description says, narrowed by
// safety.position_lower and safety.position_upper.
func (c *Config) limits(r *robot.Robot) (lower, upper []float64) {
	lower, upper = slices.Clone(r.Limits().Lower), slices.Clone(r.Limits().Upper)
	for i := range lower {
		if i < len(c.Safety.PositionLower) {
			lower[i] = max(lower[i], c.Safety.PositionLower[i])
		}
		if i < len(c.Safety.PositionUpper) {
			upper[i] = min(upper[i], c.Safety.PositionUpper[i])
		}
		if !(lower[i] < upper[i]) { // the safety filter says so
			lower[i], upper[i] = r.Limits().Lower[i], r.Limits().Upper[i]
		}
	}
	return lower, upper
}

// outside returns the first entry of joint positions, one after the other, that is outside of the
// limits of its joint; -1 for none.
func outside(lower, upper, positions []float64) int {
	for i, q := range positions {
		if joint := i % len(lower); q < lower[joint] || q > upper[joint] {
			return i
		}
	}
	return -1
}
