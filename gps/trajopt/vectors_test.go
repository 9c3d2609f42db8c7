package trajopt_test

import (
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/internal/vectors"
)

func option(c vectors.Case, key string, value bool) bool {
	if c.Inputs.Has("options", key) {
		return c.Inputs.Get("options", key).Bool()
	}
	return value
}

// readUpdate reads the problem of an update and the settings that are not of the search.
func readUpdate(c vectors.Case) (*lqgtest.LQ, *trajopt.Problem, trajopt.Config) {
	s := lqgtest.System(c.Inputs.Get("system"))
	p := &trajopt.Problem{Dynamics: s.Dynamics, X0: &s.X0, Cost: s.Cost, Anchor: s.Controller}
	if c.Inputs.Has("algorithm", "max_ent_traj") {
		p.MaxEnt = c.Inputs.Get("algorithm", "max_ent_traj").Float()
	}
	switch c.Inputs.Get("method").String() {
	case "mdgps":
		p.Anchor = s.Policy.Controller
	case "badmm":
		p.Policy = lqgtest.PolicyTerm(s.Policy)
	}
	cfg := trajopt.DefaultConfig()
	cfg.CovarianceFloor = 0
	cfg.PreviousMarginals = option(c, "use_prev_distr", false)
	cfg.PropagateAnchor = !option(c, "update_in_bwd_pass", true)
	return s, p, cfg
}

func bound(c vectors.Case, T int) float64 {
	return c.Inputs.Get("algorithm", "kl_step").Float() * c.Inputs.Get("step_mult").Float() * float64(T)
}

func perStepBounds(c vectors.Case, T int) (epsilon, eta []float64) {
	epsilon, eta = c.Inputs.Get("algorithm", "kl_step").Floats(), make([]float64, T)
	for i, mult := range c.Inputs.Get("step_mult").Floats() {
		epsilon[i] *= mult
		eta[i] = c.Inputs.Get("eta").Float()
	}
	return epsilon, eta
}

// The default search on the same problems, faults of the reference included: within the
// bound and near it where it is active, with the eta of the controller that it returns, and
// in at most 12 passes (an inactive bound costs the reference all 50, an indefinite Q_uu makes
// it cycle for 50 and stop far below the bound).
func TestVectorsUpdateByDefault(t *testing.T) {
	for _, c := range vectors.GPS(t, "lqr_update") {
		t.Run(c.Name, func(t *testing.T) {
			_, p, cfg := readUpdate(c)
			T, dX, dU := p.Anchor.T, p.Anchor.DX, p.Anchor.DU
			o, err := trajopt.New(cfg, T, dX, dU)
			if err != nil {
				t.Fatal(err)
			}
			if option(c, "cons_per_step", false) {
				epsilon, eta := perStepBounds(c, T)
				r, err := o.UpdatePerStep(p, epsilon, eta)
				if err != nil || r.Anchored {
					t.Fatalf("error %v, result %+v", err, r)
				}
				for k, kl := range r.KLPerStep {
					if !(kl <= 1.1*epsilon[k]) || kl < 0.9*epsilon[k] && r.Eta[k] > cfg.MinEta {
						t.Errorf("step %d: KL %g, bound %g, eta %g", k, kl, epsilon[k], r.Eta[k])
					}
				}
				return
			}
			epsilon := bound(c, T)
			r, err := o.Update(p, epsilon, c.Inputs.Get("eta").Float())
			if err != nil || r.Anchored {
				t.Fatalf("error %v, result %+v", err, r)
			}
			if !(r.KL <= 1.1*epsilon) || r.KL < 0.9*epsilon && r.Eta > cfg.MinEta {
				t.Errorf("KL %g, bound %g, eta %g", r.KL, epsilon, r.Eta)
			}
			if r.Passes > 12 {
				t.Errorf("%d passes, want at most 12; the reference needs %d", r.Passes, c.Outputs.Get("backward_passes").Int())
			}
			pass, again := lqg.NewBackwardPass(dX, dU), lqg.NewController(T, dX, dU)
			if cfg.PropagateAnchor {
				pass.PropagateUnder = p.Anchor
			}
			obj := &lqg.Objective{Cost: p.Cost, Anchor: lqg.NewSurrogate(p.Anchor), MaxEnt: p.MaxEnt, Policy: p.Policy}
			if err := pass.Run(again, obj, p.Dynamics, r.Eta); err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "gains at the returned eta", r.Controller.K, again.K, 1e-6)
			vectors.Close(t, "factors at the returned eta", r.Controller.Chol, again.Chol, 1e-6)
		})
	}
}

