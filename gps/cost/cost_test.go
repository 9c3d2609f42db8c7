package cost

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

const testT, testDX, testDU = 6, 5, 2

// curved is a Kinematics of 2 joints and 2 points of 3 coordinates that is not linear;
// with affine set it is its first-order expansion about 0.
type curved struct{ affine bool }

func (k curved) Dims() (joints, coordinates int) { return 2, 6 }

func (k curved) Points(dst, q []float64) {
	a, b := q[0], q[1]
	if k.affine {
		copy(dst, []float64{a, 1 + b, 2*a - b, 0.5 * b, a + b, 3 * a})
		return
	}
	copy(dst, []float64{math.Sin(a), math.Cos(a) + b, 2*a - b + a*b, 0.5 * b, math.Sin(a + b), 3*a + b*b*b})
}

func (k curved) Jacobian(dst, q []float64) {
	a, b := q[0], q[1]
	if k.affine {
		a, b = 0, 0
	}
	copy(dst, []float64{math.Cos(a), 0, -math.Sin(a), 1, 2 + b, -1 + a, 0, 0.5, math.Cos(a + b), math.Cos(a + b), 3, 3 * b * b})
}

func must[T any](t testing.TB) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func random(rng *rand.Rand, n int) []float64 {
	v := make([]float64, n)
	for i := range v {
		v[i] = rng.NormFloat64()
	}
	return v
}

func randomRollout(rng *rand.Rand) *rollout.Rollout {
	r := rollout.New(testT, testDX, testDU)
	copy(r.X, random(rng, len(r.X)))
	copy(r.U, random(rng, len(r.U)))
	return r
}

// terms returns one of every kind, with its Hessian exact.
func terms(t testing.TB) map[string]Term {
	rng := rand.New(rand.NewPCG(1, 2))
	all := map[string]Term{"action": must[*Action](t)(NewAction([]float64{0.3, 1.7}))}
	penalties := map[string]Penalty{
		"l2":        {L2: 1.3},
		"l1":        {L1: 0.7, Alpha: 0.02},
		"log":       {Log: 0.9, LogAlpha: 0.05},
		"all":       {L2: 0.4, L1: 0.7, Alpha: 0.02, Log: 0.9, LogAlpha: 0.05, SmoothL1: 0.3, SmoothAlpha: 0.04, LogCosh: 1.1},
		"smooth l1": {SmoothL1: 1.4, SmoothAlpha: 0.03},
		"log cosh":  {LogCosh: 2.1},
	}
	for name, p := range penalties {
		for ramp := ConstantRamp; ramp <= FinalOnlyRamp; ramp++ {
			all[fmt.Sprintf("state/%s/%s", name, ramp)] = must[*State](t)(NewState(StateConfig{Start: 1, Target: []float64{0.2, -0.5, 1},
				Weights: []float64{0.5, 0, 2}, Penalty: p, Ramp: ramp, FinalMultiplier: 3}))
		}
		c := PointsConfig{JointStart: 3, Target: random(rng, 6), Weights: []float64{1, 2, 0.5, 1, 0.3, 0.8}, Penalty: p, Ramp: LinearRamp, FinalMultiplier: 2}
		all["points/"+name] = must[*Points](t)(NewPoints(c, curved{affine: true}))
		c.Target, c.Weights = random(rng, 3), c.Weights[:3]
		touch := must[*Combination](t)(NewCombination(curved{affine: true}, []float64{0.5, -1}))
		all["combination/"+name] = must[*Points](t)(NewPoints(c, touch))
		// A full A couples states and actions.
		d := testDX + testDU
		all["waypoints/"+name] = must[*Waypoints](t)(NewWaypoints(WaypointsConfig{Penalty: p, Waypoints: []Waypoint{
			{Time: 0.3, A: random(rng, 3*d), B: random(rng, 3)}, {Time: 0.8, A: random(rng, 3*d), B: random(rng, 3), Ramp: QuadraticRamp}}}))
	}
	all["tracking"] = must[*Tracking](t)(NewTracking(TrackingConfig{Start: 2, Reference: random(rng, 2*testT), Weights: []float64{0.7, 2}}))
	all["region"] = must[*Region](t)(NewRegion(DefaultRegionConfig(0, []float64{0, 0}, 1)))
	for ramp := ConstantRamp; ramp <= FinalOnlyRamp; ramp++ {
		f := DefaultFunctionConfig(testDX, testDU)
		f.Ramp, f.FinalMultiplier = ramp, 2.5
		all["function/"+ramp.String()] = must[*Function](t)(NewFunction(f, tangled[autodiff.Var]))
		c := DefaultExpressionConfig(tangledText, testStates, testActions)
		c.Ramp, c.FinalMultiplier = ramp, 2.5
		all["expression/"+ramp.String()] = must[*Expression](t)(NewExpression(c))
	}
	all["smoothness/in state"] = must[*Smoothness](t)(NewSmoothness(SmoothnessConfig{Weights: []float64{0.4, 1.5}, InState: true, Start: 2}))
	all["convex"] = must[*Convex](t)(NewConvex(all["state/l1/linear"]))
	all["sum"] = must[*Sum](t)(NewSum(Weighted{2, all["action"]}, Weighted{0.5, all["state/all/linear"]}, Weighted{0, all["points/log"]}))
	return all
}

