package mixture_test

import (
	"context"
	"testing"

	"guidedpolicysearch/gps/mixture"
	"guidedpolicysearch/internal/vectors"
)

func read(n vectors.Node) *mixture.Mixture {
	shape := n.Get("means").Shape()
	m := mixture.New(shape[0], shape[1])
	copy(m.Means, n.Get("means").Floats())
	copy(m.Covs, n.Get("covs").Floats())
	copy(m.LogWeights, n.Get("log_weights").Floats())
	m.FitCount = n.Get("fit_count").Int()
	return m
}

func TestVectorsEval(t *testing.T) {
	for _, c := range vectors.GPS(t, "mixture_eval") {
		t.Run(c.Name, func(t *testing.T) {
			m, points := read(c.Inputs.Get("mixture")), c.Inputs.Get("points").Floats()
			joint := make([]float64, len(points)/m.D*m.K)
			if err := m.LogJoint(joint, points); err != nil {
				t.Fatal(err)
			}
			out := c.Outputs
			vectors.Close(t, "log_joint", joint, out.Get("log_joint").Floats(), c.Tolerance)
			q, err := mixture.NewQuery(m)
			if err != nil {
				t.Fatal(err)
			}
			// Weights, not their logarithms: a component that is pruned has weight 0
			// where the reference has e^-100.
			vectors.Close(t, "weights", q.Weights(points), exp(out.Get("avg_log_weights").Floats()), c.Tolerance)
			var p mixture.Prior
			q.Prior(&p, points)
			vectors.Close(t, "prior_mean", p.Mean, out.Get("prior_mean").Floats(), c.Tolerance)
			vectors.Close(t, "moment_mean", p.Mean, out.Get("moment_mean").Floats(), c.Tolerance)
			vectors.Close(t, "moment_cov", p.Cov, out.Get("moment_cov").Floats(), c.Tolerance)
			vectors.Close(t, "m, n0", []float64{p.M, p.N0}, []float64{out.Get("m").Float(), out.Get("n0").Float()}, c.Tolerance)
		})
	}
}

func TestVectorsEM(t *testing.T) {
	for _, c := range vectors.GPS(t, "mixture_em") {
		t.Run(c.Name, func(t *testing.T) {
			points := c.Inputs.Get("points")
			D := points.Shape()[1]
			K := c.Inputs.Get("clusters").Int()
			cfg := mixture.DefaultConfig()
			cfg.MaxIterations = c.Inputs.Get("max_iterations").Int()
			cfg.ReferenceRules = c.Defect != ""
			var m *mixture.Mixture
			if c.Inputs.Has("start") {
				m = read(c.Inputs.Get("start"))
			} else {
				m = mixture.FromAssignment(points.Floats(), D, c.Inputs.Get("assignment").Ints(), K, 2e-6, float64(K))
			}
			trace, err := mixture.Fit(context.Background(), m, points.Floats(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "log_likelihoods", trace.LogLikelihoods, c.Outputs.Get("log_likelihoods").Floats(), c.Tolerance)
			want := c.Outputs.Get("mixture")
			vectors.Close(t, "means", m.Means, want.Get("means").Floats(), c.Tolerance)
			vectors.Close(t, "covs", m.Covs, want.Get("covs").Floats(), c.Tolerance)
			vectors.Close(t, "weights", exp(m.LogWeights), exp(want.Get("log_weights").Floats()), c.Tolerance)
		})
	}
}
