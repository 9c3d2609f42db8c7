package learner

import (
	"errors"
	"math"
	"math/rand/v2"

	"guidedpolicysearch/gps/algorithm"
	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/dynamics"
	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/pi2"
	"guidedpolicysearch/gps/trajopt"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/params"
)

// Config holds the settings of the learning problem and of the algorithm.
type Config struct {
	Seed       uint64           `param:"seed" desc:"Names all random numbers: one seed gives one run." range:"[0, 9223372036854775807]"`
	Iterations int              `param:"iterations" desc:"Iterations of the run." range:"[1, 100000]" takes:"trial"`
	Samples    int              `param:"samples" desc:"Trials per condition and iteration." range:"[2, 10000]"`
	Steps      int              `param:"steps" desc:"Horizon T: actions of a trial." range:"[1, 100000]"`
	DT         float64          `param:"dt" desc:"Time step of a trial." unit:"s" range:"(0, 1]"`
	Conditions ConditionsConfig `param:"conditions"`
	Initial    InitialConfig    `param:"initial_controller"`
	Cost       CostConfig       `param:"cost"`
	Success    SuccessConfig    `param:"success"`
	Algorithm  AlgorithmConfig  `param:"algorithm"`
	Policy     PolicyConfig     `param:"policy"`
	Run        RunConfig        `param:"policy"`
	Reference  ReferenceConfig  `param:"reference"`

	Intermediates IntermediatesConfig `param:"intermediates"`
}

// AlgorithmConfig holds the settings of trajectory optimisation.
type AlgorithmConfig struct {
	Type            string          `param:"type" desc:"How to learn: trajopt improves local controllers only; mdgps, badmm, constrained and lagrangian also learn one policy for all conditions." choices:"trajopt|mdgps|badmm|constrained|lagrangian"`
	Update          string          `param:"update" desc:"How a local controller is improved: lqr on the fitted dynamics, pi2 by path integrals without a model, or pilqr, lqr and then pi2 on what the model does not explain. With badmm, constrained and lagrangian lqr only." choices:"lqr|pi2|pilqr"`
	KLStep          float64         `param:"kl_step" desc:"Trust region: KL divergence allowed per time step." unit:"nat" range:"(0, inf)" takes:"trial"`
	BoundEachStep   bool            `param:"bound_each_step" desc:"Hold every time step of a trial within kl_step, each with a dual variable of its own, instead of their mean. Single steps can then lose their exploration within a few iterations, which slows learning down: a small max_entropy, such as 0.01, keeps it." takes:"trial"`
	MinStep         float64         `param:"min_step_multiplier" desc:"Smallest factor on kl_step." range:"(0, 1]" takes:"trial"`
	MaxStep         float64         `param:"max_step_multiplier" desc:"Largest factor on kl_step." range:"[1, inf)" takes:"trial"`
	MaxEntropy      float64         `param:"max_entropy" desc:"Weight of the maximum-entropy term." range:"[0, inf)" takes:"trial"`
	CovarianceFloor float64         `param:"covariance_floor" desc:"Variance of the torque below which no update goes, so that trials keep exploring; 0 for none. A variance that is smaller already is not raised: the floor never lifts one above the previous controller's." unit:"N^2 m^2" range:"[0, inf)" takes:"trial"`
	MinEta          float64         `param:"min_eta" desc:"Smallest dual variable of the KL bound." range:"(0, inf)" takes:"trial"`
	MaxEta          float64         `param:"max_eta" desc:"Largest dual variable of the KL bound." range:"(0, inf)" takes:"trial"`
	Workers         int             `param:"workers" desc:"Processors that an update uses, 0 for all: conditions are improved at the same time, and what they leave works inside their fits. The result is the same, bit for bit, whatever the number." range:"[0, 10000]" takes:"trial"`
	Dynamics        DynamicsConfig  `param:"dynamics"`
	Prior           PriorConfig     `param:"prior"`
	PathIntegral    pi2.PILQRConfig `param:"path_integral"`
}

// DynamicsConfig holds the settings of the dynamics fit.
type DynamicsConfig struct {
	Regularization float64 `param:"regularization" desc:"Regularisation of the covariance of states and actions." range:"[0, inf)" takes:"trial"`
	Regularizer    string  `param:"regularizer" desc:"What it does: diagonal adds it to every variance, lift raises the smallest eigenvalue to it where that is below." choices:"diagonal|lift" takes:"trial"`
	NoiseFloor     float64 `param:"noise_floor" desc:"Smallest eigenvalue of the process noise's covariance." range:"[0, inf)" takes:"trial"`
	MinVariance    float64 `param:"min_initial_variance" desc:"Smallest variance of the initial state." range:"(0, inf)" takes:"trial"`
	Mean           string  `param:"mean" desc:"Mean of the posterior: shrunk towards the prior, or the samples'." choices:"shrunk|sample" takes:"trial"`
}

