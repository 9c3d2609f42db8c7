package lqg_test

import (
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/internal/fuzzing"
)

// numbers turns bytes into numbers: most are plain, some huge or tiny, some take all their
// bits from the bytes, so that NaN and infinities come up.
type numbers struct{ fuzzing.Source }

func (n *numbers) next() float64 {
	switch b := n.Byte(); {
	case b < 240:
		return (float64(b) - 100) / 32
	case b < 244:
		return math.Ldexp(1, 85*int(b-239)) // 2^85 to 2^340
	case b < 248:
		return math.Ldexp(1, -85*int(b-243))
	}
	return n.Float64()
}

func (n *numbers) fill(parts ...[]float64) {
	for _, part := range parts {
		for i := range part {
			part[i] = n.next()
		}
	}
}

// squares replaces each size x size matrix by its product with its transpose.
func squares(a []float64, size int) {
	row := make([]float64, size*size)
	for ; len(a) > 0; a = a[size*size:] {
		copy(row, a)
		for i := range size {
			for j := range size {
				a[i*size+j] = 0
				for k := range size {
					a[i*size+j] += row[i*size+k] * row[j*size+k]
				}
			}
		}
	}
}

func (n *numbers) controller(T, dX, dU int) *lqg.Controller {
	c := lqg.NewController(T, dX, dU)
	n.fill(c.K, c.Bias, c.Chol)
	for t := range T {
		for i := range dU {
			clear(c.CholAt(t)[i*dU+i+1 : (i+1)*dU])
			c.CholAt(t)[i*dU+i] = math.Abs(c.CholAt(t)[i*dU+i]) + 1e-3
		}
	}
	return c
}

func finite(parts ...[]float64) bool {
	for _, part := range parts {
		for _, v := range part {
			if v-v != 0 {
				return false
			}
		}
	}
	return true
}

// kindOf fails on an error that is of neither kind, or whose numbers are none.
func kindOf(t *testing.T, err error) {
	t.Helper()
	if !errors.Is(err, lqg.ErrIndefinite) && !errors.Is(err, lqg.ErrNotFinite) {
		t.Fatalf("error of no kind: %v", err)
	}
	var e *lqg.IndefiniteError
	if errors.As(err, &e) && (!finite([]float64{e.MinEigenvalue, e.MaxEigenvalue}) || !(e.Condition >= 1)) {
		t.Fatalf("eigenvalues or condition number are none: %+v", e)
	}
}

// FuzzPasses: whatever the numbers, a pass or a distribution gives finite results or an error
// of its kind, and a divergence is no NaN.
func FuzzPasses(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{4, 1, 1, 7, 240, 241, 242, 100, 243, 120})
	long := make([]byte, 900)
	for _, factor := range []int{37, 91, 113} {
		for i := range long {
			long[i] = byte(factor * i * i % 240)
		}
		f.Add(append([]byte(nil), long...))
		for i := 60; i < len(long); i += 53 {
			long[i] = byte(240 + i%9)
		}
		f.Add(append([]byte(nil), long...))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n := &numbers{data}
		T, dX, dU, options := 1+int(n.Byte())%5, 1+int(n.Byte())%3, 1+int(n.Byte())%3, n.Byte()
		x0 := &lqg.InitialState{Mean: make([]float64, dX), Cov: make([]float64, dX*dX)}
		dyn, cost := lqg.NewDynamics(T, dX, dU), lqg.NewCost(T, dX, dU)
		c, q := n.controller(T, dX, dU), n.controller(T, dX, dU)
		n.fill(x0.Mean, x0.Cov, dyn.F, dyn.Bias, dyn.Cov, cost.Quad, cost.Lin, cost.Const)
		if options&1 == 0 {
			squares(x0.Cov, dX)
			squares(dyn.Cov, dX)
		}
		if options&2 == 0 {
			squares(cost.Quad, dX+dU)
		}
		m := lqg.NewTrajectory(T, dX, dU)
		err := lqg.NewForwardPass(dX, dU).Run(m, x0, c, dyn)
		if (err == nil) != finite(m.Mean, m.Cov) || err != nil && !errors.Is(err, lqg.ErrNotFinite) {
			t.Fatalf("marginals %v and %v, error %v", m.Mean, m.Cov, err)
		}
		distribution, err := lqg.NewTrajectoryDistribution(x0, c, dyn)
		if err == nil {
			if m := distribution.Marginals(); !finite(m.Mean, m.Cov) {
				t.Fatalf("marginals %v and %v", m.Mean, m.Cov)
			}
			x, u := make([]float64, (T+1)*dX), make([]float64, T*dU)
			if err := distribution.Sample(x, u, rand.New(rand.NewPCG(1, 1))); (err == nil) != finite(x, u) {
				t.Fatalf("sample %v and %v, error %v", x, u, err)
			}
		} else {
			kindOf(t, err)
		}
		if err := errors.Join(c.Validate(), q.Validate()); err != nil {
			kindOf(t, err)
			return
		}
		w, kl := lqg.NewDivergence(dX, dU), make([]float64, T)
		for _, total := range []float64{w.PerStep(kl, c, q, m), w.PerStepAtMeans(kl, c, q, m)} {
			if !(total >= 0) { // NaN of a step reaches the sum
				t.Fatalf("divergence %v, per step %v", total, kl)
			}
		}
		backward(t, n, options, cost, dyn, c)
	})
}

