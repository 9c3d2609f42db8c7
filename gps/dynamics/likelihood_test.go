package dynamics_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
)

func mean(a []float64) float64 {
	sum := 0.0
	for _, v := range a {
		sum += v / float64(len(a))
	}
	return sum
}

// On held-out rollouts the measure prefers the model that generalises; on its own rollouts
// the overfitted one looks better.
func TestLogLikelihoodTellsOverfitting(t *testing.T) {
	rng := rand.New(rand.NewPCG(12, 12))
	const noise = 0.2
	training, F, f := linear(rng, 5, 8, noise) // one more than the unknowns per state
	many, _, _ := linear(rng, 100, 8, noise)
	heldOut, _, _ := linear(rng, 200, 8, noise)
	cfg := dynamics.DefaultConfig()
	overfitted, _, err := dynamics.Fit(training, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	good, _, err := dynamics.Fit(many, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	truth := lqg.NewDynamics(8, 2, 1)
	for k := range truth.T {
		copy(truth.FAt(k), F)
		copy(truth.BiasAt(k), f)
		copy(truth.CovAt(k), []float64{noise * noise, 0, 0, noise * noise})
	}
	measure := map[string][2]float64{}
	for name, dyn := range map[string]*lqg.Dynamics{"overfitted": overfitted, "good": good, "true": truth} {
		own, err := dynamics.LogLikelihood(dyn, training)
		if err != nil {
			t.Fatal(err)
		}
		other, err := dynamics.LogLikelihood(dyn, heldOut)
		if err != nil {
			t.Fatal(err)
		}
		measure[name] = [2]float64{mean(own), mean(other)}
	}
	t.Logf("mean log-likelihood of the training and of the held-out rollouts: %v", measure)
	if !(measure["overfitted"][0] > measure["good"][0]) {
		t.Error("the overfitted model is not better on its own rollouts")
	}
	if !(measure["overfitted"][1] < measure["good"][1]-1) || !(measure["good"][1] < measure["true"][1]) {
		t.Error("held-out rollouts do not tell the good model from the overfitted one")
	}
	// In the mean the true model's is minus the entropy of its noise.
	if want := -(math.Log(2*math.Pi*math.E) + 2*math.Log(noise)); math.Abs(measure["true"][1]-want) > 0.1 {
		t.Errorf("true model: %.4g nat, want about %.4g", measure["true"][1], want)
	}
}

func TestLogLikelihoodRefuses(t *testing.T) {
	rollouts, _, _ := linear(rand.New(rand.NewPCG(13, 13)), 3, 4, 0.1)
	dyn := lqg.NewDynamics(4, 2, 1)
	for k := range dyn.T {
		copy(dyn.CovAt(k), []float64{1, 0, 0, 1})
	}
	if _, err := dynamics.LogLikelihood(dyn, nil); !errors.Is(err, dynamics.ErrTooFewSamples) {
		t.Errorf("no rollouts: %v", err)
	}
	far := rollouts[0]
	far.State(2)[0] = 1e200
	if _, err := dynamics.LogLikelihood(dyn, rollouts); !errors.Is(err, dynamics.ErrNotFinite) || !strings.Contains(err.Error(), "time step 1") {
		t.Errorf("far off: %v", err)
	}
	dyn.CovAt(2)[3] = -1e-9
	far.State(2)[0] = 0
	_, err := dynamics.LogLikelihood(dyn, rollouts)
	if !errors.Is(err, lqg.ErrIndefinite) || !strings.Contains(err.Error(), "time step 2") || !strings.Contains(err.Error(), "condition number") {
		t.Errorf("indefinite noise: %v", err)
	}
}
