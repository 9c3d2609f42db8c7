package cost

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/rollout"
)

// Two steps by hand: elements 1 and 2 of the state, weights 3 and 5, reference (1, 2) and (3, 4).
func TestTrackingByHand(t *testing.T) {
	k := must[*Tracking](t)(NewTracking(TrackingConfig{Start: 1, Reference: []float64{1, 2, 3, 4}, Weights: []float64{3, 5}}))
	r := rollout.New(2, 3, 1)
	copy(r.X, []float64{9, 1.5, 2, -9, 3, 2, 9, 9, 9}) // off by (0.5, 0) and (0, -2)
	e := NewExpansion(2, 3, 1)
	if err := Expand(e, k, r); err != nil {
		t.Fatal(err)
	}
	if e.L[0] != 3*0.25/2 || e.L[1] != 5*4/2 {
		t.Errorf("values %v, want 0.375 and 10", e.L)
	}
	if g := e.Gradient(0); g[1] != 1.5 || g[0] != 0 || g[2] != 0 || e.Gradient(1)[2] != -10 {
		t.Errorf("gradients %v, want 1.5 at element 1, then -10 at element 2", e.Ly)
	}
	for i, v := range e.Hessian(1) {
		if want := map[int]float64{5: 3, 10: 5}[i]; v != want {
			t.Errorf("Hessian element %d is %v, want %v", i, v, want)
		}
	}
	if v, err := k.Value(r); err != nil || math.Abs(v-e.Total()) > 1e-15 {
		t.Errorf("value %v, %v, want %v", v, err, e.Total())
	}
}

// What AddQuadratic adds is what the mean expansion along any rollouts is.
func TestTrackingIsQuadratic(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	k := terms(t)["tracking"].(*Tracking)
	rollouts := []*rollout.Rollout{randomRollout(rng), randomRollout(rng), randomRollout(rng)}
	want, got := lqg.NewCost(testT, testDX, testDU), lqg.NewCost(testT, testDX, testDU)
	if err := NewMean(testT, testDX, testDU).Run(context.Background(), want, make([]float64, 3), k, rollouts); err != nil {
		t.Fatal(err)
	}
	k.AddQuadratic(got, 1.5)
	k.AddQuadratic(got, -0.5)
	for _, part := range []struct {
		name      string
		got, want []float64
	}{{"quadratic", got.Quad, want.Quad}, {"linear", got.Lin, want.Lin}, {"constant", got.Const, want.Const}} {
		for i, v := range part.want {
			if math.Abs(part.got[i]-v) > 1e-12 {
				t.Fatalf("%s part %d is %v, want %v", part.name, i, part.got[i], v)
			}
		}
	}
}

func TestTrackingRefused(t *testing.T) {
	for want, c := range map[string]TrackingConfig{
		"reference has 3 elements for 2 weights": {Reference: []float64{1, 2, 3}, Weights: []float64{1, 1}},
		"reference has 0 elements":               {Weights: []float64{1}},
		"for 0 weights":                          {Reference: []float64{1}},
		"reference[1] is NaN":                    {Reference: []float64{1, math.NaN()}, Weights: []float64{1}},
		"weights[0] is -1":                       {Reference: []float64{1}, Weights: []float64{-1}},
		"start is -1":                            {Start: -1, Reference: []float64{1}, Weights: []float64{1}},
	} {
		if _, err := NewTracking(c); !errors.Is(err, ErrConfig) || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	for want, c := range map[string]TrackingConfig{
		"has 2 steps, the rollout 6":     {Reference: []float64{1, 2}, Weights: []float64{1}},
		"needs state elements 5 to 5":    {Start: 5, Reference: make([]float64, 6), Weights: []float64{1}},
		"needs state elements 922337203": {Start: math.MaxInt - 1, Reference: make([]float64, 6), Weights: []float64{1}},
	} {
		k := must[*Tracking](t)(NewTracking(c))
		r := rollout.New(testT, testDX, testDU)
		err := NewMean(testT, testDX, testDU).Run(context.Background(), lqg.NewCost(testT, testDX, testDU), make([]float64, 1), k, []*rollout.Rollout{r})
		if _, again := k.Value(r); !errors.Is(err, ErrShape) || !errors.Is(again, ErrShape) || !strings.Contains(err.Error(), want) {
			t.Errorf("errors %v and %v, want %q", err, again, want)
		}
	}
	k := must[*Tracking](t)(NewTracking(TrackingConfig{Start: 1, Reference: []float64{1, 2}, Weights: []float64{1}}))
	for _, dst := range []*lqg.Cost{lqg.NewCost(3, 3, 1), lqg.NewCost(2, 1, 1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a quadratic cost of T=%d dX=%d is taken", dst.T, dst.DX)
				}
			}()
			k.AddQuadratic(dst, 1)
		}()
	}
}
