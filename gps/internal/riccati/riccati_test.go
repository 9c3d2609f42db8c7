package riccati_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"guidedpolicysearch/gps/internal/kernel"
	"guidedpolicysearch/gps/internal/riccati"
)

func TestKernelBackwardAgainstTextbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, pass, c := p.pack(), riccati.NewBackward(p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
		q.MaxEnt = 0.3
		for _, eta := range []float64{0, 1e-8, 0.7, 1e6} {
			if failed := pass.Run(c, q, eta); failed >= 0 {
				t.Fatalf("%v: failed at %d", s, failed)
			}
			compare(t, c, p.backward(eta, q.Weight, nil), 1e-10)
		}
	}
}

// A problem of so many numbers that passes ask for the next step's ahead.
func TestKernelLargeAgainstTextbook(t *testing.T) {
	p := newSystem(rand.New(rand.NewPCG(5, 1)), 80, 49, 9)
	q, c, kl := p.pack(), riccati.NewGains(p.T, p.dX, p.dU), make([]float64, p.T)
	q.MaxEnt = 0.3
	if failed := riccati.NewBackward(p.dX, p.dU).Run(c, q, 0.7); failed >= 0 {
		t.Fatalf("failed at %d", failed)
	}
	textbook := p.backward(0.7, q.Weight, nil)
	compare(t, c, textbook, 1e-10)
	pass := riccati.NewForward(p.dX, p.dU)
	pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
	if _, ok := pass.Run(kl, q, c); !ok {
		t.Fatal("states overflow")
	}
	want, _ := p.forward(textbook)
	near(t, -1, "divergence", kl, want, 1e-10)
}

// The value function of N(0, I) goes back, and weights of a policy that change with time only
// scale covariances.
func TestBackwardUnderTheAnchorWithWeights(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, pass, c := p.pack(), riccati.NewBackward(p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
		q.Policy = make([]float64, p.T)
		still := &policy{}
		for k := range q.Policy {
			q.Policy[k] = rng.Float64()
			still.K, still.k = append(still.K, mat.NewDense(p.dU, p.dX, nil)), append(still.k, mat.NewVecDense(p.dU, nil))
		}
		pass.PropagateAnchor = true
		if failed := pass.Run(c, q, 0.4); failed >= 0 {
			t.Fatalf("%v: failed at %d", s, failed)
		}
		compare(t, c, p.backward(0.4, q.Weight, still), 1e-10)
	}
}

// The value function of any controller, step by step.
func TestPropagateUnder(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, pass, c, under := p.pack(), riccati.NewBackward(p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
		other := newSystem(rng, s[0], s[1], s[2]).backward(1, func(int) float64 { return 1 }, nil)
		setAll(under, other)
		pass.Start(q)
		for k := p.T - 1; k >= 0; k-- {
			pass.Expand(q, k, 1)
			pass.KeepActions()
			if !pass.Solve(c, k, 1) {
				t.Fatalf("%v: no controller at %d", s, k)
			}
			pass.PropagateUnder(under, k)
		}
		compare(t, c, p.backward(0, func(int) float64 { return 1 }, other), 1e-10)
	}
}

// setAll packs a plain controller.
func setAll(dst *riccati.Gains, c *policy) {
	for k := range c.K {
		dU, _ := c.K[k].Dims()
		var chol mat.Cholesky
		symmetric := mat.NewSymDense(dU, nil)
		for i := range dU {
			for j := range i + 1 {
				symmetric.SetSym(i, j, c.C[k].At(i, j))
			}
		}
		chol.Factorize(symmetric)
		var l mat.TriDense
		chol.LTo(&l)
		full := mat.NewDense(dU, dU, nil)
		full.Copy(&l)
		dst.Set(k, c.K[k].RawMatrix().Data, c.k[k].RawVector().Data, full.RawMatrix().Data)
	}
}

