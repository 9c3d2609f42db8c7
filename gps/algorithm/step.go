package algorithm

import (
	"fmt"
	"math"
)

// StepConfig bounds the multiplier on the KL step. Its rule (Next) takes differences of
// predicted and actual improvement below 1e-4, in the cost's unit, for none: a trial's cost is
// expected to be well above that.
type StepConfig struct {
	// Min and Max bound the multiplier over all iterations, 0 < Min <= 1 <= Max; default
	// 0.01 and 10.
	Min, Max float64
	// MinChange and MaxChange bound the factor by which one iteration changes the
	// multiplier, 0 < MinChange <= 1 <= MaxChange; default 0.1 and 5.
	MinChange, MaxChange float64
}

// DefaultStepConfig returns the defaults.
func DefaultStepConfig() StepConfig {
	return StepConfig{Min: 0.01, Max: 10, MinChange: 0.1, MaxChange: 5}
}

// Validate returns an error that names the field that is out of range.
func (c StepConfig) Validate() error {
	if !(c.Min > 0 && c.Min <= 1) || !(c.Max >= 1) || math.IsInf(c.Max, 0) {
		return fmt.Errorf("algorithm: step multipliers need 0 < min <= 1 <= max, got %v and %v", c.Min, c.Max)
	}
	if !(c.MinChange > 0 && c.MinChange <= 1) || !(c.MaxChange >= 1) || math.IsInf(c.MaxChange, 0) {
		return fmt.Errorf("algorithm: changes of the step multiplier need 0 < min <= 1 <= max, got %v and %v", c.MinChange, c.MaxChange)
	}
	return nil
}

// minStepPenalty is the least difference of predicted and actual improvement that counts,
// in the cost's unit.
const minStepPenalty = 1e-4

// Next returns the multiplier after an update that promised an improvement of predicted
// and gave actual. With the improvement modelled as predicted - penalty * KL^2, the best
// step is predicted / (2 (predicted - actual)) of the last one (Montgomery & Levine 2016,
// section 4.2). Where the update gave more than it promised, the difference is no penalty:
// the step grows. An update that promised nothing, or numbers that are none, shrink it.
func (c StepConfig) Next(multiplier, predicted, actual float64) float64 {
	change := predicted / (2 * math.Max(minStepPenalty, predicted-actual))
	if math.IsNaN(change) {
		change = c.MinChange
	}
	change = math.Min(math.Max(change, c.MinChange), c.MaxChange)
	return math.Min(math.Max(multiplier*change, c.Min), c.Max)
}
