package cost

import "fmt"

// Ramp says how the weights of a term grow over the time steps t = 0..T-1.
type Ramp int

const (
	// ConstantRamp is 1 at every step.
	ConstantRamp Ramp = iota
	// LinearRamp is (t+1)/T.
	LinearRamp
	// QuadraticRamp is ((t+1)/T)^2.
	QuadraticRamp
	// FinalOnlyRamp is 0 but for 1 at the last step.
	FinalOnlyRamp
)

var rampNames = [...]string{"constant", "linear", "quadratic", "final_only"}

// ParseRamp returns the ramp of a name: constant, linear, quadratic or final_only; an
// error wraps ErrConfig.
func ParseRamp(name string) (Ramp, error) {
	for i, n := range rampNames {
		if n == name {
			return Ramp(i), nil
		}
	}
	return 0, fmt.Errorf("%w: ramp is %q, want constant, linear, quadratic or final_only", ErrConfig, name)
}

// String returns the ramp's name.
func (r Ramp) String() string {
	if r.validate("ramp") != nil {
		return fmt.Sprintf("Ramp(%d)", int(r))
	}
	return rampNames[r]
}

// At returns the multiplier at time step t of T; the last step is multiplied by final
// as well. A t that is not one of 0..T-1 panics.
func (r Ramp) At(t, T int, final float64) float64 {
	if t < 0 || t >= T {
		panic(fmt.Sprintf("cost: ramp at time step %d of T=%d, want 0 to T-1", t, T))
	}
	m := 1.0
	switch part := float64(t+1) / float64(T); r {
	case LinearRamp:
		m = part
	case QuadraticRamp:
		m = part * part
	case FinalOnlyRamp:
		if t < T-1 {
			m = 0
		}
	}
	if t == T-1 {
		m *= final
	}
	return m
}

func (r Ramp) validate(key string) error {
	if r < 0 || int(r) >= len(rampNames) {
		return fmt.Errorf("%w: %s is %d, want constant, linear, quadratic or final_only", ErrConfig, key, int(r))
	}
	return nil
}
