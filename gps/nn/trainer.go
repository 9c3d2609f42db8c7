package nn

import (
	"context"
	"errors"
	"fmt"

	"guidedpolicysearch/gps/internal/kernel"
)

// ErrDiverged marks training whose loss was not finite any more or grew beyond
// TrainConfig.MaxGrowth. The network and the trainer's state are as they were before.
var ErrDiverged = errors.New("nn: training diverged")

// Trainer trains one network: one goroutine at a time, and nobody may evaluate the network
// meanwhile. Training again goes on with the moments of the last one.
type Trainer struct {
	// Progress, if not nil, is called after each epoch.
	Progress func(Progress)

	cfg           TrainConfig
	network       *Network
	steps         uint64
	first, second []float32 // moments, as Network.parameters
}

// Progress is what Trainer.Progress is told.
type Progress struct {
	// Epoch counts from 1 to at most Epochs.
	Epoch, Epochs int
	// TrainLoss and HeldOutLoss are those of Report.
	TrainLoss, HeldOutLoss float64
}

// Report says what a training did.
type Report struct {
	// TrainLoss[0] is the loss before training, TrainLoss[e] the mean of that of epoch e's
	// batches, each before its step.
	TrainLoss []float64
	// HeldOutLoss[e] is the loss of the held-out rollouts after epoch e, and before training at
	// 0; empty where none is held out.
	HeldOutLoss []float64
	// BestEpoch is the epoch whose parameters the network has now: that of the least
	// HeldOutLoss, 0 if no epoch was better than none, or the last one where nothing is held out.
	BestEpoch int
	// Steps counts steps of Adam, those after BestEpoch included.
	Steps int
	// Train and HeldOut count pairs.
	Train, HeldOut int
	// Stopped says that Patience ended the training, not Epochs.
	Stopped bool
}

// NewTrainer returns a trainer with moments of zero, or the error of cfg.Validate.
func NewTrainer(n *Network, cfg TrainConfig) (*Trainer, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	return &Trainer{cfg: cfg, network: n, first: kernel.NewSlice32(len(n.parameters)), second: kernel.NewSlice32(len(n.parameters))}, nil
}

// State is what a trainer carries from one training to the next, in the form of a checkpoint.
type State struct {
	// Steps counts the steps of Adam that led to the moments.
	Steps uint64
	// First and Second are the moments of each layer's weights (out x in, by rows) and bias
	// (out), layer by layer; none before the first step.
	First, Second []float64
}

// State returns a copy of the trainer's state.
func (t *Trainer) State() State {
	return State{Steps: t.steps, First: t.list(t.first), Second: t.list(t.second)}
}

// SetState lets the next training go on from a state, or returns an error wrapping ErrConfig where
// it is none of this network's: other lengths, numbers that are not finite, negative second
// moments.
func (t *Trainer) SetState(s State) error {
	count := len(t.list(t.first))
	if len(s.First) != count || len(s.Second) != count {
		return fmt.Errorf("%w: state with %d and %d moments, expected %d: it is of another network", ErrConfig, len(s.First), len(s.Second), count)
	}
	for i := range count {
		if m, v := float32(s.First[i]), float32(s.Second[i]); m-m != 0 || v-v != 0 || v < 0 {
			return fmt.Errorf("%w: moments %d of the state are %v and %v, expected finite numbers, the second not negative", ErrConfig, i, s.First[i], s.Second[i])
		}
	}
	t.steps = s.Steps
	t.unlist(t.first, s.First)
	t.unlist(t.second, s.Second)
	return nil
}

// list returns padded numbers in the order of State.
func (t *Trainer) list(padded []float32) []float64 {
	var all []float64
	for _, l := range t.network.cfg.view(padded) {
		weights, bias := make([]float64, l.out*l.in), make([]float64, l.out)
		l.get(weights, bias)
		all = append(append(all, weights...), bias...)
	}
	return all
}

// unlist is the inverse of list.
func (t *Trainer) unlist(padded []float32, all []float64) {
	for _, l := range t.network.cfg.view(padded) {
		weights := l.out * l.in
		l.set(all[:weights], all[weights:weights+l.out])
		all = all[weights+l.out:]
	}
}

// Train trains the network on the data, with batches and held-out rollouts drawn for the seed. On
// an error the network and the state are as they were: one wrapping ErrData, ErrDiverged, ErrNumber
// for a network that is not finite to begin with, or the context's.
func (t *Trainer) Train(ctx context.Context, data *Dataset, seed uint64) (*Report, error) {
	return nil, errors.ErrUnsupported
}
