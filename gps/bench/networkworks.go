package main

import (
	"context"
	"fmt"
	"math/rand/v2"

	"guidedpolicysearch/gps/nn"
)

// networkSizes are those of a policy for the large arm: 26 states, 7 actions.
var networkSizes = []int{26, 64, 64, 7}

const (
	trainingSteps = 100  // of one run
	observations  = 1000 // evaluated in one run, one after the other
)

// networkNumbers are a network's layers: weights by rows, then bias.
func networkNumbers(n *nn.Network) array {
	a := array{Name: "network"}
	for i := range n.Layers() {
		weights, bias := n.Layer(i)
		a.Data = append(append(a.Data, weights...), bias...)
	}
	a.Shape = []int{len(a.Data)}
	return a
}

func startNetwork() (*nn.Network, error) {
	n, err := nn.New(nn.Config{Sizes: networkSizes, Hidden: nn.ReLU})
	if err == nil {
		n.Initialise(1)
	}
	return n, err
}

// regression returns pairs whose precisions are of the kind that controllers have.
func regression(n int) *nn.Dataset {
	rng := rand.New(rand.NewPCG(uint64(n), 5))
	in, out := networkSizes[0], networkSizes[len(networkSizes)-1]
	d := &nn.Dataset{N: n, In: in, Out: out, X: normals(rng, n*in, 1), Y: normals(rng, n*out, 1), Weight: make([]float64, n)}
	for i := range n {
		d.Weight[i] = 0.5 + rng.Float64()
		root := normals(rng, out*out, 1)
		for r := range out {
			for c := range out {
				sum := 0.0
				for k := range out {
					sum += root[r*out+k] * root[c*out+k] / float64(out)
				}
				d.Precision = append(d.Precision, sum)
			}
		}
	}
	return d
}

// trainingWork takes steps of Adam, each on the same batch, so that all end at the same loss.
func trainingWork(batch int) *work {
	const parameters, backward = 26*64 + 64*64 + 64*7, 64*64 + 64*7
	return &work{Kind: "Training", Title: "training step", Size: fmt.Sprintf("26-64-64-7, batch %d", batch), Key: fmt.Sprintf("batch=%d", batch),
		Flops: float64(batch) * (4*parameters + 2*backward), Repeats: trainingSteps, Peers: []string{torch}, Short: true,
		Make: func() (*instance, error) {
			start, err := startNetwork()
			if err != nil {
				return nil, err
			}
			data, network := regression(batch), start.Clone()
			cfg := nn.DefaultTrainConfig()
			cfg.Batch, cfg.Epochs, cfg.HeldOut, cfg.Workers = batch, trainingSteps, 0, 1
			var report *nn.Report
			run := func() error {
				for i := range network.Layers() {
					weights, bias := start.Layer(i)
					network.SetLayer(i, weights, bias)
				}
				trainer, err := nn.NewTrainer(network, cfg)
				if err != nil {
					return err
				}
				report, err = trainer.Train(context.Background(), data, 1)
				return err
			}
			in, out := start.Dims()
			return &instance{Inputs: []array{vector("sizes", float64(in), float64(networkSizes[1]), float64(networkSizes[2]), float64(out)),
				vector("settings", trainingSteps, cfg.Rate, cfg.Beta1, cfg.Beta2, cfg.Epsilon), networkNumbers(start),
				{Name: "X", Shape: []int{batch, in}, Data: data.X}, {Name: "Y", Shape: []int{batch, out}, Data: data.Y},
				{Name: "P", Shape: []int{batch, out, out}, Data: data.Precision}, vector("w", data.Weight...)},
				Done: []implementation{{Of: ours, Run: run, Result: func() []array {
					return []array{{Name: "loss", Shape: []int{2}, Data: []float64{report.TrainLoss[0], report.TrainLoss[trainingSteps]}, Tolerance: 1e-4}}
				}}}}, nil
		}}
}

// inferenceWork evaluates a network for one observation after the other, as a control loop does.
func inferenceWork() *work {
	return &work{Kind: "Inference", Title: "network, one observation", Size: "26-64-64-7", Key: "network=26-64-64-7", Flops: 2 * (26*64 + 64*64 + 64*7), Repeats: observations,
		Peers: []string{torch}, Short: true,
		Make: func() (*instance, error) {
			n, err := startNetwork()
			if err != nil {
				return nil, err
			}
			in, out := n.Dims()
			x, y, w := normals(rand.New(rand.NewPCG(1, 6)), observations*in, 1), make([]float64, observations*out), n.NewWorkspace()
			return &instance{Inputs: []array{vector("sizes", float64(in), float64(networkSizes[1]), float64(networkSizes[2]), float64(out)), networkNumbers(n),
				{Name: "X", Shape: []int{observations, in}, Data: x}},
				Done: []implementation{{Of: ours, Run: func() error {
					for i := range observations {
						w.Forward(y[i*out:(i+1)*out], x[i*in:(i+1)*in])
					}
					return nil
				}, Result: func() []array {
					return []array{{Name: "y", Shape: []int{observations, out}, Data: y, Tolerance: 1e-5}}
				}}}}, nil
		}}
}