func TestKernelForwardAgainstTextbook(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, c := p.pack(), riccati.NewGains(p.T, p.dX, p.dU)
		q.MaxEnt = 0.3
		riccati.NewBackward(p.dX, p.dU).Run(c, q, 0.7)
		pass, kl, again := riccati.NewForward(p.dX, p.dU), make([]float64, p.T), make([]float64, p.T)
		pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
		states := riccati.NewMarginals(p.T, p.dX, p.dU)
		if !pass.Record(states, q, c) {
			t.Fatalf("%v: states overflow", s)
		}
		wholly, atMeans := p.forward(p.backward(0.7, q.Weight, nil))
		for _, v := range []struct {
			atMeans bool
			want    []float64
		}{{false, wholly}, {true, atMeans}} {
			pass.MeanStates = v.atMeans
			total, ok := pass.Run(kl, q, c)
			sum := 0.0
			for _, v := range kl {
				sum += v
			}
			if !ok || math.Abs(sum-total) > 1e-12*sum {
				t.Errorf("%v: total %v of %v, ok %v", s, total, sum, ok)
			}
			near(t, -1, "divergence", kl, v.want, 1e-10)
			if same, ok := pass.Measure(again, states, c); !ok || same != total || !slices.Equal(again, kl) {
				t.Errorf("%v: under its own states, recorded, %v, want %v", s, same, total)
			}
		}
	}
}

// One step, one state, one action: x' = a x + b u + f with cost r u^2/2 + q x'^2/2, an anchor
// of N(0, 1) weighed eta and an entropy weighed w:
// K = -a b q/(r + b^2 q + eta), k = -b q f/(the same), C = (eta + w)/(the same), and the KL by
// hand.
func TestByHand(t *testing.T) {
	const a, b, f, r, q, s, mean, cov = 0.9, 0.5, 0.2, 0.3, 2.0, 0.07, 1.5, 0.4
	for _, v := range [][2]float64{{0, 1}, {0.7, 0}, {1e-12, 0.25}, {1e12, 0.25}} {
		eta, w := v[0], v[1]
		p := riccati.NewProblem(1, 1, 1)
		p.MaxEnt = w
		p.SetDynamics(0, []float64{a, b}, []float64{f}, []float64{s})
		p.SetCost(0, []float64{0, 0, 0, r}, []float64{0, 0})
		p.SetCost(1, []float64{q, 0, 0, 0}, []float64{0, 0})
		c := riccati.NewGains(1, 1, 1)
		if failed := riccati.NewBackward(1, 1).Run(c, p, eta); failed >= 0 {
			t.Fatal("failed")
		}
		gain, bias, chol := make([]float64, 1), make([]float64, 1), make([]float64, 1)
		c.Get(0, gain, bias, chol)
		quu := r + b*b*q + eta
		want := []float64{-a * b * q / quu, -b * q * f / quu, math.Sqrt((eta + w) / quu)}
		near(t, 0, "gain", gain, want[:1], 1e-14)
		near(t, 0, "bias", bias, want[1:2], 1e-14)
		near(t, 0, "standard deviation", chol, want[2:], 1e-14)
		pass, kl := riccati.NewForward(1, 1), make([]float64, 1)
		pass.Begin([]float64{mean}, []float64{cov})
		u := want[0]*mean + want[1]
		d := (want[2] - 1) * (want[2] + 1) // variance - 1
		total, ok := pass.Run(kl, p, c)
		if hand := 0.5 * (d - math.Log1p(d) + u*u + want[0]*want[0]*cov); !ok || math.Abs(total-hand) > 1e-12*hand+1e-28 {
			t.Errorf("eta %g: KL %g, by hand %g", eta, total, hand)
		}
		var m, v [1]float64
		pass.State(m[:], v[:], 1)
		near(t, 1, "mean", m[:], []float64{a*mean + b*u + f}, 1e-14)
		closed := a + b*want[0]
		near(t, 1, "variance", v[:], []float64{closed*closed*cov + b*b*want[2]*want[2] + s}, 1e-14)
	}
}

// A problem in the units of a controller: its own controller there, brought back, is that of
// the plain problem with the same controller as anchor; and the units of N(0, I) change
// nothing.
func TestWhitenAndRestore(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		anchor, eta := newSystem(rng, s[0], s[1], s[2]).backward(1, func(int) float64 { return 1 }, nil), 0.6
		packed, c, one := riccati.NewGains(p.T, p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU), riccati.NewGains(1, p.dX, p.dU)
		setAll(packed, anchor)
		q := p.pack()
		for k := range p.T {
			q.Whiten(k, packed)
		}
		if failed := riccati.NewBackward(p.dX, p.dU).Run(c, q, eta); failed >= 0 {
			t.Fatalf("%v: failed at %d", s, failed)
		}
		restored := riccati.NewGains(p.T, p.dX, p.dU)
		gain, bias, chol := make([]float64, p.dU*p.dX), make([]float64, p.dU), make([]float64, p.dU*p.dU)
		for k := range p.T {
			c.Restore(one, packed, k)
			one.Get(0, gain, bias, chol)
			restored.Set(k, gain, bias, chol)
		}
		// The anchor's -log density as a part of the cost, and no eta of its own; the
		// covariance is then 1/weight too small.
		whole := p.withAnchor(anchor, eta)
		compare(t, restored, whole.backward(0, func(int) float64 { return eta }, nil), 1e-8)

		kl, pass := make([]float64, p.T), riccati.NewForward(p.dX, p.dU)
		pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
		if _, ok := pass.Run(kl, q, c); !ok {
			t.Fatalf("%v: overflow", s)
		}
		near(t, -1, "divergence from the anchor", kl, p.divergence(whole.backward(0, func(int) float64 { return eta }, nil), anchor), 1e-7)
	}
}

