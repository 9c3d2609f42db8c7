package initial_test

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
)

// TestHoldIsOptimal: for passive joints, for more actions than joints, for further states
// and for coupled actuation, the mean actions from any state are those that minimise the
// stated cost over all action sequences, found by one dense solve.
func TestHoldIsOptimal(t *testing.T) {
	for _, c := range []struct{ T, dX, dQ, dU int }{{12, 2, 1, 1}, {9, 6, 3, 1}, {9, 7, 3, 2}, {7, 5, 1, 3}, {6, 9, 2, 2}, {1, 4, 2, 1}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			rng := rand.New(rand.NewPCG(1, uint64(c.dX)))
			normal := func(n int) []float64 {
				list := make([]float64, n)
				for i := range list {
					list[i] = rng.NormFloat64()
				}
				return list
			}
			x0, start := normal(c.dX), normal(c.dX)
			cfg := initial.HoldConfig{Actuation: normal(c.dQ * c.dU), Acc: normal(c.dQ), Variance: 0.7, Stiffness: 3, StiffnessVel: 0.4, FinalWeight: 5, DT: 0.2}
			got, err := initial.HoldInitialState(cfg, x0, c.T, c.dQ, c.dU)
			if err != nil {
				t.Fatal(err)
			}
			// Every state as an affine map of all actions, from the equations of motion.
			n := c.T * c.dU
			normalMatrix, right := mat.NewDense(n, n, nil), mat.NewVecDense(n, nil)
			penalise := func(weight, target float64, row []float64, offset float64) {
				for i, a := range row {
					right.SetVec(i, right.AtVec(i)+weight*a*(target-offset))
					for j, b := range row {
						normalMatrix.Set(i, j, normalMatrix.At(i, j)+weight*a*b)
					}
				}
			}
			q, dq := make([][]float64, c.dQ), make([][]float64, c.dQ)
			q0, dq0 := append([]float64(nil), start[:c.dQ]...), append([]float64(nil), start[c.dQ:2*c.dQ]...)
			for i := range q {
				q[i], dq[i] = make([]float64, n), make([]float64, n)
			}
			for k := range c.T {
				weight := 1 / cfg.Variance
				if k == c.T-1 {
					weight *= cfg.FinalWeight
				}
				for i := range q {
					penalise(weight*cfg.Stiffness, x0[i], q[i], q0[i])
					penalise(weight*cfg.Stiffness*cfg.StiffnessVel, x0[c.dQ+i], dq[i], dq0[i])
				}
				for j := range c.dU {
					row := make([]float64, n)
					row[k*c.dU+j] = 1
					penalise(weight, 0, row, 0)
				}
				for i := range q {
					acc := make([]float64, n)
					for j := range c.dU {
						acc[k*c.dU+j] = cfg.Actuation[i*c.dU+j]
					}
					// q' = q + dt dq + dt^2 a, dq' = dq + dt a.
					for l := range acc {
						q[i][l] += cfg.DT*dq[i][l] + cfg.DT*cfg.DT*acc[l]
						dq[i][l] += cfg.DT * acc[l]
					}
					q0[i] += cfg.DT*dq0[i] + cfg.DT*cfg.DT*cfg.Acc[i]
					dq0[i] += cfg.DT * cfg.Acc[i]
				}
			}
			var best mat.VecDense
			if err := best.SolveVec(normalMatrix, right); err != nil {
				t.Fatal(err)
			}
			F, f := initial.GuessedDynamics(c.dX, cfg.Actuation, cfg.Acc, c.dU, cfg.DT)
			x, u := start, make([]float64, c.dU)
			for k := range c.T {
				got.Act(u, x, k, nil)
				for j, v := range u {
					if want := best.AtVec(k*c.dU + j); math.Abs(v-want) > 1e-9*(1+math.Abs(want)) {
						t.Fatalf("step %d: action %d is %v, the best is %v", k, j, v, want)
					}
				}
				next := append([]float64(nil), f...)
				for i := range next {
					for j, v := range append(append([]float64(nil), x...), u...) {
						next[i] += F[i*(c.dX+c.dU)+j] * v
					}
				}
				x = next
			}
		})
	}
}

// uniformPD returns the settings of gain p on the positions and p d on the velocities, d in s, of the
// joint of each action's number, and of one variance.
func uniformPD(p, d, variance float64, dQ, dU int) initial.PDConfig {
	gains := func(value float64) []float64 {
		return initial.Diagonal(initial.Repeat(value, min(dQ, dU)), dU, dQ)
	}
	return initial.PDConfig{Stiffness: gains(p), Damping: gains(p * d), Variance: initial.Repeat(variance, dU)}
}

