package algorithm

import (
	"math"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/nn"
)

// No two purposes draw from one stream.
func TestStreamsAreApart(t *testing.T) {
	seen := map[uint64]string{}
	add := func(v uint64, what string) {
		if other, ok := seen[v]; ok {
			t.Errorf("%s draws what %s draws", what, other)
		}
		seen[v] = what
	}
	for iteration := range 4 {
		s := &State{Seed: 7, Iteration: iteration}
		for fit := range 1000 {
			add(s.policySeed(fit), "a fit")
		}
		for condition := range 40 {
			add(s.stream(condition).Uint64(), "the prior of the dynamics")
			for fit := range 40 {
				add(s.policyPriorStream(condition, fit).Uint64(), "the prior of the policy")
			}
			for sample := range 20 {
				add(NoiseSeed(7, iteration, condition, sample), "a trial's noise")
			}
		}
		add(s.policyPriorStream(65535, 999).Uint64(), "the prior of the policy")
	}
}

// A network whose outputs are scaled gives scaled outputs, and scaled back its own.
func TestScaleOutput(t *testing.T) {
	n, err := nn.New(nn.Config{Sizes: []int{2, 4, 2}, Hidden: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	n.Initialise(1)
	scale, x, u, v := []float64{8, 0.25}, []float64{0.3, -0.7}, make([]float64, 2), make([]float64, 2)
	n.NewWorkspace().Forward(u, x)
	scaled := n.Clone()
	scaleOutput(scaled, scale, 1)
	scaled.NewWorkspace().Forward(v, x)
	for i := range u {
		if math.Abs(v[i]-scale[i]*u[i]) > 1e-6*math.Abs(v[i]) {
			t.Errorf("output %d is %v, want %v times %v", i, v[i], scale[i], u[i])
		}
	}
	scaleOutput(scaled, scale, -1)
	scaled.NewWorkspace().Forward(v, x)
	for i := range u {
		if v[i] != u[i] {
			t.Errorf("output %d is %v after going back, want %v", i, v[i], u[i])
		}
	}
}

// Actions in their own unit and precisions in its inverse say what they said before: the loss of a
// scaled gap is that of the gap.
func TestRescaleKeepsTheLoss(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	const N, dU = 5, 2
	data := &nn.Dataset{N: N, In: 1, Out: dU, Y: make([]float64, N*dU), Precision: make([]float64, N*dU*dU)}
	for i := range data.Y {
		data.Y[i] = 100 * float64(1+i%dU) * rng.NormFloat64()
	}
	for n := range N {
		p := data.Precision[n*dU*dU:]
		p[0], p[1], p[2], p[3] = 2+rng.Float64(), 0.5, 0.5, 1+rng.Float64()
	}
	loss := func(guess, scale []float64) float64 {
		sum := 0.0
		for n := range N {
			for i := range dU {
				for j := range dU {
					sum += (data.Y[n*dU+i] - guess[i]/scale[i]) * data.Precision[(n*dU+i)*dU+j] * (data.Y[n*dU+j] - guess[j]/scale[j])
				}
			}
		}
		return sum
	}
	guess := []float64{30, -70}
	want := loss(guess, []float64{1, 1})
	scale := rescale(data)
	if got := loss(guess, scale); math.Abs(got-want) > 1e-9*want {
		t.Errorf("loss is %v, was %v", got, want)
	}
	for i := range dU {
		squares := 0.0
		for n := range N {
			squares += data.Y[n*dU+i] * data.Y[n*dU+i] / N
		}
		if math.Abs(squares-1) > 1e-12 {
			t.Errorf("mean square of action %d is %v, want 1", i, squares)
		}
	}
	if zero := rescale(&nn.Dataset{N: 1, In: 1, Out: 1, Y: []float64{0}, Precision: []float64{1}}); zero[0] != 1 {
		t.Errorf("actions of 0 are scaled by %v", zero[0])
	}
}

// Weight times precision is about 1 in the middle, and at most 2.
func TestBalance(t *testing.T) {
	data := &nn.Dataset{N: 5, Out: 1, Weight: []float64{1, 1, 1, 2, 1}, Precision: []float64{10, 20, 40, 20, 1e6}}
	balance(data)
	for n, want := range []float64{10. / 40, 20. / 40, 1, 1, 2} {
		if got := data.Weight[n] * data.Precision[n]; math.Abs(got-want) > 1e-12 {
			t.Errorf("pair %d weighs %v, want %v", n, got, want)
		}
	}
}

// A network begins afresh where observations spread twice as far, or half, and goes on otherwise.
func TestOutgrown(t *testing.T) {
	n, err := nn.New(nn.Config{Sizes: []int{2, 3, 1}, Hidden: nn.Tanh})
	if err != nil {
		t.Fatal(err)
	}
	n.SetNormalisation([]float64{1, 4}, []float64{0, 0})
	for _, c := range []struct {
		scale []float64
		want  bool
	}{{[]float64{1, 4}, false}, {[]float64{1.9, 2.1}, false}, {[]float64{2.1, 4}, true}, {[]float64{1, 1.9}, true}} {
		if got := outgrown(n, c.scale); got != c.want {
			t.Errorf("normalised by %v: %v", c.scale, got)
		}
	}
	// What did not vary is left out, until it does.
	n.SetNormalisation([]float64{1, 0}, []float64{0, 0})
	if outgrown(n, []float64{1, 0}) || !outgrown(n, []float64{1, 1e-3}) {
		t.Error("what has begun to vary is not taken in, or what has not is")
	}
}