// element returns a pointer to element i of y at time step t.
func element(r *rollout.Rollout, t, i int) *float64 {
	if i < r.DX {
		return &r.State(t)[i]
	}
	return &r.Action(t)[i-r.DX]
}

// differences checks Ly against differences of L and, where hessian is set, Lyy against
// differences of Ly.
func differences(t *testing.T, name string, term Term, r *rollout.Rollout, hessian bool) {
	t.Helper()
	d := r.DX + r.DU
	e, lo, hi := NewExpansion(r.T, r.DX, r.DU), NewExpansion(r.T, r.DX, r.DU), NewExpansion(r.T, r.DX, r.DU)
	expand := func(dst *Expansion) {
		if err := Expand(dst, term, r); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	expand(e)
	for k := range r.T {
		gradient, hess := make([]float64, d), make([]float64, d*d)
		for i := range d {
			const h = 1e-5
			y := element(r, k, i)
			old := *y
			*y = old + h
			expand(hi)
			*y = old - h
			expand(lo)
			*y = old
			gradient[i] = (hi.L[k] - lo.L[k]) / (2 * h)
			for j := range d {
				hess[i*d+j] = (hi.Gradient(k)[j] - lo.Gradient(k)[j]) / (2 * h)
			}
		}
		vectors.Close(t, fmt.Sprintf("%s: gradient at %d", name, k), e.Gradient(k), gradient, 1e-7)
		if hessian {
			vectors.Close(t, fmt.Sprintf("%s: Hessian at %d", name, k), e.Hessian(k), hess, 1e-7)
		}
	}
}

func TestDerivatives(t *testing.T) {
	r := randomRollout(rand.New(rand.NewPCG(3, 4)))
	for name, term := range terms(t) {
		differences(t, name, term, r, true)
	}
}

// TestGaussNewton checks with curved kinematics: an exact gradient, and a Hessian that is
// that of the kinematics' first-order expansion.
func TestGaussNewton(t *testing.T) {
	r := randomRollout(rand.New(rand.NewPCG(5, 6)))
	c := DefaultPointsConfig([]float64{0.1, 0.2, 0.3, 0.4, 0.5, 0.6})
	c.Penalty = Penalty{L2: 1, L1: 0.5, Alpha: 0.1, Log: 0.3, LogAlpha: 0.1}
	differences(t, "curved", must[*Points](t)(NewPoints(c, curved{})), r, false)
	clear(r.X) // the affine kinematics is the expansion about 0
	exact, affine := NewExpansion(testT, testDX, testDU), NewExpansion(testT, testDX, testDU)
	for dst, k := range map[*Expansion]Kinematics{exact: curved{}, affine: curved{affine: true}} {
		if err := Expand(dst, must[*Points](t)(NewPoints(c, k)), r); err != nil {
			t.Fatal(err)
		}
	}
	vectors.Close(t, "Hessian", exact.Lyy, affine.Lyy, 1e-14)
}

// TestReferenceLogHessian shows that the reference's second derivatives of the log part,
// and they alone, differ from the differences.
func TestReferenceLogHessian(t *testing.T) {
	d, w := []float64{0.3, -0.4}, []float64{1, 2}
	const h = 1e-6
	for _, mode := range []LogHessian{ExactLogHessian, CompatibleLogHessian, CompatibleWaypointLogHessian} {
		p := Penalty{Log: 1, LogAlpha: 0.05, Alpha: 0.3, LogHessian: mode}
		g, hess, lo, hi, scratch := make([]float64, 2), make([]float64, 4), make([]float64, 2), make([]float64, 2), make([]float64, 4)
		p.Evaluate(g, hess, d, w, 1)
		worst := 0.0
		for i := range d {
			old := d[i]
			d[i] = old + h
			p.Evaluate(hi, scratch, d, w, 1)
			d[i] = old - h
			p.Evaluate(lo, scratch, d, w, 1)
			d[i] = old
			for j := range d {
				worst = max(worst, math.Abs(hess[i*2+j]-(hi[j]-lo[j])/(2*h)))
			}
		}
		if exact := worst < 1e-7; exact != (mode == ExactLogHessian) {
			t.Errorf("mode %d: Hessian differs from differences by %g", mode, worst)
		}
	}
}

func TestAddScalesAndAccumulates(t *testing.T) {
	r := randomRollout(rand.New(rand.NewPCG(7, 8)))
	for name, term := range terms(t) {
		once, twice := NewExpansion(testT, testDX, testDU), NewExpansion(testT, testDX, testDU)
		if err := Expand(once, term, r); err != nil {
			t.Fatal(err)
		}
		for _, weight := range []float64{0.75, 1.25} {
			if err := term.Add(twice, weight, r); err != nil {
				t.Fatal(err)
			}
		}
		for i := range once.L {
			once.L[i] *= 2
		}
		for i := range once.Ly {
			once.Ly[i] *= 2
		}
		for i := range once.Lyy {
			once.Lyy[i] *= 2
		}
		vectors.Close(t, name+" l", twice.L, once.L, 1e-13)
		vectors.Close(t, name+" l_y", twice.Ly, once.Ly, 1e-13)
		vectors.Close(t, name+" l_yy", twice.Lyy, once.Lyy, 1e-13)
	}
}

func TestByHand(t *testing.T) {
	r := rollout.New(2, 1, 1)
	copy(r.X, []float64{3, 4, 100})
	copy(r.U, []float64{-2, 5})
	total := must[*Sum](t)(NewSum(
		Weighted{10, must[*Action](t)(NewAction([]float64{0.5}))},
		Weighted{1, must[*State](t)(NewState(DefaultStateConfig(0, []float64{1})))}))
	e := NewExpansion(2, 1, 1)
	if err := Expand(e, total, r); err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "l", e.L, []float64{10 + 2, 62.5 + 4.5}, 0)
	vectors.Close(t, "l_y", e.Ly, []float64{2, -10, 3, 25}, 0)
	vectors.Close(t, "l_yy", e.Lyy, []float64{1, 0, 0, 5, 1, 0, 0, 5}, 0)
	if e.Total() != 79 {
		t.Errorf("total is %v, want 79", e.Total())
	}
	// Already quadratic: 1/2 (x-1)^2 + 2.5 u^2.
	q := lqg.NewCost(2, 1, 1)
	if err := QuadraticMean(q, []*Expansion{e}, []*rollout.Rollout{r}); err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "const", q.Const, []float64{0.5, 0.5, 0}, 1e-14)
	vectors.Close(t, "lin", q.Lin, []float64{-1, 0, -1, 0, 0, 0}, 1e-14)
	vectors.Close(t, "quad", q.Quad, []float64{1, 0, 0, 5, 1, 0, 0, 5, 0, 0, 0, 0}, 0)
}

