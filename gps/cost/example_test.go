package cost_test

import (
	"fmt"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/rollout"
)

// A pendulum of state (q, dq) at q = 0.5, dq = 2 under a torque of 1.
func example() *rollout.Rollout {
	r := rollout.New(1, 2, 1)
	copy(r.State(0), []float64{0.5, 2})
	r.Action(0)[0] = 1
	return r
}

func ExampleNewFunction() {
	const dX, dU = 2, 1
	term, err := cost.NewFunction(cost.DefaultFunctionConfig(dX, dU), func(x, u []autodiff.Var, t, T int) autodiff.Var {
		return autodiff.SquaredNorm(u).Scale(1e-3).Add(autodiff.SmoothAbs(x[0], 0.01))
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	e := cost.NewExpansion(1, dX, dU)
	if err := cost.Expand(e, term, example()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("l = %.4f, gradient = %.4f\n", e.L[0], e.Gradient(0))
	// Output: l = 0.5109, gradient = [0.9806 0.0000 0.0020]
}

func ExampleNewExpression() {
	term, err := cost.NewExpression(cost.DefaultExpressionConfig("(1-cos(q0))^2 + 0.1*dq0^2", []string{"q0", "dq0"}, []string{"u0"}))
	if err != nil {
		fmt.Println(err)
		return
	}
	e := cost.NewExpansion(1, 2, 1)
	if err := cost.Expand(e, term, example()); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("l = %.4f, gradient = %.4f\n", e.L[0], e.Gradient(0))
	// Output: l = 0.4150, gradient = [0.1174 0.4000 0.0000]
}
