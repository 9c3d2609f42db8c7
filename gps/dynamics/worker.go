package dynamics

import (
	"errors"
	"fmt"
	"math"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// worker fits one time step after the other; it holds the workspace.
type worker struct {
	cfg     Config
	samples []*rollout.Rollout
	dX      int
	source  Prior
	points  []float64 // of the time step, N x P, for the source
	prior   NIW
	scatter *scatterCheck // made when it is first needed
	joint   *joint
	inputs  *spectral // of the covariance of [x, u]
	noise   *spectral
	// seen is where what is computed is recorded, nil for nowhere; step the time step at hand.
	seen *intermediates
	step int
}

func newWorker(cfg Config, dX, dU int) *worker {
	w := &worker{cfg: cfg, dX: dX, joint: newJoint(dX+dU, dX), noise: newSpectral(dX)}
	if cfg.Regularizer == LiftEigenvalues {
		w.inputs = newSpectral(dX + dU)
	}
	return w
}

// prepare makes room for the samples' time steps.
func (w *worker) prepare(samples []*rollout.Rollout, source Prior) {
	w.samples, w.source = samples, source
	w.joint.reserve(len(samples))
}

// fit writes time step t of the dynamics.
func (w *worker) fit(dyn *lqg.Dynamics, t int) error {
	w.step = t
	prior, err := w.priorAt(t)
	if err == nil {
		for n, s := range w.samples {
			point := w.joint.point(n)
			copy(point, s.State(t))
			copy(point[w.dX:], s.Action(t))
			copy(point[w.joint.pin:], s.State(t+1))
		}
		dst := Conditional{Gain: dyn.FAt(t), Bias: dyn.BiasAt(t), Cov: dyn.CovAt(t)}
		err = w.joint.fit(&dst, nil, prior, w.cfg.Strength, w.cfg.Mean, w)
		if err == nil && w.cfg.NoiseFloor > 0 && !w.noise.raise(dst.Cov, w.cfg.NoiseFloor) {
			err = fmt.Errorf("%w: the noise's covariance has no eigenvalues", ErrNotFinite)
		}
	}
	if err == nil {
		return nil
	}
	if err == errOverflow {
		err = w.joint.overflow(transitions(nil, w.samples, t), prior, w.cfg.Strength)
	}
	err = stepError(t, w.samples, err)
	if errors.Is(err, ErrSingular) {
		return fmt.Errorf("%w: %s, or raise the regularisation (%g)", err, w.advice(t, prior), w.cfg.Regularization)
	}
	return err
}

// priorAt returns the prior of a time step, nil if there is none.
func (w *worker) priorAt(t int) (*NIW, error) {
	switch source := w.source.(type) {
	case nil:
		return nil, nil
	case *NIW: // checked once for all steps
		return source, nil
	case *mixturePrior: // gives sums of covariances that have factors
		w.points = transitions(w.points[:0], w.samples, t)
		if err := source.At(&w.prior, t, w.points); err != nil {
			return nil, err
		}
		w.checkSize(&w.prior)
		return &w.prior, nil
	default:
		w.points = transitions(w.points[:0], w.samples, t)
		if err := source.At(&w.prior, t, w.points); err != nil {
			return nil, err
		}
		return &w.prior, w.check(&w.prior)
	}
}

// check returns an error if the prior is not one.
func (w *worker) check(prior *NIW) error {
	w.checkSize(prior)
	if w.scatter == nil {
		w.scatter = newScatterCheck(len(prior.Mean))
	}
	return prior.validate(w.scatter)
}

func (w *worker) checkSize(prior *NIW) {
	if p := w.joint.in + w.joint.out; len(prior.Mean) != p {
		panic(fmt.Sprintf("dynamics: prior over %d dimensions, transitions have %d", len(prior.Mean), p))
	}
}

func stepError(t int, samples []*rollout.Rollout, err error) error {
	return fmt.Errorf("time step %d, %d rollouts: %w", t, len(samples), err)
}

// advice says what to change where the covariance of [x, u] is singular.
func (w *worker) advice(t int, prior *NIW) string {
	if prior == nil {
		return "record more rollouts that differ, use a prior"
	}
	return fmt.Sprintf("record more rollouts that differ, check that the prior (mean up to %.3g, scatter up to %.3g) is in the units of the rollouts (numbers up to %.3g)",
		largest(prior.Mean), w.cfg.Strength*largest(prior.Scatter), largest(transitions(nil, w.samples, t)))
}

// largest returns the largest magnitude.
func largest(a []float64) (most float64) {
	for _, v := range a {
		most = max(most, math.Abs(v))
	}
	return most
}