func TestWaypointSegments(t *testing.T) {
	c := WaypointsConfig{Penalty: Penalty{L2: 2}, Waypoints: []Waypoint{{Time: 0.55, A: []float64{0, 0}, B: []float64{1}}}}
	w := must[*Waypoints](t)(NewWaypoints(c))
	r := rollout.New(100, 1, 1)
	e := NewExpansion(100, 1, 1)
	if err := Expand(e, w, r); err != nil {
		t.Fatal(err)
	}
	if e.L[54] != 1 || e.L[55] != 0 {
		t.Errorf("cost at steps 54 and 55 is %v and %v, want 1 and 0", e.L[54], e.L[55])
	}
}

func TestAllocations(t *testing.T) {
	r := randomRollout(rand.New(rand.NewPCG(9, 10)))
	e := NewExpansion(testT, testDX, testDU)
	for name, term := range terms(t) {
		if a := testing.AllocsPerRun(20, func() {
			if err := Expand(e, term, r); err != nil {
				t.Fatal(err)
			}
		}); a != 0 {
			t.Errorf("%s: %v allocations, want 0", name, a)
		}
	}
	q := lqg.NewCost(testT, testDX, testDU)
	es, rs := []*Expansion{e}, []*rollout.Rollout{r}
	if a := testing.AllocsPerRun(20, func() { _ = QuadraticMean(q, es, rs) }); a != 0 {
		t.Errorf("mean: %v allocations, want 0", a)
	}
}

