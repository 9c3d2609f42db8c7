package learner

import (
	"fmt"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/node/params"
)

// Kinds of first controllers.
const (
	initialLQR           = "lqr"
	initialPD            = "pd"
	initialConstant      = "constant"
	initialDemonstration = "demonstration"
)

// InitialConfig describes the first controller of every condition.
type InitialConfig struct {
	Type          string              `param:"type" desc:"First controller: lqr and pd hold the initial position, by LQR on a double integrator or by given gains; constant is a constant torque; demonstration follows a recorded motion." choices:"lqr|pd|constant|demonstration"`
	Variance      float64             `param:"variance" desc:"Variance of the torque." unit:"N^2 m^2" range:"(0, inf)"`
	JointVariance []float64           `param:"joint_variance" desc:"Variance of the torque per joint, in place of variance; not for lqr." unit:"N^2 m^2" range:"(0, inf)"`
	Gains         []float64           `param:"gains" desc:"Of lqr: assumed acceleration per torque, per joint." unit:"1/(kg m^2)"`
	Acceleration  []float64           `param:"acceleration" desc:"Of lqr: assumed constant acceleration, per joint." unit:"rad/s^2" len:"gains"`
	Stiffness     float64             `param:"stiffness" desc:"Of lqr: weight of the distance from the initial position." range:"[0, inf)"`
	StiffnessVel  float64             `param:"stiffness_velocity" desc:"Of lqr: weight of the velocity, times stiffness." range:"[0, inf)"`
	FinalWeight   float64             `param:"final_weight" desc:"Of lqr: factor on the weights of the last step, the torque's included." range:"(0, inf)"`
	PD            PDConfig            `param:"pd"`
	Constant      ConstantConfig      `param:"constant"`
	Demonstration DemonstrationConfig `param:"demonstration"`
}

// PDConfig holds the feedback gains of pd and demonstration.
type PDConfig struct {
	Stiffness []float64 `param:"stiffness" desc:"Of pd and demonstration: position gain per joint." unit:"N m/rad" range:"[0, inf)"`
	Damping   []float64 `param:"damping" desc:"Of pd and demonstration: velocity gain per joint." unit:"N m s/rad" range:"[0, inf)"`
}

// ConstantConfig holds the settings of constant.
type ConstantConfig struct {
	Torque []float64 `param:"torque" desc:"Of constant: torque per joint." unit:"N m"`
}

// defaultInitialConfig returns the hold controller of the planar two-link reaching task.
func defaultInitialConfig() InitialConfig {
	hold := initial.DefaultHoldConfig()
	return InitialConfig{Type: initialLQR, Variance: 0.1, Gains: []float64{0, 0}, Acceleration: []float64{0, 0},
		Stiffness: 0.01, StiffnessVel: hold.StiffnessVel, FinalWeight: hold.FinalWeight,
		PD:            PDConfig{Stiffness: []float64{6, 1}, Damping: []float64{3, 0}},
		Constant:      ConstantConfig{Torque: []float64{0, 0}},
		Demonstration: defaultDemonstrationConfig()}
}

// initialError blames a parameter of the initial controller.
func initialError(key, format string, args ...any) error {
	if key != "" {
		key = "." + key
	}
	return params.FieldError{Key: "initial_controller" + key, Problem: fmt.Sprintf(format, args...)}
}

// buildInitial makes the first controller of every condition.
func (p *Problem) buildInitial() error {
	in, dX, dU := p.cfg.Initial, p.robot.DX(), p.robot.DU()
	if in.Type == initialLQR && len(in.JointVariance) > 0 {
		return initialError("joint_variance", "is given, but initial_controller.type %s has one variance: give variance, or another type", in.Type)
	}
	variance := in.JointVariance
	if len(variance) == 0 {
		variance = initial.Repeat(in.Variance, dU)
	}
	for _, list := range []struct {
		key    string
		values []float64
		needed bool
	}{
		{"gains", in.Gains, in.Type == initialLQR},
		{"acceleration", in.Acceleration, in.Type == initialLQR},
		{"joint_variance", variance, true},
		{"pd.stiffness", in.PD.Stiffness, in.Type == initialPD || in.Type == initialDemonstration},
		{"pd.damping", in.PD.Damping, in.Type == initialPD || in.Type == initialDemonstration},
		{"constant.torque", in.Constant.Torque, in.Type == initialConstant},
	} {
		if list.needed && len(list.values) != dU {
			return initialError(list.key, "has %d entries, need %d, one per joint", len(list.values), dU)
		}
	}
	if p.followsDemonstration() {
		if err := p.readDemonstrations(); err != nil {
			return err
		}
	}
	var model initial.InverseDynamics
	if in.Type == initialDemonstration {
		var err error
		if model, err = p.inverseDynamics(); err != nil {
			return err
		}
	}
	feedback := func() initial.PDConfig {
		return initial.PDConfig{Stiffness: initial.Diagonal(in.PD.Stiffness, dU, dU), Damping: initial.Diagonal(in.PD.Damping, dU, dU), Variance: variance}
	}
	x0, rest := make([]float64, dX), make([]float64, dU)
	for m, q := range p.positions {
		p.robot.State(x0, robot.Measurement{Position: q, Velocity: rest})
		var c *lqg.Controller
		var err error
		switch in.Type {
		case initialLQR:
			c, err = initial.HoldInitialState(initial.HoldConfig{Actuation: initial.Diagonal(in.Gains, dU, dU), Acc: in.Acceleration, Variance: in.Variance,
				Stiffness: in.Stiffness, StiffnessVel: in.StiffnessVel, FinalWeight: in.FinalWeight, DT: p.cfg.DT}, x0, p.cfg.Steps, dU, dU)
		case initialPD:
			c, err = initial.ProportionalDerivative(feedback(), x0, p.cfg.Steps, dU, dU)
		case initialConstant:
			c, err = initial.Constant(in.Constant.Torque, variance, p.cfg.Steps, dX)
		case initialDemonstration:
			c, err = initial.Track(initial.TrackConfig{FeedForward: initial.FeedForward(in.Demonstration.FeedForward), Model: model, Feedback: feedback()},
				p.references[m%len(p.references)], dX, dU)
		default:
			return initialError("type", "is %q, need %s, %s, %s or %s", in.Type, initialLQR, initialPD, initialConstant, initialDemonstration)
		}
		if err != nil {
			return initialError("", "condition %d: %v", m, err)
		}
		p.initial = append(p.initial, c)
	}
	return nil
}
