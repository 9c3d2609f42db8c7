package trajopt_test

import (
	"errors"
	"math"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/internal/fuzzing"
)

// numbers turns bytes into numbers: most are plain, some take all their bits from the
// bytes, so that NaN, infinities and tiny and huge numbers come up.
type numbers struct{ fuzzing.Source }

func (n *numbers) next() float64 {
	b := n.Byte()
	if b < 250 {
		return (float64(b) - 100) / 32
	}
	return n.Float64()
}

func (n *numbers) fill(dst []float64) {
	for i := range dst {
		dst[i] = n.next()
	}
}

// covariances writes A A' of an A made of numbers, or, now and then, the numbers themselves.
func (n *numbers) covariances(dst []float64, count, size int) {
	a := make([]float64, size*size)
	for t := range count {
		n.fill(a)
		c := dst[t*size*size : (t+1)*size*size]
		if n.Byte() == 255 {
			copy(c, a)
			continue
		}
		for i := range size {
			for j := range size {
				for k := range size {
					c[i*size+j] += a[i*size+k] * a[j*size+k]
				}
			}
		}
	}
}

func fuzzProblem(n *numbers) (p *trajopt.Problem, T, dX, dU int) {
	T, dX, dU = 1+int(n.Byte())%6, 1+int(n.Byte())%4, 1+int(n.Byte())%3
	p = &trajopt.Problem{Dynamics: lqg.NewDynamics(T, dX, dU), Cost: lqg.NewCost(T, dX, dU), Anchor: lqg.NewController(T, dX, dU),
		X0: &lqg.InitialState{Mean: make([]float64, dX), Cov: make([]float64, dX*dX)}}
	n.covariances(p.X0.Cov, 1, dX)
	n.covariances(p.Dynamics.Cov, T, dX)
	for _, part := range [][]float64{p.X0.Mean, p.Anchor.Chol, p.Anchor.K, p.Anchor.Bias, p.Dynamics.F, p.Dynamics.Bias, p.Cost.Quad, p.Cost.Lin} {
		n.fill(part)
	}
	for t := range T {
		for i := range dU {
			v := &p.Anchor.CholAt(t)[i*dU+i]
			*v = math.Abs(*v) + 1e-3
			clear(p.Anchor.CholAt(t)[i*dU+i+1 : (i+1)*dU])
		}
	}
	if n.Byte() > 200 {
		p.MaxEnt = math.Abs(n.next())
	}
	if n.Byte() > 220 && p.Anchor.Validate() == nil {
		term := &lqg.PolicyTerm{Surrogate: lqg.NewSurrogate(p.Anchor), Weight: make([]float64, T), DualGain: make([]float64, T*dU*dX), DualBias: make([]float64, T*dU)}
		n.fill(term.Weight)
		n.fill(term.DualGain)
		n.fill(term.DualBias)
		p.Policy = term
	}
	return p, T, dX, dU
}

// sound fails unless a search ended in a controller within its bounds, or in an error that
// says what kind of fault it was.
func sound(t *testing.T, c *lqg.Controller, kl, epsilon []float64, err error) {
	t.Helper()
	if err != nil {
		if c != nil {
			t.Fatalf("a controller beside the error %v", err)
		}
		return
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	for i, v := range kl {
		if !(v >= 0 && v <= 1.1*epsilon[i]*(1+1e-9)) {
			t.Fatalf("KL %v, bound %v", v, epsilon[i])
		}
	}
}

func seeds(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{5, 3, 2, 120, 130, 140, 90, 80, 70, 100, 110, 120, 100, 101, 102, 103})
	f.Add([]byte{0, 0, 0, 255, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f, 99, 99})
	f.Add([]byte{1, 1, 1, 120, 255, 1, 0, 0, 0, 0, 0, 0xf8, 0x7f, 120})
	long := make([]byte, 900)
	for i := range long {
		long[i] = byte(37 * i * i)
	}
	f.Add(long)
	huge := make([]byte, 0, 900)
	for i := range 100 {
		huge = append(huge, 251, byte(i), 7, 3, 1, 9, 4, byte(0x10*(i%16)), byte(0x30+i%0x50))
	}
	f.Add(huge)
}

