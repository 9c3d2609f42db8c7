package algorithm_test

import (
	"math"
	"slices"
	"testing"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/gps/rollout/rollouttest"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/internal/vectors"
)

// donkModel reads one side of a step_adjust case.
func donkModel(t *testing.T, c vectors.Case, prefix string) *algorithm.Model {
	policy, dyn, cost, x0 := "pol", "dyn", "costs", "x0"
	m := &algorithm.Model{Dynamics: lqgtest.DonkDynamics(c.Inputs.Get(prefix+dyn), "covar"), Controller: lqgtest.DonkController(t, c.Inputs.Get(prefix+policy), "K", "k", "covar"),
		X0: &lqg.InitialState{Mean: c.Inputs.Get(prefix+x0, "mean").Floats(), Cov: c.Inputs.Get(prefix+x0, "covar").Floats()}}
	m.Cost = lqgtest.DonkCost(c.Inputs.Get(prefix+cost), m.Dynamics.DX)
	return m
}

// donkCost is the expected cost as the second reference computes it: its marginals have
// 1e-6 added on the diagonal of their covariances, but for the last one.
func donkCost(c *lqg.Controller, model *algorithm.Model) float64 {
	cost, d := algorithm.ExpectedCost(c, model), c.DX+c.DU
	for t := range c.T {
		for i := range d {
			cost += 0.5e-6 * model.Cost.QuadAt(t)[i*d+i]
		}
	}
	return cost
}

// compareMultiplier compares a step adjustment. The second reference clips the multiplier to
// [0.1, 10] and bounds no single change. It divides by predicted - actual even where that is
// negative, the update giving more than it promised, which is no penalty that a step could
// be sized by:
//
//   - promised a gain: the ratio is negative and clipped to 0.1, as if the update had
//     failed, where the multiplier must grow;
//   - promised a loss: the ratio is positive, any number, and used. But an update that its
//     own model says is no gain deserves no step: the multiplier must shrink.
//
// The first reference has both right, with a least difference of 1e-4, and so has Next.
func compareMultiplier(t *testing.T, old, predicted, actual, want, tolerance float64) {
	t.Helper()
	cfg := algorithm.StepConfig{Min: 0.1, Max: 10, MinChange: 1e-9, MaxChange: 1e9}
	if predicted-actual < 1e-4 {
		want = math.Min(math.Max(old*predicted/2e-4, cfg.Min), cfg.Max)
	}
	vectors.Close(t, "step multiplier", []float64{cfg.Next(old, predicted, actual)}, []float64{want}, tolerance)
}

func TestVectorsDonkStepAdjust(t *testing.T) {
	const tolerance = 1e-9
	for _, c := range vectors.Donk(t, "misc") {
		if !c.Inputs.Has("step_mult") {
			continue
		}
		t.Run(c.Name, func(t *testing.T) {
			previous, current := donkModel(t, c, "prev_"), donkModel(t, c, "")
			before, promised, after := donkCost(previous.Controller, previous), donkCost(current.Controller, previous), donkCost(current.Controller, current)
			vectors.Close(t, "previous, predicted_new, actual_new", []float64{before, promised, after},
				[]float64{c.Outputs.Get("previous").Float(), c.Outputs.Get("predicted_new").Float(), c.Outputs.Get("actual_new").Float()}, tolerance)
			predicted, actual := before-promised, before-after
			vectors.Close(t, "raw_ratio", []float64{predicted / (2 * (predicted - actual))}, []float64{c.Outputs.Get("raw_ratio").Float()}, tolerance)
			compareMultiplier(t, c.Inputs.Get("step_mult").Float(), predicted, actual, c.Outputs.Get("new_step_mult").Float(), tolerance)
		})
	}
}

// compareCoarse compares the solution that the reference's own search stopped at: the
// root of log KL is bracketed to a hundredth of log eta, and where in it the search stops is
// not told. So it must be the solution for its own KL, with an eta as near as that.
func compareCoarse(t *testing.T, o *trajopt.Optimizer, p *trajopt.Problem, tight *trajopt.Result, own vectors.Node) {
	const tolerance = 1e-6
	want, T := lqgtest.DonkController(t, own, "K", "k", "covar"), p.Anchor.T
	got := tight
	if tight.Active {
		m := lqg.NewTrajectory(T, want.DX, want.DU)
		lqg.NewForwardPass(m.DX, m.DU).Run(m, p.X0, want, p.Dynamics)
		var err error
		if got, err = o.Update(p, lqg.NewDivergence(m.DX, m.DU).PerStepAtMeans(make([]float64, T), want, p.Anchor, m), tight.Eta); err != nil {
			t.Fatal(err)
		}
		if off, most := math.Abs(math.Log(got.Eta/tight.Eta)), 0.01*math.Abs(math.Log(got.Eta))+tolerance; off > most {
			t.Errorf("donk: log eta is off the root by %g, want at most %g", off, most)
		}
	}
	cov, _ := lqgtest.Covariances(got.Controller)
	vectors.Close(t, "donk.K", got.Controller.K, want.K, tolerance)
	vectors.Close(t, "donk.k", got.Controller.Bias, want.Bias, tolerance)
	vectors.Close(t, "donk.covar", cov, own.Get("covar").Floats(), tolerance)
}

