package learner

import (
	"fmt"
	"math"

	"guidedpolicysearch/gps/cost"
	"guidedpolicysearch/node/params"
)

// CostConfig holds the terms of the cost; a term of weight 0 is left out.
type CostConfig struct {
	Torque        TorqueCostConfig     `param:"torque"`
	Smoothness    TorqueCostConfig     `param:"torque_smoothness"`
	Position      TargetCostConfig     `param:"joint_position"`
	EndEffector   TargetCostConfig     `param:"end_effector"`
	Expression    ExpressionCostConfig `param:"expression"`
	Demonstration TrackingCostConfig   `param:"demonstration"`
	Convex        bool                 `param:"convex" desc:"Project the Hessian of the whole cost to positive semi-definite at every time step."`
}

// TorqueCostConfig weighs half a sum of squares: of the torques, or of their changes from
// one time step to the next.
type TorqueCostConfig struct {
	Weight float64 `param:"weight" desc:"Weight of half the sum of squares; 0 leaves it out." unit:"1/(N^2 m^2)" range:"[0, inf)"`
}

// TargetCostConfig is a penalty on the distance from a target.
type TargetCostConfig struct {
	Weight          float64   `param:"weight" desc:"Weight of the term; 0 leaves it out." range:"[0, inf)"`
	Target          []float64 `param:"target" desc:"Target: joint positions in rad, or the end effector's coordinates in m."`
	L2              float64   `param:"l2" desc:"Weight of half the squared distance." range:"[0, inf)"`
	L1              float64   `param:"l1" desc:"Weight of the rounded distance sqrt(alpha + d^2)." range:"[0, inf)"`
	Log             float64   `param:"log" desc:"Weight of half of log(alpha + d^2)." range:"[0, inf)"`
	SmoothL1        float64   `param:"smooth_l1" desc:"Weight of the sum of sqrt(alpha + d_i^2) over the elements." range:"[0, inf)"`
	LogCosh         float64   `param:"log_cosh" desc:"Weight of the sum of log(cosh(d_i)) over the elements." range:"[0, inf)"`
	Alpha           float64   `param:"alpha" desc:"Rounding of l1, log and smooth_l1 at the target." range:"(0, inf)"`
	Ramp            string    `param:"ramp" desc:"Weight over the time of a trial." choices:"constant|linear|quadratic|final_only"`
	FinalMultiplier float64   `param:"final_multiplier" desc:"Factor on the weight at the last step." range:"[0, inf)"`
}

// ExpressionCostConfig is a cost written as text.
type ExpressionCostConfig struct {
	Text            string  `param:"text" desc:"Cost of a time step, such as (1-cos(q0))^2 + 0.1*dq0^2. Names: q0, dq0, u0 and so on for the joints in their order, px, py, pz and vx, vy, vz for the end effector if the state has it, t, T, pi. Empty for none."`
	Weight          float64 `param:"weight" desc:"Weight of the term; 0 leaves it out." range:"[0, inf)"`
	Ramp            string  `param:"ramp" desc:"Weight over the time of a trial." choices:"constant|linear|quadratic|final_only"`
	FinalMultiplier float64 `param:"final_multiplier" desc:"Factor on the weight at the last step." range:"[0, inf)"`
}

