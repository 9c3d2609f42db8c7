package algorithm

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
)

// PolicyConfig describes the policy that all conditions share, and how it is fitted.
type PolicyConfig struct {
	// Hidden are the sizes of the hidden layers; default 64, 64.
	Hidden []int
	// Activation is that of the hidden layers; default nn.ReLU.
	Activation nn.Activation
	// Observation lists the entries of the state that the policy sees; nil for all of them.
	Observation []int
	// Covariance is the form of the policy's covariance; default policy.Full.
	Covariance policy.CovarianceKind
	// Entropy bounds the covariance, see policy.Covariance; default 0.
	Entropy float64
	// Reuse says of how many earlier iterations the samples' states are trained on too, >= 0;
	// default 1.
	Reuse int
	// Train are the settings of each fit.
	Train nn.TrainConfig
	// Linearise are those of the linearisation.
	Linearise policy.LineariseConfig
}

// DefaultPolicyConfig returns the defaults.
func DefaultPolicyConfig() PolicyConfig {
	return PolicyConfig{Hidden: []int{64, 64}, Activation: nn.ReLU, Covariance: policy.Full, Reuse: 1, Train: nn.DefaultTrainConfig(), Linearise: policy.DefaultLineariseConfig()}
}

// Validate returns an error that names the field that is out of range.
func (c PolicyConfig) Validate() error {
	switch {
	case c.Reuse < 0 || c.Reuse > 1000:
		return fmt.Errorf("algorithm: the policy reuses samples of %d iterations, need 0 to 1000", c.Reuse)
	case !(c.Entropy >= 0) || math.IsInf(c.Entropy, 0):
		return fmt.Errorf("algorithm: entropy regularization of the policy is %v, need a finite number >= 0", c.Entropy)
	case c.Covariance != policy.Full && c.Covariance != policy.Diagonal:
		return fmt.Errorf("algorithm: covariance of the policy is %q, need %q or %q", c.Covariance, policy.Full, policy.Diagonal)
	}
	if err := c.Train.Validate(); err != nil {
		return err
	}
	return c.Linearise.Validate()
}

// Policy is what a State knows of the policy that all conditions share.
type Policy struct {
	// Network gives the mean action over Scale (dU) for what the policy observes.
	Network *nn.Network
	Scale   []float64
	// Trainer is where the next fit goes on.
	Trainer nn.State
	// Chol is the lower Cholesky factor of the action's covariance, dU x dU.
	Chol []float64
}

// clone returns a copy that shares nothing that a fit changes.
func (p *Policy) clone() *Policy {
	return &Policy{Network: p.Network.Clone(), Scale: slices.Clone(p.Scale), Trainer: p.Trainer, Chol: slices.Clone(p.Chol)}
}

// unscaled returns the network with the scale in its last layer.
func (p *Policy) unscaled() *nn.Network {
	n := p.Network.Clone()
	last := n.Layers() - 1
	weights, bias := n.Layer(last)
	in := len(weights) / len(bias)
	for i, s := range p.Scale {
		bias[i] *= s
		for j := range in {
			weights[i*in+j] *= s
		}
	}
	n.SetLayer(last, weights, bias)
	return n
}

// lesson is what the policy is to learn from one group of samples.
type lesson struct {
	controller *lqg.Controller
	samples    []*rollout.Rollout
	weight     []float64 // of the time steps, T; nil for 1
}

// student fits a policy.
type student struct {
	cfg    PolicyConfig
	dX, dU int
}

func newStudent(cfg PolicyConfig, dX, dU int) (*student, error) {
	s := &student{cfg: cfg, dX: dX, dU: dU}
	// Mistakes are to be told before the first trial.
	net, err := nn.New(s.network())
	if err != nil {
		return nil, fmt.Errorf("algorithm: policy: %w", err)
	}
	if _, err := policy.NewNetwork(net, cfg.Observation, 1, dX, nil); err != nil {
		return nil, fmt.Errorf("algorithm: policy: %w", err)
	}
	return s, nil
}

// network describes the policy's network.
func (s *student) network() nn.Config {
	in := s.dX
	if s.cfg.Observation != nil {
		in = len(s.cfg.Observation)
	}
	return nn.Config{Sizes: append(append([]int{in}, s.cfg.Hidden...), s.dU), Hidden: s.cfg.Activation}
}

// policy returns p for T steps.
func (s *student) policy(p *Policy, T int) (*policy.Network, error) {
	return policy.NewNetwork(p.unscaled(), s.cfg.Observation, T, s.dX, p.Chol)
}

// begin returns a policy that hardly acts, normalised and scaled for the data.
func (s *student) begin(data *nn.Dataset, seed uint64) (*Policy, error) {
	network, err := nn.New(s.network())
	if err != nil {
		return nil, err
	}
	network.Initialise(seed)
	scale, bias, err := nn.Standardisation(data.X, data.In, leastSpread)
	if err != nil {
		return nil, err
	}
	network.SetNormalisation(scale, bias)
	p := &Policy{Network: network, Scale: make([]float64, s.dU), Chol: make([]float64, s.dU*s.dU)}
	for i := range s.dU {
		sum := 0.0
		for n := range data.N {
			sum += data.Y[n*s.dU+i] * data.Y[n*s.dU+i]
		}
		if p.Scale[i] = math.Sqrt(sum / float64(data.N)); !(p.Scale[i] > 0) {
			p.Scale[i] = 1
		}
	}
	return p, nil
}

