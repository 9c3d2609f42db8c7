package ilqg

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/rollout"
)

// StartsConfig sets how many descents a search makes. A descent ends in the local minimum
// that its start leads to; a search takes the best of several.
type StartsConfig struct {
	// Restarts is the number of random starts beside the given one, 0 to 10000.
	// Default 11.
	Restarts int
	// Spread is the standard deviation of a random start's controls, independent and
	// about zero, in the control's unit, > 0. Default 1.
	Spread float64
	// Screening is the number of iterations after which the starts are compared, >= 1.
	// Default 30.
	Screening int
	// Finalists is the number of starts that then go on to the end, the best, 1 to
	// 10001. Default 3.
	Finalists int
}

// DefaultStartsConfig returns the settings that suit swing-up problems.
func DefaultStartsConfig() StartsConfig {
	return StartsConfig{Restarts: 11, Spread: 1, Screening: 30, Finalists: 3}
}

const maxStarts = 10_000

// Validate returns an error wrapping ErrConfig that names the field, its value and what
// was expected.
func (c StartsConfig) Validate() error {
	switch {
	case c.Restarts < 0 || c.Restarts > maxStarts:
		return fmt.Errorf("%w: Restarts is %d, want 0 to %d", ErrConfig, c.Restarts, maxStarts)
	case !(c.Spread > 0) || math.IsInf(c.Spread, 1):
		return fmt.Errorf("%w: Spread is %v, want a finite number > 0", ErrConfig, c.Spread)
	case c.Screening < 1:
		return fmt.Errorf("%w: Screening is %d, want at least 1", ErrConfig, c.Screening)
	case c.Finalists < 1 || c.Finalists > maxStarts+1:
		return fmt.Errorf("%w: Finalists is %d, want 1 to %d", ErrConfig, c.Finalists, maxStarts+1)
	}
	return nil
}

// Descent is one start of a search and where it led.
type Descent struct {
	// Start is the cost at the start, Cost the last one; NaN if the system diverged at
	// the start.
	Start, Cost float64
	// Iterations holds what was reported of it. Lambda begins anew after the screening.
	Iterations []Iteration
	Status     Status
}

// Result is the outcome of a search.
type Result struct {
	// Rollout is the best trajectory, and Gain its feedback, T x dU x dX: the control
	// at a state x near x_t is u_t + K_t (x - x_t).
	Rollout *rollout.Rollout
	Gain    []float64
	Cost    float64
	// Best is the index in Descents of the one it comes from. Descent 0 began at the
	// given controls.
	Best     int
	Descents []Descent
}

// Search makes a descent from the given controls (T x dU) and from random ones, all from
// x0 (dX), and returns the best end. Each start gets at most Config.MaxIterations
// iterations. progress, which may be nil, is called after each iteration with the index of
// the descent; an error of it ends the search. A random start that diverges is passed over.
func (s *Solver) Search(x0, controls []float64, c StartsConfig, rng *rand.Rand, progress func(start int, it Iteration) error) (*Result, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	p := &s.problem
	if numbers := float64(c.Restarts+1) * float64(p.T) * float64(p.DU); numbers > maxSize {
		return nil, fmt.Errorf("%w: the controls of %d starts of T=%d dU=%d are %.3g numbers, want at most %d: Restarts of at most %d", ErrConfig, c.Restarts+1, p.T, p.DU, numbers, maxSize, maxSize/(p.T*p.DU)-1)
	}
	if rng == nil && c.Restarts > 0 {
		return nil, fmt.Errorf("%w: no source of random numbers for %d random starts", ErrConfig, c.Restarts)
	}
	ends := make([][]float64, c.Restarts+1)
	res := &Result{Best: -1, Cost: math.Inf(1), Descents: make([]Descent, len(ends))}
	for i := range ends {
		start := controls
		if i > 0 {
			start = make([]float64, p.T*p.DU)
			for j := range start {
				start[j] = c.Spread * rng.NormFloat64()
			}
		}
		d := &res.Descents[i]
		if err := s.descend(d, i, x0, start, c.Screening, progress); err != nil {
			if i > 0 && math.IsNaN(d.Start) && (errors.Is(err, ErrDiverged) || errors.Is(err, ErrNotFinite)) {
				continue
			}
			return nil, err
		}
		ends[i] = slices.Clone(s.current.U)
		res.keep(s, i)
	}
	var order []int
	for i, end := range ends {
		if end != nil {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(res.Descents[a].Cost, res.Descents[b].Cost) })
	for _, i := range order[:min(c.Finalists, len(order))] {
		if res.Descents[i].Status != Running {
			continue
		}
		if err := s.descend(&res.Descents[i], i, x0, ends[i], s.config.MaxIterations, progress); err != nil {
			return nil, err
		}
		res.keep(s, i)
	}
	return res, nil
}

// descend goes on with descent d, from the controls, up to a number of iterations in all.
func (s *Solver) descend(d *Descent, start int, x0, controls []float64, iterations int, progress func(int, Iteration) error) error {
	first := len(d.Iterations)
	if first == 0 {
		d.Start, d.Cost = math.NaN(), math.NaN()
	}
	if err := s.Start(x0, controls); err != nil {
		return err
	}
	if first == 0 {
		d.Start, d.Cost = s.total, s.total
	}
	for n := first; n < min(iterations, s.config.MaxIterations) && s.last.Status == Running; n++ {
		it, err := s.Iterate()
		if err != nil {
			return err
		}
		it.Number = n + 1
		if it.Number == s.config.MaxIterations && it.Status == Running {
			it.Status = OutOfIterations
		}
		d.Iterations = append(d.Iterations, it)
		if progress != nil {
			if err := progress(start, it); err != nil {
				return err
			}
		}
	}
	d.Cost, d.Status = s.total, d.Iterations[len(d.Iterations)-1].Status
	return nil
}

// keep takes the solver's trajectory if it is the best so far.
func (r *Result) keep(s *Solver, start int) {
	if r.Best >= 0 && !(s.total < r.Cost) {
		return
	}
	r.Best, r.Cost = start, s.total
	r.Rollout = rollout.New(s.problem.T, s.problem.DX, s.problem.DU)
	copy(r.Rollout.X, s.current.X)
	copy(r.Rollout.U, s.current.U)
	r.Gain = slices.Clone(s.back.gain)
}
