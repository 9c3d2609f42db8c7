package cost

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// The second reference counts T+1 steps, the last without action: here a rollout of T+1
// steps whose last action is 0 and costs nothing.

// roundedAbs is sum sqrt(x^2 + 0.01), and before the end sum u^2 / 20.
func roundedAbs[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	l := x[0].Const(0)
	for _, v := range x {
		l = l.Add(autodiff.SmoothAbs(v, 0.01))
	}
	if t < T-1 {
		l = l.Add(autodiff.SquaredNorm(u).Scale(1.0 / 20))
	}
	return l
}

// logCosExp is log(x0^2 + x1^2 + 0.1) + (1 - cos x2)(1 + x0^2), and before the end
// exp(x1 u0 / 2) + u1^4.
func logCosExp[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	l := x[0].Square().Add(x[1].Square()).AddConst(0.1).Log()
	l = l.Add(x[2].Cos().Neg().AddConst(1).Mul(x[0].Square().AddConst(1)))
	if t < T-1 {
		l = l.Add(x[1].Mul(u[0]).Scale(0.5).Exp()).Add(u[1].PowConst(4))
	}
	return l
}

// swingUp is u0^2/100 + 0.1 log cosh u1 before the end, and there
// (1 - cos x0)^2 + x1^2/10 + sqrt(1 + x2^2) - 1.
func swingUp[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	if t < T-1 {
		return u[0].Square().Scale(1.0 / 100).Add(u[1].LogCosh().Scale(0.1))
	}
	upright := x[0].Cos().Neg().AddConst(1).Square()
	return upright.Add(x[1].Square().Scale(0.1)).Add(autodiff.SmoothAbs(x[2], 1)).AddConst(-1)
}

// symbolic returns the cost of a case as code and as text, by its formula in words.
func symbolic(t *testing.T, words string, dX, dU int) (code Func, text string) {
	t.Helper()
	switch {
	case strings.Contains(words, "sum_i sqrt(x_i^2+0.01)"):
		var states, actions []string
		for i := range dX {
			states = append(states, fmt.Sprintf("smooth_abs(x[%d], 0.01)", i))
		}
		for i := range dU {
			actions = append(actions, fmt.Sprintf("u[%d]^2", i))
		}
		return roundedAbs[autodiff.Var], fmt.Sprintf("%s + (t < T-1 ? (%s)/20 : 0)", strings.Join(states, " + "), strings.Join(actions, " + "))
	case strings.Contains(words, "exp(x1*u0/2)"):
		return logCosExp[autodiff.Var], "log(x[0]^2 + x[1]^2 + 0.1) + (1-cos(x[2]))*(1+x[0]^2) + (t < T-1 ? exp(x[1]*u[0]/2) + u[1]^4 : 0)"
	case strings.Contains(words, "log cosh u1"):
		return swingUp[autodiff.Var], "t < T-1 ? u[0]^2/100 + 0.1*log_cosh(u[1]) : (1-cos(x[0]))^2 + x[1]^2/10 + sqrt(1+x[2]^2) - 1"
	}
	t.Fatalf("unknown formula %q", words)
	return nil, ""
}

// lossPenalty returns the penalty of a formula in words.
func lossPenalty(t *testing.T, n vectors.Node) Penalty {
	t.Helper()
	words := n.Get("cost_in_words").String()
	switch {
	case strings.Contains(words, "sqrt("):
		return Penalty{SmoothL1: 1, SmoothAlpha: n.Get("alpha").Float()}
	case strings.Contains(words, "log cosh("):
		return Penalty{LogCosh: 1}
	case strings.Contains(words, "1/2 sum_i w_i ("):
		return Penalty{L2: 1}
	}
	t.Fatalf("unknown formula %q", words)
	return Penalty{}
}

func TestVectorsDonkCosts(t *testing.T) {
	for _, c := range vectors.Donk(t, "costs") {
		t.Run(c.Name, func(t *testing.T) {
			switch n := c.Inputs; c.Kind {
			case "symbolic":
				donkSymbolic(t, n)
			case "loss", "quadratic":
				donkLoss(t, n, c.Kind == "quadratic")
			case "evaluate":
				donkEvaluate(t, n)
			default:
				t.Fatalf("unknown kind %q", c.Kind)
			}
		})
	}
}

