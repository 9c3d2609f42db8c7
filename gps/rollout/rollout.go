// Package rollout holds the samples that trajectory optimisation learns from.
//
// A rollout is one execution of a controller on the system: states x_0..x_T and
// actions u_0..u_{T-1}. All arrays are row-major with the time step first.
//
// Noise makes the exploration noise of a trial: white noise smoothed over time by a Gaussian
// kernel, e_t = sum_i w_i v_{t+i} / |w|, so that E[e_t] = 0 and
// E[e_t e_{t+k}] = sum_i w_i w_{i+k} / |w|^2, which is about exp(-k^2 / (4 sigma^2)). Other
// normalisations are those of the public implementations cbfinn/gps and donk.ai; see
// Normalization for what they lack.
package rollout

import (
	"errors"
	"fmt"

	"guidedpolicysearch/gps/internal/dense"
)

var (
	// ErrNotFinite marks a rollout that holds a NaN or an infinity.
	ErrNotFinite = errors.New("rollout: value is not finite")
	// ErrShape marks a rollout whose states and actions are not of its sizes.
	ErrShape = errors.New("rollout: wrong shape")
)

// maxNumbers bounds the states, and the actions, of a rollout: 2 GiB each.
const maxNumbers = 1 << 28

// Rollout is one recorded trajectory.
type Rollout struct {
	T, DX, DU int
	// X holds the states, (T+1) x DX: row t is x_t. The last row is the state that
	// the last action led to.
	X []float64
	// U holds the actions as applied, T x DU, in N m (or the plant's unit).
	U []float64
}

// New returns a rollout of zeros for T steps, DX states and DU actions. Sizes below 1, or
// of more than 2^28 numbers, panic.
func New(T, dX, dU int) *Rollout {
	if T < 1 || dX < 1 || dU < 1 {
		panic(fmt.Sprintf("rollout: need T, dX, dU >= 1, got T=%d dX=%d dU=%d", T, dX, dU))
	}
	if (float64(T)+1)*max(float64(dX), float64(dU)) > maxNumbers {
		panic(fmt.Sprintf("rollout: T=%d dX=%d dU=%d: a rollout holds at most %d states and as many actions", T, dX, dU, maxNumbers))
	}
	return &Rollout{T: T, DX: dX, DU: dU, X: make([]float64, (T+1)*dX), U: make([]float64, T*dU)}
}

// State returns x_t, DX, as a view; t runs from 0 to T.
func (r *Rollout) State(t int) []float64 { return r.X[t*r.DX : (t+1)*r.DX : (t+1)*r.DX] }

// Action returns u_t, DU, as a view; t runs from 0 to T-1.
func (r *Rollout) Action(t int) []float64 { return r.U[t*r.DU : (t+1)*r.DU : (t+1)*r.DU] }

// CheckShape returns an error wrapping ErrShape, with both shapes, if the rollout is nil or
// does not hold (T+1) x DX states and T x DU actions, as one read from a file may not.
func (r *Rollout) CheckShape() error {
	if r == nil {
		return fmt.Errorf("%w: the rollout is nil", ErrShape)
	}
	if r.T < 1 || r.DX < 1 || r.DU < 1 {
		return fmt.Errorf("%w: T=%d dX=%d dU=%d, need at least 1 each", ErrShape, r.T, r.DX, r.DU)
	}
	// By division: a product of what a file says may overflow.
	if len(r.X)%r.DX != 0 || len(r.X)/r.DX-1 != r.T || len(r.U)%r.DU != 0 || len(r.U)/r.DU != r.T {
		return fmt.Errorf("%w: T=%d dX=%d dU=%d with %d state numbers and %d action numbers, need %d x %d and %d x %d",
			ErrShape, r.T, r.DX, r.DU, len(r.X), len(r.U), r.T+1, r.DX, r.T, r.DU)
	}
	return nil
}

// Validate returns an error wrapping ErrShape where CheckShape does, or ErrNotFinite, with
// the time step and the index, if a state or an action is not finite.
func (r *Rollout) Validate() error {
	if err := r.CheckShape(); err != nil {
		return err
	}
	if i := dense.FirstNotFinite(r.X); i >= 0 {
		return fmt.Errorf("%w: state %d at time step %d is %v", ErrNotFinite, i%r.DX, i/r.DX, r.X[i])
	}
	if i := dense.FirstNotFinite(r.U); i >= 0 {
		return fmt.Errorf("%w: action %d at time step %d is %v", ErrNotFinite, i%r.DU, i/r.DU, r.U[i])
	}
	return nil
}
