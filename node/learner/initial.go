package learner

import (
	"errors"
	"fmt"
	"math"
	"os"
	"strings"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/simrobot"
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

// DemonstrationConfig holds the settings of demonstration.
type DemonstrationConfig struct {
	Files          []string             `param:"files" desc:"CSV files of recorded motions, one for all conditions or one per condition: columns time, JOINT.position and maybe JOINT.velocity and JOINT.effort. Relative paths are taken from the folder of the parameter file." path:"true"`
	FeedForward    string               `param:"feed_forward" desc:"Torque of the motion itself: as recorded, by inverse dynamics of the model, or none." choices:"recorded|inverse_dynamics|none"`
	StartTolerance float64              `param:"start_tolerance" desc:"Largest distance of a joint's initial position from where the recorded motion begins." unit:"rad" range:"[0, inf)"`
	Model          simrobot.PlantConfig `param:"model"`
}

// defaultInitialConfig returns the hold controller of the planar two-link reaching task.
func defaultInitialConfig() InitialConfig {
	model := simrobot.DefaultConfig().Plant
	return InitialConfig{Type: initialLQR, Variance: 0.1, Gains: []float64{0, 0}, Acceleration: []float64{0, 0},
		Stiffness: 0.01, StiffnessVel: 0.5, FinalWeight: 1,
		PD:            PDConfig{Stiffness: []float64{6, 1}, Damping: []float64{3, 0}},
		Constant:      ConstantConfig{Torque: []float64{0, 0}},
		Demonstration: DemonstrationConfig{FeedForward: string(initial.FeedRecorded), StartTolerance: 0.1, Model: model}}
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
	var references []*initial.Reference
	var model initial.InverseDynamics
	if in.Type == initialDemonstration {
		var err error
		if references, err = p.readDemonstrations(); err != nil {
			return err
		}
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
				references[m%len(references)], dX, dU)
		default:
			return initialError("type", "is %q, need %s, %s, %s or %s", in.Type, initialLQR, initialPD, initialConstant, initialDemonstration)
		}
		if err != nil {
			return initialError("", "condition %d: %v", m+1, err)
		}
		p.initial = append(p.initial, c)
	}
	return nil
}

// readDemonstrations returns the motions at the trial's time steps, one for all conditions
// or one per condition.
func (p *Problem) readDemonstrations() ([]*initial.Reference, error) {
	d := p.cfg.Initial.Demonstration
	if len(d.Files) == 0 {
		return nil, initialError("type", "needs demonstration.files to name a CSV file, or one per condition")
	}
	if n := len(d.Files); n != 1 && n != p.conditions {
		return nil, initialError("demonstration.files", "has %d entries, need one, or %d, one per condition", n, p.conditions)
	}
	var references []*initial.Reference
	for _, path := range d.Files {
		motion, err := readMotion(path, p.robot.Joints())
		if err != nil {
			return nil, initialError("demonstration.files", "%v", err)
		}
		dU := 0
		if motion.Effort != nil {
			dU = p.robot.DU()
		}
		demonstration := &initial.Demonstration{DQ: p.robot.DU(), DU: dU, Time: motion.Time, Position: motion.Position, Velocity: motion.Velocity, Effort: motion.Effort}
		r, err := demonstration.Resample(p.cfg.Steps, p.cfg.DT)
		if err != nil {
			return nil, initialError("demonstration.files", "%s: %v", path, err)
		}
		// A row per action is enough: none is taken at the last state.
		if trial, last := float64(p.cfg.Steps)*p.cfg.DT, demonstration.Duration(); last < trial-(1+1e-6)*p.cfg.DT {
			p.notes = append(p.notes, fmt.Sprintf("the motion in %s lasts %.4g s, a trial %.4g s: its end is held at rest for the remaining time", path, last, trial))
		}
		references = append(references, r)
	}
	for m, q := range p.positions {
		start := references[m%len(references)].Position
		for j, v := range q {
			if off := math.Abs(v - start[j]); !(off <= d.StartTolerance) {
				return nil, initialError("demonstration.files", "condition %d begins %.4g rad away from the start of %s at joint %s (%.6g, there %.6g); start_tolerance is %v: correct conditions.initial_position, or choose another file",
					m+1, off, d.Files[m%len(references)], p.robot.Joints()[j], v, start[j], d.StartTolerance)
			}
		}
	}
	for i, r := range references {
		if d.FeedForward == string(initial.FeedRecorded) && r.Effort == nil {
			return nil, initialError("demonstration.files", "%s has no columns JOINT.effort, which demonstration.feed_forward %s needs: record them, or choose %s or %s",
				d.Files[i], d.FeedForward, initial.FeedInverse, initial.FeedNone)
		}
	}
	return references, nil
}

func readMotion(path string, joints []string) (*trajectory.Trajectory, error) {
	if info, err := os.Stat(path); err != nil {
		return nil, err
	} else if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file", path) // a pipe might never end
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	motion, err := trajectory.ReadCSV(f, joints)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return motion, nil
}

// inverseDynamics returns the model that the feed-forward comes from, nil if it does not.
func (p *Problem) inverseDynamics() (initial.InverseDynamics, error) {
	d := p.cfg.Initial.Demonstration
	if d.FeedForward != string(initial.FeedInverse) {
		return nil, nil
	}
	joints := p.robot.Joints()
	plant := simrobot.Config{Joints: joints, InitialPosition: make([]float64, len(joints)), TimeStep: p.cfg.DT, Substeps: 1, Plant: d.Model}
	s, err := plant.Simulator()
	var field params.FieldError
	if errors.As(err, &field) {
		key, isOfPlant := strings.CutPrefix(field.Key, "plant.")
		if !isOfPlant { // the robot has the joints that it has
			key, field.Problem = "type", "robot."+field.Key+" "+field.Problem
		}
		const model = "demonstration.model."
		return nil, initialError(model+key, "%s", strings.ReplaceAll(field.Problem, "plant.", "initial_controller."+model))
	}
	if err != nil {
		return nil, initialError("demonstration.model", "%v", err)
	}
	model, ok := s.Plant().(sim.Invertible)
	if !ok {
		return nil, initialError("demonstration.model.type", "is %s, which has no inverse dynamics: not every joint is driven", d.Model.Type)
	}
	return model, nil
}
