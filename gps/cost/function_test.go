package cost

import (
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// tangled is a cost that couples states and actions, depends on the time step, and
// branches on a value.
func tangled[S autodiff.Scalar[S]](x, u []S, t, T int) S {
	l := x[0].Mul(u[0]).Tanh().Add(autodiff.SmoothNorm(x[1:4], 0.1)).Add(x[4].Sub(u[1]).LogCosh().Scale(0.5))
	if x[2].Value() > 0 {
		l = l.Add(x[2].Mul(u[1]).Square())
	} else {
		l = l.Add(x[3].Sin().Mul(u[0].Exp()))
	}
	if t == T-1 {
		return l.Add(x[0].Cos().Neg().AddConst(1).Square().Scale(3))
	}
	return l.Scale(float64(t) / float64(T))
}

// tangledText is tangled as an expression.
const tangledText = `let l = tanh(x[0]*tau) + sqrt(0.1 + x[1]^2 + q^2 + x[3]^2) + 0.5*log_cosh(x[4] - u[1]) + (q > 0 ? (q*u[1])^2 : sin(x[3])*exp(tau));
	t == T-1 ? l + 3*(1-cos(x[0]))^2 : l*t/T`

var testStates, testActions = []string{"", "", "q", "", ""}, []string{"tau", ""}

// TestFunctionAndExpression: both ways to give a cost agree with each other, with the
// plain value of the code, and multiply by the ramp.
func TestFunctionAndExpression(t *testing.T) {
	all := terms(t)
	r := randomRollout(rand.New(rand.NewPCG(11, 12)))
	for ramp := ConstantRamp; ramp <= FinalOnlyRamp; ramp++ {
		code, text := NewExpansion(testT, testDX, testDU), NewExpansion(testT, testDX, testDU)
		for dst, term := range map[*Expansion]Term{code: all["function/"+ramp.String()], text: all["expression/"+ramp.String()]} {
			if err := Expand(dst, term, r); err != nil {
				t.Fatal(err)
			}
		}
		var value []float64
		for k := range r.T {
			x, u := make([]autodiff.Real, r.DX), make([]autodiff.Real, r.DU)
			for i, v := range r.State(k) {
				x[i] = autodiff.Real(v)
			}
			for i, v := range r.Action(k) {
				u[i] = autodiff.Real(v)
			}
			value = append(value, ramp.At(k, r.T, 2.5)*tangled(x, u, k, r.T).Value())
		}
		vectors.Close(t, ramp.String()+": l", code.L, value, 1e-14)
		vectors.Close(t, ramp.String()+": text's l", text.L, code.L, 1e-14)
		vectors.Close(t, ramp.String()+": text's l_y", text.Ly, code.Ly, 1e-13)
		vectors.Close(t, ramp.String()+": text's l_yy", text.Lyy, code.Lyy, 1e-13)
	}
}

// TestFunctionOfKnownCost: the classic terms as code give the terms' own expansions.
func TestFunctionOfKnownCost(t *testing.T) {
	weights, target := []float64{0.3, 1.7}, []float64{0.2, -0.5, 1}
	p := Penalty{L2: 0.4, L1: 0.7, Alpha: 0.02, Log: 0.9, LogAlpha: 0.05, SmoothL1: 0.3, SmoothAlpha: 0.04, LogCosh: 1.1}
	c := DefaultStateConfig(1, target)
	c.Penalty = p
	known := must[*Sum](t)(NewSum(Weighted{1, must[*Action](t)(NewAction(weights))}, Weighted{2, must[*State](t)(NewState(c))}))
	code := must[*Function](t)(NewFunction(DefaultFunctionConfig(testDX, testDU), func(x, u []autodiff.Var, _, _ int) autodiff.Var {
		var l, s autodiff.Var
		for i, w := range weights {
			l = l.Add(u[i].Square().Scale(w / 2))
		}
		for i, v := range target {
			d := x[1+i].AddConst(-v)
			s = s.Add(d.Square())
			l = l.Add(autodiff.SmoothAbs(d, p.SmoothAlpha).Scale(2 * p.SmoothL1)).Add(d.LogCosh().Scale(2 * p.LogCosh))
		}
		return l.Add(s.Scale(p.L2)).Add(s.AddConst(p.Alpha).Sqrt().Scale(2 * p.L1)).Add(s.AddConst(p.LogAlpha).Log().Scale(p.Log))
	}))
	r := randomRollout(rand.New(rand.NewPCG(13, 14)))
	want, got := NewExpansion(testT, testDX, testDU), NewExpansion(testT, testDX, testDU)
	for dst, term := range map[*Expansion]Term{want: known, got: code} {
		if err := Expand(dst, term, r); err != nil {
			t.Fatal(err)
		}
	}
	vectors.Close(t, "l", got.L, want.L, 1e-13)
	vectors.Close(t, "l_y", got.Ly, want.Ly, 1e-13)
	vectors.Close(t, "l_yy", got.Lyy, want.Lyy, 1e-13)
}

// TestRampSkips: a step that the ramp multiplies by 0 is not evaluated.
func TestRampSkips(t *testing.T) {
	c := DefaultFunctionConfig(1, 1)
	c.Ramp = FinalOnlyRamp
	r := rollout.New(3, 1, 1)
	copy(r.X, []float64{-1, 0, 1, 0})
	e := NewExpansion(3, 1, 1)
	if err := Expand(e, must[*Function](t)(NewFunction(c, func(x, _ []autodiff.Var, _, _ int) autodiff.Var { return x[0].Log().Exp() })), r); err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "l", e.L, []float64{0, 0, 1}, 1e-15)
}
