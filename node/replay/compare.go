package replay

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/node/record"
)

// sameFiles tells whether two folders hold the same checkpoint, and policy, after an iteration. A
// policy that only one has is none to compare with.
func sameFiles(a, b *record.Folder, iteration int) (bool, error) {
	if same, err := sameFile(checkpointPath(a, iteration), checkpointPath(b, iteration)); err != nil || !same {
		return false, err
	}
	path := record.PolicyPath(iteration)
	same, err := sameFile(a.Path(path), b.Path(path))
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return same, err
}

// maxFile bounds checkpoints and policies, in bytes.
const maxFile = 1 << 32

func sameFile(a, b string) (bool, error) {
	one, err := record.ReadFile(a, maxFile)
	if err != nil {
		return false, fmt.Errorf("replay: %w", err)
	}
	other, err := record.ReadFile(b, maxFile)
	if err != nil {
		return false, fmt.Errorf("replay: %w", err)
	}
	return bytes.Equal(one, other), nil
}

// predicted returns how much less the new controllers cost than those before under the models that
// they were improved under, the mean over the conditions; nil where a model is missing or blows up.
func predicted(s *algorithm.State) *float64 {
	sum := 0.0
	for _, c := range s.Conditions {
		if c.Previous == nil || c.Controller == nil {
			return nil
		}
		sum += algorithm.ExpectedCost(c.Previous.Controller, c.Previous) - algorithm.ExpectedCost(c.Controller, c.Previous)
	}
	return finite(sum / float64(len(s.Conditions)))
}

// distances compares the controllers of two states, condition by condition, along the rollouts that
// both were made from. They are nil unless the states have the same conditions and sizes.
func distances(replayed, recorded *algorithm.State, samples [][]*rollout.Rollout) (mean *Distance, each []Distance) {
	if len(replayed.Conditions) != len(recorded.Conditions) || len(samples) != len(recorded.Conditions) {
		return nil, nil
	}
	for m := range recorded.Conditions {
		a, b := &replayed.Conditions[m], &recorded.Conditions[m]
		if !sameSizes(a.Controller, b.Controller) {
			return nil, nil
		}
		d := actions(a.Controller, b.Controller, samples[m])
		d.KL, d.MaxGain = divergence(a, b.Controller), largest(a.Controller.K, b.Controller.K)
		each = append(each, *d)
	}
	return meanOf(each), each
}

func sameSizes(a, b *lqg.Controller) bool {
	return a != nil && b != nil && a.T == b.T && a.DX == b.DX && a.DU == b.DU
}

// divergence returns the KL divergence of a condition's controller from another, at the states that
// it meets under its model.
func divergence(of *algorithm.Condition, from *lqg.Controller) *float64 {
	c, model := of.Controller, of.Previous
	if slices.Equal(c.K, from.K) && slices.Equal(c.Bias, from.Bias) && slices.Equal(c.Chol, from.Chol) {
		return new(float64) // without the rounding of what follows
	}
	if model == nil {
		return nil
	}
	marginals := lqg.NewTrajectory(c.T, c.DX, c.DU)
	if err := lqg.NewForwardPass(c.DX, c.DU).Run(marginals, model.X0, c, model.Dynamics); err != nil {
		return nil // the fitted model is unstable under it
	}
	return finite(lqg.NewDivergence(c.DX, c.DU).PerStep(make([]float64, c.T), c, from, marginals))
}

// largest returns the largest difference of two entries.
func largest(a, b []float64) *float64 {
	v := 0.0
	for i := range a {
		v = max(v, math.Abs(a[i]-b[i]))
	}
	return finite(v)
}

// actions compares the mean actions of two policies of the same sizes along rollouts.
func actions(a, b policy.Policy, samples []*rollout.Rollout) *Distance {
	T, _, dU := a.Sizes()
	d, u, v, n := new(Distance), make([]float64, dU), make([]float64, dU), 0
	for _, s := range samples {
		for t := range min(T, s.T) {
			a.Act(u, s.State(t), t, nil)
			b.Act(v, s.State(t), t, nil)
			for i := range u {
				x := math.Abs(u[i] - v[i])
				d.MeanAction, d.MaxAction, n = d.MeanAction+x, max(d.MaxAction, x), n+1
			}
		}
	}
	d.MeanAction /= float64(max(n, 1))
	return d
}

// policies compares the policies of two states along the rollouts of all conditions; nil unless both
// have one, of the same sizes.
func policies(replayed, recorded *algorithm.State, samples [][]*rollout.Rollout) *Distance {
	a, b := replayed.Policy, recorded.Policy
	if a == nil || b == nil {
		return nil
	}
	T, dX, dU := a.Sizes()
	if t, x, u := b.Sizes(); t != T || x != dX || u != dU {
		return nil
	}
	var all []*rollout.Rollout
	for _, of := range samples {
		all = append(all, of...)
	}
	return actions(a.Fork(), b.Fork(), all)
}

// meanOf returns the means, and the largest of what is largest.
func meanOf(each []Distance) *Distance {
	d, share := new(Distance), 1/float64(len(each))
	kl, gain, known := 0.0, 0.0, true
	for _, e := range each {
		d.MeanAction += share * e.MeanAction
		d.MaxAction = max(d.MaxAction, e.MaxAction)
		if e.KL == nil || e.MaxGain == nil {
			known = false
			continue
		}
		kl, gain = kl+share**e.KL, max(gain, *e.MaxGain)
	}
	if known {
		d.KL, d.MaxGain = &kl, &gain
	}
	return d
}