// PriorConfig holds the settings of the Gaussian mixture prior of the dynamics.
type PriorConfig struct {
	Use          bool    `param:"use" desc:"Fit the dynamics under a Gaussian mixture prior." takes:"trial"`
	Strength     float64 `param:"strength" desc:"Weight of the prior." range:"(0, inf)" takes:"trial"`
	MaxSamples   int     `param:"max_samples" desc:"Latest trials that the mixture is fitted to." range:"[1, 100000]" takes:"trial"`
	MaxClusters  int     `param:"max_clusters" desc:"Most components." range:"[1, 10000]" takes:"trial"`
	MinPerClust  int     `param:"min_samples_per_cluster" desc:"Transitions that a component stands for." range:"[1, 1000000]" takes:"trial"`
	MaxIteration int     `param:"max_iterations" desc:"Most steps of expectation maximisation." range:"[1, 100000]" takes:"trial"`
	Tolerance    float64 `param:"tolerance" desc:"Relative change of the log-likelihood that ends the fit." range:"(0, inf)" takes:"trial"`
}

// ReferenceConfig holds the costs of another implementation on the same task.
type ReferenceConfig struct {
	MeanCost []float64 `param:"mean_cost" desc:"Mean sample cost per iteration of a reference implementation; empty if there is none." takes:"trial"`
	Name     string    `param:"name" desc:"What the reference is." takes:"trial"`
	Margin   float64   `param:"margin" desc:"Part by which the final cost may be above the reference and the run still counts as learned." range:"[0, inf)" takes:"trial"`
}

// DefaultConfig returns the planar two-link reaching task.
func DefaultConfig() Config {
	alg, search, dyn, prior := algorithm.DefaultTrajOptConfig(), trajopt.DefaultConfig(), dynamics.DefaultConfig(), dynamics.DefaultPriorConfig()
	return Config{
		Seed: 1, Iterations: 10, Samples: 5, Steps: 100, DT: 0.05,
		Conditions: ConditionsConfig{Position: []float64{0.75 * math.Pi, 0.5 * math.Pi}},
		Initial:    defaultInitialConfig(),
		Cost:       defaultCostConfig(),
		Algorithm: AlgorithmConfig{Type: trajOpt, Update: string(alg.Update), PathIntegral: alg.PathIntegral, KLStep: alg.KLStep, MinStep: alg.Step.Min, MaxStep: alg.Step.Max, MinEta: search.MinEta, MaxEta: search.MaxEta,
			CovarianceFloor: search.CovarianceFloor,
			Dynamics:        DynamicsConfig{Regularization: dyn.Regularization, Regularizer: string(dyn.Regularizer), NoiseFloor: dyn.NoiseFloor, MinVariance: alg.MinInitialVariance, Mean: string(dyn.Mean)},
			Prior: PriorConfig{Use: true, Strength: dyn.Strength, MaxSamples: prior.MaxSamples, MaxClusters: prior.MaxClusters, MinPerClust: prior.MinSamplesPerCluster,
				MaxIteration: prior.EM.MaxIterations, Tolerance: prior.EM.Tolerance}},
		Policy:    defaultPolicyConfig(),
		Run:       RunConfig{Start: StartReset},
		Reference: ReferenceConfig{Margin: 0.1},

		Intermediates: defaultIntermediatesConfig(),
	}
}

// Problem is a Config made concrete for a robot.
type Problem struct {
	cfg        Config
	robot      *robot.Robot
	algorithm  algorithm.Algorithm
	positions  [][]float64 // initial joint positions, one per condition
	initial    []*lqg.Controller
	references []*initial.Reference // the demonstrations, one for all conditions or one each; none without
	term       cost.Term
	success    *autodiff.Program // nil where the task does not say what success is
	targetTip  []float64         // nil if there is no end effector or no target
	conditions int
	notes      []string // for the log
}

