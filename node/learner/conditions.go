package learner

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/node/params"
)

// ConditionsConfig holds the initial states that are trained on, and those that are only tested.
type ConditionsConfig struct {
	Position []float64    `param:"initial_position" desc:"Initial joint positions, one condition after the other; a trial begins at rest. A run can go on with further ones at the end of the list, and more iterations." unit:"rad"`
	Random   RandomConfig `param:"random"`
	// What follows is for evaluation.
	TestPosition []float64 `param:"test_position" desc:"Initial joint positions that are not trained on, one after the other: what gps evaluate begins at, in place of random ones." unit:"rad"`
	TestLower    []float64 `param:"test_lower" desc:"Lower end per joint of where gps evaluate draws initial positions; empty for the least of the conditions." unit:"rad"`
	TestUpper    []float64 `param:"test_upper" desc:"Upper end per joint of where gps evaluate draws initial positions; empty for the largest of the conditions." unit:"rad"`
}

// RandomConfig describes conditions that are drawn at random.
type RandomConfig struct {
	Count int       `param:"count" desc:"Conditions to train on whose initial positions are drawn, by the seed, besides those of initial_position." range:"[0, 10000]"`
	Lower []float64 `param:"lower" desc:"Lower end per joint of the drawn initial positions." unit:"rad"`
	Upper []float64 `param:"upper" desc:"Upper end per joint of the drawn initial positions." unit:"rad" len:"lower"`
}

// Count returns how many conditions there are for a robot of so many joints.
func (c *ConditionsConfig) Count(joints int) int { return len(c.Position)/joints + c.Random.Count }

// Streams of random numbers of initial positions: besides those of exploration noise and updates,
// whose numbers begin otherwise.
const (
	conditionStream = 3 << 61
	testStream      = conditionStream + 1
	repeatStream    = conditionStream + 1<<32 // of the seeds of trials that begin again
)

// draw returns count positions of joints between lower and upper (rad, one entry per joint), each
// drawn uniformly, by the seed: those of a smaller count are the first of a larger one's.
func draw(seed, stream uint64, lower, upper []float64, count int) [][]float64 {
	rng := rand.New(rand.NewPCG(seed, stream))
	list := make([][]float64, count)
	for i := range list {
		q := make([]float64, len(lower))
		for j := range q {
			part := rng.Float64()
			q[j] = (1-part)*lower[j] + part*upper[j]
		}
		list[i] = q
	}
	return list
}

// split returns positions of so many joints each. Errors are params.FieldErrors.
func split(key string, list []float64, joints int) (positions [][]float64, err error) {
	if len(list)%joints != 0 {
		return nil, params.FieldError{Key: key, Problem: fmt.Sprintf("has %d entries, need a multiple of %d, one position per joint and condition", len(list), joints)}
	}
	for i := 0; i < len(list); i += joints {
		positions = append(positions, list[i:i+joints:i+joints])
	}
	return positions, nil
}

// checkBox returns a params.FieldError unless there is an interval per joint.
func checkBox(lowerKey string, lower []float64, upperKey string, upper []float64, joints int) error {
	for _, list := range []struct {
		key    string
		values []float64
	}{{lowerKey, lower}, {upperKey, upper}} {
		if len(list.values) != joints {
			return params.FieldError{Key: list.key, Problem: fmt.Sprintf("has %d entries, need %d, one per joint", len(list.values), joints)}
		}
	}
	for i, low := range lower {
		if low > upper[i] {
			return params.FieldError{Key: fmt.Sprintf("%s[%d]", lowerKey, i), Problem: fmt.Sprintf("is %v, need at most %s, %v", low, upperKey, upper[i])}
		}
	}
	return nil
}

// training returns the initial positions of all conditions, drawn by the seed where they are to
// be. Errors are params.FieldErrors.
func (c *ConditionsConfig) training(seed uint64, joints int) ([][]float64, error) {
	positions, err := split("conditions.initial_position", c.Position, joints)
	if err != nil {
		return nil, err
	}
	if n := c.Random.Count; n > 0 {
		if err := checkBox("conditions.random.lower", c.Random.Lower, "conditions.random.upper", c.Random.Upper, joints); err != nil {
			return nil, err
		}
		positions = append(positions, draw(seed, conditionStream, c.Random.Lower, c.Random.Upper, n)...)
	}
	if len(positions) == 0 {
		return nil, params.FieldError{Key: "conditions.initial_position", Problem: fmt.Sprintf("has 0 entries and conditions.random.count is 0, need a position of %d joints at least", joints)}
	}
	return positions, nil
}

// Added tells how many conditions c adds to those of before, for a robot of so many joints. The error,
// a params.FieldError, says which of the earlier ones is not the same in c: trials and controllers
// know their condition by its number.
func (c *ConditionsConfig) Added(before *ConditionsConfig, seed uint64, joints int) (int, error) {
	old, err := before.training(seed, joints)
	if err != nil {
		return 0, err
	}
	list, err := c.training(seed, joints)
	if err != nil {
		return 0, err
	}
	for m, q := range old {
		if m >= len(list) {
			return 0, params.FieldError{Key: "conditions.initial_position", Problem: fmt.Sprintf("gives, with conditions.random, %d conditions, the run has %d: conditions can be added, but not taken away", len(list), len(old))}
		}
		if !slices.Equal(q, list[m]) {
			return 0, params.FieldError{Key: "conditions.initial_position", Problem: fmt.Sprintf("makes, with conditions.random, condition %d begin at %v, in the run it begins at %v: the run's conditions come first and as they are, new ones after them", m, list[m], q)}
		}
	}
	return len(list) - len(old), nil
}

// extend returns a state with the conditions that it does not have yet, at their initial controllers.
func (p *Problem) extend(s *algorithm.State) *algorithm.State {
	return s.WithConditions(initialEta, p.initial[len(s.Conditions):])
}

// checkTest returns a params.FieldError unless the positions to be tested are of a robot of so many
// joints.
func (c *ConditionsConfig) checkTest(joints int) error {
	if _, err := split("conditions.test_position", c.TestPosition, joints); err != nil {
		return err
	}
	if len(c.TestLower) == 0 && len(c.TestUpper) == 0 {
		return nil
	}
	return checkBox("conditions.test_lower", c.TestLower, "conditions.test_upper", c.TestUpper, joints)
}

// TestPositions returns the joint positions, in rad, that an evaluation of at most count trials
// begins at: those that are given, else ones drawn by the seed from where the task says or, where it
// does not, from the smallest box around the conditions.
func (p *Problem) TestPositions(seed uint64, count int) [][]float64 {
	c, joints := &p.cfg.Conditions, p.robot.DU()
	if len(c.TestPosition) > 0 {
		given, _ := split("conditions.test_position", c.TestPosition, joints) // checked by NewProblem
		return given[:min(count, len(given))]
	}
	lower, upper := c.TestLower, c.TestUpper
	if len(lower) == 0 {
		lower, upper = p.box()
	}
	return draw(seed, testStream, lower, upper, count)
}

// box returns the smallest box around the conditions' positions.
func (p *Problem) box() (lower, upper []float64) {
	lower, upper = append(lower, p.positions[0]...), append(upper, p.positions[0]...)
	for _, q := range p.positions[1:] {
		for i, v := range q {
			lower[i], upper[i] = min(lower[i], v), max(upper[i], v)
		}
	}
	return lower, upper
}
