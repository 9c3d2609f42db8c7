package algorithm_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/algorithm"
)

// With improvement(s) = a s - b s^2 along steps s, of which the model promises the first
// part, the next step is the best one: one update with the true a and b at s finds it.
func TestNextStepIsBestOfItsModel(t *testing.T) {
	cfg := algorithm.DefaultStepConfig()
	for _, v := range []struct{ a, b float64 }{{10, 4}, {10, 8}, {3, 0.9}, {200, 55}} {
		best := v.a / (2 * v.b)
		if got := cfg.Next(1, v.a, v.a-v.b); math.Abs(got-best) > 1e-12 {
			t.Errorf("a %g, b %g: step %g, the best is %g", v.a, v.b, got, best)
		}
	}
}

// The more an update gave, the larger the next step: one that gave more than it promised is
// never punished, as it is where the penalty's sign is left in.
func TestNextRewardsBetterThanPredicted(t *testing.T) {
	cfg := algorithm.DefaultStepConfig()
	if got, want := cfg.Next(1, 10, 12), cfg.MaxChange; got != want {
		t.Errorf("gave 12 of 10 promised: multiplier %g, want %g", got, want)
	}
	for _, predicted := range []float64{1e-2, 1, 1e4} {
		last := 0.0
		for _, share := range []float64{-10, -1, 0, 0.3, 0.6, 0.9, 0.99, 1, 1.01, 1.5, 10} {
			next := cfg.Next(1, predicted, share*predicted)
			if next < last {
				t.Errorf("promised %g: multiplier falls to %g where the update gave %g of it", predicted, next, share)
			}
			last = next
		}
	}
}

// The bounds hold for one change and for the product of all, whatever the numbers.
func TestNextKeepsBounds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	odd := []float64{0, math.NaN(), math.Inf(1), math.Inf(-1), math.MaxFloat64, -math.MaxFloat64, 5e-324}
	number := func() float64 {
		if rng.IntN(10) == 0 {
			return odd[rng.IntN(len(odd))]
		}
		return rng.NormFloat64() * math.Exp(5*rng.NormFloat64())
	}
	for range 200 {
		cfg := algorithm.StepConfig{Min: rng.Float64() + 1e-9, Max: 1 + 20*rng.Float64(), MinChange: 0.05 + 0.9*rng.Float64(), MaxChange: 1 + 5*rng.Float64()}
		if err := cfg.Validate(); err != nil {
			t.Fatal(err)
		}
		multiplier := 1.0
		for range 50 {
			next := cfg.Next(multiplier, number(), number())
			if !(next >= cfg.Min && next <= cfg.Max) {
				t.Fatalf("%+v: multiplier %g", cfg, next)
			}
			least, most := math.Max(multiplier*cfg.MinChange, cfg.Min), math.Min(multiplier*cfg.MaxChange, cfg.Max)
			if next < least*(1-1e-12) || next > most*(1+1e-12) {
				t.Fatalf("%+v: multiplier goes from %g to %g", cfg, multiplier, next)
			}
			multiplier = next
		}
	}
}

func TestStepConfigValidate(t *testing.T) {
	for name, bad := range map[string]func(*algorithm.StepConfig){
		"min":        func(c *algorithm.StepConfig) { c.Min = 0 },
		"min > 1":    func(c *algorithm.StepConfig) { c.Min = 2 },
		"max":        func(c *algorithm.StepConfig) { c.Max = math.Inf(1) },
		"max < 1":    func(c *algorithm.StepConfig) { c.Max = 0.5 },
		"min change": func(c *algorithm.StepConfig) { c.MinChange = math.NaN() },
		"max change": func(c *algorithm.StepConfig) { c.MaxChange = 0 },
	} {
		cfg := algorithm.DefaultStepConfig()
		bad(&cfg)
		if cfg.Validate() == nil {
			t.Errorf("%s: %+v was accepted", name, cfg)
		}
	}
}