// defaultCostConfig returns the cost of the planar two-link reaching task.
func defaultCostConfig() CostConfig {
	target := TargetCostConfig{L2: 1, Alpha: 1e-5, Ramp: "constant", FinalMultiplier: 1}
	c := CostConfig{Torque: TorqueCostConfig{Weight: 1e-5}, Position: target, EndEffector: target,
		Expression:    ExpressionCostConfig{Weight: 1, Ramp: "constant", FinalMultiplier: 1},
		Demonstration: TrackingCostConfig{Position: 1, Decay: 0.5}}
	c.Position.Weight, c.Position.Target = 1, []float64{0, 0}
	return c
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
		terms = append(terms, cost.Weighted{Term: cost.Named{Name: "cost.torque", Term: t}, Weight: c.Torque.Weight})
	}
	if c.Smoothness.Weight > 0 {
		t, err := cost.NewSmoothness(cost.DefaultSmoothnessConfig(ones(dU)))
		if err != nil {
			return nil, params.FieldError{Key: "cost.torque_smoothness", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: cost.Named{Name: "cost.torque_smoothness", Term: t}, Weight: c.Smoothness.Weight})
	}
	tip := p.robot.EndEffector()
	if t := c.Position; t.Weight > 0 {
		if len(t.Target) != dU {
			return nil, params.FieldError{Key: "cost.joint_position.target", Problem: fmt.Sprintf("has %d entries, need %d, one per joint", len(t.Target), dU)}
		}
		ramp, penalty := t.shape()
		term, err := cost.NewState(cost.StateConfig{Target: t.Target, Weights: ones(dU), Penalty: penalty, Ramp: ramp, FinalMultiplier: t.FinalMultiplier})
		if err != nil {
			return nil, params.FieldError{Key: "cost.joint_position", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: cost.Named{Name: "cost.joint_position", Term: term}, Weight: t.Weight})
		if tip != nil {
			_, n := tip.Dims()
			p.targetTip = make([]float64, n)
			tip.Points(p.targetTip, t.Target)
		}
	}
	if t := c.EndEffector; t.Weight > 0 {
		if tip == nil {
			return nil, params.FieldError{Key: "cost.end_effector.weight", Problem: "is positive, but kinematics.type is none"}
		}
		_, coordinates := tip.Dims()
		if len(t.Target) != coordinates {
			return nil, params.FieldError{Key: "cost.end_effector.target", Problem: fmt.Sprintf("has %d entries, need %d: x, y and perhaps z of each of the robot's end-effector points", len(t.Target), coordinates)}
		}
		ramp, penalty := t.shape()
		term, err := cost.NewPoints(cost.PointsConfig{Target: t.Target, Weights: ones(coordinates), Penalty: penalty, Ramp: ramp, FinalMultiplier: t.FinalMultiplier}, tip)
		if err != nil {
			return nil, params.FieldError{Key: "cost.end_effector", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: cost.Named{Name: "cost.end_effector", Term: term}, Weight: t.Weight})
		p.targetTip = t.Target
	}
	if e := c.Expression; e.Text != "" && e.Weight > 0 {
		ramp, err := cost.ParseRamp(e.Ramp)
		if err != nil {
			return nil, params.FieldError{Key: "cost.expression.ramp", Problem: err.Error()}
		}
		states, actions := p.robot.Symbols()
		term, err := cost.NewExpression(cost.ExpressionConfig{Text: e.Text, States: states, Actions: actions, Ramp: ramp, FinalMultiplier: e.FinalMultiplier})
		if err != nil {
			return nil, params.FieldError{Key: "cost.expression.text", Problem: err.Error()}
		}
		terms = append(terms, cost.Weighted{Term: cost.Named{Name: "cost.expression", Term: term}, Weight: e.Weight})
	}
	if len(terms) == 0 {
		return nil, params.FieldError{Key: "cost", Problem: "all terms have weight 0, need at least one"}
	}
	var term cost.Term
	term, err := cost.NewSum(terms...)
	if err == nil && c.Convex {
		term, err = cost.NewConvex(term)
	}
	if err != nil {
		return nil, params.FieldError{Key: "cost", Problem: err.Error()}
	}
	return term, nil
}

// shape converts the ramp, whose name was checked as one of its choices, and the penalty.
func (t TargetCostConfig) shape() (cost.Ramp, cost.Penalty) {
	ramp, err := cost.ParseRamp(t.Ramp)
	if err != nil {
		panic(err)
	}
	return ramp, cost.Penalty{L2: t.L2, L1: t.L1, Log: t.Log, SmoothL1: t.SmoothL1, LogCosh: t.LogCosh,
		Alpha: t.Alpha, LogAlpha: t.Alpha, SmoothAlpha: t.Alpha}
}

// endEffectorError returns the distance of the end effector from its target at joint
// positions q, in m, the mean over its points, and whether there is one.
func (p *Problem) endEffectorError(q []float64) (float64, bool) {
	if p.targetTip == nil {
		return math.NaN(), false
	}
	tip := make([]float64, len(p.targetTip))
	p.robot.EndEffector().Points(tip, q)
	each := min(len(tip), 3)
	sum := 0.0
	for i := 0; i < len(tip); i += each {
		sum += math.Sqrt(squaredDistance(tip[i:i+each], p.targetTip[i:i+each]))
	}
	return sum * float64(each) / float64(len(tip)), true
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
