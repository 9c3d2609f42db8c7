package nn

import "fmt"

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