// TestPassiveJoints: with the state [q1, q2, dq1, dq2, ...] and one action on joint 1, the
// feedback is on q1 and dq1, and not on q2, which stands where dq1 would without joint 2.
func TestPassiveJoints(t *testing.T) {
	x0 := []float64{0.5, -2, 0.1, 0.3, 9}
	hold := initial.DefaultHoldConfig()
	hold.Actuation, hold.Acc = initial.Diagonal([]float64{2}, 2, 1), make([]float64, 2)
	byLQR, err := initial.HoldInitialState(hold, x0, 20, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	byPD, err := initial.ProportionalDerivative(uniformPD(10, 0.3, 0.5, 2, 1), x0, 20, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]*lqg.Controller{"LQR": byLQR, "PD": byPD} {
		k := c.Gain(0)
		if !(k[0] < 0) || k[1] != 0 || !(k[2] < 0) || k[3] != 0 || k[4] != 0 {
			t.Errorf("%s: gains %v, want feedback on entries 0 and 2", name, k)
		}
	}
	u := []float64{0}
	byPD.Act(u, []float64{0.7, 100, -0.4, 100, 100}, 3, nil)
	if want := 10*(0.5-0.7) + 3*(0.1+0.4); math.Abs(u[0]-want) > 1e-12 {
		t.Errorf("PD action %v, want %v", u[0], want)
	}
}

// TestFeedbackMatrices: gains that couple joints, and more actions than joints.
func TestFeedbackMatrices(t *testing.T) {
	cfg := initial.PDConfig{Stiffness: []float64{1, 2, 3, 4, 5, 6}, Damping: []float64{10, 20, 30, 40, 50, 60}, Variance: []float64{1, 4, 9}}
	x0 := []float64{1, 2, 3, 4, 5}
	c, err := initial.ProportionalDerivative(cfg, x0, 3, 2, 3)
	if err != nil {
		t.Fatal(err)
	}
	u, x := make([]float64, 3), []float64{0, 0, 0, 0, 7}
	c.Act(u, x, 2, []float64{1, 1, 1})
	for i := range u {
		want := cfg.Stiffness[2*i]*1 + cfg.Stiffness[2*i+1]*2 + cfg.Damping[2*i]*3 + cfg.Damping[2*i+1]*4 + float64(i+1)
		if math.Abs(u[i]-want) > 1e-12 {
			t.Errorf("action %d is %v, want %v", i, u[i], want)
		}
	}
}

func TestConstant(t *testing.T) {
	c, err := initial.Constant([]float64{1.5, -2}, []float64{4, 0.25}, 3, 5)
	if err != nil {
		t.Fatal(err)
	}
	u := make([]float64, 2)
	c.Act(u, []float64{9, 9, 9, 9, 9}, 1, []float64{1, 1})
	if u[0] != 3.5 || u[1] != -1.5 {
		t.Errorf("action %v", u)
	}
}

func TestRefused(t *testing.T) {
	nan := math.NaN()
	x0 := []float64{1, 2, 3, 4}
	hold := func(change func(*initial.HoldConfig)) error {
		c := initial.DefaultHoldConfig()
		c.Actuation, c.Acc = []float64{1, 0, 0, 1}, []float64{0, 0}
		change(&c)
		_, err := initial.HoldInitialState(c, x0, 5, 2, 2)
		return err
	}
	holdSize := func(x0 []float64, T, dQ, dU int) error {
		_, err := initial.HoldInitialState(initial.DefaultHoldConfig(), x0, T, dQ, dU)
		return err
	}
	pd := func(change func(*initial.PDConfig), x0 []float64) error {
		c := uniformPD(1, 1, 1, 2, 2)
		change(&c)
		_, err := initial.ProportionalDerivative(c, x0, 5, 2, 2)
		return err
	}
	constant := func(u, variance []float64, T, dX int) error {
		_, err := initial.Constant(u, variance, T, dX)
		return err
	}
	for want, err := range map[string]error{
		"actuation has 0 numbers, need 4": hold(func(c *initial.HoldConfig) { c.Actuation = nil }),
		"acc has 1 numbers, need 2":       hold(func(c *initial.HoldConfig) { c.Acc = []float64{0} }),
		"actuation[3] is NaN":             hold(func(c *initial.HoldConfig) { c.Actuation[3] = nan }),
		"variance is 0":                   hold(func(c *initial.HoldConfig) { c.Variance = 0 }),
		"dt is NaN":                       hold(func(c *initial.HoldConfig) { c.DT = nan }),
		"stiffness is -1":                 hold(func(c *initial.HoldConfig) { c.Stiffness = -1 }),
		"velocity weight is +Inf":         hold(func(c *initial.HoldConfig) { c.StiffnessVel = math.Inf(1) }),
		"final weight is 0":               hold(func(c *initial.HoldConfig) { c.FinalWeight = 0 }),
		"closer to 1":                     hold(func(c *initial.HoldConfig) { c.Actuation[0] = 1e300 }),
		"T=0 steps":                       holdSize(x0, 0, 2, 2),
		"dQ=3 joints":                     holdSize(x0, 5, 3, 2),
		"dU=0 actions":                    holdSize(x0, 5, 2, 0),
		"dX=0 states":                     holdSize(nil, 5, 0, 1),
		"too many":                        holdSize(x0, math.MaxInt, 2, 2),
		"are too many":                    holdSize(x0, 5, 2, math.MaxInt),
		"stiffness has 1 numbers":         pd(func(c *initial.PDConfig) { c.Stiffness = []float64{1} }, x0),
		"damping[1] is NaN":               pd(func(c *initial.PDConfig) { c.Damping[1] = nan }, x0),
		"variance[1] is -1":               pd(func(c *initial.PDConfig) { c.Variance[1] = -1 }, x0),
		"time step 0 is NaN":              pd(func(*initial.PDConfig) {}, []float64{nan, 0, 0, 0}),
		"too large":                       pd(func(c *initial.PDConfig) { c.Stiffness[0] = 1e300 }, []float64{1e300, 0, 0, 0}),
		"action[0] is +Inf":               constant([]float64{math.Inf(1)}, []float64{1}, 1, 1),
		"variance has 2 numbers, need 1":  constant([]float64{1}, []float64{1, 1}, 1, 1),
		"variance[0] is 0":                constant([]float64{1}, []float64{0}, 1, 1),
		"T=-1 steps":                      constant([]float64{1}, []float64{1}, -1, 1),
	} {
		if !errors.Is(err, initial.ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// checkController fails unless the controller is whole and finite, or there is an error.
func checkController(t *testing.T, c *lqg.Controller, err error) {
	t.Helper()
	if err != nil {
		if c != nil {
			t.Fatalf("a controller beside the error %v", err)
		}
		if !errors.Is(err, initial.ErrConfig) && !errors.Is(err, initial.ErrDemonstration) {
			t.Fatalf("error %v wraps none of the package's", err)
		}
		return
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
}

func FuzzControllers(f *testing.F) {
	f.Add(5, 4, 2, 1, 1.0, 0.5, 1.0, 1.0, 0.05)
	f.Add(1, 2, 1, 3, 1e300, 1e-300, 1e10, 1e-10, 1e5)
	f.Add(math.MaxInt, 3, 1, 1, math.NaN(), 0.0, -1.0, math.Inf(1), 1e-320)
	f.Add(-1, 0, -2, 0, 0.0, 0.0, 0.0, 0.0, 0.0)
	f.Fuzz(func(t *testing.T, T, dX, dQ, dU int, a, b, c, d, dt float64) {
		if T > 40 && T < 1<<40 || dX > 12 || dX < 0 || max(dU, -dU) > 6 || max(dQ, -dQ) > 12 {
			return // sizes that fit but take their time, or that the lists below cannot have
		}
		list := func(n int, values ...float64) []float64 {
			l := make([]float64, max(n, 0))
			for i := range l {
				l[i] = values[i%len(values)]
			}
			return l
		}
		x0 := list(dX, a, b, c)
		hold, err := initial.HoldInitialState(initial.HoldConfig{Actuation: list(dQ*dU, a, b), Acc: list(dQ, c), Variance: d, Stiffness: b, StiffnessVel: c, FinalWeight: a, DT: dt}, x0, T, dQ, dU)
		checkController(t, hold, err)
		pd, err := initial.ProportionalDerivative(initial.PDConfig{Stiffness: list(dQ*dU, a, d), Damping: list(dQ*dU, b, c, a), Variance: list(dU, d, a)}, x0, T, dQ, dU)
		checkController(t, pd, err)
		constant, err := initial.Constant(list(dU, a, b), list(dU, c, d), T, dX)
		checkController(t, constant, err)
	})
}

// Shapes that do not fit panic with both.
func TestPanicsWithShapes(t *testing.T) {
	config := initial.TrackConfig{FeedForward: initial.FeedNone, Feedback: uniformPD(1, 1, 1, 1, 1)}
	for want, f := range map[string]func(){
		"list of -1 numbers":                                 func() { initial.Repeat(1, -1) },
		"list of 1099511627776 numbers":                      func() { initial.Repeat(1, 1<<40) },
		"matrix of 1 x 1099511627776":                        func() { initial.Diagonal([]float64{1}, 1, 1<<40) },
		"2 values on the diagonal of a matrix of 3 x 1":      func() { initial.Diagonal([]float64{1, 2}, 3, 1) },
		"T=3 dQ=1 dU=0 with 0 positions":                     func() { _, _ = initial.Track(config, &initial.Reference{T: 3, DQ: 1, DT: 0.1}, 2, 1) },
		"reference is nil, need one that Demonstration.Resa": func() { _, _ = initial.Track(config, nil, 2, 1) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			f()
		}()
	}
}
