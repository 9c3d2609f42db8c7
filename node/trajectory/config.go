// Package trajectory optimises a trajectory of a simulated robot whose dynamics are known
// (package ilqg), and runs the result on the simulator again.
package trajectory

import (
	"errors"
	"fmt"

	"guidedpolicysearch/gps/ilqg"
	"guidedpolicysearch/node/params"
)

// Config holds the parameters of an optimisation. The robot, its limits and its initial
// state are those of the simulated robot's own parameters.
type Config struct {
	RunFolder   string            `param:"run_folder" desc:"Folder of the run, which must be empty or not there; empty for a new folder in runs_folder."`
	RunsFolder  string            `param:"runs_folder" desc:"Folder in which runs get a folder of their own, named by their time."`
	Seed        uint64            `param:"seed" desc:"Names all random numbers: one seed gives one run." range:"[0, 9223372036854775807]"`
	Steps       int               `param:"steps" desc:"Number of controls T, one per time_step of the simulated robot; there are T+1 states." range:"[1, 100000]"`
	Iterations  int               `param:"iterations" desc:"Most iterations of a descent." range:"[1, 1000000]"`
	Cost        CostConfig        `param:"cost"`
	Solver      SolverConfig      `param:"solver"`
	Derivatives DerivativesConfig `param:"derivatives"`
	Starts      StartsConfig      `param:"starts"`
	Reference   ReferenceConfig   `param:"reference"`
}

// CostConfig gives the cost as expressions of q0, q1, ..., dq0, ..., u0, ..., t and T.
type CostConfig struct {
	Stage     string `param:"stage" desc:"Cost of each control and its state, an expression such as 0.01*u0^2."`
	Final     string `param:"final" desc:"Cost of the last state, an expression such as (1-cos(q0))^2 + 0.1*dq0^2; there u is 0."`
	EveryStep bool   `param:"every_step" desc:"Charge the final cost at every state, not at the last alone."`
}

// SolverConfig holds the settings of a descent.
type SolverConfig struct {
	Regularization string  `param:"regularization" desc:"What the Levenberg-Marquardt weight lambda penalises: changes of the controls or of the states." choices:"control|state"`
	Lambda         float64 `param:"lambda" desc:"Weight of the first iteration." range:"[0, inf)"`
	LambdaFactor   float64 `param:"lambda_factor" desc:"Divides lambda after a whole step, multiplies it after a failure and after the third step in a row of less than half the way." range:"(1, inf)"`
	MinLambda      float64 `param:"min_lambda" desc:"Least weight but 0." range:"(0, inf)"`
	MaxLambda      float64 `param:"max_lambda" desc:"Largest weight; it ends the descent." range:"(0, inf)"`
	Halvings       int     `param:"halvings" desc:"How often the line search halves its step." range:"[0, 60]"`
	Accept         float64 `param:"accept" desc:"Least ratio of actual to predicted improvement that a step is taken for." range:"[0, 1)"`
	Tolerance      float64 `param:"tolerance" desc:"Improvement, relative to 1 + |cost|, that ends a descent." range:"[0, inf)"`
}

// DerivativesConfig says where the derivatives of the dynamics come from.
type DerivativesConfig struct {
	Kind string  `param:"kind" desc:"Derivatives of the dynamics: the plant's own, automatic differentiation (both for pendulum and cart_pole), or central differences." choices:"plant|automatic|central_differences"`
	Step float64 `param:"step" desc:"Step of the central differences." range:"(0, 1]"`
}

// StartsConfig holds the settings of the search over starts. The first start is random as
// well, of the same spread.
type StartsConfig struct {
	Restarts  int     `param:"restarts" desc:"Further random starts; the best end of all is taken." range:"[0, 10000]"`
	Spread    float64 `param:"spread" desc:"Standard deviation of a start's controls, independent and about zero." unit:"N m or N" range:"(0, inf)"`
	Screening int     `param:"screening" desc:"Iterations after which the starts are compared." range:"[1, 1000000]"`
	Finalists int     `param:"finalists" desc:"How many of them then go on to the end." range:"[1, 10001]"`
}

// ReferenceConfig holds the best costs known, one entry per variant of the task.
type ReferenceConfig struct {
	Name      string    `param:"name" desc:"What the reference is."`
	MaxEffort []float64 `param:"max_effort" desc:"plant.max_effort of each variant, the same for all joints; 0 is no limit."`
	MaxSpeed  []float64 `param:"max_speed" desc:"plant.max_speed of each variant, the same for all joints; 0 is no limit." len:"max_effort"`
	EveryStep []bool    `param:"every_step" desc:"cost.every_step of each variant." len:"max_effort"`
	Cost      []float64 `param:"cost" desc:"Best known cost of each variant." len:"max_effort"`
	Margin    []float64 `param:"margin" desc:"Part of the cost by which a run may be above it and still counts as having reached it." range:"[0, inf)" len:"max_effort"`
}