func TestErrors(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	target := []float64{1, 2}
	state := func(change func(*StateConfig)) error {
		c := DefaultStateConfig(0, target)
		change(&c)
		_, err := NewState(c)
		return err
	}
	points := func(change func(*PointsConfig)) error {
		c := DefaultPointsConfig(make([]float64, 6))
		change(&c)
		_, err := NewPoints(c, curved{})
		return err
	}
	region := func(c RegionConfig) error { _, err := NewRegion(c); return err }
	way := func(p Penalty, w ...Waypoint) error {
		_, err := NewWaypoints(WaypointsConfig{Waypoints: w, Penalty: p})
		return err
	}
	action := func(w ...float64) error { _, err := NewAction(w); return err }
	sum := func(w ...Weighted) error { _, err := NewSum(w...); return err }
	combination := func(c ...float64) error { _, err := NewCombination(curved{}, c); return err }
	_, ramp := ParseRamp("cubic")
	smooth := func(c SmoothnessConfig) error { _, err := NewSmoothness(c); return err }
	function := func(c FunctionConfig, f Func) error { _, err := NewFunction(c, f); return err }
	text := func(change func(*ExpressionConfig)) error {
		c := DefaultExpressionConfig("q0^2", []string{"q0"}, []string{"u0"})
		change(&c)
		_, err := NewExpression(c)
		return err
	}
	_, convex := NewConvex(nil)
	_, still := NewPoints(DefaultPointsConfig(target), nil)
	ok := Waypoint{Time: 0.5, A: []float64{1, 2}, B: []float64{1}}
	for want, err := range map[string]error{
		"weights[1] is -1":                      action(1, -1),
		"weights has no elements":               action(),
		"weights[0] is NaN":                     action(nan),
		"start is -1":                           state(func(c *StateConfig) { c.Start = -1 }),
		"target has no elements":                state(func(c *StateConfig) { c.Target = nil }),
		"target[0] is +Inf":                     state(func(c *StateConfig) { c.Target = []float64{inf, 0} }),
		"weights has 1 elements, want 2":        state(func(c *StateConfig) { c.Weights = c.Weights[:1] }),
		"weights[0] is -2":                      state(func(c *StateConfig) { c.Weights[0] = -2 }),
		"alpha is 0":                            state(func(c *StateConfig) { c.Penalty.L1 = 1 }),
		"log_alpha is -1":                       state(func(c *StateConfig) { c.Penalty = Penalty{Log: 1, LogAlpha: -1} }),
		"l2 is -1":                              state(func(c *StateConfig) { c.Penalty.L2 = -1 }),
		"l1 is NaN":                             state(func(c *StateConfig) { c.Penalty.L1 = nan }),
		"ramp is 7":                             state(func(c *StateConfig) { c.Ramp = 7 }),
		"final_multiplier is -1":                state(func(c *StateConfig) { c.FinalMultiplier = -1 }),
		"target has 2 elements, want 6":         points(func(c *PointsConfig) { c.Target, c.Weights = target, target }),
		"joint_start is -3":                     points(func(c *PointsConfig) { c.JointStart = -3 }),
		"coefficients has 4":                    combination(1, 1, 1, 1),
		"coefficients has 0":                    combination(),
		"coefficients[1] is NaN":                combination(1, nan),
		"max_distance is -1":                    region(DefaultRegionConfig(0, target, -1)),
		"inside is NaN":                         region(RegionConfig{Target: target, Inside: nan}),
		"waypoints has no":                      way(Penalty{}),
		"waypoints[1].time is 0.5":              way(Penalty{}, ok, ok),
		"waypoints[0].time is 1.5":              way(Penalty{}, Waypoint{Time: 1.5, A: ok.A, B: ok.B}),
		"waypoints[0] has 3 elements in A":      way(Penalty{}, Waypoint{Time: 1, A: []float64{1, 2, 3}, B: []float64{1, 2}}),
		"waypoints[1] has 1 elements":           way(Penalty{}, ok, Waypoint{Time: 1, A: []float64{1}, B: []float64{1}}),
		"waypoints[0].a[1] is NaN":              way(Penalty{}, Waypoint{Time: 1, A: []float64{1, nan}, B: []float64{1}}),
		"terms[0].weight is -1":                 sum(Weighted{-1, terms(t)["action"]}),
		"terms[0] is nil":                       sum(Weighted{Weight: 1}),
		"sum has no terms":                      sum(),
		"smooth_alpha is 0":                     state(func(c *StateConfig) { c.Penalty = Penalty{SmoothL1: 1} }),
		"smooth_l1 is -1":                       state(func(c *StateConfig) { c.Penalty.SmoothL1 = -1 }),
		"log_cosh is +Inf":                      state(func(c *StateConfig) { c.Penalty.LogCosh = inf }),
		"term is nil":                           convex,
		"kinematics is nil":                     still,
		"weights[0] is -3":                      smooth(DefaultSmoothnessConfig([]float64{-3})),
		"weights has no elements, want one pe":  smooth(SmoothnessConfig{}),
		"start is -2":                           smooth(SmoothnessConfig{Weights: target, InState: true, Start: -2}),
		"before has 1 elements, want none whe":  smooth(SmoothnessConfig{Weights: target, Before: target[:1]}),
		"before has 2 elements, want none whe":  smooth(SmoothnessConfig{Weights: target, Before: target, InState: true}),
		"before[1] is NaN":                      smooth(SmoothnessConfig{Weights: target, Before: []float64{1, nan}}),
		"dx is 0 and du 1":                      function(FunctionConfig{DU: 1}, tangled[autodiff.Var]),
		"dx is 1 and du 1099511627776":          function(DefaultFunctionConfig(1, 1<<40), tangled[autodiff.Var]),
		"function is nil":                       function(DefaultFunctionConfig(1, 1), nil),
		"final_multiplier is -7":                function(FunctionConfig{DX: 1, DU: 1, FinalMultiplier: -7}, tangled[autodiff.Var]),
		"ramp is -1":                            text(func(c *ExpressionConfig) { c.Ramp = -1 }),
		"final_multiplier is NaN":               text(func(c *ExpressionConfig) { c.FinalMultiplier = nan }),
		`text: expression: invalid: line 1, co`: text(func(c *ExpressionConfig) { c.Text = "q0 + q1" }),
		`states[0] is named "a b"`:              text(func(c *ExpressionConfig) { c.States = []string{"a b"} }),
		`ramp is "cubic", want constant, line`:  ramp,
	} {
		if !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "want ") {
			t.Errorf("error is %v, want %q and an expectation", err, want)
		}
	}
}

