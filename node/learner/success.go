package learner

import (
	"guidedpolicysearch/gps/autodiff"
	"guidedpolicysearch/gps/cost/expression"
	"guidedpolicysearch/gps/rollout"
	"guidedpolicysearch/node/params"
)

// SuccessConfig says which trials succeeded. It is reported, and changes nothing that is learned.
type SuccessConfig struct {
	Text string `param:"text" desc:"What holds at the end of a trial that succeeded, such as pz0 < 0.14: an expression with the names of cost.expression.text that is true, or above 0. The state is the last, u0 and so on are the last action, and t is T. Empty if success is not to be reported."`
}

// buildSuccess compiles what success is, if the task says it.
func (p *Problem) buildSuccess() error {
	text := p.cfg.Success.Text
	if text == "" {
		return nil
	}
	states, actions := p.robot.Symbols()
	program, err := expression.Compile(text, expression.Scope{States: states, Actions: actions})
	if err != nil {
		return params.FieldError{Key: "success.text", Problem: err.Error()}
	}
	p.success = program
	return nil
}

// successRate returns the share of the rollouts that succeeded, nil where the task does not say
// what success is. Where the expression has no value, a rollout did not succeed.
func (p *Problem) successRate(samples [][]*rollout.Rollout) *float64 {
	if p.success == nil {
		return nil
	}
	succeeded, count := 0.0, 0.0
	for _, condition := range samples {
		for _, r := range condition {
			if succeeds(p.success, r) {
				succeeded++
			}
			count++
		}
	}
	rate := succeeded / count
	return &rate
}

// succeeds evaluates a program at the last state and action of a rollout.
func succeeds(program *autodiff.Program, r *rollout.Rollout) bool {
	y, parameters := program.Inputs(), program.Parameters()
	copy(y, r.State(r.T))
	copy(y[r.DX:], r.Action(r.T-1))
	parameters[expression.Steps], parameters[expression.TimeStep] = float64(r.T), float64(r.T)
	return program.Run() > 0
}
