package algorithm_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/policy"
)

// A learned covariance is the mean of the controllers' own and of the squares of what the policy misses
// of their mean actions, at the samples that it was trained on.
func TestCovarianceByLikelihood(t *testing.T) {
	for _, name := range []string{"mdgps", "badmm", "lagrangian"} {
		a := massAlgorithm(t, name, func(c *algorithm.TrajOptConfig, p *algorithm.PolicyConfig) {
			exploring(c, p)
			p.Source = policy.ByLikelihood
		})
		state, _ := massRun(t, a, massState(1), 1, 6)
		next, _ := massRun(t, a, state, 1, 6)
		sum, weight := 0.0, 0.0
		u, pi, cov := make([]float64, massDU), make([]float64, massDU), make([]float64, massDU*massDU)
		add := func(c *lqg.Controller, of *algorithm.Condition, nu []float64) {
			for _, group := range of.Samples {
				for _, s := range group {
					for k := range c.T {
						w := 1.0
						if nu != nil {
							w = nu[k]
						}
						c.Act(u, s.State(k), k, nil)
						next.Policy.Act(pi, s.State(k), k, nil)
						c.Covariance(cov, k)
						sum += w * (cov[0] + (u[0]-pi[0])*(u[0]-pi[0]))
						weight += w
					}
				}
			}
		}
		if name != "mdgps" { // the controllers and weights of the last turn but one are not kept
			if l := next.Policy.Chol(); !(l[0] > 0) {
				t.Errorf("%s: the factor of the covariance is %v", name, l)
			}
			continue
		}
		for m := range next.Conditions {
			add(next.Conditions[m].Controller, &next.Conditions[m], nil)
		}
		if got, want := next.Policy.Chol()[0], math.Sqrt(sum/weight); math.Abs(got-want) > 1e-9*want {
			t.Errorf("%s: deviation of the policy's actions %v, want %v", name, got, want)
		}
		byPrecision, _ := massRun(t, massAlgorithm(t, name, exploring), massState(1), 2, 6)
		if got, least := next.Policy.Chol()[0], byPrecision.Policy.Chol()[0]; !(got > least) {
			t.Errorf("%s: deviation %v, that by precision, which no likelihood goes below, is %v", name, got, least)
		}
	}
	a := algorithm.DefaultPolicyConfig()
	if a.Source = "hearsay"; a.Validate() == nil {
		t.Error("a covariance by hearsay is accepted")
	}
}