func donkSymbolic(t *testing.T, n vectors.Node) {
	dX, dU, steps := n.Get("dX").Int(), n.Get("dU").Int(), n.Get("T").Int()+1
	r := rollout.New(steps, dX, dU)
	copy(r.X, n.Get("X").Floats(steps, dX))
	copy(r.U, n.Get("U").Floats(steps-1, dU))
	code, text := symbolic(t, n.Get("cost_in_words").String(), dX, dU)
	d := dX + dU
	for name, term := range map[string]Term{
		"code": must[*Function](t)(NewFunction(DefaultFunctionConfig(dX, dU), code)),
		"text": must[*Expression](t)(NewExpression(DefaultExpressionConfig(text, make([]string, dX), make([]string, dU)))),
	} {
		e, q := NewExpansion(steps, dX, dU), lqg.NewCost(steps, dX, dU)
		if err := Expand(e, term, r); err != nil {
			t.Fatal(err)
		}
		if err := QuadraticMean(q, []*Expansion{e}, []*rollout.Rollout{r}); err != nil {
			t.Fatal(err)
		}
		vectors.Close(t, name+": costs", e.L, n.Get("costs").Floats(steps), 1e-10)
		vectors.Close(t, name+": C", q.Quad[:steps*d*d], n.Get("C").Floats(steps, d, d), 1e-10)
		vectors.Close(t, name+": c", q.Lin[:steps*d], n.Get("c").Floats(steps, d), 1e-10)
		vectors.Close(t, name+": cc", q.Const[:steps], n.Get("cc").Floats(steps), 1e-10)
		smallest := func() (all []float64) {
			for k := range steps {
				var eigen mat.EigenSym
				eigen.Factorize(mat.NewSymDense(d, slices.Clone(e.Hessian(k))), false)
				all = append(all, eigen.Values(nil)[0])
			}
			return all
		}
		exact := n.Get("min_eig_C").Floats(steps)
		vectors.Close(t, name+": min_eig_C", smallest(), exact, 1e-10)
		if err := NewProjection(dX, dU).Apply(e); err != nil {
			t.Fatal(err)
		}
		for k, v := range exact {
			exact[k] = max(v, 0)
		}
		vectors.Close(t, name+": smallest eigenvalue when projected", smallest(), exact, 1e-10)
	}
}

// donkLoss compares a loss of rows of deviations, or its quadratic about y = 0; a case
// without points holds at any.
func donkLoss(t *testing.T, n vectors.Node, quadratic bool) {
	shape := n.Get("t").Shape()
	rows, m := shape[0], shape[1]
	target, weights := n.Get("t").Floats(), n.Get("w").Floats(rows, m)
	points := slices.Clone(target)
	for _, name := range []string{"x", "xu"} {
		if n.Has(name) {
			points = n.Get(name).Floats(rows, m)
		}
	}
	var value, gradient, hessian []float64
	for k := range rows {
		r := rollout.New(1, m, 1)
		copy(r.X, points[k*m:(k+1)*m])
		c := DefaultStateConfig(0, target[k*m:(k+1)*m])
		c.Weights, c.Penalty = weights[k*m:(k+1)*m], lossPenalty(t, n)
		e, q := NewExpansion(1, m, 1), lqg.NewCost(1, m, 1)
		if err := Expand(e, must[*State](t)(NewState(c)), r); err != nil {
			t.Fatal(err)
		}
		l, g, h := e.L[0], e.Gradient(0), e.Hessian(0)
		if quadratic {
			if err := QuadraticMean(q, []*Expansion{e}, []*rollout.Rollout{r}); err != nil {
				t.Fatal(err)
			}
			l, g, h = q.Const[0], q.LinAt(0), q.QuadAt(0)
		}
		value, gradient = append(value, l), append(gradient, g[:m]...)
		for i := range m {
			hessian = append(hessian, h[i*(m+1):i*(m+1)+m]...)
		}
	}
	names := [3]string{"l", "lx", "lxx"}
	if quadratic {
		names = [3]string{"cc", "c", "C"}
	}
	vectors.Close(t, names[0], value, n.Get(names[0]).Floats(rows), 1e-10)
	vectors.Close(t, names[1], gradient, n.Get(names[1]).Floats(rows, m), 1e-10)
	vectors.Close(t, names[2], hessian, n.Get(names[2]).Floats(rows, m, m), 1e-10)
}

// donkEvaluate compares a quadratic cost at states and actions, and its expectation.
func donkEvaluate(t *testing.T, n vectors.Node) {
	shape := n.Get("C").Shape()
	steps, d, dX := shape[0], shape[1], n.Get("dX").Int()
	q, m := lqg.NewCost(steps-1, dX, d-dX), lqg.NewTrajectory(steps-1, dX, d-dX)
	copy(q.Quad, n.Get("C").Floats(steps, d, d))
	copy(q.Lin, n.Get("c").Floats(steps, d))
	copy(q.Const, n.Get("cc").Floats(steps))
	copy(m.Mean, n.Get("mean").Floats(steps, d))
	costs := make([]float64, steps)
	lqg.ExpectedCost(costs, q, m)
	vectors.Close(t, "costs_at_mean", costs, n.Get("costs_at_mean").Floats(steps), 1e-10)
	copy(m.Cov, n.Get("covar").Floats(steps, d, d))
	lqg.ExpectedCost(costs, q, m)
	vectors.Close(t, "expected_costs", costs, n.Get("expected_costs").Floats(steps), 1e-10)
}