func TestAddErrors(t *testing.T) {
	small := rollout.New(2, 2, 3)
	e := NewExpansion(2, 2, 3)
	for name, want := range map[string]string{
		"action":              "action cost has 2 weights, the rollout 3 actions",
		"state/l2":            "state cost needs state elements 1 to 3, the state has 2",
		"points/l2":           "end-effector cost needs state elements 3 to 4, the state has 2",
		"waypoints/l2":        "waypoint cost has 7 columns in A, the rollout 2 states and 3 actions",
		"sum":                 "term 0: ",
		"function/linear":     "cost function is for 5 states and 2 actions, the rollout has 2 and 3",
		"expression/constant": "cost expression is for 5 states and 2 actions, the rollout has 2 and 3",
		"smoothness/in state": "smoothness cost has 2 weights, the rollout 3 actions",
		"convex":              "state cost needs state elements 1 to 3",
	} {
		if name == "state/l2" {
			name = "state/l2/constant"
		}
		if err := Expand(e, terms(t)[name], small); !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error is %v, want %q", name, err, want)
		}
	}
	in := must[*Smoothness](t)(NewSmoothness(SmoothnessConfig{Weights: []float64{1, 1, 1}, InState: true, Start: 1}))
	if err := Expand(e, in, small); !errors.Is(err, ErrShape) || !strings.Contains(err.Error(), "smoothness cost needs state elements 1 to 3, the state has 2") {
		t.Errorf("error is %v, want the elements of the previous action", err)
	}
}

