package report

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// HeldOut judges the dynamics that an iteration fitted by the trials of the next, which the fit did not
// see. All numbers are means over these trials.
type HeldOut struct {
	Iteration int
	// LogLikelihood holds log N(x_{t+1}; F_t [x_t; u_t] + f_t, S_t), in nat, T.
	LogLikelihood []float64
	// Error holds the root mean square of x_{t+1} - F_t [x_t; u_t] - f_t, and Change that of x_{t+1} -
	// x_t, in the states' units, dX x T.
	Error, Change [][]float64
	// Trials is how many were judged.
	Trials int
}

// NewHeldOut judges the models of a snapshot, an entry per condition; nil where there is none, or no
// trial to judge it by. The error says which model cannot be judged.
func NewHeldOut(s *Snapshot) (*HeldOut, error) {
	var h *HeldOut
	for m, model := range s.Models {
		if model == nil || m >= len(s.Next) || len(s.Next[m]) == 0 {
			continue
		}
		trials := make([]*rollout.Rollout, len(s.Next[m]))
		for n, t := range s.Next[m] {
			trials[n] = t.Rollout
		}
		likelihood, err := dynamics.LogLikelihood(model, trials)
		if err != nil {
			return nil, fmt.Errorf("condition %d: %w", m, err)
		}
		if h == nil {
			h = &HeldOut{Iteration: s.Iteration, LogLikelihood: make([]float64, model.T), Error: rows(model.DX, model.T), Change: rows(model.DX, model.T)}
		}
		addTo(h.LogLikelihood, float64(len(trials)), likelihood)
		h.addErrors(model, trials)
		h.Trials += len(trials)
	}
	if h == nil {
		return nil, nil
	}
	for t := range h.LogLikelihood {
		h.LogLikelihood[t] /= float64(h.Trials)
		for i := range h.Error {
			h.Error[i][t] = math.Sqrt(h.Error[i][t] / float64(h.Trials))
			h.Change[i][t] = math.Sqrt(h.Change[i][t] / float64(h.Trials))
		}
	}
	return h, nil
}

// addErrors adds the squares of errors and changes.
func (h *HeldOut) addErrors(d *lqg.Dynamics, trials []*rollout.Rollout) {
	D := d.DX + d.DU
	for _, r := range trials {
		for t := range d.T {
			x, u, next := r.State(t), r.Action(t), r.State(t+1)
			for i := range d.DX {
				row := d.FAt(t)[i*D : (i+1)*D]
				predicted := d.BiasAt(t)[i]
				for j, v := range x {
					predicted += row[j] * v
				}
				for j, v := range u {
					predicted += row[d.DX+j] * v
				}
				h.Error[i][t] += (next[i] - predicted) * (next[i] - predicted)
				h.Change[i][t] += (next[i] - x[i]) * (next[i] - x[i])
			}
		}
	}
}

// Mean returns the log-likelihood's mean over the time steps.
func (h *HeldOut) Mean() float64 { return mean(h.LogLikelihood) }

// Total returns the root mean square over the time steps of state i's error, and of its change.
func (h *HeldOut) Total(i int) (errors, change float64) {
	T := math.Sqrt(float64(len(h.LogLikelihood)))
	return norm(h.Error[i]) / T, norm(h.Change[i]) / T
}
