package trajopt_test

import (
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/internal/vectors"
)

// The reference's own search (Bisection) must be reproduced pass by pass, its faults
// included. What the default search does better is in search_test.go.
func TestVectorsUpdate(t *testing.T) {
	for _, c := range vectors.GPS(t, "lqr_update") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			option := func(key string, value bool) bool {
				if c.Inputs.Has("options", key) {
					return c.Inputs.Get("options", key).Bool()
				}
				return value
			}
			p := trajopt.Problem{Dynamics: s.Dynamics, X0: &s.X0, Cost: s.Cost, Anchor: s.Controller}
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
			cfg.Search, cfg.CovarianceFloor = trajopt.Bisection, 0
			cfg.PreviousMarginals = option("use_prev_distr", false)
			cfg.PropagateAnchor = !option("update_in_bwd_pass", true)
			T := p.Anchor.T
			o, err := trajopt.New(cfg, T, p.Anchor.DX, p.Anchor.DU)
			if err != nil {
				t.Fatal(err)
			}
			out := c.Outputs
			var got *lqg.Controller
			if option("cons_per_step", false) {
				epsilon, mult := c.Inputs.Get("algorithm", "kl_step").Floats(), c.Inputs.Get("step_mult").Floats()
				eta := make([]float64, T)
				for i := range eta {
					epsilon[i] *= mult[i]
					eta[i] = c.Inputs.Get("eta").Float()
				}
				r, err := o.UpdatePerStep(&p, epsilon, eta)
				if err != nil {
					t.Fatal(err)
				}
				got = r.Controller
				vectors.Close(t, "eta", r.Eta, out.Get("eta").Floats(), c.Tolerance)
				vectors.Close(t, "kl_per_step", r.KLPerStep, out.Get("kl_per_step").Floats(), c.Tolerance)
				if r.Passes != out.Get("backward_passes").Int() {
					t.Errorf("backward passes: got %d, want %d", r.Passes, out.Get("backward_passes").Int())
				}
			} else {
				r, err := o.Update(&p, c.Inputs.Get("algorithm", "kl_step").Float()*c.Inputs.Get("step_mult").Float()*float64(T), c.Inputs.Get("eta").Float())
				if err != nil {
					t.Fatal(err)
				}
				got = r.Controller
				vectors.Close(t, "eta_trace", r.Trace, out.Get("eta_trace").Floats(), c.Tolerance)
				if r.Passes != out.Get("backward_passes").Int() {
					t.Errorf("backward passes: got %d, want %d", r.Passes, out.Get("backward_passes").Int())
				}
				if c.Defect == "" {
					vectors.Close(t, "eta", []float64{r.Eta}, []float64{out.Get("eta").Float()}, c.Tolerance)
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
			}
			lqgtest.CompareController(t, got, out.Get("controller"), c.Tolerance)
		})
	}
}