// TestShapes: a rollout as a file may hold it is an error, sizes of the code's own panic
// with both.
func TestShapes(t *testing.T) {
	action := must[*Action](t)(NewAction([]float64{1}))
	short := rollout.New(3, 2, 1)
	short.X = short.X[:6]
	for name, r := range map[string]*rollout.Rollout{"nil": nil, "short": short} {
		if err := Expand(NewExpansion(3, 2, 1), action, r); !errors.Is(err, ErrShape) || !errors.Is(err, rollout.ErrShape) {
			t.Errorf("%s: error is %v, want ErrShape", name, err)
		}
	}
	for want, call := range map[string]func(){
		"6 state numbers and 3 action numbers, need 4 x 2": func() { _ = action.Add(NewExpansion(3, 2, 1), 1, short) },
		"T=2 dX=2 dU=1, rollout has T=3":                   func() { _ = Expand(NewExpansion(2, 2, 1), action, rollout.New(3, 2, 1)) },
		"T=1099511627776 dX=1 dU=1":                        func() { NewExpansion(1<<40, 1, 1) },
		"dX=9223372036854775807":                           func() { NewExpansion(1, math.MaxInt, math.MaxInt) },
		"dX=1099511627776 dU=1":                            func() { NewProjection(1<<40, 1) },
		"time step 0 of T=0":                               func() { LinearRamp.At(0, 0, 1) },
		"time step 3 of T=3":                               func() { ConstantRamp.At(3, 3, 1) },
		"time step -1 of T=3":                              func() { ConstantRamp.At(-1, 3, 1) },
	} {
		func() {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, want) {
					t.Errorf("panic %q, want %q", got, want)
				}
			}()
			call()
		}()
	}
}

// TestQuadraticMeanOverflow: a finite expansion far from 0 may not be finite about 0.
func TestQuadraticMeanOverflow(t *testing.T) {
	r := rollout.New(2, 1, 1)
	r.X[1] = 1e200
	e := NewExpansion(2, 1, 1)
	e.Hessian(1)[0] = 1
	err := QuadraticMean(lqg.NewCost(2, 1, 1), []*Expansion{e}, []*rollout.Rollout{r})
	if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), "about 0 at time step 1") {
		t.Errorf("error is %v, want ErrNotFinite at time step 1", err)
	}
}

// TestNotFinite: every error names the time step, and what to change.
func TestNotFinite(t *testing.T) {
	state := must[*State](t)(NewState(DefaultStateConfig(0, []float64{0, 0})))
	region := must[*Region](t)(NewRegion(DefaultRegionConfig(0, []float64{0, 0}, 1)))
	function := func(f Func) Term { return must[*Function](t)(NewFunction(DefaultFunctionConfig(2, 2), f)) }
	text := func(s string) Term {
		return must[*Expression](t)(NewExpression(DefaultExpressionConfig(s, []string{"a", "b"}, []string{"", ""})))
	}
	root := function(func(x, u []autodiff.Var, _, _ int) autodiff.Var { return autodiff.SmoothNorm(x, 0) })
	convex := must[*Convex](t)(NewConvex(root))
	for name, c := range map[string]struct {
		term   Term
		change func(r *rollout.Rollout)
		want   string
	}{
		"NaN":               {state, func(r *rollout.Rollout) { r.X[2] = math.NaN() }, "state 0 of the rollout at time step 1 is NaN, want finite states"},
		"NaN, no gradient":  {region, func(r *rollout.Rollout) { r.X[3] = math.NaN() }, "state 1 of the rollout at time step 1 is NaN"},
		"infinite action":   {state, func(r *rollout.Rollout) { r.U[1] = math.Inf(1) }, "action 1 of the rollout at time step 0 is +Inf"},
		"overflow":          {state, func(r *rollout.Rollout) { r.X[3] = 1e200 }, "cost at time step 1 is +Inf; lower the weights"},
		"norm at 0":         {root, func(r *rollout.Rollout) { clear(r.State(1)) }, "time step 1 is NaN; round the cost"},
		"convex norm at 0":  {convex, func(r *rollout.Rollout) { clear(r.State(1)) }, "time step 1 is NaN; round the cost"},
		"function's value":  {function(func(x, u []autodiff.Var, _, _ int) autodiff.Var { return x[0].Log() }), func(r *rollout.Rollout) { r.X[2] = -1 }, "cost function is NaN at time step 1"},
		"expression's":      {text("log(a)"), func(r *rollout.Rollout) { r.X[2] = 0 }, "cost expression is -Inf at time step 1"},
		"expression's root": {text("sqrt(b)"), func(r *rollout.Rollout) { r.X[3] = 0 }, "gradient element 1 at time step 1 is +Inf; round the cost"},
	} {
		r := rollout.New(2, 2, 2)
		copy(r.X, []float64{1, 2, 3, 4, math.NaN(), math.NaN()})
		c.change(r)
		err := Expand(NewExpansion(2, 2, 2), c.term, r)
		if !errors.Is(err, ErrNotFinite) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error is %v, want %q", name, err, c.want)
		}
	}
}
