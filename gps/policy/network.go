package policy

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/internal/dense"
	"guidedpolicysearch/gps/nn"
)

// Network is the policy u = f(o) + L e: a network's output for the observation o, entries of the
// state, and Gaussian noise of a covariance L L' that is the same everywhere (arXiv:1504.00702,
// section 4.2). It owns workspace: one goroutine at a time.
type Network struct {
	t, dX, dU   int
	net         *nn.Network
	observation []int
	chol        []float64 // L, dU x dU; nil for a policy without noise
	work        *nn.Workspace
	o           []float64 // dO
	slope       []float64 // dU x dO
}

// NewNetwork returns the policy for T steps and dX states. observation lists the entries of the
// state that are the network's inputs, in their order; nil is all of them. chol is the lower
// Cholesky factor L of the actions' covariance, dU x dU; nil for none. The network is shared: while
// it is trained only this goroutine may act. Errors wrap ErrInvalid, or are the network's.
func NewNetwork(net *nn.Network, observation []int, T, dX int, chol []float64) (*Network, error) {
	if net == nil {
		return nil, fmt.Errorf("%w: the network is nil", ErrInvalid)
	}
	if T < 1 || dX < 1 {
		return nil, fmt.Errorf("%w: a network policy of T=%d steps and dX=%d states, need 1 or more", ErrInvalid, T, dX)
	}
	dO, dU := net.Dims()
	p := &Network{t: T, dX: dX, dU: dU, net: net, observation: every(observation, dX), chol: slices.Clone(chol),
		work: net.NewWorkspace(), o: make([]float64, dO), slope: make([]float64, dU*dO)}
	if err := p.Validate(); err != nil {
		return nil, err
	}
	return p, nil
}

// Sizes returns T, dX and dU.
func (p *Network) Sizes() (T, dX, dU int) { return p.t, p.dX, p.dU }

// Net returns the network itself.
func (p *Network) Net() *nn.Network { return p.net }

// Observation returns the entries of the state that the network sees.
func (p *Network) Observation() []int { return slices.Clone(p.observation) }

// Chol returns the lower factor of the actions' covariance, dU x dU; nil for a policy without noise.
func (p *Network) Chol() []float64 { return slices.Clone(p.chol) }

// Observe writes the observation of the state x (dX) to dst (dO).
func (p *Network) Observe(dst, x []float64) {
	if len(dst) != len(p.observation) || len(x) != p.dX {
		panic(fmt.Sprintf("policy: %d states for %d observations, need %d and %d", len(x), len(dst), p.dX, len(p.observation)))
	}
	for i, j := range p.observation {
		dst[i] = x[j]
	}
}

// Mean writes f(o) for the state x (dX) to dst (dU). It does not allocate.
func (p *Network) Mean(dst, x []float64) { p.Act(dst, x, 0, nil) }

// Act implements Policy; the time step has no influence.
func (p *Network) Act(dst, x []float64, t int, noise []float64) {
	checkAct("network", p.t, p.dX, p.dU, dst, x, t, noise)
	p.Observe(p.o, x)
	p.work.Forward(dst, p.o)
	if noise != nil && p.chol != nil {
		addNoise(dst, p.chol, noise, 1)
	}
}

// Jacobian writes the derivative of the mean action at the state x (dX) to dst (dU x dX), zero for
// entries that are not observed, and the mean action to mean (dU). The time step has no influence.
// It does not allocate.
func (p *Network) Jacobian(dst, mean, x []float64, _ int) {
	if len(dst) != p.dU*p.dX || len(mean) != p.dU {
		panic(fmt.Sprintf("policy: Jacobian of %d numbers and mean of %d of a network of dX=%d dU=%d", len(dst), len(mean), p.dX, p.dU))
	}
	p.Observe(p.o, x)
	p.work.Jacobian(p.slope, mean, p.o)
	clear(dst)
	dO := len(p.observation)
	for r := range p.dU {
		for i, j := range p.observation {
			dst[r*p.dX+j] = p.slope[r*dO+i]
		}
	}
}

// Fork returns a policy that shares the network, for another goroutine.
func (p *Network) Fork() *Network {
	f := *p
	f.work, f.o, f.slope = p.net.NewWorkspace(), make([]float64, len(p.o)), make([]float64, len(p.slope))
	return &f
}

// Validate returns an error that wraps ErrInvalid, or the network's, and says which number or size
// is wrong.
func (p *Network) Validate() error {
	if dO, _ := p.net.Dims(); len(p.observation) != dO {
		return fmt.Errorf("%w: the network has %d inputs, the policy observes %d entries of the state", ErrInvalid, dO, len(p.observation))
	}
	if err := checkSelection("observation", p.observation, p.dX); err != nil {
		return err
	}
	if err := checkChol(p.chol, p.dU); err != nil {
		return err
	}
	return p.net.Validate()
}

// checkChol returns an error wrapping ErrInvalid unless l is nil or the lower factor of a
// covariance of dU actions.
func checkChol(l []float64, dU int) error {
	if l == nil {
		return nil
	}
	if len(l) != dU*dU {
		return fmt.Errorf("%w: covariance factor of %d numbers for %d actions, need %d", ErrInvalid, len(l), dU, dU*dU)
	}
	if i := dense.FirstNotFinite(l); i >= 0 {
		return fmt.Errorf("%w: covariance factor has %v at (%d, %d)", ErrInvalid, l[i], i/dU, i%dU)
	}
	for i := range dU {
		if !(l[i*dU+i] > 0) {
			return fmt.Errorf("%w: covariance factor has %v on its diagonal (row %d), need a number > 0", ErrInvalid, l[i*dU+i], i)
		}
		for j := i + 1; j < dU; j++ {
			if l[i*dU+j] != 0 {
				return fmt.Errorf("%w: covariance factor has %v above its diagonal at (%d, %d), need 0: the lower Cholesky factor", ErrInvalid, l[i*dU+j], i, j)
			}
		}
	}
	return nil
}
