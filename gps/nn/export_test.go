package nn

import (
	"math/rand/v2"

	"guidedpolicysearch/gps/internal/crew"
)

// Stepper takes steps of training on all pairs of a dataset at once.
type Stepper struct{ *session }

// NewStepper prepares steps.
func NewStepper(t *Trainer, d *Dataset) (*Stepper, func(), error) {
	p, err := newPairs(t.network, d, 0, rand.New(rand.NewPCG(1, 1)))
	if err != nil {
		return nil, nil, err
	}
	c := crew.New(t.cfg.Workers)
	return &Stepper{&session{Trainer: t, pairs: p, crew: c, batch: newBatch(t.network, d.N, d.N)}}, c.Stop, nil
}

// Step returns the loss sum before it.
func (s *Stepper) Step() float64 { return s.step(s.pairs.train, s.cfg.Rate) }

// Gradient returns the loss of all pairs and its gradient, as State orders moments.
func (s *Stepper) Gradient() (float64, []float64) {
	s.batch.transpose()
	loss := s.sum(s.pairs.train, true) / 2 / float64(len(s.pairs.train))
	return loss, s.list(s.batch.blocks[0].gradient)
}

// Split returns the pairs that are trained on and those that are held out.
func Split(d *Dataset, part float64, seed uint64) (train, heldOut []int) {
	p := new(pairs)
	if err := p.split(d, part, rand.New(rand.NewPCG(seed, stream))); err != nil {
		panic(err)
	}
	return p.train, p.heldOut
}
