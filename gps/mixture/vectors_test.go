package mixture_test

import (
	"context"
	"math"
	"slices"
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
	vectors.Run(t, "mixture_eval", func(t *testing.T, c vectors.Case) {
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
		if err := q.Prior(&p, points); err != nil {
			t.Fatal(err)
		}
		vectors.Close(t, "prior_mean", p.Mean, out.Get("prior_mean").Floats(), c.Tolerance)
		vectors.Close(t, "moment_mean", p.Mean, out.Get("moment_mean").Floats(), c.Tolerance)
		vectors.Close(t, "moment_cov", p.Cov, out.Get("moment_cov").Floats(), c.Tolerance)
		scatter := slices.Clone(p.Cov)
		for i := range scatter {
			scatter[i] *= p.M
		}
		vectors.Close(t, "prior_scatter", scatter, out.Get("prior_scatter").Floats(), c.Tolerance)
		vectors.Close(t, "m, n0", []float64{p.M, p.N0}, []float64{out.Get("m").Float(), out.Get("n0").Float()}, c.Tolerance)
	})
}

func TestVectorsEM(t *testing.T) {
	vectors.Run(t, "mixture_em", func(t *testing.T, c vectors.Case) {
		points := c.Inputs.Get("points")
		D := points.Shape()[1]
		K := c.Inputs.Get("clusters").Int()
		start := func() *mixture.Mixture {
			if c.Inputs.Has("start") {
				return read(c.Inputs.Get("start"))
			}
			return mixture.FromAssignment(points.Floats(), D, c.Inputs.Get("assignment").Ints(), K, 2e-6, float64(K))
		}
		want := c.Outputs.Get("mixture")
		wanted, weights := c.Outputs.Get("log_likelihoods").Floats(), exp(want.Get("log_weights").Floats())
		cfg := mixture.DefaultConfig()
		cfg.MaxIterations, cfg.Tolerance = c.Inputs.Get("max_iterations").Int(), 1e-5
		cfg.ReferenceRules = c.Defect != "" || defective(wanted, weights)
		m := start()
		trace, err := mixture.Fit(context.Background(), m, points.Floats(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		got := trace.LogLikelihoods
		if cfg.ReferenceRules {
			got, wanted = untilSettled(got, wanted)
		}
		if steps := c.Outputs.Get("e_steps").Int(); len(wanted) == steps && len(got) != steps || m.FitCount != want.Get("fit_count").Int() {
			t.Errorf("%d E-steps of %d points, want %d of %d", len(got), m.FitCount, steps, want.Get("fit_count").Int())
		}
		vectors.Close(t, "log_likelihoods", got, wanted, c.Tolerance)
		vectors.Close(t, "means", m.Means, want.Get("means").Floats(), c.Tolerance)
		vectors.Close(t, "covs", m.Covs, want.Get("covs").Floats(), c.Tolerance)
		vectors.Close(t, "weights", exp(m.LogWeights), weights, c.Tolerance)
		if !cfg.ReferenceRules {
			return
		}
		cfg.ReferenceRules = false
		corrected := start()
		if trace, err = mixture.Fit(context.Background(), corrected, points.Floats(), cfg); err != nil {
			t.Fatal(err)
		}
		checkFit(t, corrected, points.Floats(), trace)
		t.Logf("log-likelihood per point: reference %.6g, default %.6g in %d E-steps", perPoint(t, m, points.Floats()), perPoint(t, corrected, points.Floats()), len(trace.LogLikelihoods))
	})
}

// untilSettled cuts the longer of two runs to the length of the shorter if that ended at
// rest. Below zero the reference's rule for small changes never holds, and what ends the run
// is the sign of a change in the last digit.
func untilSettled(a, b []float64) ([]float64, []float64) {
	n := min(len(a), len(b))
	if len(a) == len(b) || n < 2 {
		return a, b
	}
	short, long := a, b
	if len(a) > n {
		short, long = b, a
	}
	for _, l := range append(slices.Clone(long[n-1:]), short[n-2]) {
		if math.Abs(l-short[n-1]) > 1e-12*math.Abs(l) {
			return a, b
		}
	}
	return a[:n], b[:n]
}

// defective says if a run of the reference shows a rule that the default corrects: it
// kept a step that lowered the log-likelihood, went on from a change below the tolerance
// because the log-likelihood was negative, or kept a dead component.
func defective(logLikelihoods, weights []float64) bool {
	for i, l := range logLikelihoods[1:] {
		last := logLikelihoods[i]
		if l < last || last < 0 && l-last < 1e-5*-last {
			return true
		}
	}
	return slices.Min(weights) < 1e-4/float64(len(weights))
}
