package nn_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/gps/nn"
)

// dataset returns n pairs with precisions that are matrices.
func dataset(rng *rand.Rand, n, in, out int) *nn.Dataset {
	d := &nn.Dataset{N: n, In: in, Out: out, X: normals(rng, n*in), Y: normals(rng, n*out), Weight: make([]float64, n), Rollout: make([]int, n)}
	for i := range n {
		root := normals(rng, out*out)
		for r := range out {
			for c := range out {
				sum := 0.0
				for k := range out {
					sum += root[r*out+k] * root[c*out+k] / float64(out)
				}
				d.Precision = append(d.Precision, sum)
			}
		}
		d.Weight[i], d.Rollout[i] = 0.5+rng.Float64(), i/10
	}
	return d
}

// A step of training: forward, backward, Adam.
func BenchmarkStep(b *testing.B) {
	for _, batch := range []int{25, 64, 256} {
		b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
			n, _ := random(b, rand.New(rand.NewPCG(7, 8)), nn.DefaultConfig(26, 7))
			n.Initialise(1)
			t, err := nn.NewTrainer(n, nn.DefaultTrainConfig())
			if err != nil {
				b.Fatal(err)
			}
			s, stop, err := nn.NewStepper(t, dataset(rand.New(rand.NewPCG(9, 10)), batch, 26, 7))
			if err != nil {
				b.Fatal(err)
			}
			defer stop()
			b.ReportAllocs()
			for b.Loop() {
				s.Step()
			}
		})
	}
}

func BenchmarkForward(b *testing.B) {
	for _, hidden := range []nn.Activation{nn.ReLU, nn.Tanh} {
		b.Run(string(hidden), func(b *testing.B) {
			n, _ := random(b, rand.New(rand.NewPCG(7, 8)), nn.Config{Sizes: []int{26, 64, 64, 7}, Hidden: hidden})
			w, x, y := n.NewWorkspace(), make([]float64, 26), make([]float64, 7)
			for b.Loop() {
				w.Forward(y, x)
			}
		})
	}
}

func BenchmarkJacobian(b *testing.B) {
	n, _ := random(b, rand.New(rand.NewPCG(7, 8)), nn.DefaultConfig(26, 7))
	w, x, dst := n.NewWorkspace(), make([]float64, 26), make([]float64, 7*26)
	for b.Loop() {
		w.Jacobian(dst, nil, x)
	}
}
