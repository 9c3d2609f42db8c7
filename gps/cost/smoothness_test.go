package cost

import (
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/internal/vectors"
)

// changes is the true cost of the changes of the action, with the action before step 0,
// or without one.
func changes(r *rollout.Rollout, weights, before []float64) float64 {
	sum := 0.0
	for t := range r.T {
		if t > 0 {
			before = r.Action(t - 1)
		}
		for i, b := range before {
			sum += 0.5 * weights[i] * (r.Action(t)[i] - b) * (r.Action(t)[i] - b)
		}
	}
	return sum
}

// TestSmoothnessMajoriser: the expansion has the true cost, the exact gradient of the
// whole sum, and bounds the true cost from above everywhere.
func TestSmoothnessMajoriser(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	weights := []float64{0.5, 2}
	for _, T := range []int{1, 2, 3, 8} {
		for _, before := range [][]float64{nil, {0.3, -1}} {
			term := must[*Smoothness](t)(NewSmoothness(SmoothnessConfig{Weights: weights, Before: before}))
			r := rollout.New(T, 1, 2)
			copy(r.U, random(rng, len(r.U)))
			e := NewExpansion(T, 1, 2)
			if err := Expand(e, term, r); err != nil {
				t.Fatal(err)
			}
			vectors.Close(t, "value", []float64{e.Total()}, []float64{changes(r, weights, before)}, 1e-14)
			for i := range r.U {
				const h = 1e-5
				old := r.U[i]
				r.U[i] = old + h
				hi := changes(r, weights, before)
				r.U[i] = old - h
				lo := changes(r, weights, before)
				r.U[i] = old
				vectors.Close(t, "gradient", []float64{e.Gradient(i / 2)[1+i%2]}, []float64{(hi - lo) / (2 * h)}, 1e-9)
			}
			for range 200 {
				moved := rollout.New(T, 1, 2)
				step := random(rng, len(r.U))
				bound := e.Total()
				for i, s := range step {
					moved.U[i] = r.U[i] + s
					j := 1 + i%2
					bound += e.Gradient(i / 2)[j]*s + 0.5*e.Hessian(i / 2)[j*3+j]*s*s
				}
				if cost := changes(moved, weights, before); cost > bound+1e-12 {
					t.Errorf("T=%d: true cost is %v, above its bound %v", T, cost, bound)
				}
			}
		}
	}
	// The bound is tight: where two actions move apart by the same way, it touches.
	r := rollout.New(2, 1, 1)
	copy(r.U, []float64{0.2, 0.7})
	e := NewExpansion(2, 1, 1)
	if err := Expand(e, must[*Smoothness](t)(NewSmoothness(DefaultSmoothnessConfig([]float64{3}))), r); err != nil {
		t.Fatal(err)
	}
	bound := e.Total()
	for k, s := range []float64{-0.4, 0.4} {
		bound += e.Gradient(k)[1]*s + 0.5*e.Hessian(k)[3]*s*s
		r.U[k] += s
	}
	vectors.Close(t, "touching", []float64{bound}, []float64{changes(r, []float64{3}, nil)}, 1e-14)
}

// TestSmoothnessDescent minimises a tracking cost plus smoothness by repeated expansion:
// the true cost never rises, and the minimum is that of the coupled problem.
func TestSmoothnessDescent(t *testing.T) {
	const T, w = 12, 2.0
	rng := rand.New(rand.NewPCG(3, 4))
	target := random(rng, T)
	r, e := rollout.New(T, 1, 1), NewExpansion(T, 1, 1)
	copy(r.U, random(rng, T))
	term := must[*Smoothness](t)(NewSmoothness(DefaultSmoothnessConfig([]float64{w})))
	total := func() float64 {
		sum := changes(r, []float64{w}, nil)
		for k, u := range r.U {
			sum += 0.5 * (u - target[k]) * (u - target[k])
		}
		return sum
	}
	last := total()
	for range 400 {
		if err := Expand(e, term, r); err != nil {
			t.Fatal(err)
		}
		for k := range r.U {
			r.U[k] -= (e.Gradient(k)[1] + r.U[k] - target[k]) / (e.Hessian(k)[3] + 1)
		}
		now := total()
		if now > last+1e-12 {
			t.Fatalf("cost rose from %v to %v", last, now)
		}
		last = now
	}
	// Gradient of the coupled problem at its minimum.
	for k, u := range r.U {
		g := u - target[k]
		if k > 0 {
			g += w * (u - r.U[k-1])
		}
		if k < T-1 {
			g -= w * (r.U[k+1] - u)
		}
		vectors.Close(t, "gradient at the minimum", []float64{g}, []float64{0}, 1e-9)
	}
}

// TestSmoothnessInState: with the previous action in the state, both forms have the same
// value and the Hessian couples the two actions exactly.
func TestSmoothnessInState(t *testing.T) {
	const T = 5
	rng := rand.New(rand.NewPCG(5, 6))
	weights, before := []float64{0.5, 2}, []float64{0.1, -0.2}
	r := rollout.New(T, 4, 2)
	copy(r.U, random(rng, len(r.U)))
	for k := range T {
		previous := before
		if k > 0 {
			previous = r.Action(k - 1)
		}
		copy(r.State(k), []float64{9, previous[0], previous[1], 9})
	}
	e := NewExpansion(T, 4, 2)
	if err := Expand(e, must[*Smoothness](t)(NewSmoothness(SmoothnessConfig{Weights: weights, InState: true, Start: 1})), r); err != nil {
		t.Fatal(err)
	}
	vectors.Close(t, "value", []float64{e.Total()}, []float64{changes(r, weights, before)}, 1e-14)
	for k := range T {
		y := append(append([]float64(nil), r.State(k)...), r.Action(k)...)
		// A quadratic without linear part about y = 0: l = 1/2 y'Hy, l_y = H y.
		l := 0.0
		for i, g := range e.Gradient(k) {
			hy := 0.0
			for j, v := range y {
				hy += e.Hessian(k)[i*6+j] * v
			}
			vectors.Close(t, "gradient", []float64{g}, []float64{hy}, 1e-14)
			l += 0.5 * y[i] * hy
		}
		vectors.Close(t, "step", e.L[k:k+1], []float64{l}, 1e-14)
	}
}
