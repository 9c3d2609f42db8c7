package lqg_test

import (
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/internal/vectors"
)

func TestVectorsForward(t *testing.T) {
	for _, c := range vectors.GPS(t, "lqr_forward", "estimate_cost") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			m := lqg.NewTrajectory(s.Controller.T, s.Controller.DX, s.Controller.DU)
			lqg.NewForwardPass(m.DX, m.DU).Run(m, &s.X0, s.Controller, s.Dynamics)
			d := m.DX + m.DU
			if c.Kind == "lqr_forward" {
				vectors.Close(t, "mean", m.Mean[:m.T*d], c.Outputs.Get("mean").Floats(), c.Tolerance)
				vectors.Close(t, "cov", m.Cov[:m.T*d*d], c.Outputs.Get("cov").Floats(), c.Tolerance)
				return
			}
			cost := make([]float64, m.T+1)
			lqg.ExpectedCost(cost, s.Cost, m)
			vectors.Close(t, "cost_per_step", cost[:m.T], c.Outputs.Get("cost_per_step").Floats(), c.Tolerance)
		})
	}
}

func TestVectorsAugmentedCost(t *testing.T) {
	for _, c := range vectors.GPS(t, "augmented_cost") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			quad, lin := s.Cost.Quad, s.Cost.Lin
			if c.Inputs.Get("augment").Bool() {
				obj, _ := lqgtest.Objective(s, c.Inputs.Get("method").String(), c.Inputs.Get("max_ent").Float())
				staged := s.Cost.Clone()
				for k := range s.Cost.T {
					obj.Stage(k, c.Inputs.Get("eta").Float(), staged.QuadAt(k), staged.LinAt(k))
				}
				quad, lin = staged.Quad, staged.Lin
			}
			d := s.Cost.DX + s.Cost.DU
			vectors.Close(t, "quad", quad[:s.Cost.T*d*d], c.Outputs.Get("quad").Floats(), c.Tolerance)
			vectors.Close(t, "lin", lin[:s.Cost.T*d], c.Outputs.Get("lin").Floats(), c.Tolerance)
		})
	}
}

func TestVectorsTrajectoryKL(t *testing.T) {
	for _, c := range vectors.GPS(t, "trajectory_kl") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			p, q := lqgtest.Controller(c.Inputs.Get("new")), lqgtest.Controller(c.Inputs.Get("old"))
			m := lqg.NewTrajectory(p.T, p.DX, p.DU)
			lqg.NewForwardPass(p.DX, p.DU).Run(m, &s.X0, p, s.Dynamics)
			kl := make([]float64, p.T)
			total := lqg.NewDivergence(p.DX, p.DU).PerStep(kl, p, q, m)
			vectors.Close(t, "kl_per_step", kl, c.Outputs.Get("kl_per_step").Floats(), c.Tolerance)
			vectors.Close(t, "kl_alt_per_step", kl, c.Outputs.Get("kl_alt_per_step").Floats(), c.Tolerance)
			vectors.Close(t, "kl_total", []float64{total}, []float64{c.Outputs.Get("kl_total").Float()}, c.Tolerance)
			vectors.Close(t, "kl_alt_total", []float64{total}, []float64{c.Outputs.Get("kl_alt_total").Float()}, c.Tolerance)
		})
	}
}

func TestVectorsAct(t *testing.T) {
	for _, c := range vectors.GPS(t, "controller_act") {
		t.Run(c.Name, func(t *testing.T) {
			k := lqgtest.Controller(c.Inputs.Get("controller"))
			x, noise := c.Inputs.Get("states").Floats(), c.Inputs.Get("noise").Floats()
			u, folded := make([]float64, k.T*k.DU), make([]float64, k.T*k.DU)
			zero := make([]float64, k.DX)
			for i := range k.T {
				e := noise[i*k.DU : (i+1)*k.DU]
				k.Act(u[i*k.DU:(i+1)*k.DU], x[i*k.DX:(i+1)*k.DX], i, e)
				k.Act(folded[i*k.DU:(i+1)*k.DU], zero, i, e)
			}
			vectors.Close(t, "actions", u, c.Outputs.Get("actions").Floats(), c.Tolerance)
			vectors.Close(t, "folded_bias", folded, c.Outputs.Get("folded_bias").Floats(), c.Tolerance)
		})
	}
}

func TestVectorsRolloutCost(t *testing.T) {
	for _, c := range vectors.GPS(t, "rollout_cost") {
		t.Run(c.Name, func(t *testing.T) {
			s := lqgtest.System(c.Inputs.Get("system"))
			k := s.Controller
			noise := c.Inputs.Get("noise").Floats()
			want, wantCost := c.Outputs.Get("mean").Floats(), c.Outputs.Get("cost").Floats()
			d := k.DX + k.DU
			for n := range c.Inputs.Get("noise").Len() {
				mean, cost := make([]float64, k.T*d), make([]float64, k.T)
				lqg.Simulate(mean, s.X0.Mean, k, s.Dynamics, noise[n*k.T*k.DU:(n+1)*k.T*k.DU])
				for i := range k.T {
					cost[i] = s.Cost.Eval(i, mean[i*d:(i+1)*d])
				}
				vectors.Close(t, "mean", mean, want[n*k.T*d:(n+1)*k.T*d], c.Tolerance)
				vectors.Close(t, "cost", cost, wantCost[n*k.T:(n+1)*k.T], c.Tolerance)
			}
		})
	}
}

func TestVectorsBackward(t *testing.T) {
	for _, c := range vectors.GPS(t, "lqr_backward") {
		t.Run(c.Name, func(t *testing.T) {
			lqgtest.RunBackward(t, c)
		})
	}
}
