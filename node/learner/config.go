package learner

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
)

// Config holds the settings of the learning problem and of the algorithm.
type Config struct {
	Seed       uint64           `param:"seed" desc:"Names all random numbers: one seed gives one run." range:"[0, 9223372036854775807]"`
	Iterations int              `param:"iterations" desc:"Iterations of the run." range:"[1, 100000]"`
	Samples    int              `param:"samples" desc:"Trials per condition and iteration." range:"[2, 10000]"`
	Antithetic bool             `param:"antithetic_noise" desc:"Run trials in pairs of opposite exploration noise: the mean cost of an iteration varies less, but the dynamics are seen in half as many directions."`
	Steps      int              `param:"steps" desc:"Horizon T: actions of a trial." range:"[1, 100000]"`
	DT         float64          `param:"dt" desc:"Time step of a trial." unit:"s" range:"(0, inf)"`
	Conditions ConditionsConfig `param:"conditions"`
	Initial    InitialConfig    `param:"initial_controller"`
	Cost       CostConfig       `param:"cost"`
	Algorithm  AlgorithmConfig  `param:"algorithm"`
	Reference  ReferenceConfig  `param:"reference"`
}

// ConditionsConfig holds the initial states that are trained on.
type ConditionsConfig struct {
	Position []float64 `param:"initial_position" desc:"Initial joint positions, one condition after the other; a trial begins at rest." unit:"rad"`
}

// CostConfig holds the terms of the cost; a term of weight 0 is left out.
type CostConfig struct {
	Torque      TorqueCostConfig `param:"torque"`
	Position    TargetCostConfig `param:"joint_position"`
	EndEffector TargetCostConfig `param:"end_effector"`
}

// TorqueCostConfig is 1/2 weight sum u^2.
type TorqueCostConfig struct {
	Weight float64 `param:"weight" desc:"Weight of half the sum of the squared torques." unit:"1/(N^2 m^2)" range:"[0, inf)"`
}

// TargetCostConfig is a penalty on the distance from a target.
type TargetCostConfig struct {
	Weight          float64   `param:"weight" desc:"Weight of the term; 0 leaves it out." range:"[0, inf)"`
	Target          []float64 `param:"target" desc:"Target: joint positions in rad, or the end effector's coordinates in m."`
	L2              float64   `param:"l2" desc:"Weight of half the squared distance." range:"[0, inf)"`
	L1              float64   `param:"l1" desc:"Weight of the rounded distance sqrt(alpha + d^2)." range:"[0, inf)"`
	Log             float64   `param:"log" desc:"Weight of half of log(alpha + d^2)." range:"[0, inf)"`
	Alpha           float64   `param:"alpha" desc:"Rounding of l1 and log at the target." range:"(0, inf)"`
	Ramp            string    `param:"ramp" desc:"Weight over the time of a trial." choices:"constant|linear|quadratic|final_only"`
	FinalMultiplier float64   `param:"final_multiplier" desc:"Factor on the weight at the last step." range:"[0, inf)"`
}

// AlgorithmConfig holds the settings of trajectory optimisation.
type AlgorithmConfig struct {
	KLStep          float64        `param:"kl_step" desc:"Trust region: KL divergence allowed per time step." unit:"nat" range:"(0, inf)"`
	MinStep         float64        `param:"min_step_multiplier" desc:"Smallest factor on kl_step." range:"(0, 1]"`
	MaxStep         float64        `param:"max_step_multiplier" desc:"Largest factor on kl_step." range:"[1, inf)"`
	MaxEntropy      float64        `param:"max_entropy" desc:"Weight of the maximum-entropy term." range:"[0, inf)"`
	CovarianceFloor float64        `param:"covariance_floor" desc:"Smallest variance of a controller's torque." unit:"N^2 m^2" range:"[0, inf)"`
	MinEta          float64        `param:"min_eta" desc:"Smallest dual variable of the KL bound." range:"(0, inf)"`
	MaxEta          float64        `param:"max_eta" desc:"Largest dual variable of the KL bound." range:"(0, inf)"`
	Dynamics        DynamicsConfig `param:"dynamics"`
	Prior           PriorConfig    `param:"prior"`
}

// DynamicsConfig holds the settings of the dynamics fit.
type DynamicsConfig struct {
	Regularization float64 `param:"regularization" desc:"Added to the variances of states and actions." range:"[0, inf)"`
	MinVariance    float64 `param:"min_initial_variance" desc:"Smallest variance of the initial state." range:"(0, inf)"`
	Mean           string  `param:"mean" desc:"Mean of the posterior: shrunk towards the prior, or the samples'." choices:"shrunk|sample"`
}