// backward runs both backward passes with options that the bytes choose.
func backward(t *testing.T, n *numbers, options byte, cost *lqg.Cost, dyn *lqg.Dynamics, anchor *lqg.Controller) {
	T, dX, dU := dyn.T, dyn.DX, dyn.DU
	pass, dst := lqg.NewBackwardPass(dX, dU), lqg.NewController(T, dX, dU)
	switch {
	case options&4 != 0:
		pass.Floor = lqg.NewFloor(1e-6, T, dU)
	case options&8 != 0:
		pass.Floor = lqg.NewWhitenedFloor(1e-6, anchor)
	}
	if options&16 != 0 {
		pass.PropagateUnder = anchor
	}
	obj := &lqg.Objective{Cost: cost, Anchor: lqg.NewSurrogate(anchor), ReferenceScale: options&32 != 0}
	if options&64 != 0 {
		obj.MaxEnt = n.next()
	}
	if options&128 != 0 {
		obj.Policy = &lqg.PolicyTerm{Surrogate: lqg.NewSurrogate(anchor), Weight: make([]float64, T), DualGain: make([]float64, T*dU*dX), DualBias: make([]float64, T*dU)}
		n.fill(obj.Policy.Weight, obj.Policy.DualGain, obj.Policy.DualBias)
	}
	eta := make([]float64, T)
	n.fill(eta)
	for _, run := range []func() error{
		func() error { return pass.Run(dst, obj, dyn, eta[0]) },
		func() error { return pass.RunPerStep(dst, cost, dyn, anchor, eta) },
	} {
		if err := run(); err != nil {
			kindOf(t, err)
			continue
		}
		if !finite(dst.K, dst.Bias, dst.Chol) {
			t.Fatalf("a controller that is not finite: %+v", dst)
		}
		for k := range T {
			for i := range dU {
				if v := dst.CholAt(k)[i*dU+i]; !(v > 0) {
					t.Fatalf("covariance factor has %v on its diagonal at time step %d", v, k)
				}
			}
		}
	}
}

// Gains of 1e100 over five steps overflow: every pass says so, and where.
func TestOverflowNamesItsStep(t *testing.T) {
	x0, c, dyn := chain(5)
	for i := range dyn.F {
		dyn.F[i] = 1e100
	}
	m, says := lqg.NewTrajectory(5, 2, 1), "covariance of the marginal at time step 2"
	err := lqg.NewForwardPass(2, 1).Run(m, x0, c, dyn)
	_, other := lqg.NewTrajectoryDistribution(x0, c, dyn)
	for _, err := range []error{err, other} {
		if !errors.Is(err, lqg.ErrNotFinite) || !strings.Contains(err.Error(), says) {
			t.Errorf("%v, want %q", err, says)
		}
	}
	q := c.Clone()
	q.K[0]++
	kl := make([]float64, 5)
	if total := lqg.NewDivergence(2, 1).PerStep(kl, c, q, m); math.IsNaN(total) || !finite(kl[:1]) {
		t.Errorf("divergence %v, per step %v", total, kl)
	}
}
