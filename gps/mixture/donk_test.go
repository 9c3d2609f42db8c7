package mixture_test

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/internal/vectors"
)

// For a given mixture: mean weights and moments. For given data: a fit from
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
			rows, responsibilities := len(query)/D, c.Outputs.Get("responsibilities").Floats()
			for n := range rows {
				vectors.Close(t, "responsibilities", q.Weights(query[n*D:(n+1)*D]), responsibilities[n*K:(n+1)*K], 1e-9)
			}
			for i, r := range responsibilities {
				want[i%K] += r / float64(rows)
			}
			vectors.Close(t, "weights", q.Weights(query), want, 1e-9)
			var p mixture.Prior
			if err := q.Prior(&p, query); err != nil {
				t.Fatal(err)
			}
			mu0 := c.Outputs.Get("eval", "mu0").Floats()
			vectors.Close(t, "mu0", p.Mean, mu0, 1e-9)
			// The reference's scatter is per N_prior and has no spread of the means.
			cov := slices.Clone(c.Outputs.Get("eval", "Phi").Floats())
			for i := range cov {
				cov[i] /= c.Outputs.Get("eval", "N_mean").Float()
				for k, w := range want {
					cov[i] += w * (m.Mean(k)[i/D] - mu0[i/D]) * (m.Mean(k)[i%D] - mu0[i%D])
				}
			}
			vectors.Close(t, "covariance", p.Cov, cov, 1e-9)

			fit := c.Inputs.Get("fit")
			data := fit.Get("data").Floats()
			best, first := math.Inf(-1), 0.0
			methods := []mixture.Method{mixture.KMeans, mixture.ScaledKMeans, mixture.Random}
			for start := range 20 {
				rng := rand.New(rand.NewPCG(uint64(start), 1))
				cfg := mixture.DefaultConfig()
				cfg.Regularization = fit.Get("reg_covar").Float()
				if start > 0 { // restarts as different as they can be
					cfg.Starts, cfg.Method = 1, methods[start%len(methods)]
				}
				own, err := mixture.Start(context.Background(), rng, data, D, K, cfg)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := mixture.Fit(context.Background(), own, data, cfg); err != nil {
					t.Fatal(err)
				}
				l := perPoint(t, own, data)
				if start == 0 {
					first = l
				}
				best = math.Max(best, l)
			}
			t.Logf("mean log-likelihood %.4f, best of 20 %.4f", first, best)
			if target := fit.Get("mean_loglik_sklearn_default_seed0").Float() - 0.05; first < target {
				t.Errorf("mean log-likelihood %v, want at least %v", first, target)
			}
			if target := fit.Get("mean_loglik_best_of_20").Float() - 0.01; best < target {
				t.Errorf("best mean log-likelihood of 20 starts %v, want at least %v", best, target)
			}
		})
	}
}