// withAnchor returns the system with eta times the anchor's -log density in its cost.
func (p *system) withAnchor(anchor *policy, eta float64) *system {
	q := *p
	q.C, q.c = slices.Clone(p.C), slices.Clone(p.c)
	for t := range p.T {
		// -log = 1/2 |u - K x - k|^2 in the metric of the precision: N y - k with N = [-K, I].
		N := mat.NewDense(p.dU, p.dX+p.dU, nil)
		for i := range p.dU {
			for j := range p.dX {
				N.Set(i, j, -anchor.K[t].At(i, j))
			}
			N.Set(i, p.dX+i, 1)
		}
		var precision, pn, npn mat.Dense
		if err := precision.Inverse(anchor.C[t]); err != nil {
			panic(err)
		}
		pn.Mul(&precision, N)
		npn.Mul(N.T(), &pn)
		npn.Scale(eta, &npn)
		var lin mat.VecDense
		lin.MulVec(pn.T(), anchor.k[t])
		lin.ScaleVec(-eta, &lin)
		C, c := new(mat.Dense), new(mat.VecDense)
		C.Add(p.C[t], &npn)
		c.AddVec(p.c[t], &lin)
		q.C[t], q.c[t] = C, c
	}
	return &q
}

// divergence returns the KL of c from another controller at each step, by the textbook.
func (p *system) divergence(c, anchor *policy) []float64 {
	// In the anchor's units: u = K_a x + k_a + L e.
	q, white := *p, &policy{}
	q.F, q.f = nil, nil
	for t := range p.T {
		var chol mat.Cholesky
		symmetric := mat.NewSymDense(p.dU, nil)
		for i := range p.dU {
			for j := range i + 1 {
				symmetric.SetSym(i, j, anchor.C[t].At(i, j))
			}
		}
		chol.Factorize(symmetric)
		var l mat.TriDense
		chol.LTo(&l)
		A, B := p.F[t].Slice(0, p.dX, 0, p.dX), p.F[t].Slice(0, p.dX, p.dX, p.dX+p.dU)
		F := mat.NewDense(p.dX, p.dX+p.dU, nil)
		var bk, bl, K, C, half mat.Dense
		bk.Mul(B, anchor.K[t])
		F.Slice(0, p.dX, 0, p.dX).(*mat.Dense).Add(A, &bk)
		bl.Mul(B, &l)
		F.Slice(0, p.dX, p.dX, p.dX+p.dU).(*mat.Dense).Copy(&bl)
		f, k := new(mat.VecDense), new(mat.VecDense)
		f.MulVec(B, anchor.k[t])
		f.AddVec(f, p.f[t])
		q.F, q.f = append(q.F, F), append(q.f, f)
		K.Sub(c.K[t], anchor.K[t])
		k.SubVec(c.k[t], anchor.k[t])
		var inverse mat.Dense
		if err := inverse.Inverse(&l); err != nil {
			panic(err)
		}
		white.K, white.k, white.C = append(white.K, new(mat.Dense)), append(white.k, new(mat.VecDense)), append(white.C, &C)
		white.K[t].Mul(&inverse, &K)
		white.k[t].MulVec(&inverse, k)
		half.Mul(&inverse, c.C[t])
		C.Mul(&half, inverse.T())
	}
	kl, _ := q.forward(white)
	return kl
}

