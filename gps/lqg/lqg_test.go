package lqg_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/lqg"
)

// plain is an objective without KL term: the LQR problem itself.
func plain(cost *lqg.Cost) *lqg.Objective {
	d := cost.DX + cost.DU
	zero := &lqg.Surrogate{T: cost.T, DX: cost.DX, DU: cost.DU, Quad: make([]float64, cost.T*d*d), Lin: make([]float64, cost.T*d)}
	return &lqg.Objective{Cost: cost, Anchor: zero, MaxEnt: 1}
}

func random(rng *rand.Rand, T, dX, dU int) (*lqg.Dynamics, *lqg.Cost, *lqg.InitialState) {
	d := dX + dU
	dyn, cost := lqg.NewDynamics(T, dX, dU), lqg.NewCost(T, dX, dU)
	for i := range dyn.F {
		dyn.F[i] = rng.NormFloat64() / math.Sqrt(float64(d))
	}
	for i := range dyn.Bias {
		dyn.Bias[i] = 0.1 * rng.NormFloat64()
	}
	for t := range T + 1 {
		n := d
		if t == T {
			n = dX
		}
		for i := range n {
			cost.LinAt(t)[i] = rng.NormFloat64()
			cost.QuadAt(t)[i*d+i] = 0.5 + rng.Float64()
		}
		cost.Const[t] = rng.NormFloat64()
	}
	for t := range T {
		for i := range dX {
			dyn.CovAt(t)[i*dX+i] = 0.01
		}
	}
	x0 := &lqg.InitialState{Mean: make([]float64, dX), Cov: make([]float64, dX*dX)}
	for i := range dX {
		x0.Mean[i] = rng.NormFloat64()
		x0.Cov[i*dX+i] = 0.02
	}
	return dyn, cost, x0
}

// One step, one state, solved by hand: x' = a x + b u + f, cost 1/2 r u^2 + 1/2 q x'^2.
// Then Q_uu = r + b^2 q, K = -a b q/Q_uu, k = -b q f/Q_uu, C = 1/Q_uu.
func TestBackwardByHand(t *testing.T) {
	const a, b, f, r, q = 0.9, 0.5, 0.2, 0.3, 2.0
	dyn, cost := lqg.NewDynamics(1, 1, 1), lqg.NewCost(1, 1, 1)
	copy(dyn.F, []float64{a, b})
	dyn.Bias[0] = f
	cost.QuadAt(0)[3] = r
	cost.QuadAt(1)[0] = q
	c := lqg.NewController(1, 1, 1)
	if err := lqg.NewBackwardPass(1, 1).Run(c, plain(cost), dyn, 0); err != nil {
		t.Fatal(err)
	}
	quu := r + b*b*q
	for _, v := range []struct {
		name      string
		got, want float64
	}{{"K", c.K[0], -a * b * q / quu}, {"k", c.Bias[0], -b * q * f / quu}, {"sqrt C", c.Chol[0], 1 / math.Sqrt(quu)}} {
		if math.Abs(v.got-v.want) > 1e-14 {
			t.Errorf("%s is %v, want %v", v.name, v.got, v.want)
		}
	}
}

// The backward pass minimises the expected cost: no change of gain or bias lowers it.
func TestBackwardIsOptimal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	T, dX, dU := 6, 3, 2
	dyn, cost, x0 := random(rng, T, dX, dU)
	c := lqg.NewController(T, dX, dU)
	if err := lqg.NewBackwardPass(dX, dU).Run(c, plain(cost), dyn, 0); err != nil {
		t.Fatal(err)
	}
	m, forward, perStep := lqg.NewTrajectory(T, dX, dU), lqg.NewForwardPass(dX, dU), make([]float64, T+1)
	expected := func() float64 {
		forward.Run(m, x0, c, dyn)
		return lqg.ExpectedCost(perStep, cost, m)
	}
	best := expected()
	if slope, falls := steepest(expected, pointers(c.K, c.Bias)); slope > 1e-6*math.Abs(best) || falls {
		t.Errorf("slope %v at the expected cost %v, which can be lowered: %v", slope, best, falls)
	}
}

// steepest returns the largest slope of a value over some numbers that it depends on, by
// central differences, and whether a small change of one lowers it.
func steepest(value func() float64, numbers []*float64) (slope float64, falls bool) {
	const h = 1e-4
	best := value()
	for _, n := range numbers {
		old := *n
		*n = old + h
		up := value()
		*n = old - h
		down := value()
		*n = old
		slope = math.Max(slope, math.Abs(up-down)/(2*h))
		falls = falls || up < best || down < best
	}
	return slope, falls
}

// pointers returns the places of all numbers.
func pointers(parts ...[]float64) (all []*float64) {
	for _, part := range parts {
		for i := range part {
			all = append(all, &part[i])
		}
	}
	return all
}

