package learner

import (
	"fmt"
	"slices"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/params"
)

// Algorithms that algorithm.type names.
const (
	trajOpt     = "trajopt"
	mdgps       = "mdgps"
	badmm       = "badmm"
	constrained = "constrained"
	lagrangian  = "lagrangian"
)

// What policy.combine names.
const (
	nearest = "nearest"
	mixture = "mixture"
)

// PolicyConfig describes the policy of the algorithms that have one, and how it is learned.
type PolicyConfig struct {
	Hidden      []int                  `param:"hidden" desc:"Sizes of the network's hidden layers." range:"[1, 4096]"`
	Activation  string                 `param:"activation" desc:"What the hidden layers do to their sums." choices:"relu|tanh"`
	Observation []string               `param:"observation" desc:"Entries of the state that the policy sees, by their names; empty for all of them. Learning sees the whole state."`
	Combine     string                 `param:"combine" desc:"Of trajopt with several conditions, what the saved policy makes of their controllers: nearest runs the one whose start is nearest, mixture blends them at each step by how likely each is to meet the present state." choices:"nearest|mixture" takes:"trial"`
	Feature     []string               `param:"feature" desc:"Of combine: entries of the state, by their names, by which the controllers are told apart; empty for the joint positions." takes:"trial"`
	Covariance  string                 `param:"covariance" desc:"Form of the covariance of the policy's actions." choices:"full|diagonal"`
	Source      string                 `param:"covariance_from" desc:"What the covariance of the policy's actions is taken from: precision, the controllers' mean precision; or likelihood, learned: the covariance under which the controllers' actions are likeliest, with what the network does not reproduce of them." choices:"precision|likelihood"`
	Entropy     float64                `param:"entropy" desc:"Bounds the covariance of the policy's actions: a fraction of a variance of 1 / (2 entropy)." range:"[0, inf)" takes:"trial"`
	Reuse       int                    `param:"reuse" desc:"The policy is also trained where the trials of so many earlier iterations were." range:"[0, 1000]" takes:"trial"`
	Samples     string                 `param:"samples" desc:"What drives the trials: the local controllers, or the policy once there is one." choices:"controllers|policy" takes:"trial"`
	StepRule    string                 `param:"step_rule" desc:"Of mdgps: adapt the KL step to the expected costs of the linearised policy, or to the trials' mean costs." choices:"laplace|mc" takes:"trial"`
	Guard       float64                `param:"guard" desc:"Of mdgps: where the mean cost of the trials rises by more than this part, and by more than exploration explains, the policy before is put back; 0 for never." range:"[0, inf)" takes:"trial"`
	Turns       int                    `param:"turns" desc:"Of badmm, constrained and lagrangian: how often policy and controllers take turns in an iteration." range:"[1, 1000]" takes:"trial"`
	Train       nn.TrainConfig         `param:"train"`
	Linearise   policy.LineariseConfig `param:"linearise"`
	BADMM       BADMMConfig            `param:"badmm"`
	Constrained ConstrainedConfig      `param:"constrained"`
	Lagrangian  LagrangianConfig       `param:"lagrangian"`
}

// BADMMConfig holds the settings of badmm.
type BADMMConfig struct {
	Weight float64 `param:"weight" desc:"Weight at the beginning of the divergence between policy and controllers." range:"(0, inf)"`
	policy.DualConfig
}

// ConstrainedConfig holds the settings of constrained.
type ConstrainedConfig struct {
	Weight    float64 `param:"weight" desc:"Weight at the beginning of the divergence between policy and controllers." range:"(0, inf)"`
	Rate      float64 `param:"rate" desc:"What a nat of divergence adds to the weight of its time step in each turn." range:"[0, inf)" takes:"trial"`
	Growth    float64 `param:"growth" desc:"Factor on the weights after each turn." range:"[1, inf)" takes:"trial"`
	MaxWeight float64 `param:"max_weight" desc:"Largest weight." range:"(0, inf)" takes:"trial"`
}

// LagrangianConfig holds the settings of lagrangian.
type LagrangianConfig struct {
	Penalty float64 `param:"penalty" desc:"Weight at the beginning of the squared difference between the actions of policy and controllers." range:"(0, inf)"`
	Rate    float64 `param:"rate" desc:"Step of the multipliers, in twice the penalty." range:"[0, inf)" takes:"trial"`
	Growth  float64 `param:"growth" desc:"Factor on the penalty after each iteration." range:"[1, inf)" takes:"trial"`
}