// What is unpacked is what was packed.
func TestPackingIsTurnedBack(t *testing.T) {
	rng := rand.New(rand.NewPCG(6, 1))
	for _, s := range sizes {
		p := newSystem(rng, s[0], s[1], s[2])
		q, d := p.pack(), p.dX+p.dU
		F, f, S := make([]float64, p.dX*d), make([]float64, p.dX), make([]float64, p.dX*p.dX)
		quad, lin := make([]float64, d*d), make([]float64, d)
		for k := range p.T + 1 {
			C, c := mat.DenseCopyOf(p.C[k]), mat.VecDenseCopyOf(p.c[k])
			if k < p.T {
				q.Dynamics(k, F, f)
				q.Noise(k, S)
				if !slices.Equal(F, p.F[k].RawMatrix().Data) || !slices.Equal(f, p.f[k].RawVector().Data) || !slices.Equal(S, p.S[k].RawMatrix().Data) {
					t.Errorf("%v: dynamics of step %d differ", s, k)
				}
			} else {
				for i := p.dX; i < d; i++ {
					for j := range d {
						C.Set(i, j, 0)
						C.Set(j, i, 0)
					}
					c.SetVec(i, 0)
				}
			}
			q.Cost(k, quad, lin)
			if !slices.Equal(quad, C.RawMatrix().Data) || !slices.Equal(lin, c.RawVector().Data) || !q.Finite(k) {
				t.Errorf("%v: cost of step %d differs", s, k)
			}
		}
	}
}

// Every path but plain gives the same bits.
func TestKernelPathsGiveTheSameBits(t *testing.T) {
	for _, s := range sizes {
		var want []float64
		for _, path := range kernel.Available() {
			before, err := kernel.Use(path)
			if err != nil {
				t.Fatal(err)
			}
			got := passes(s)
			kernel.Use(before)
			if path == kernel.Plain {
				continue
			}
			if want == nil {
				want = got
			}
			for i, v := range got {
				if math.Float64bits(v) != math.Float64bits(want[i]) {
					t.Fatalf("%v: number %d is %v by %s, %v by %s", s, i, v, path, want[i], kernel.Available()[0])
				}
			}
		}
	}
}

// passes returns all that comes out of a whitened backward and forward pass.
func passes(s [3]int) (all []float64) {
	rng := rand.New(rand.NewPCG(7, 1))
	p := newSystem(rng, s[0], s[1], s[2])
	anchor := newSystem(rng, s[0], s[1], s[2]).backward(1, func(int) float64 { return 1 }, nil)
	packed, c := riccati.NewGains(p.T, p.dX, p.dU), riccati.NewGains(p.T, p.dX, p.dU)
	setAll(packed, anchor)
	q := p.pack()
	for k := range p.T {
		q.Whiten(k, packed)
	}
	riccati.NewBackward(p.dX, p.dU).Run(c, q, 0.3)
	gain, bias, chol := make([]float64, p.dU*p.dX), make([]float64, p.dU), make([]float64, p.dU*p.dU)
	for k := range p.T {
		c.Get(k, gain, bias, chol)
		all = append(append(append(all, gain...), bias...), chol...)
	}
	kl, pass := make([]float64, p.T), riccati.NewForward(p.dX, p.dU)
	pass.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
	pass.Run(kl, q, c)
	mean, cov := make([]float64, p.dX), make([]float64, p.dX*p.dX)
	pass.State(mean, cov, p.dX)
	return append(append(append(all, kl...), mean...), cov...)
}

func TestPassesDoNotAllocate(t *testing.T) {
	p := newSystem(rand.New(rand.NewPCG(8, 1)), 6, 26, 7)
	q, c, states := p.pack(), riccati.NewGains(p.T, p.dX, p.dU), riccati.NewMarginals(p.T, p.dX, p.dU)
	one := riccati.NewGains(1, p.dX, p.dU)
	backward, forward, kl := riccati.NewBackward(p.dX, p.dU), riccati.NewForward(p.dX, p.dU), make([]float64, p.T)
	forward.Begin(p.mean.RawVector().Data, p.cov.RawMatrix().Data)
	anchor := riccati.NewGains(p.T, p.dX, p.dU)
	if n := testing.AllocsPerRun(10, func() {
		q.SetDynamics(0, p.F[0].RawMatrix().Data, p.f[0].RawVector().Data, p.S[0].RawMatrix().Data)
		q.SetCost(0, p.C[0].RawMatrix().Data, p.c[0].RawVector().Data)
		q.Whiten(0, anchor)
		backward.Run(c, q, 1)
		forward.Run(kl, q, c)
		forward.Record(states, q, c)
		forward.Measure(kl, states, c)
		c.Restore(one, anchor, 3)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
