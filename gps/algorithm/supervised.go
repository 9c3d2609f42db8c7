package algorithm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/gps/trace"
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
	// Source is what it is taken from; default policy.ByPrecision.
	Source policy.CovarianceSource
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
	return PolicyConfig{Hidden: []int{64, 64}, Activation: nn.ReLU, Covariance: policy.Full, Source: policy.ByPrecision, Reuse: 1, Train: nn.DefaultTrainConfig(), Linearise: policy.DefaultLineariseConfig()}
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
	case c.Source != policy.ByPrecision && c.Source != policy.ByLikelihood:
		return fmt.Errorf("algorithm: covariance of the policy is from %q, need %q or %q", c.Source, policy.ByPrecision, policy.ByLikelihood)
	}
	if err := c.Train.Validate(); err != nil {
		return err
	}
	return c.Linearise.Validate()
}

// lesson is what the policy is to learn from one group of samples.
type lesson struct {
	controller *lqg.Controller
	own        *lqg.Controller // the condition's, where controller is changed for the policy; else nil
	samples    []*rollout.Rollout
	weight     []float64 // of the time steps, T; nil for 1
	age        int       // of the samples, in iterations; 0 for the latest
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

// suits returns an error wrapping ErrState unless all conditions are of the policy's sizes.
func (s *student) suits(state *State) error {
	if len(state.Conditions) == 0 {
		return fmt.Errorf("%w: it has no conditions, and a policy needs at least one", ErrState)
	}
	return state.equalSizes("the algorithm's policy", state.Conditions[0].Controller.T, s.dX, s.dU)
}

// newParts returns what every algorithm with a policy is made of.
func newParts(trajectory TrajOptConfig, cfg PolicyConfig, costs []cost.Term, dX, dU int) (*core, *student, error) {
	s, err := newStudent(cfg, dX, dU)
	if err != nil {
		return nil, nil, err
	}
	c, err := newCore(trajectory, costs)
	return c, s, err
}

// network describes the policy's network.
func (s *student) network() nn.Config {
	in := s.dX
	if s.cfg.Observation != nil {
		in = len(s.cfg.Observation)
	}
	return nn.Config{Sizes: append(append([]int{in}, s.cfg.Hidden...), s.dU), Hidden: s.cfg.Activation}
}

// leastSpread is the standard deviation of an observation, in its unit, that is scaled to 1: what
// hardly moves is not blown up.
const leastSpread = 1e-3

// begin returns the network that training begins with, for the data's observations and actions in
// units of scale: that of the policy before; or a fresh one, where there is none, or the data have
// outgrown its normalisation. (A network that was made for other numbers has its kinks where they were,
// and learns slowly.)
func (s *student) begin(before *policy.Network, data *nn.Dataset, scale []float64, seed uint64) (*nn.Network, error) {
	factor, bias, err := nn.Standardisation(data.X, data.In, leastSpread)
	if err != nil {
		return nil, err
	}
	if before != nil && !outgrown(before.Net(), factor) {
		n := before.Net().Clone()
		scaleOutput(n, scale, -1)
		return n, nil
	}
	n, err := nn.New(s.network())
	if err != nil {
		return nil, err
	}
	n.Initialise(seed)
	n.SetNormalisation(factor, bias)
	return n, nil
}

// outgrown tells whether a network's inputs are normalised by scales that the present ones are far
// from.
func outgrown(n *nn.Network, scale []float64) bool {
	const far = 2
	old, _ := n.Normalisation()
	for i, v := range scale {
		if r := v / old[i]; r > far || r < 1.0/far {
			return true
		}
	}
	return false
}

// scaleOutput multiplies the network's outputs by scale to the power of sign, 1 or -1.
func scaleOutput(n *nn.Network, scale []float64, sign int) {
	last := n.Layers() - 1
	weights, bias := n.Layer(last)
	in := len(weights) / len(bias)
	for i, v := range scale {
		if sign < 0 {
			v = 1 / v
		}
		bias[i] *= v
		for j := range in {
			weights[i*in+j] *= v
		}
	}
	n.SetLayer(last, weights, bias)
}

// learn returns a policy trained on the lessons, from the one before unless that is nil, in the
// fit of that number of state's iteration. Training that diverges is undone, and told in the report:
// the policy stays as it was.
func (s *student) learn(ctx context.Context, before *policy.Network, lessons []lesson, controllers []*lqg.Controller, state *State, fit int, report *PolicyReport) (*policy.Network, error) {
	defer trace.Phase(ctx, phasePolicy)()
	targets := policy.NewTargets(s.dX, s.dU)
	for _, l := range lessons {
		targets.Add(l.controller, l.samples, l.weight)
	}
	data, err := targets.Dataset(s.cfg.Observation)
	if err != nil {
		return nil, err
	}
	scale := rescale(data)
	balance(data)
	if part := s.cfg.Train.HeldOut; part > 0 {
		data.HeldOut = heldOut(lessons, part, state.Seed)
	}
	seed := state.policySeed(fit)
	network, err := s.begin(before, data, scale, seed)
	if err != nil {
		return nil, err
	}
	trainer, err := nn.NewTrainer(network, s.cfg.Train)
	if err != nil {
		return nil, err
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
	report.set(r)
	scaleOutput(network, scale, 1)
	mean, err := policy.NewNetwork(network, s.cfg.Observation, controllers[0].T, s.dX, nil)
	if err != nil {
		return nil, err
	}
	chol := make([]float64, s.dU*s.dU)
	if s.cfg.Source == policy.ByLikelihood {
		err = s.likelyCovariance(chol, mean, lessons)
	} else {
		err = s.covariance(chol, controllers)
	}
	if err != nil {
		return nil, err
	}
	recordTraining(trace.From(ctx).In("policy").In("training"), r, chol)
	return policy.NewNetwork(network, s.cfg.Observation, controllers[0].T, s.dX, chol)
}

// rescale brings the data's actions to units of their root mean square, which it returns.
func rescale(data *nn.Dataset) []float64 {
	dU := data.Out
	scale := make([]float64, dU)
	for i, v := range data.Y {
		scale[i%dU] += v * v / float64(data.N)
	}
	for i, v := range scale {
		if scale[i] = math.Sqrt(v); !(scale[i] > 0) {
			scale[i] = 1
		}
	}
	for i := range data.Y {
		data.Y[i] /= scale[i%dU]
	}
	for i := range data.Precision {
		data.Precision[i] *= scale[i%dU] * scale[i/dU%dU]
	}
	return scale
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

// likelyCovariance writes the factor of the covariance to dst, dU x dU, under which the controllers'
// actions at the lessons' samples are likeliest about the policy's mean.
func (s *student) likelyCovariance(dst []float64, mean policy.Policy, lessons []lesson) error {
	moments, cov := make([]float64, s.dU*s.dU), make([]float64, s.dU*s.dU)
	r, u, weight, N := make([]float64, s.dU), make([]float64, s.dU), 0.0, 0
	for _, l := range lessons {
		own := cmp.Or(l.own, l.controller)
		for t := range own.T {
			w := 1.0
			if l.weight != nil {
				w = l.weight[t]
			}
			own.Covariance(cov, t)
			for _, sample := range l.samples {
				own.Act(u, sample.State(t), t, nil)
				mean.Act(r, sample.State(t), t, nil)
				for i := range r {
					r[i] -= u[i]
				}
				for i := range r {
					for j := range r {
						moments[i*s.dU+j] += w * (cov[i*s.dU+j] + r[i]*r[j])
					}
				}
				weight, N = weight+w, N+1
			}
		}
	}
	return policy.LikelyCovariance(dst, moments, weight, N, s.cfg.Entropy, s.cfg.Covariance)
}

// middle returns the median of v.
func middle(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}

// sampler returns what draws condition m's samples: the policy where there is one and it is to.
func (s *student) sampler(state *State, m int, onPolicy bool) (policy.Policy, error) {
	if c := &state.Conditions[m]; state.Policy == nil || !onPolicy || c.Previous == nil {
		return c.Controller, nil // of a new condition the policy knows nothing yet
	}
	return state.Policy.Fork(), nil
}

// linearise sets linear to the policy's linearisation along the samples of condition m, and
// returns the prior for the next one.
func (s *student) linearise(ctx context.Context, linear *lqg.Controller, p *policy.Network, samples []*rollout.Rollout, prior *policy.MixturePrior, workers int, rng *rand.Rand) (means []float64, next *policy.MixturePrior, err error) {
	defer trace.Phase(ctx, phasePolicy)()
	ctx = trace.With(ctx, "policy")
	cfg := s.cfg.Linearise
	cfg.Prior.EM.Workers = workers
	l, err := policy.NewLineariser(cfg, linear.T, s.dX, s.dU)
	if err != nil {
		return nil, nil, err
	}
	if means, next, err = l.Run(ctx, linear, p.Fork(), samples, prior, rng); err != nil {
		return nil, nil, err
	}
	recordLinearisation(trace.From(ctx).In("linearised"), linear, means, len(samples))
	return means, next, nil
}