// PriorConfig holds the settings of the Gaussian mixture prior of the dynamics.
type PriorConfig struct {
	Use          bool    `param:"use" desc:"Fit the dynamics under a Gaussian mixture prior."`
	Strength     float64 `param:"strength" desc:"Weight of the prior." range:"(0, inf)"`
	MaxSamples   int     `param:"max_samples" desc:"Latest trials that the mixture is fitted to." range:"[1, 100000]"`
	MaxClusters  int     `param:"max_clusters" desc:"Most components." range:"[1, 10000]"`
	MinPerClust  int     `param:"min_samples_per_cluster" desc:"Transitions that a component stands for." range:"[1, 1000000]"`
	MaxIteration int     `param:"max_iterations" desc:"Most steps of expectation maximisation." range:"[1, 100000]"`
	Tolerance    float64 `param:"tolerance" desc:"Relative change of the log-likelihood that ends the fit." range:"(0, inf)"`
}

// ReferenceConfig holds the costs of another implementation on the same task.
type ReferenceConfig struct {
	MeanCost []float64 `param:"mean_cost" desc:"Mean sample cost per iteration of a reference implementation; empty if there is none."`
	Name     string    `param:"name" desc:"What the reference is."`
	Margin   float64   `param:"margin" desc:"Part by which the final cost may be above the reference and the run still counts as learned." range:"[0, inf)"`
}

// DefaultConfig returns the planar two-link reaching task.
func DefaultConfig() Config {
	alg, search, dyn, prior := algorithm.DefaultTrajOptConfig(), trajopt.DefaultConfig(), dynamics.DefaultConfig(), dynamics.DefaultPriorConfig()
	target := TargetCostConfig{L2: 1, Alpha: 1e-5, Ramp: "constant", FinalMultiplier: 1}
	c := Config{
		Seed: 1, Iterations: 10, Samples: 5, Steps: 100, DT: 0.05,
		Conditions: ConditionsConfig{Position: []float64{0.75 * math.Pi, 0.5 * math.Pi}},
		Initial:    defaultInitialConfig(),
		Cost:       CostConfig{Torque: TorqueCostConfig{Weight: 1e-5}, Position: target, EndEffector: target},
		Algorithm: AlgorithmConfig{KLStep: alg.KLStep, MinStep: alg.Step.Min, MaxStep: alg.Step.Max, MinEta: search.MinEta, MaxEta: search.MaxEta,
			CovarianceFloor: search.CovarianceFloor,
			Dynamics:        DynamicsConfig{Regularization: dyn.Regularization, MinVariance: alg.MinInitialVariance, Mean: string(dyn.Mean)},
			Prior: PriorConfig{Use: true, Strength: dyn.Strength, MaxSamples: prior.MaxSamples, MaxClusters: prior.MaxClusters, MinPerClust: prior.MinSamplesPerCluster,
				MaxIteration: prior.EM.MaxIterations, Tolerance: prior.EM.Tolerance}},
		Reference: ReferenceConfig{Margin: 0.1},
	}
	c.Cost.Position.Weight, c.Cost.Position.Target = 1, []float64{0, 0}
	return c
}

// Problem is a Config made concrete for a robot.
type Problem struct {
	cfg        Config
	robot      *robot.Robot
	algorithm  algorithm.Algorithm
	positions  [][]float64 // initial joint positions, one per condition
	initial    []*lqg.Controller
	targetTip  []float64 // nil if there is no end effector or no target
	conditions int
}

// NewProblem checks the config against the robot. Errors are params.FieldErrors, so that
// they can be shown with the place of the parameter.
func NewProblem(cfg Config, r *robot.Robot) (*Problem, error) {
	dU := r.DU()
	p := &Problem{cfg: cfg, robot: r}
	n := len(cfg.Conditions.Position)
	if n == 0 || n%dU != 0 {
		return nil, params.FieldError{Key: "conditions.initial_position", Problem: fmt.Sprintf("has %d entries, need a multiple of %d, one position per joint and condition", n, dU)}
	}
	for i := 0; i < n; i += dU {
		p.positions = append(p.positions, cfg.Conditions.Position[i:i+dU])
	}
	p.conditions = len(p.positions)
	if err := p.buildInitial(); err != nil {
		return nil, err
	}
	return p, p.buildAlgorithm()
}

// Algorithm returns what improves the controllers.
func (p *Problem) Algorithm() algorithm.Algorithm { return p.algorithm }

// Start returns the state before the first iteration.
func (p *Problem) Start() *algorithm.State { return algorithm.NewState(p.cfg.Seed, 1, p.initial) }

// NoiseSeed names the exploration noise of a trial (sample from 0, iteration from 1).
func (p *Problem) NoiseSeed(iteration, condition, sample int) uint64 {
	if p.cfg.Antithetic {
		return algorithm.AntitheticNoiseSeed(p.cfg.Seed, iteration, condition, sample)
	}
	return algorithm.NoiseSeed(p.cfg.Seed, iteration, condition, sample)
}

// InitialPosition returns the joint positions, in rad, that a condition's trials begin at.
func (p *Problem) InitialPosition(condition int) []float64 { return p.positions[condition] }

// Target returns the end effector's target in m, nil if there is none.
func (p *Problem) Target() []float64 { return p.targetTip }

