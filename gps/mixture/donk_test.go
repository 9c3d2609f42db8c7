package mixture_test

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/internal/vectors"
)

// For a given mixture: responsibilities and mean weights. For given data: a fit from
// k-means++ is as good as scikit-learn's, and the best of 20 as its best of 20.
func TestVectorsDonkMixture(t *testing.T) {
	for _, c := range vectors.Donk(t, "gmm_prior") {
		t.Run(c.Name, func(t *testing.T) {
			shape := c.Inputs.Get("means").Shape()
			K, D := shape[0], shape[1]
			m := mixture.New(K, D)
			copy(m.Means, c.Inputs.Get("means").Floats())
			copy(m.Covs, c.Inputs.Get("covariances").Floats())
			for k, w := range c.Inputs.Get("weights").Floats() {
				m.LogWeights[k] = math.Log(w)
			}
			query := c.Inputs.Get("query").Floats()
			q, err := mixture.NewQuery(m)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float64, K)
			rows := len(query) / D
			for i, r := range c.Outputs.Get("responsibilities").Floats() {
				want[i%K] += r / float64(rows)
			}
			vectors.Close(t, "weights", q.Weights(query), want, 1e-9)
			var p mixture.Prior
			q.Prior(&p, query)
			vectors.Close(t, "mu0", p.Mean, c.Outputs.Get("eval", "mu0").Floats(), 1e-9)

			fit := c.Inputs.Get("fit")
			data := fit.Get("data").Floats()
			best, first := math.Inf(-1), 0.0
			for start := range 20 {
				rng := rand.New(rand.NewPCG(uint64(start), 1))
				own := mixture.FromAssignment(data, D, mixture.KMeansPlusPlus(rng, data, D, K), K, 1e-6, 0)
				if _, err := mixture.Fit(context.Background(), own, data, mixture.DefaultConfig()); err != nil {
					t.Fatal(err)
				}
				l, err := own.LogLikelihood(data)
				if err != nil {
					t.Fatal(err)
				}
				l /= float64(len(data) / D)
				if start == 0 {
					first = l
				}
				best = math.Max(best, l)
			}
			if target := fit.Get("mean_loglik_sklearn_default_seed0").Float() - 0.05; first < target {
				t.Errorf("mean log-likelihood %v, want at least %v", first, target)
			}
			if target := fit.Get("mean_loglik_best_of_20").Float() - 0.01; best < target {
				t.Errorf("best mean log-likelihood of 20 starts %v, want at least %v", best, target)
			}
		})
	}
}