// Any numbers end in a controller within its bound or in an error: in no panic, no NaN and
// no endless search.
func FuzzUpdate(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &numbers{data}
		cfg := trajopt.DefaultConfig()
		options := n.Byte()
		cfg.MeanStates, cfg.PreviousMarginals, cfg.PropagateAnchor = options&1 != 0, options&2 != 0, options&4 != 0
		if options&8 != 0 {
			cfg.CovarianceFloor = 0
		}
		epsilon, eta := math.Abs(n.next()), math.Abs(n.next())
		p, T, dX, dU := fuzzProblem(n)
		o, err := trajopt.New(cfg, T, dX, dU)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.Update(p, epsilon, eta)
		if err != nil {
			sound(t, nil, nil, nil, err)
		} else {
			sound(t, r.Controller, []float64{r.KL}, []float64{epsilon}, nil)
			if !(r.Eta >= cfg.MinEta*(1-1e-9) && r.Eta <= cfg.MaxEta*(1+1e-9)) {
				t.Fatalf("eta is %v", r.Eta)
			}
		}
		cfg.Search, cfg.MaxEta = trajopt.Bisection, 1e16
		if o, err = trajopt.New(cfg, T, dX, dU); err != nil {
			t.Fatal(err)
		}
		// The reference's search may end beyond its bound, but with a controller or an error.
		if r, err := o.Update(p, epsilon, eta); err == nil {
			if err := r.Controller.Validate(); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func FuzzUpdatePerStep(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &numbers{data}
		p, T, dX, dU := fuzzProblem(n)
		epsilon, eta := make([]float64, T), make([]float64, T)
		n.fill(epsilon)
		n.fill(eta)
		for i := range T {
			epsilon[i], eta[i] = math.Abs(epsilon[i])+1e-3, math.Abs(eta[i])+1e-3
		}
		o, err := trajopt.New(trajopt.DefaultConfig(), T, dX, dU)
		if err != nil {
			t.Fatal(err)
		}
		r, err := o.UpdatePerStep(p, epsilon, eta)
		if err != nil {
			sound(t, nil, nil, nil, err)
			return
		}
		sound(t, r.Controller, r.KLPerStep, epsilon, nil)
	})
}

// The passes themselves: an error, or a finite controller.
func FuzzBackward(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &numbers{data}
		p, T, dX, dU := fuzzProblem(n)
		eta := math.Abs(n.next())
		if p.Anchor.Validate() != nil {
			return
		}
		c := lqg.NewController(T, dX, dU)
		err := lqg.NewBackwardPass(dX, dU).Run(c, &lqg.Objective{Cost: p.Cost, Anchor: lqg.NewSurrogate(p.Anchor), MaxEnt: p.MaxEnt, Policy: p.Policy}, p.Dynamics, eta)
		switch {
		case err == nil:
			if err := c.Validate(); err != nil {
				t.Fatal(err)
			}
		case !errors.Is(err, lqg.ErrIndefinite) && !errors.Is(err, lqg.ErrNotFinite):
			t.Fatalf("error of no kind: %v", err)
		}
		m := lqg.NewTrajectory(T, dX, dU)
		lqg.NewForwardPass(dX, dU).Run(m, p.X0, p.Anchor, p.Dynamics)
		for k, v := range m.Mean {
			if math.IsNaN(v) && finite(p) {
				t.Fatalf("mean %d of finite input is NaN", k)
			}
		}
	})
}

// finite tells whether a problem is finite and small enough not to overflow.
func finite(p *trajopt.Problem) bool {
	for _, part := range [][]float64{p.X0.Mean, p.X0.Cov, p.Anchor.Chol, p.Anchor.K, p.Anchor.Bias, p.Dynamics.F, p.Dynamics.Bias, p.Dynamics.Cov} {
		for _, v := range part {
			if !(math.Abs(v) < 1e10) {
				return false
			}
		}
	}
	return true
}
