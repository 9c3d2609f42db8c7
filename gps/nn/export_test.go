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

// State is what a trainer carries from one training to the next.
type State struct {
	// Steps counts the steps of Adam that led to the moments.
	Steps uint64
	// First and Second are the moments of each layer's weights (out x in, by rows) and bias
	// (out), layer by layer.
	First, Second []float64
}

// State returns a copy of the trainer's state.
func (t *Trainer) State() State {
	return State{Steps: t.steps, First: t.list(t.first), Second: t.list(t.second)}
}

// SetState lets the next training go on from a state of a trainer of a network of these sizes.
func (t *Trainer) SetState(s State) {
	t.steps = s.Steps
	t.unlist(t.first, s.First)
	t.unlist(t.second, s.Second)
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
