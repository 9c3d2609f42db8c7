package node

import (
	"fmt"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
)

// reachable checks that trials begin within the limits of the robot's description, those of an
// evaluation too.
func (c *Config) reachable(r *robot.Robot) error {
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
		if i := outside(r, list.positions); i >= 0 {
			limits, joint := r.Limits(), i%r.DU()
			return params.FieldError{Key: list.key, Problem: fmt.Sprintf("has %v for joint %q in %s %d, its limits are %v and %v",
				list.positions[i], r.Joints()[joint], list.of, i/r.DU()+1, limits.Lower[joint], limits.Upper[joint])}
		}
	}
	return nil
}

// outside returns the first entry of joint positions, one after the other, that is outside of the
// limits of its joint; -1 for none.
func outside(r *robot.Robot, positions []float64) int {
	limits := r.Limits()
	for i, q := range positions {
		if joint := i % r.DU(); q < limits.Lower[joint] || q > limits.Upper[joint] {
			return i
		}
	}
	return -1
}