// Marginals against a Monte-Carlo average of rollouts.
func TestForwardAgainstSampling(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	T, dX, dU, d := 4, 2, 1, 3
	dyn, cost, x0 := random(rng, T, dX, dU)
	c := lqg.NewController(T, dX, dU)
	if err := lqg.NewBackwardPass(dX, dU).Run(c, plain(cost), dyn, 0); err != nil {
		t.Fatal(err)
	}
	m := lqg.NewTrajectory(T, dX, dU)
	lqg.NewForwardPass(dX, dU).Run(m, x0, c, dyn)
	const n = 200_000
	mean, second := make([]float64, T*d), make([]float64, T*d)
	y := make([]float64, d)
	for range n {
		for i := range dX {
			y[i] = x0.Mean[i] + math.Sqrt(x0.Cov[i*dX+i])*rng.NormFloat64()
		}
		for k := range T {
			c.Act(y[dX:], y[:dX], k, []float64{rng.NormFloat64()})
			for i, v := range y {
				mean[k*d+i] += v / n
				second[k*d+i] += v * v / n
			}
			next := [2]float64{}
			for i := range dX {
				next[i] = dyn.BiasAt(k)[i] + math.Sqrt(dyn.CovAt(k)[i*dX+i])*rng.NormFloat64()
				for j, v := range y {
					next[i] += dyn.FAt(k)[i*d+j] * v
				}
			}
			copy(y, next[:])
		}
	}
	for k := range T {
		for i := range d {
			if v := mean[k*d+i]; math.Abs(v-m.MeanAt(k)[i]) > 0.02 {
				t.Errorf("mean of entry %d at step %d: sampled %v, computed %v", i, k, v, m.MeanAt(k)[i])
			}
			if v := second[k*d+i] - mean[k*d+i]*mean[k*d+i]; math.Abs(v-m.CovAt(k)[i*d+i]) > 0.02*(1+v) {
				t.Errorf("variance of entry %d at step %d: sampled %v, computed %v", i, k, v, m.CovAt(k)[i*d+i])
			}
		}
	}
}

// Scalar Gaussians have a closed form: KL = log(s2/s1) + (s1^2 + d^2)/(2 s2^2) - 1/2.
func TestDivergenceByHand(t *testing.T) {
	p, q := lqg.NewController(1, 1, 1), lqg.NewController(1, 1, 1)
	p.K[0], p.Bias[0], p.Chol[0] = 0.5, 0.1, 0.3
	q.K[0], q.Bias[0], q.Chol[0] = -0.2, 0.4, 0.7
	m := lqg.NewTrajectory(1, 1, 1)
	m.MeanAt(0)[0], m.CovAt(0)[0] = 2, 0.25
	kl := make([]float64, 1)
	w := lqg.NewDivergence(1, 1)
	got := w.PerStep(kl, p, q, m)
	d2 := math.Pow(0.7*2-0.3, 2) + 0.7*0.7*0.25 // E[(mean action difference)^2]
	if want := math.Log(0.7/0.3) + (0.09+d2)/(2*0.49) - 0.5; math.Abs(got-want) > 1e-14 {
		t.Errorf("got %v, want %v", got, want)
	}
	if self := w.PerStep(kl, p, p, m); self > 1e-15 {
		t.Errorf("a controller is %v nat from itself", self)
	}
}

func TestPassesDoNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	T, dX, dU := 20, 7, 2
	dyn, cost, x0 := random(rng, T, dX, dU)
	obj, c := plain(cost), lqg.NewController(T, dX, dU)
	backward, forward, m := lqg.NewBackwardPass(dX, dU), lqg.NewForwardPass(dX, dU), lqg.NewTrajectory(T, dX, dU)
	kl, w := make([]float64, T), lqg.NewDivergence(dX, dU)
	u, x := make([]float64, dU), make([]float64, dX)
	floored := lqg.NewBackwardPass(dX, dU)
	floored.Floor = lqg.NewFloor(0.1, T, dU)
	if err := backward.Run(c, obj, dyn, 0.1); err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"backward with a floor that is met": func() {
			if err := floored.Run(c, obj, dyn, 0.1); err != nil {
				t.Fatal(err)
			}
		},
		"KL at mean states": func() { w.PerStepAtMeans(kl, c, c, m) },
		"backward": func() {
			if err := backward.Run(c, obj, dyn, 0.1); err != nil {
				t.Fatal(err)
			}
		},
		"forward": func() { forward.Run(m, x0, c, dyn) },
		"KL":      func() { w.PerStep(kl, c, c, m) },
		"act":     func() { c.Act(u, x, 3, u) },
	} {
		if n := testing.AllocsPerRun(20, f); n != 0 {
			t.Errorf("%s allocates %v times", name, n)
		}
	}
}

func TestControllerValidate(t *testing.T) {
	good := lqg.NewController(3, 2, 1)
	for i := range good.Chol {
		good.Chol[i] = 1
	}
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]func(*lqg.Controller){
		"NaN gain":      func(c *lqg.Controller) { c.K[3] = math.NaN() },
		"infinite bias": func(c *lqg.Controller) { c.Bias[1] = math.Inf(1) },
		"zero factor":   func(c *lqg.Controller) { c.Chol[2] = 0 },
		"short":         func(c *lqg.Controller) { c.K = c.K[:5] },
		"no steps":      func(c *lqg.Controller) { c.T = 0 },
	} {
		c := good.Clone()
		bad(c)
		if err := c.Validate(); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}
