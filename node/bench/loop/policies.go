package main

import (
	"math/rand/v2"
	"time"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/trial"
)

// horizon of the linear-Gaussian controller.
const horizon = 100

// usualStep is the time step of trials whose policy has a rate of its own.
const usualStep = 50 * time.Millisecond

// contender is what acts in the trials of a loop.
type contender struct {
	name     string
	eachTick bool // it acts at every tick, not once in usualStep
	// build returns the controller for trials of some steps.
	build func(steps, dX, dU int) (trial.Controller, error)
}

var contenders = []contender{
	{"linear-Gaussian, 20 Hz", false, linearGaussian},
	{"linear-Gaussian, each tick", true, linearGaussian},
	{"network, each tick", true, network},
	{"network, 20 Hz", false, network},
}

// step returns the time step of the trials for ticks of some period.
func (c contender) step(period time.Duration) time.Duration {
	if c.eachTick {
		return period
	}
	return max(usualStep, period)
}

// cyclic begins anew after the last step of its controller, so that a trial may last for longer.
type cyclic struct {
	*lqg.Controller
	steps int
}

func (c cyclic) Sizes() (T, dX, dU int) { return c.steps, c.DX, c.DU }

func (c cyclic) Act(dst, x []float64, t int, noise []float64) {
	c.Controller.Act(dst, x, t%c.T, noise)
}

func linearGaussian(steps, dX, dU int) (trial.Controller, error) {
	c := lqg.NewController(horizon, dX, dU)
	fill(c.K, 1)
	fill(c.Bias, 1)
	for t := range c.T {
		copy(c.CholAt(t), spread(dU))
	}
	return cyclic{c, steps}, nil
}

func network(steps, dX, dU int) (trial.Controller, error) {
	cfg := nn.DefaultConfig(dX, dU)
	net, err := nn.New(cfg)
	if err != nil {
		return nil, err
	}
	for i := range net.Layers() {
		weights, bias := make([]float64, cfg.Sizes[i]*cfg.Sizes[i+1]), make([]float64, cfg.Sizes[i+1])
		fill(weights, 0.2)
		fill(bias, 0.2)
		net.SetLayer(i, weights, bias)
	}
	return policy.NewNetwork(net, nil, steps, dX, spread(dU))
}

// fill draws numbers of a size.
func fill(list []float64, size float64) {
	rng := rand.New(rand.NewPCG(1, uint64(len(list))))
	for i := range list {
		list[i] = size * rng.NormFloat64()
	}
}

// spread returns the Cholesky factor of the actions' covariance.
func spread(dU int) []float64 {
	l := make([]float64, dU*dU)
	fill(l, 0.1)
	for i := range dU {
		l[i*dU+i] = 0.1
		clear(l[i*dU+i+1 : (i+1)*dU])
	}
	return l
}
