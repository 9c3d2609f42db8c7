package main

import (
	"fmt"
	"math/rand/v2"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
)

// horizon of the linear-Gaussian controller.
const horizon = 100

// Policies that a tick may have.
const (
	linearGaussian = "linear-Gaussian"
	network        = "network"
)

var policies = []string{linearGaussian, network}

// control is what a tick uses: one goroutine at a time.
type control struct {
	arm        *arm
	states     *realtime.Latest[*hardware.JointState]
	filter     *safety.Filter
	commands   transport.Publisher
	writer     rosio.EffortWriter
	controller *lqg.Controller
	network    *nn.Workspace
	noise      []float64
	x, u       []float64
	dt         float64
	step       int
}

func newControl(a *arm, dt float64) (*control, error) {
	n := a.joints()
	dX := 2*n + 12
	c := &control{arm: a, states: realtime.NewLatest(func() *hardware.JointState { return hardware.NewJointState(n) }),
		controller: lqg.NewController(horizon, dX, n), noise: make([]float64, n), x: make([]float64, dX), u: make([]float64, n), dt: dt}
	fill := func(list []float64, size float64) {
		rng := rand.New(rand.NewPCG(1, uint64(len(list))))
		for i := range list {
			list[i] = size * rng.NormFloat64()
		}
	}
	fill(c.controller.K, 1)
	fill(c.controller.Bias, 1)
	fill(c.controller.Chol, 0.1)
	fill(c.noise, 1)
	cfg := nn.DefaultConfig(dX, n)
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
	c.network = net.NewWorkspace()
	c.filter, err = safety.New(safety.DefaultConfig(), safety.Robot{Joints: a.names, EffortLimit: a.effort, Lower: a.lower, Upper: a.upper,
		Velocity: a.velocity, Dynamics: a.tree, EndEffector: a.points})
	return c, err
}

// tick answers the latest joint state with a torque and returns its message, which is valid
// until the next tick. It does not allocate.
func (c *control) tick(policy string) (payload []byte) {
	state, _ := c.states.Take()
	s, n := *state, c.arm.joints()
	copy(c.x, s.Position)
	copy(c.x[n:], s.Velocity)
	c.arm.points.Points(c.x[2*n:2*n+6], s.Position)
	c.arm.points.Velocities(c.x[2*n+6:], s.Position, s.Velocity)
	if policy == network {
		c.network.Forward(c.u, c.x)
	} else {
		c.controller.Act(c.u, c.x, c.step%horizon, c.noise)
	}
	c.step++
	torque := c.filter.Tick(s, c.u, safety.Learned, c.dt)
	return c.writer.Write(torque)
}

// fault returns what the filter latched, after which a tick is not the one that was meant.
func (c *control) fault() error {
	if f := c.filter.Fault(); f.Kind != safety.NoFault {
		return fmt.Errorf("the safety filter latched a fault: %s", f)
	}
	return nil
}