// The reference's own search (Bisection) must be reproduced pass by pass, its faults
// included. What the default search does better is in search_test.go.
func TestVectorsUpdate(t *testing.T) {
	for _, c := range vectors.GPS(t, "lqr_update") {
		t.Run(c.Name, func(t *testing.T) {
			s, p, cfg := readUpdate(c)
			cfg.Search, p.ReferenceScale = trajopt.Bisection, true
			cfg.MinEta, cfg.MaxEta = 1e-8, 1e16 // the reference's: its first steps depend on them
			T := p.Anchor.T
			o, err := trajopt.New(cfg, T, p.Anchor.DX, p.Anchor.DU)
			if err != nil {
				t.Fatal(err)
			}
			out := c.Outputs
			var got *lqg.Controller
			var searched []float64 // the divergences that the search saw
			var passes int
			if option(c, "cons_per_step", false) {
				epsilon, eta := perStepBounds(c, T)
				r, err := o.UpdatePerStep(p, epsilon, eta)
				if err != nil {
					t.Fatal(err)
				}
				got, searched, passes = r.Controller, r.KLPerStep, r.Passes
				vectors.Close(t, "eta", r.Eta, out.Get("eta").Floats(), c.Tolerance)
			} else {
				r, err := o.Update(p, bound(c, T), c.Inputs.Get("eta").Float())
				if err != nil {
					t.Fatal(err)
				}
				got, searched, passes = r.Controller, r.KLPerStep, r.Passes
				vectors.Close(t, "eta_trace", r.Trace, out.Get("eta_trace").Floats(), c.Tolerance)
				// After its last pass the reference returns the eta of the pass that would
				// have been the next, not that of its controller.
				if r.Passes < cfg.MaxPasses {
					vectors.Close(t, "eta", []float64{r.Eta}, []float64{out.Get("eta").Float()}, c.Tolerance)
				}
			}
			if passes != out.Get("backward_passes").Int() {
				t.Errorf("backward passes: got %d, want %d", passes, out.Get("backward_passes").Int())
			}
			m := lqg.NewTrajectory(T, p.Anchor.DX, p.Anchor.DU)
			forward := lqg.NewForwardPass(p.Anchor.DX, p.Anchor.DU)
			kl := lqg.NewDivergence(p.Anchor.DX, p.Anchor.DU)
			step, cost := make([]float64, T), make([]float64, T+1)
			forward.Run(m, &s.X0, got, s.Dynamics)
			vectors.Close(t, "kl_total", []float64{kl.PerStep(step, got, p.Anchor, m)}, []float64{out.Get("kl_total").Float()}, c.Tolerance)
			vectors.Close(t, "kl_per_step", step, out.Get("kl_per_step").Floats(), c.Tolerance)
			vectors.Close(t, "expected_cost", []float64{lqg.ExpectedCost(cost, s.Cost, m)}, []float64{out.Get("expected_cost").Float()}, c.Tolerance)
			forward.Run(m, &s.X0, p.Anchor, s.Dynamics)
			kl.PerStep(step, got, p.Anchor, m)
			vectors.Close(t, "kl_under_previous_per_step", step, out.Get("kl_under_previous_per_step").Floats(), c.Tolerance)
			vectors.Close(t, "expected_cost_previous", []float64{lqg.ExpectedCost(cost, s.Cost, m)}, []float64{out.Get("expected_cost_previous").Float()}, c.Tolerance)
			measured := "kl_per_step"
			if cfg.PreviousMarginals {
				measured = "kl_under_previous_per_step"
			}
			vectors.Close(t, measured+" of the search", searched, out.Get(measured).Floats(), c.Tolerance)
			lqgtest.CompareController(t, got, out.Get("controller"), c.Tolerance)
		})
	}
}