// Outer iterations: the fit of x_0 and of the dynamics, the update's exact root, and what
// the reference went on with. Its step adjustment compares the model before with this one,
// under the controllers before and after this update; a next_kl_step_mult of 1 is one that
// was not adjusted, as in the first iteration, which has no model before.
func TestVectorsDonkTrajOpt(t *testing.T) {
	var previous *algorithm.Model // of the iteration before
	var previousGains []float64   // that it went on with
	var multiplier float64
	for _, c := range vectors.Donk(t, "traj_opt") {
		t.Run(c.Name, func(t *testing.T) {
			in, out := c.Inputs, c.Outputs
			T, dX, dU := in.Get("T").Int(), in.Get("dX").Int(), in.Get("dU").Int()
			samples := rollouttest.Rollouts(in.Get("X"), in.Get("U"))
			var first []float64
			for _, r := range samples {
				first = append(first, r.State(0)...)
			}
			x0, err := dynamics.FitStates(first, dX)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "x0_mean", x0.Mean, out.Get("x0_mean").Floats(), 1e-12)
			vectors.Close(t, "x0_covar", x0.Cov, out.Get("x0_covar").Floats(), 1e-12)
			fit := dynamics.DefaultConfig()
			fit.Regularization, fit.Regularizer, fit.Mean, fit.NoiseFloor = in.Get("regularization").Float(), dynamics.LiftEigenvalues, dynamics.SampleMean, 0
			dyn, _, err := dynamics.Fit(samples, nil, fit)
			if err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "F", dyn.F, out.Get("F").Floats(), 1e-8)
			vectors.Close(t, "f", dyn.Bias, out.Get("f").Floats(), 1e-8)
			vectors.Close(t, "dyn_covar", dyn.Cov, out.Get("dyn_covar").Floats(), 1e-8)

			cfg := trajopt.DefaultConfig()
			cfg.MeanStates, cfg.MinEta, cfg.CovarianceFloor, cfg.Tolerance = true, 1e-6, 0, 1e-11
			o, err := trajopt.New(cfg, T, dX, dU)
			if err != nil {
				t.Fatal(err)
			}
			p := &trajopt.Problem{Dynamics: dyn, X0: x0, Cost: lqgtest.DonkCost(in, dX), Anchor: lqgtest.DonkController(t, in, "prev_K", "prev_k", "prev_covar")}
			r, err := o.Update(p, in.Get("kl_step").Float()*float64(T), 1)
			if err != nil {
				t.Fatal(err)
			}
			tight := out.Get("tight")
			if r.Active != tight.Get("constraint_active").Bool() {
				t.Errorf("bound active: %v, want %v", r.Active, tight.Get("constraint_active").Bool())
			}
			cov, _ := lqgtest.Covariances(r.Controller)
			vectors.Close(t, "tight.K", r.Controller.K, tight.Get("K").Floats(), 1e-6)
			vectors.Close(t, "tight.k", r.Controller.Bias, tight.Get("k").Floats(), 1e-6)
			vectors.Close(t, "tight.covar", cov, tight.Get("covar").Floats(), 1e-6)
			vectors.Close(t, "tight.kl", []float64{r.KL / float64(T)}, []float64{tight.Get("kl").Float()}, 1e-6)
			if want := tight.Get("eta").Float(); !(math.Abs(r.Eta-want) <= 1e-6*want) {
				t.Errorf("tight.eta is %.12g, want %.12g", r.Eta, want)
			}
			model := &algorithm.Model{Dynamics: lqgtest.DonkDynamics(out, "dyn_covar"), X0: x0, Cost: p.Cost}
			if got, want := donkCost(r.Controller, model), tight.Get("expected_costs").Float(); !(math.Abs(got-want) <= 1e-7*math.Abs(want)) {
				t.Errorf("tight.expected_costs is %.12g, want %.12g", got, want)
			}
			own := out.Get("donk")
			compareCoarse(t, o, p, r, own)
			if own.Get("next_kl_step_mult").Float() != 1 && previous != nil && slices.Equal(previousGains, in.Get("prev_K").Floats()) {
				next := lqgtest.DonkController(t, own, "K", "k", "covar")
				before, promised, after := donkCost(p.Anchor, previous), donkCost(next, previous), donkCost(next, model)
				compareMultiplier(t, multiplier, before-promised, before-after, own.Get("next_kl_step_mult").Float(), 1e-6)
			}
			previous, previousGains, multiplier = model, own.Get("K").Floats(), own.Get("next_kl_step_mult").Float()
		})
	}
}
