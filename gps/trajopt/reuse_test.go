package trajopt_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"guidedpolicysearch/gps/trajopt"
)

// An optimizer that has met a problem it could not solve, or not without infinities, solves
// the next one as a new optimizer does.
func TestUpdateAfterFailure(t *testing.T) {
	const T = 5
	spoil := []struct {
		name  string
		apply func(p *trajopt.Problem, bad float64)
	}{
		{"F", func(p *trajopt.Problem, bad float64) { p.Dynamics.F[p.Dynamics.DX] = bad }},
		{"factor", func(p *trajopt.Problem, bad float64) { p.Anchor.Chol[0] = bad }},
		{"gain", func(p *trajopt.Problem, bad float64) { p.Anchor.K[0] = bad }},
		{"Q_uu", func(p *trajopt.Problem, bad float64) {
			dX, d := p.Cost.DX, p.Cost.DX+p.Cost.DU
			p.Cost.Quad[dX*d+dX] = bad
		}},
		{"last cost", func(p *trajopt.Problem, bad float64) { p.Cost.QuadAt(T)[0] = bad }},
		{"noise", func(p *trajopt.Problem, bad float64) { p.Dynamics.Cov[0] = bad }},
		{"x_0", func(p *trajopt.Problem, bad float64) { p.X0.Cov[0] = bad }},
		{"all of F", func(p *trajopt.Problem, _ float64) { scale(p.Dynamics.F, 1e80) }},
		{"all of Q", func(p *trajopt.Problem, _ float64) { scale(p.Cost.Quad, 1e290) }},
	}
	epsilon, eta := slices.Repeat([]float64{0.2}, T), slices.Repeat([]float64{1}, T)
	failed := 0
	for _, dX := range []int{5, 6, 7, 26} {
		for _, dU := range []int{1, 7} {
			problem := func() *trajopt.Problem { return randomProblem(rand.New(rand.NewPCG(24, 8)), T, dX, dU, false) }
			optimizer := func() *trajopt.Optimizer {
				o, err := trajopt.New(trajopt.DefaultConfig(), T, dX, dU)
				if err != nil {
					t.Fatal(err)
				}
				return o
			}
			want, err := optimizer().Update(problem(), 1, 1)
			if err != nil {
				t.Fatal(err)
			}
			wantSteps, err := optimizer().UpdatePerStep(problem(), epsilon, eta)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range spoil {
				for _, bad := range []float64{math.NaN(), math.Inf(1), 1e200} {
					what := fmt.Sprintf("dX=%d dU=%d after %s of %v", dX, dU, s.name, bad)
					spoiled, o := problem(), optimizer()
					s.apply(spoiled, bad)
					if _, err := o.Update(spoiled, 1, 1); err != nil {
						failed++
					}
					got, err := o.Update(problem(), 1, 1)
					if err != nil || got.Eta != want.Eta || got.KL != want.KL || !slices.Equal(got.Controller.K, want.Controller.K) {
						t.Errorf("%s: %v, %+v", what, err, got)
					}
					o.UpdatePerStep(spoiled, epsilon, eta)
					steps, err := o.UpdatePerStep(problem(), epsilon, eta)
					if err != nil || !slices.Equal(steps.Eta, wantSteps.Eta) || !slices.Equal(steps.Controller.K, wantSteps.Controller.K) {
						t.Errorf("%s, bounds per step: %v, %+v", what, err, steps)
					}
				}
			}
		}
	}
	if failed < 100 {
		t.Errorf("only %d problems failed: the test tests little", failed)
	}
}

func scale(a []float64, by float64) {
	for i := range a {
		a[i] *= by
	}
}
