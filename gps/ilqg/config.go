package ilqg

import (
	"fmt"
	"math"
)

// Regularization says what the Levenberg-Marquardt weight lambda is added to.
type Regularization string

const (
	// ControlSpace adds lambda to the diagonal of Q_uu: it penalises changes of the
	// controls.
	ControlSpace Regularization = "control"
	// StateSpace adds lambda to the diagonal of V_xx inside Q_uu and Q_ux (Tassa,
	// Erez & Todorov 2012, equations 10a and 10b): it penalises deviations from the
	// states, whatever the scale of the controls.
	StateSpace Regularization = "state"
)

// Config sets how a Solver descends. All numbers are without unit unless said.
type Config struct {
	// Regularization is ControlSpace or StateSpace. Default ControlSpace.
	Regularization Regularization
	// Lambda is the weight of the first backward pass, 0 to MaxLambda. Default 0: a
	// linear-quadratic problem takes one iteration.
	Lambda float64
	// LambdaFactor divides lambda after a whole step and multiplies it after a failure or
	// the third short step in a row, > 1. Default 5.
	LambdaFactor float64
	// MinLambda > 0 is the least weight but 0; MaxLambda > MinLambda ends the descent.
	// Defaults 1e-6 and 1e10.
	MinLambda, MaxLambda float64
	// Halvings is how often the line search halves its step: alpha = 2^-i, i = 0 ..
	// Halvings; 0 to 60. Default 10.
	Halvings int
	// Accept is the least ratio of actual to predicted improvement that a step is
	// taken for, 0 to 1. Default 1e-4.
	Accept float64
	// Tolerance ends the descent: an improvement below Tolerance (1 + |cost|), >= 0.
	// Default 1e-9.
	Tolerance float64
	// MaxIterations ends the descent too, 1 to 1e6. Default 500.
	MaxIterations int
}

// DefaultConfig returns the settings that suit most problems.
func DefaultConfig() Config {
	return Config{Regularization: ControlSpace, LambdaFactor: 5, MinLambda: 1e-6, MaxLambda: 1e10, Halvings: 10, Accept: 1e-4, Tolerance: 1e-9, MaxIterations: 500}
}

// Validate returns an error wrapping ErrConfig that names the field, its value and what
// was expected.
func (c Config) Validate() error {
	fail := func(field string, value any, want string) error {
		return fmt.Errorf("%w: %s is %v, want %s", ErrConfig, field, value, want)
	}
	switch {
	case c.Regularization != ControlSpace && c.Regularization != StateSpace:
		return fail("Regularization", fmt.Sprintf("%q", c.Regularization), `"control" or "state"`)
	case !(c.LambdaFactor > 1) || math.IsInf(c.LambdaFactor, 1):
		return fail("LambdaFactor", c.LambdaFactor, "a finite number > 1")
	case !(c.MinLambda > 0):
		return fail("MinLambda", c.MinLambda, "a number > 0")
	case !(c.MaxLambda > c.MinLambda) || math.IsInf(c.MaxLambda, 1):
		return fail("MaxLambda", c.MaxLambda, fmt.Sprintf("a finite number > MinLambda, %v", c.MinLambda))
	case !(c.Lambda >= 0 && c.Lambda <= c.MaxLambda):
		return fail("Lambda", c.Lambda, fmt.Sprintf("0 to MaxLambda, %v", c.MaxLambda))
	case c.Halvings < 0 || c.Halvings > 60:
		return fail("Halvings", c.Halvings, "0 to 60")
	case !(c.Accept >= 0 && c.Accept < 1):
		return fail("Accept", c.Accept, "0 to 1, less than 1")
	case !(c.Tolerance >= 0) || math.IsInf(c.Tolerance, 1):
		return fail("Tolerance", c.Tolerance, "a finite number >= 0")
	case c.MaxIterations < 1 || c.MaxIterations > 1_000_000:
		return fail("MaxIterations", c.MaxIterations, "1 to 1000000")
	}
	return nil
}
