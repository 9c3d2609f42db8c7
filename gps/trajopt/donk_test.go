package trajopt_test

import (
	"math"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/lqg/lqgtest"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/internal/vectors"
)

// forwardRegularization is what the second reference adds to the diagonal of covar[t],
// t < T, after its forward pass.
const forwardRegularization = 1e-6

// donkConfig is what the second reference does, but for the precision of its search: KL at
// the mean states, eta >= 1e-6, no floor.
func donkConfig() trajopt.Config {
	cfg := trajopt.DefaultConfig()
	cfg.MeanStates, cfg.MinEta, cfg.CovarianceFloor, cfg.Tolerance = true, 1e-6, 0, 1e-11
	return cfg
}

// closeRelative compares with a tolerance relative to the value alone.
func closeRelative(t *testing.T, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance*math.Abs(want)) {
		t.Errorf("%s is %.12g, want %.12g (relative tolerance %g)", name, got, want, tolerance)
	}
}

// donkEvaluation measures a controller as the second reference does.
type donkEvaluation struct {
	m *lqg.Trajectory
	// kl is the mean over the steps, cost without and regularised with the reference's
	// regularisation of the marginals.
	kl, cost, regularised float64
}

func evaluate(p *trajopt.Problem, c *lqg.Controller) donkEvaluation {
	T, dX, dU := c.T, c.DX, c.DU
	e := donkEvaluation{m: lqg.NewTrajectory(T, dX, dU)}
	lqg.NewForwardPass(dX, dU).Run(e.m, p.X0, c, p.Dynamics)
	e.kl = lqg.NewDivergence(dX, dU).PerStepAtMeans(make([]float64, T), c, p.Anchor, e.m) / float64(T)
	e.cost = lqg.ExpectedCost(make([]float64, T+1), p.Cost, e.m)
	d := dX + dU
	for k := range T {
		for i := range d {
			e.m.CovAt(k)[i*d+i] += forwardRegularization
		}
	}
	e.regularised = lqg.ExpectedCost(make([]float64, T+1), p.Cost, e.m)
	return e
}

// at runs one backward pass in the problem's own units.
func at(t *testing.T, p *trajopt.Problem, eta float64) *lqg.Controller {
	t.Helper()
	c := lqg.NewController(p.Anchor.T, p.Anchor.DX, p.Anchor.DU)
	obj := &lqg.Objective{Cost: p.Cost, Anchor: lqg.NewSurrogate(p.Anchor)}
	if err := lqg.NewBackwardPass(c.DX, c.DU).Run(c, obj, p.Dynamics, eta); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestVectorsDonkILQR(t *testing.T) {
	for _, file := range []string{"ilqr_t10", "ilqr_t40"} {
		t.Run(file, func(t *testing.T) {
			cases := vectors.Donk(t, file)
			p := donkProblem(t, cases[0])
			for _, c := range cases {
				t.Run(c.Name, func(t *testing.T) {
					switch {
					case c.Inputs.Has("F"):
						compareProblem(t, p, c)
					case c.Inputs.Has("kl_step"):
						compareSolution(t, p, c)
					default:
						compareSurface(t, p, c)
					}
				})
			}
		})
	}
}

func donkProblem(t *testing.T, c vectors.Case) *trajopt.Problem {
	in := c.Inputs
	dyn := lqgtest.DonkDynamics(in, "dyn_covar")
	return &trajopt.Problem{Dynamics: dyn, Cost: lqgtest.DonkCost(in, dyn.DX), Anchor: lqgtest.DonkController(t, in, "prev_K", "prev_k", "prev_covar"),
		X0: &lqg.InitialState{Mean: in.Get("x0_mean").Floats(), Cov: in.Get("x0_covar").Floats()}}
}

func compareProblem(t *testing.T, p *trajopt.Problem, c vectors.Case) {
	s := lqg.NewSurrogate(p.Anchor)
	vectors.Close(t, "C_kl", s.Quad, c.Outputs.Get("C_kl").Floats(), 1e-9)
	vectors.Close(t, "c_kl", s.Lin, c.Outputs.Get("c_kl").Floats(), 1e-9)
	closeRelative(t, "prev_expected_costs", evaluate(p, p.Anchor).regularised, c.Outputs.Get("prev_expected_costs").Float(), 1e-7)
}

func compareSolution(t *testing.T, p *trajopt.Problem, c vectors.Case) {
	T, out := p.Anchor.T, c.Outputs
	o, err := trajopt.New(donkConfig(), T, p.Anchor.DX, p.Anchor.DU)
	if err != nil {
		t.Fatal(err)
	}
	r, err := o.Update(p, c.Inputs.Get("kl_step").Float()*float64(T), 1)
	if err != nil {
		t.Fatal(err)
	}
	if r.Active != out.Get("constraint_active").Bool() {
		t.Errorf("bound active: %v, want %v", r.Active, out.Get("constraint_active").Bool())
	}
	closeRelative(t, "eta", r.Eta, out.Get("eta").Float(), 1e-6)
	vectors.Close(t, "kl", []float64{r.KL / float64(T)}, []float64{out.Get("kl").Float()}, 1e-6)
	cov, _ := lqgtest.Covariances(r.Controller)
	vectors.Close(t, "K", r.Controller.K, out.Get("K").Floats(), 1e-6)
	vectors.Close(t, "k", r.Controller.Bias, out.Get("k").Floats(), 1e-6)
	vectors.Close(t, "covar", cov, out.Get("covar").Floats(), 1e-6)
	e := evaluate(p, r.Controller)
	closeRelative(t, "expected_costs_unregularised", e.cost, out.Get("expected_costs_unregularised").Float(), 1e-7)
	closeRelative(t, "expected_costs", e.regularised, out.Get("expected_costs").Float(), 1e-7)
	vectors.Close(t, "mean", e.m.Mean, out.Get("mean").Floats(), 1e-6)
	d := p.Anchor.DX + p.Anchor.DU
	variance := make([]float64, (T+1)*d)
	for i := range variance {
		variance[i] = e.m.CovAt(i / d)[i%d*(d+1)]
	}
	vectors.Close(t, "covar_x_diag", variance, out.Get("covar_x_diag").Floats(), 1e-6)
	// What the reference's own, coarser search returns is the controller of its eta.
	own := out.Get("donk_default")
	e = evaluate(p, at(t, p, own.Get("eta").Float()))
	vectors.Close(t, "donk_default.kl", []float64{e.kl}, []float64{own.Get("kl").Float()}, 1e-6)
	closeRelative(t, "donk_default.expected_costs", e.regularised, own.Get("expected_costs").Float(), 1e-7)
}

func compareSurface(t *testing.T, p *trajopt.Problem, c vectors.Case) {
	eta := c.Inputs.Get("eta").Floats()
	kl, cost := make([]float64, len(eta)), make([]float64, len(eta))
	for i, v := range eta {
		e := evaluate(p, at(t, p, v))
		kl[i], cost[i] = e.kl, e.regularised
	}
	vectors.Close(t, "kl", kl, c.Outputs.Get("kl").Floats(), 1e-6)
	vectors.Close(t, "expected_costs", cost, c.Outputs.Get("expected_costs").Floats(), 1e-7)
}