// defaultPolicyConfig returns what served all shipped tasks best: a smooth network, linearised by its
// derivative, which few trials tell as well as many, and a fixed number of epochs at a falling rate.
func defaultPolicyConfig() PolicyConfig {
	p, m, c := algorithm.DefaultPolicyConfig(), algorithm.DefaultMDGPSConfig(), algorithm.DefaultConstrainedConfig()
	b, l := algorithm.DefaultBADMMConfig(), algorithm.DefaultLagrangianConfig()
	p.Activation, p.Linearise.Method = nn.Tanh, policy.ByJacobian
	p.Train.Rate, p.Train.RateDecay, p.Train.Epochs, p.Train.HeldOut = 3e-3, 0.92, 40, 0
	return PolicyConfig{Combine: nearest, Hidden: p.Hidden, Activation: string(p.Activation), Covariance: string(p.Covariance), Source: string(p.Source), Entropy: p.Entropy, Reuse: p.Reuse,
		Samples: "policy", StepRule: string(m.StepRule), Guard: m.Guard, Turns: c.Alternating.Inner, Train: p.Train, Linearise: p.Linearise,
		BADMM:       BADMMConfig{Weight: b.InitialWeight, DualConfig: b.Duals},
		Constrained: ConstrainedConfig{Weight: c.InitialWeight, Rate: c.Rate, Growth: c.Growth, MaxWeight: c.MaxWeight},
		Lagrangian:  LagrangianConfig{Penalty: l.Penalty, Rate: l.Rate, Growth: l.Growth}}
}

// policyConfig returns the policy's settings.
func (p *Problem) policyConfig() (algorithm.PolicyConfig, error) {
	c := p.cfg.Policy
	out := algorithm.PolicyConfig{Hidden: c.Hidden, Activation: nn.Activation(c.Activation), Covariance: policy.CovarianceKind(c.Covariance), Source: policy.CovarianceSource(c.Source), Entropy: c.Entropy,
		Reuse: c.Reuse, Train: c.Train, Linearise: c.Linearise}
	var err error
	out.Observation, err = p.entries("policy.observation", c.Observation)
	return out, err
}

// entries returns the places in the state of what a parameter lists by name.
func (p *Problem) entries(key string, list []string) (places []int, err error) {
	names := p.robot.StateNames()
	for i, name := range list {
		j := slices.Index(names, name)
		if j < 0 {
			return nil, params.FieldError{Key: fmt.Sprintf("%s[%d]", key, i), Problem: fmt.Sprintf("is %q, which the state does not have: it is %q", name, names)}
		}
		if slices.Contains(places, j) {
			return nil, params.FieldError{Key: fmt.Sprintf("%s[%d]", key, i), Problem: fmt.Sprintf("is %q, which is there already", name)}
		}
		places = append(places, j)
	}
	return places, nil
}

// newAlgorithm returns the algorithm that algorithm.type names.
func (p *Problem) newAlgorithm(trajectory algorithm.TrajOptConfig, costs []cost.Term) (algorithm.Algorithm, error) {
	if p.cfg.Algorithm.Type == trajOpt {
		if _, err := p.feature(); err != nil {
			return nil, err
		}
		if p.cfg.Policy.Combine == mixture && p.cfg.Algorithm.Update == string(algorithm.PI2) {
			return nil, params.FieldError{Key: "policy.combine", Problem: fmt.Sprintf("is %s, which needs fitted dynamics, and algorithm.update %s fits none: choose %s", mixture, algorithm.PI2, nearest)}
		}
		return algorithm.NewTrajOpt(trajectory, costs)
	}
	if kind, update := p.cfg.Algorithm.Type, p.cfg.Algorithm.Update; kind != mdgps && update != string(algorithm.LQR) {
		return nil, params.FieldError{Key: "algorithm.update", Problem: fmt.Sprintf("is %s, and algorithm.type %s has %s only: path integrals weigh trials by their costs, which know nothing of the policy that its controllers are pulled towards; choose %s, or algorithm.type %s or %s", update, kind, algorithm.LQR, algorithm.LQR, mdgps, trajOpt)}
	}
	c, dX, dU := p.cfg.Policy, p.robot.DX(), p.robot.DU()
	shared, err := p.policyConfig()
	if err != nil {
		return nil, err
	}
	turns := algorithm.AlternatingConfig{Trajectory: trajectory, Policy: shared, OnPolicy: c.Samples == "policy", Inner: c.Turns}
	switch p.cfg.Algorithm.Type {
	case mdgps:
		return algorithm.NewMDGPS(algorithm.MDGPSConfig{Trajectory: trajectory, Policy: shared, OffPolicy: c.Samples != "policy", StepRule: algorithm.StepRule(c.StepRule), Guard: c.Guard}, costs, dX, dU)
	case badmm:
		return algorithm.NewBADMM(algorithm.BADMMConfig{Alternating: turns, InitialWeight: c.BADMM.Weight, Duals: c.BADMM.DualConfig}, costs, dX, dU)
	case constrained:
		return algorithm.NewConstrainedGPS(algorithm.ConstrainedConfig{Alternating: turns, InitialWeight: c.Constrained.Weight, Rate: c.Constrained.Rate, Growth: c.Constrained.Growth, MaxWeight: c.Constrained.MaxWeight}, costs, dX, dU)
	case lagrangian:
		return algorithm.NewLagrangianGPS(algorithm.LagrangianConfig{Alternating: turns, Penalty: c.Lagrangian.Penalty, Growth: c.Lagrangian.Growth, Rate: c.Lagrangian.Rate}, costs, dX, dU)
	}
	return nil, params.FieldError{Key: "algorithm.type", Problem: fmt.Sprintf("is %q, need %s, %s, %s, %s or %s", p.cfg.Algorithm.Type, trajOpt, mdgps, badmm, constrained, lagrangian)}
}
