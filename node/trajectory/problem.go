package trajectory

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/gps/ilqg"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/simrobot"
)

// Problem is a Config made concrete for a simulated robot.
type Problem struct {
	config    Config
	simulator *sim.Simulator
	solver    *ilqg.Solver
	cost      *ilqg.TermCost
	x0        []float64
	reference *Reference
	maxEffort []float64 // nil for none, +Inf for no limit
}

// NewProblem puts the parameters and the simulated robot together. Errors about one
// parameter of the Config are params.FieldErrors.
func NewProblem(cfg Config, simulated *simrobot.Config) (*Problem, error) {
	simulator, err := simulated.Simulator()
	if err != nil {
		return nil, err
	}
	plant, integration, err := simulated.NewPlant()
	if err != nil {
		return nil, err
	}
	nQ, nU := plant.Dims()
	p := &Problem{config: cfg, simulator: simulator, x0: make([]float64, 2*nQ), maxEffort: integration.MaxEffort,
		reference: cfg.ReferenceFor(simulated.Plant.MaxEffort, simulated.Plant.MaxSpeed)}
	simulator.State(p.x0)
	if p.cost, err = cfg.Cost.term(cfg.Steps, nQ, nU); err != nil {
		return nil, err
	}
	dynamics := &simulation{simulator: simulator}
	derivatives, err := cfg.Derivatives.linearizer(simulated, plant, integration)
	if err != nil {
		return nil, err
	}
	problem := ilqg.Problem{T: cfg.Steps, DX: 2 * nQ, DU: nU, Dynamics: dynamics, Derivatives: derivatives, Cost: p.cost}
	if p.maxEffort != nil {
		problem.Upper = p.maxEffort
		problem.Lower = make([]float64, nU)
		for i, v := range p.maxEffort {
			problem.Lower[i] = -v
		}
	}
	if p.solver, err = ilqg.New(problem, cfg.solver()); err != nil {
		return nil, err
	}
	return p, nil
}

// term returns the cost of trajectories of T controls.
func (c CostConfig) term(T, nQ, nU int) (*ilqg.TermCost, error) {
	var states, actions []string
	for i := range nQ {
		states = append(states, fmt.Sprintf("q%d", i))
	}
	for i := range nQ {
		states = append(states, fmt.Sprintf("dq%d", i))
	}
	for i := range nU {
		actions = append(actions, fmt.Sprintf("u%d", i))
	}
	stage := cost.DefaultExpressionConfig(c.Stage, states, actions)
	stage.FinalMultiplier = 0 // the last state has no stage cost
	final := cost.DefaultExpressionConfig(c.Final, states, actions)
	if !c.EveryStep {
		final.Ramp = cost.FinalOnlyRamp
	}
	stageTerm, err := cost.NewExpression(stage)
	if err != nil {
		return nil, params.FieldError{Key: "cost.stage", Problem: err.Error()}
	}
	finalTerm, err := cost.NewExpression(final)
	if err != nil {
		return nil, params.FieldError{Key: "cost.final", Problem: err.Error()}
	}
	sum, err := cost.NewSum(cost.Weighted{Term: cost.Named{Name: "cost.stage", Term: stageTerm}, Weight: 1}, cost.Weighted{Term: cost.Named{Name: "cost.final", Term: finalTerm}, Weight: 1})
	if err != nil {
		return nil, err
	}
	return ilqg.NewTermCost(sum, T, 2*nQ, nU), nil
}

// linearizer returns the derivatives of the simulated robot's step.
func (c DerivativesConfig) linearizer(simulated *simrobot.Config, plant sim.Plant, integration sim.Config) (ilqg.Linearizer, error) {
	nQ, nU := plant.Dims()
	switch c.Kind {
	case "plant":
		if _, ok := plant.(sim.Differentiable); !ok {
			return nil, params.FieldError{Key: "derivatives.kind", Problem: fmt.Sprintf("is plant, which plant.type %s does not have; choose central_differences", simulated.Plant.Type)}
		}
		j, err := sim.NewJacobian(plant, integration)
		if err != nil {
			return nil, err
		}
		return jacobian{j}, nil
	case "automatic":
		return automatic(simulated, integration, nQ, nU)
	}
	return newDifferences(plant, integration, c.Step)
}

// simulation is a simulator as the solver takes dynamics.
type simulation struct{ simulator *sim.Simulator }

// Step writes the state one time step later, NaN where the simulator cannot go on.
func (s *simulation) Step(dst, x, u []float64, _ int) {
	if s.simulator.SetState(x) != nil || s.simulator.Step(u) != nil {
		for i := range dst {
			dst[i] = math.NaN()
		}
		return
	}
	s.simulator.State(dst)
}

// jacobian is a simulator's derivatives as the solver takes them.
type jacobian struct{ *sim.Jacobian }

func (j jacobian) Linearize(dst, x, u []float64, _ int) { j.Jacobian.Linearize(dst, x, u) }

// replay runs the controls of r on the simulator, from its initial state, and returns the
// cost of what came of them.
func (p *Problem) replay(r *rollout.Rollout) (float64, error) {
	again := rollout.New(r.T, r.DX, r.DU)
	copy(again.U, r.U)
	copy(again.State(0), p.x0)
	if err := p.simulator.SetState(p.x0); err != nil {
		return math.NaN(), err
	}
	for t := range r.T {
		if err := p.simulator.Step(again.Action(t)); err != nil {
			return math.NaN(), err
		}
		p.simulator.State(again.State(t + 1))
	}
	values, total := make([]float64, r.T+1), 0.0
	if err := p.cost.Values(values, again); err != nil {
		return math.NaN(), err
	}
	for _, v := range values {
		total += v
	}
	return total, nil
}