func (p *Problem) buildAlgorithm() error {
	a := p.cfg.Algorithm
	cfg := algorithm.DefaultTrajOptConfig()
	cfg.KLStep, cfg.MaxEntropy, cfg.MinInitialVariance, cfg.UsePrior = a.KLStep, a.MaxEntropy, a.Dynamics.MinVariance, a.Prior.Use
	cfg.Step = algorithm.StepConfig{Min: a.MinStep, Max: a.MaxStep}
	cfg.Search.MinEta, cfg.Search.MaxEta, cfg.Search.CovarianceFloor = a.MinEta, a.MaxEta, a.CovarianceFloor
	cfg.Dynamics.Regularization, cfg.Dynamics.Strength, cfg.Dynamics.Mean = a.Dynamics.Regularization, a.Prior.Strength, dynamics.Mean(a.Dynamics.Mean)
	cfg.Prior.MaxSamples, cfg.Prior.MaxClusters, cfg.Prior.MinSamplesPerCluster = a.Prior.MaxSamples, a.Prior.MaxClusters, a.Prior.MinPerClust
	cfg.Prior.EM.MaxIterations, cfg.Prior.EM.Tolerance = a.Prior.MaxIteration, a.Prior.Tolerance
	term, err := p.cost()
	if err != nil {
		return err
	}
	costs := make([]cost.Term, p.conditions)
	for m := range costs {
		costs[m] = term
	}
	p.algorithm, err = algorithm.NewTrajOpt(cfg, costs)
	if err != nil {
		return params.FieldError{Key: "algorithm", Problem: err.Error()}
	}
	return nil
}

// cost builds the weighted sum of the terms and finds the end effector's target.
func (p *Problem) cost() (cost.Term, error) {
	dU := p.robot.DU()
	c := p.cfg.Cost
	var terms []cost.Weighted
	if c.Torque.Weight > 0 {
		t, err := cost.NewAction(ones(dU))
		if err != nil {
			return nil, params.FieldError{Key: "cost.torque", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: t, Weight: c.Torque.Weight})
	}
	chain := p.robot.Chain()
	if t := c.Position; t.Weight > 0 {
		if len(t.Target) != dU {
			return nil, params.FieldError{Key: "cost.joint_position.target", Problem: fmt.Sprintf("has %d entries, need %d, one per joint", len(t.Target), dU)}
		}
		ramp, penalty := t.shape()
		term, err := cost.NewState(cost.StateConfig{Target: t.Target, Weights: ones(dU), Penalty: penalty, Ramp: ramp, FinalMultiplier: t.FinalMultiplier})
		if err != nil {
			return nil, params.FieldError{Key: "cost.joint_position", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: term, Weight: t.Weight})
		if chain != nil {
			_, n := chain.Dims()
			p.targetTip = make([]float64, n)
			chain.Points(p.targetTip, t.Target)
		}
	}
	if t := c.EndEffector; t.Weight > 0 {
		if chain == nil {
			return nil, params.FieldError{Key: "cost.end_effector.weight", Problem: "is positive, but kinematics.type is none"}
		}
		_, coordinates := chain.Dims()
		if len(t.Target) != coordinates {
			return nil, params.FieldError{Key: "cost.end_effector.target", Problem: fmt.Sprintf("has %d entries, need %d, robot.kinematics.coordinates: x, y and perhaps z", len(t.Target), coordinates)}
		}
		ramp, penalty := t.shape()
		term, err := cost.NewPoints(cost.PointsConfig{Target: t.Target, Weights: ones(coordinates), Penalty: penalty, Ramp: ramp, FinalMultiplier: t.FinalMultiplier}, chain)
		if err != nil {
			return nil, params.FieldError{Key: "cost.end_effector", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: term, Weight: t.Weight})
		p.targetTip = t.Target
	}
	if len(terms) == 0 {
		return nil, params.FieldError{Key: "cost", Problem: "all terms have weight 0, need at least one"}
	}
	sum, err := cost.NewSum(terms...)
	if err != nil {
		return nil, params.FieldError{Key: "cost", Problem: err.Error()}
	}
	return sum, nil
}

// shape converts the ramp, whose name was checked as one of its choices, and the penalty.
func (t TargetCostConfig) shape() (cost.Ramp, cost.Penalty) {
	ramp, err := cost.ParseRamp(t.Ramp)
	if err != nil {
		panic(err)
	}
	return ramp, cost.Penalty{L2: t.L2, L1: t.L1, Log: t.Log, Alpha: t.Alpha, LogAlpha: t.Alpha}
}

// endEffectorError returns the distance of the end effector from its target at joint
// positions q, in m, and whether there is one.
func (p *Problem) endEffectorError(q []float64) (float64, bool) {
	if p.targetTip == nil {
		return math.NaN(), false
	}
	tip := make([]float64, len(p.targetTip))
	p.robot.Chain().Points(tip, q)
	return math.Sqrt(squaredDistance(tip, p.targetTip)), true
}

func squaredDistance(a, b []float64) float64 {
	s := 0.0
	for i, v := range a {
		s += (v - b[i]) * (v - b[i])
	}
	return s
}

func ones(n int) []float64 {
	a := make([]float64, n)
	for i := range a {
		a[i] = 1
	}
	return a
}
