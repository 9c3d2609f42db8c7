package nn

import "fmt"

// TrainConfig says how a network is trained.
type TrainConfig struct {
	// Rate is Adam's step size alpha, and RateDecay the factor on it from one epoch to the next.
	Rate      float64 `param:"rate" desc:"Step size of Adam." range:"(0, 1]"`
	RateDecay float64 `param:"rate_decay" desc:"Factor on the step size from one epoch to the next; 1 keeps it." range:"(0, 1]"`
	// Beta1, Beta2 and Epsilon are those of Kingma and Ba, algorithm 1.
	Beta1   float64 `param:"beta1" desc:"Adam's decay of the mean gradient." range:"[0, 1)"`
	Beta2   float64 `param:"beta2" desc:"Adam's decay of the mean squared gradient." range:"[0, 1)"`
	Epsilon float64 `param:"epsilon" desc:"Added to the root of the mean squared gradient that steps are divided by." range:"[1e-30, 1]"`
	// WeightDecay is lambda of Loshchilov and Hutter, algorithm 2: weights, not biases, lose
	// Rate * WeightDecay of themselves with each step.
	WeightDecay float64 `param:"weight_decay" desc:"Weights shrink by this times the step size with each step." range:"[0, 1]"`
	// Batch is the largest number of pairs of a step; an epoch is cut into equal batches, or of
	// sizes that differ by one.
	Batch int `param:"batch" desc:"Time steps in a mini-batch, at most." range:"[1, 65536]"`
	// Epochs bounds passes over the data, of which there are fewer where Patience ends them.
	Epochs int `param:"epochs" desc:"Passes over the data, at most." range:"[1, 1000000]"`
	// HeldOut is the part of the rollouts that is not trained on, at least one of them, at most
	// all but one; 0 trains on all, for Epochs passes.
	HeldOut float64 `param:"held_out" desc:"Part of the rollouts that is kept for deciding when to stop; 0 trains on all of them." range:"[0, 0.9]"`
	// Patience is how many epochs in a row may pass without a lower loss of the held-out rollouts.
	Patience int `param:"patience" desc:"Epochs without progress on the rollouts that are held out, after which training stops." range:"[1, 1000000]"`
	// MaxGrowth bounds an epoch's loss, as a multiple of the larger one of two: the loss before
	// training, and that of a network that is 0 everywhere. Beyond it training has diverged.
	MaxGrowth float64 `param:"max_growth" desc:"Training that makes its loss this many times larger has diverged and is undone." range:"[1, 1e30]"`
	// Workers bounds goroutines, 0 for all processors. The result does not depend on it. Batches
	// of up to 64 keep one busy.
	Workers int `param:"workers" desc:"Goroutines that training may use; 0 takes all processors." range:"[0, 1024]"`
}

// DefaultTrainConfig returns Adam's own settings with batches of 64, and a tenth of the rollouts
// held out.
func DefaultTrainConfig() TrainConfig {
	return TrainConfig{Rate: 1e-3, RateDecay: 1, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Batch: 64, Epochs: 200, HeldOut: 0.1, Patience: 20, MaxGrowth: 100, Workers: 1}
}

// Validate returns an error wrapping ErrConfig that names the key and what was expected.
func (c TrainConfig) Validate() error {
	for _, key := range []struct {
		name     string
		value    float64
		good     bool
		expected string
	}{
		{"rate", c.Rate, c.Rate > 0 && c.Rate <= 1, "above 0, at most 1"},
		{"rate_decay", c.RateDecay, c.RateDecay > 0 && c.RateDecay <= 1, "above 0, at most 1"},
		{"beta1", c.Beta1, c.Beta1 >= 0 && c.Beta1 < 1, "0 or more, below 1"},
		{"beta2", c.Beta2, c.Beta2 >= 0 && c.Beta2 < 1, "0 or more, below 1"},
		{"epsilon", c.Epsilon, c.Epsilon >= 1e-30 && c.Epsilon <= 1, "1e-30 to 1"},
		{"weight_decay", c.WeightDecay, c.WeightDecay >= 0 && c.WeightDecay <= 1, "0 to 1"},
		{"batch", float64(c.Batch), c.Batch >= 1 && c.Batch <= 65536, "1 to 65536"},
		{"epochs", float64(c.Epochs), c.Epochs >= 1 && c.Epochs <= 1000000, "1 to 1000000"},
		{"held_out", c.HeldOut, c.HeldOut >= 0 && c.HeldOut <= 0.9, "0 to 0.9"},
		{"patience", float64(c.Patience), c.Patience >= 1 && c.Patience <= 1000000, "1 to 1000000"},
		{"max_growth", c.MaxGrowth, c.MaxGrowth >= 1 && c.MaxGrowth <= 1e30, "1 to 1e30"},
		{"workers", float64(c.Workers), c.Workers >= 0 && c.Workers <= 1024, "0 to 1024"},
	} {
		if !key.good {
			return fmt.Errorf("%w: %s is %v, expected %s", ErrConfig, key.name, key.value, key.expected)
		}
	}
	return nil
}