// NewProblem checks the config against the robot. Errors are params.FieldErrors, so that
// they can be shown with the place of the parameter.
func NewProblem(cfg Config, r *robot.Robot) (*Problem, error) {
	dU := r.DU()
	p := &Problem{cfg: cfg, robot: r}
	var err error
	if p.positions, err = cfg.Conditions.training(cfg.Seed, dU); err == nil {
		err = cfg.Conditions.checkTest(dU)
	}
	if err != nil {
		return nil, err
	}
	p.conditions = len(p.positions)
	if _, err := cfg.Intermediates.recorder(); err != nil {
		return nil, err
	}
	if err := p.buildInitial(); err != nil {
		return nil, err
	}
	if err := p.buildSuccess(); err != nil {
		return nil, err
	}
	p.noteExploration()
	return p, p.buildAlgorithm()
}

// Algorithm returns what improves the controllers.
func (p *Problem) Algorithm() algorithm.Algorithm { return p.algorithm }

// initialEta is the dual variable that a condition's first update begins its search at.
const initialEta = 1

// Start returns the state before the first iteration.
func (p *Problem) Start() *algorithm.State {
	return algorithm.NewState(p.cfg.Seed, initialEta, p.initial)
}

// NoiseSeed names the exploration noise of a trial (sample from 0, iteration from 1).
func (p *Problem) NoiseSeed(iteration, condition, sample int) uint64 {
	return algorithm.NoiseSeed(p.cfg.Seed, iteration, condition, sample)
}

// RepeatedNoise names the exploration noise of a simulated trial that begins again after faults, in
// place of seed: that of the trial if there was none.
func RepeatedNoise(seed uint64, faults int) uint64 {
	if faults == 0 {
		return seed
	}
	return rand.New(rand.NewPCG(seed, repeatStream+uint64(faults))).Uint64()
}

// isNoise tells whether exploration noise is that of a trial, or of one that began again.
func (p *Problem) isNoise(seed uint64, iteration, condition, sample int) bool {
	first := p.NoiseSeed(iteration, condition, sample)
	for faults := range safety.MostFaults {
		if seed == RepeatedNoise(first, faults) {
			return true
		}
	}
	return false
}

// InitialPosition returns the joint positions, in rad, that a condition's trials begin at.
func (p *Problem) InitialPosition(condition int) []float64 { return p.positions[condition] }

// Conditions returns how many there are.
func (p *Problem) Conditions() int { return p.conditions }

// Target returns the end effector's target in m, nil if there is none.
func (p *Problem) Target() []float64 { return p.targetTip }

func (p *Problem) buildAlgorithm() error {
	a := p.cfg.Algorithm
	cfg := algorithm.DefaultTrajOptConfig()
	cfg.KLStep, cfg.MaxEntropy, cfg.MinInitialVariance, cfg.UsePrior = a.KLStep, a.MaxEntropy, a.Dynamics.MinVariance, a.Prior.Use
	cfg.Update, cfg.PathIntegral = algorithm.UpdateKind(a.Update), a.PathIntegral
	cfg.BoundEachStep, cfg.Workers = a.BoundEachStep, a.Workers
	cfg.Step.Min, cfg.Step.Max = a.MinStep, a.MaxStep
	cfg.Search.MinEta, cfg.Search.MaxEta, cfg.Search.CovarianceFloor = a.MinEta, a.MaxEta, a.CovarianceFloor
	cfg.Dynamics.Regularization, cfg.Dynamics.Strength, cfg.Dynamics.Mean = a.Dynamics.Regularization, a.Prior.Strength, dynamics.Mean(a.Dynamics.Mean)
	cfg.Dynamics.Regularizer, cfg.Dynamics.NoiseFloor = dynamics.Regularizer(a.Dynamics.Regularizer), a.Dynamics.NoiseFloor
	cfg.Prior.MaxSamples, cfg.Prior.MaxClusters, cfg.Prior.MinSamplesPerCluster = a.Prior.MaxSamples, a.Prior.MaxClusters, a.Prior.MinPerClust
	cfg.Prior.EM.MaxIterations, cfg.Prior.EM.Tolerance = a.Prior.MaxIteration, a.Prior.Tolerance
	term, err := p.cost()
	if err != nil {
		return err
	}
	p.term = term
	p.algorithm, err = p.track(term, func(costs []cost.Term) (algorithm.Algorithm, error) { return p.newAlgorithm(cfg, costs) })
	var field params.FieldError
	if errors.As(err, &field) {
		return err
	}
	if err != nil {
		return params.FieldError{Key: "algorithm", Problem: err.Error()}
	}
	return nil
}