// leastSpread is the standard deviation of an observation, in its unit, that is scaled to 1: what
// hardly moves is not blown up.
const leastSpread = 1e-3

// learn returns before, or a first policy where that is nil, after training on the lessons, with the
// covariance that the controllers' precisions give it. Training that diverges is undone, and told
// in the report: the policy stays as it was.
func (s *student) learn(ctx context.Context, before *Policy, lessons []lesson, controllers []*lqg.Controller, seed uint64, report *PolicyReport) (*Policy, error) {
	targets := policy.NewTargets(s.dX, s.dU)
	for _, l := range lessons {
		targets.Add(l.controller, l.samples, l.weight)
	}
	data, err := targets.Dataset(s.cfg.Observation)
	if err != nil {
		return nil, err
	}
	var p *Policy
	if before != nil {
		p = before.clone()
	} else if p, err = s.begin(data, seed); err != nil {
		return nil, err
	}
	if err := s.covariance(p.Chol, controllers); err != nil {
		return nil, err
	}
	rescale(data, p.Scale)
	balance(data)
	trainer, err := nn.NewTrainer(p.Network, s.cfg.Train)
	if err != nil {
		return nil, err
	}
	if p.Trainer.Steps > 0 {
		if err := trainer.SetState(p.Trainer); err != nil {
			return nil, err
		}
	}
	r, err := trainer.Train(ctx, data, seed)
	if errors.Is(err, nn.ErrDiverged) && before != nil {
		report.Diverged = true
		report.warn("%v; the policy stays as it was: lower policy.train.rate", err)
		return before, nil
	}
	if err != nil {
		return nil, err
	}
	p.Trainer = trainer.State()
	report.set(r)
	return p, nil
}

// rescale brings the data's actions to the units of scale.
func rescale(data *nn.Dataset, scale []float64) {
	dU := data.Out
	for i := range data.Y {
		data.Y[i] /= scale[i%dU]
	}
	for i := range data.Precision {
		data.Precision[i] *= scale[i%dU] * scale[i/dU%dU]
	}
}

// balance divides the weights by the median of what the pairs weigh, their precision's mean
// diagonal included, and caps what weighs more than twice as much: a few steps with tiny
// covariances would be all that is learned.
func balance(data *nn.Dataset) {
	dU, size := data.Out, make([]float64, data.N)
	for n := range size {
		for i := range dU {
			size[n] += data.Weight[n] * data.Precision[(n*dU+i)*dU+i] / float64(dU)
		}
	}
	median := middle(size)
	if !(median > 0) {
		return
	}
	for n, v := range size {
		data.Weight[n] *= min(1, 2*median/max(v, median)) / median
	}
}

// covariance writes the factor of the policy's covariance to dst, dU x dU: that of the mean
// precision of the controllers' steps, in which none counts more than twice the median.
func (s *student) covariance(dst []float64, controllers []*lqg.Controller) error {
	n2 := s.dU * s.dU
	var precisions, size []float64
	for _, c := range controllers {
		for t := range c.T {
			precisions = append(precisions, make([]float64, n2)...)
			p := precisions[len(precisions)-n2:]
			c.Precision(p, t)
			sum := 0.0
			for i := range s.dU {
				sum += p[i*(s.dU+1)]
			}
			size = append(size, sum)
		}
	}
	median, weights := middle(size), make([]float64, len(size))
	for i, v := range size {
		weights[i] = min(1, 2*median/v)
	}
	return policy.Covariance(dst, precisions, weights, s.cfg.Entropy, s.cfg.Covariance)
}

// middle returns the median of v.
func middle(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// sampler returns what draws condition m's samples: the policy where there is one and it is to.
func (s *student) sampler(state *State, m int, onPolicy bool) (policy.Policy, error) {
	c := state.Conditions[m].Controller
	if state.Policy == nil || !onPolicy {
		return c, nil
	}
	return s.policy(state.Policy, c.T)
}

// linearise sets linear to the policy's linearisation along the samples of condition m, and
// returns the prior for the next one.
func (s *student) linearise(ctx context.Context, linear *lqg.Controller, p *Policy, samples []*rollout.Rollout, prior *policy.MixturePrior, workers int, rng *rand.Rand) (means []float64, next *policy.MixturePrior, err error) {
	net, err := s.policy(p, linear.T)
	if err != nil {
		return nil, nil, err
	}
	cfg := s.cfg.Linearise
	cfg.Prior.EM.Workers = workers
	l, err := policy.NewLineariser(cfg, linear.T, s.dX, s.dU)
	if err != nil {
		return nil, nil, err
	}
	return l.Run(ctx, linear, net, samples, prior, rng)
}
