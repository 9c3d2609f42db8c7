package nn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/internal/crew"
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

// stream tells training's random numbers from others of the same seed.
const stream = 0x7472

// Train trains the network on the data, with batches and held-out rollouts drawn for the seed. On
// an error the network and the state are as they were: one wrapping ErrData, ErrDiverged, ErrNumber
// for a network that is not finite to begin with, or the context's.
func (t *Trainer) Train(ctx context.Context, data *Dataset, seed uint64) (*Report, error) {
	in, out := t.network.Dims()
	if data.In != in || data.Out != out {
		return nil, fmt.Errorf("%w: observations of %d numbers and actions of %d, expected %d and %d as the network has", ErrData, data.In, data.Out, in, out)
	}
	if err := data.Validate(); err != nil {
		return nil, err
	}
	if err := t.network.Validate(); err != nil {
		return nil, err
	}
	rng := rand.New(rand.NewPCG(seed, stream))
	p, err := newPairs(t.network, data, t.cfg.HeldOut, rng)
	if err != nil {
		return nil, err
	}
	workers := crew.New(t.cfg.Workers)
	defer workers.Stop()
	before := t.snapshot()
	s := &session{Trainer: t, pairs: p, crew: workers, rng: rng, batch: newBatch(t.network, min(t.cfg.Batch, len(p.train)), data.N), best: t.snapshot(),
		report: Report{Train: len(p.train), HeldOut: len(p.heldOut)}}
	if err := s.run(ctx); err != nil {
		t.restore(before)
		return nil, err
	}
	t.restore(s.best)
	return &s.report, nil
}

// snapshot is all that training changes.
type snapshot struct {
	steps                     uint64
	parameters, first, second []float32
}

func (t *Trainer) snapshot() *snapshot {
	return &snapshot{t.steps, slices.Clone(t.network.parameters), slices.Clone(t.first), slices.Clone(t.second)}
}

// keep brings a snapshot up to date.
func (t *Trainer) keep(s *snapshot) {
	s.steps = t.steps
	copy(s.parameters, t.network.parameters)
	copy(s.first, t.first)
	copy(s.second, t.second)
}

func (t *Trainer) restore(s *snapshot) {
	t.steps = s.steps
	copy(t.network.parameters, s.parameters)
	copy(t.first, s.first)
	copy(t.second, s.second)
}