// DefaultConfig returns the pendulum's swing-up.
func DefaultConfig() Config {
	s, starts := ilqg.DefaultConfig(), ilqg.DefaultStartsConfig()
	return Config{RunsFolder: "runs", Seed: 1, Steps: 99, Iterations: s.MaxIterations,
		Cost: CostConfig{Stage: "0.01*u0^2", Final: "(1-cos(q0))^2 + 0.1*dq0^2"},
		Solver: SolverConfig{Regularization: string(s.Regularization), Lambda: s.Lambda, LambdaFactor: s.LambdaFactor, MinLambda: s.MinLambda, MaxLambda: s.MaxLambda,
			Halvings: s.Halvings, Accept: s.Accept, Tolerance: s.Tolerance},
		Derivatives: DerivativesConfig{Kind: "central_differences", Step: ilqg.DefaultDifference},
		Starts:      StartsConfig{Restarts: starts.Restarts, Spread: starts.Spread, Screening: starts.Screening, Finalists: starts.Finalists}}
}

// solver returns the settings of the descents.
func (c *Config) solver() ilqg.Config {
	s := c.Solver
	return ilqg.Config{Regularization: ilqg.Regularization(s.Regularization), Lambda: s.Lambda, LambdaFactor: s.LambdaFactor, MinLambda: s.MinLambda, MaxLambda: s.MaxLambda,
		Halvings: s.Halvings, Accept: s.Accept, Tolerance: s.Tolerance, MaxIterations: c.Iterations}
}

// Validate checks what no single parameter shows.
func (c *Config) Validate() error {
	var problems []error
	if s := c.Solver; !(s.MaxLambda > s.MinLambda) {
		problems = append(problems, params.FieldError{Key: "solver.max_lambda", Problem: fmt.Sprintf("is %v, need more than solver.min_lambda, %v", s.MaxLambda, s.MinLambda)})
	} else if s.Lambda > s.MaxLambda {
		problems = append(problems, params.FieldError{Key: "solver.lambda", Problem: fmt.Sprintf("is %v, need at most solver.max_lambda, %v", s.Lambda, s.MaxLambda)})
	}
	if len(problems) == 0 {
		if err := c.solver().Validate(); err != nil {
			problems = append(problems, params.FieldError{Key: "solver", Problem: err.Error()})
		}
	}
	return errors.Join(problems...)
}

// starts returns the settings of the search.
func (c *Config) starts() ilqg.StartsConfig {
	return ilqg.StartsConfig{Restarts: c.Starts.Restarts, Spread: c.Starts.Spread, Screening: c.Starts.Screening, Finalists: c.Starts.Finalists}
}

// Reference is the best known cost of a variant of the task.
type Reference struct {
	Name string
	// MaxEffort and MaxSpeed are 0 where there is no limit.
	MaxEffort, MaxSpeed float64
	EveryStep           bool
	// Cost is the best known, Margin the part of it that is allowed on top.
	Cost, Margin float64
}

// Reached tells whether a cost is at or below the reference with its margin.
func (r *Reference) Reached(cost float64) bool { return cost <= r.Cost*(1+r.Margin) }

// Variants returns all references.
func (c *Config) Variants() []Reference {
	var list []Reference
	for i := range c.Reference.MaxEffort {
		list = append(list, Reference{Name: c.Reference.Name, MaxEffort: c.Reference.MaxEffort[i], MaxSpeed: c.Reference.MaxSpeed[i],
			EveryStep: c.Reference.EveryStep[i], Cost: c.Reference.Cost[i], Margin: c.Reference.Margin[i]})
	}
	return list
}

// ReferenceFor returns the reference of a task with these limits, nil if there is none.
func (c *Config) ReferenceFor(maxEffort, maxSpeed []float64) *Reference {
	same := func(limits []float64, want float64) bool {
		for _, v := range limits {
			if v != want {
				return false
			}
		}
		return len(limits) > 0 || want == 0
	}
	for _, r := range c.Variants() {
		if r.EveryStep == c.Cost.EveryStep && same(maxEffort, r.MaxEffort) && same(maxSpeed, r.MaxSpeed) {
			return &r
		}
	}
	return nil
}
