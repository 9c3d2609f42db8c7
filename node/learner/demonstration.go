package learner

import (
	"errors"
	"fmt"
	"math"
	"strings"

	"guidedpolicysearch/gps/initial"
	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/hardware/trajectory"
	"guidedpolicysearch/node/demonstration"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/simrobot"
)

// Where inverse dynamics come from.
const (
	dynamicsOfModel       = "model"
	dynamicsOfDescription = "description"
)

// DemonstrationConfig says where recorded motions are, and how they are read.
type DemonstrationConfig struct {
	Files          []string             `param:"files" desc:"Recorded motions, one for all conditions or one per condition: CSV files with the columns time, JOINT.position and maybe JOINT.velocity and JOINT.effort, rosbag2 bags (their folders) or MCAP files. Relative paths are taken from the folder of the parameter file." path:"true"`
	Topic          string               `param:"topic" desc:"Topic of the sensor_msgs/msg/JointState messages in bags."`
	CommandsTopic  string               `param:"commands_topic" desc:"Topic in bags of the efforts that were commanded, std_msgs/msg/Float64MultiArray in the order of robot.joints, to be taken for the recorded ones; empty for the efforts in the joint states, if they have any."`
	Begin          float64              `param:"begin" desc:"Time after the first row at which the motion begins: what is before is left out." unit:"s" range:"[0, inf)"`
	RowsPerStep    float64              `param:"rows_per_step" desc:"Rows that a motion must usually have per time step of a trial; 0 for any number." range:"[0, 1000]"`
	MaxGap         float64              `param:"max_gap" desc:"Largest time between two rows, in multiples of the motion's usual one; 0 for any." range:"[0, inf)"`
	Smoothing      float64              `param:"smoothing" desc:"Time around each row to which cubics are fitted for its velocity, and position, where no velocities were recorded; with fewer than five rows in it, and with 0, positions are interpolated as they are." unit:"s" range:"[0, 10]"`
	FeedForward    string               `param:"feed_forward" desc:"Torque of the motion itself: as recorded, by inverse dynamics, or none." choices:"recorded|inverse_dynamics|none"`
	Dynamics       string               `param:"dynamics" desc:"Inverse dynamics are those of demonstration.model, or of the robot's description." choices:"model|description"`
	StartTolerance float64              `param:"start_tolerance" desc:"Largest distance of a joint's initial position from where the recorded motion begins." unit:"rad" range:"[0, inf)"`
	Model          simrobot.PlantConfig `param:"model"`
}

// defaultDemonstrationConfig returns motions with efforts, of topic joint_states where they are in bags.
func defaultDemonstrationConfig() DemonstrationConfig {
	return DemonstrationConfig{Topic: "joint_states", RowsPerStep: 1, MaxGap: 5, Smoothing: 0.1,
		FeedForward: string(initial.FeedRecorded), Dynamics: dynamicsOfModel, StartTolerance: 0.1, Model: simrobot.DefaultConfig().Plant}
}

// followsDemonstration tells whether anything needs the demonstrations.
func (p *Problem) followsDemonstration() bool {
	return p.cfg.Initial.Type == initialDemonstration || p.cfg.Cost.Demonstration.Weight > 0
}

// readDemonstrations reads the motions at the trial's time steps, one for all conditions or one per
// condition.
func (p *Problem) readDemonstrations() error {
	d := &p.cfg.Initial.Demonstration
	switch n := len(d.Files); {
	case n == 0 && p.cfg.Initial.Type == initialDemonstration:
		return initialError("type", "needs demonstration.files to name a CSV file or a bag, or one per condition")
	case n == 0:
		return nil // cost.demonstration says so
	case n != 1 && n != p.conditions:
		return initialError("demonstration.files", "has %d entries, need one, or %d, one per condition", n, p.conditions)
	}
	for _, path := range d.Files {
		r, err := p.readReference(path)
		if err != nil {
			return initialError("demonstration.files", "%v", err)
		}
		p.references = append(p.references, r)
	}
	return p.checkStarts()
}

// readReference reads one motion at the trial's time steps.
func (p *Problem) readReference(path string) (*initial.Reference, error) {
	d := &p.cfg.Initial.Demonstration
	recording, err := demonstration.Read(path, p.robot.Joints(), demonstration.Topics{JointStates: d.Topic, Commands: d.CommandsTopic})
	if err != nil {
		return nil, err
	}
	if recording.Effort == nil && p.cfg.Initial.Type == initialDemonstration && d.FeedForward == string(initial.FeedRecorded) {
		return nil, fmt.Errorf("%s has no columns JOINT.effort (a bag: no efforts), which demonstration.feed_forward %s needs: record them, or choose %s or %s",
			path, d.FeedForward, initial.FeedInverse, initial.FeedNone)
	}
	fail := func(err error) (*initial.Reference, error) { return nil, fmt.Errorf("%s: %w", path, err) }
	trial := float64(p.cfg.Steps) * p.cfg.DT
	begin := p.motionBegin(path, recording)
	motion, err := recording.Between(begin, begin+trial+d.Smoothing)
	if err != nil {
		return fail(err)
	}
	longest := 0.0
	if d.RowsPerStep > 0 {
		longest = p.cfg.DT / d.RowsPerStep
	}
	switch err := motion.CheckSampling(longest, d.MaxGap, recording.Time[0]); {
	case errors.Is(err, trajectory.ErrTooRare):
		return fail(fmt.Errorf("%w, by %v rows per time step of %v s (demonstration.rows_per_step)", err, d.RowsPerStep, p.cfg.DT))
	case errors.Is(err, trajectory.ErrGap):
		return fail(fmt.Errorf("%w (demonstration.max_gap): choose a motion without a pause by demonstration.begin, or allow the gap", err))
	case err != nil:
		return fail(err)
	}
	if motion.Velocity == nil {
		motion = motion.Smooth(d.Smoothing)
	}
	recorded, err := demonstration.Begin(motion, recording.Time[0]+begin)
	if err != nil {
		return fail(err)
	}
	r, err := recorded.Resample(p.cfg.Steps, p.cfg.DT)
	if err != nil {
		return fail(err)
	}
	// A row per action is enough: none is taken at the last state.
	if last := recorded.Duration(); last < trial-(1+1e-6)*p.cfg.DT {
		p.notes = append(p.notes, fmt.Sprintf("the motion in %s lasts %.4g s, a trial %.4g s: its end is held at rest for the remaining time", path, last, trial))
	}
	p.compensate(r)
	return r, nil
}

// motionBegin returns when a motion begins, in s after the first row of its recording: at
// demonstration.begin, or at its first command where that comes later.
func (p *Problem) motionBegin(path string, recording *demonstration.Stretch) float64 {
	d := &p.cfg.Initial.Demonstration
	n := recording.Uncommanded()
	if n == 0 || n == len(recording.Time) {
		return d.Begin
	}
	first := recording.Time[n] - recording.Time[0]
	if first <= d.Begin {
		return d.Begin
	}
	p.notes = append(p.notes, fmt.Sprintf("the motion in %s begins %.4g s after the first joint state, at the first command of topic %s: what is before is left out", path, first, d.CommandsTopic))
	return first
}

// compensate takes off the recorded efforts what robot.gravity_compensation adds to actions.
func (p *Problem) compensate(r *initial.Reference) {
	if r.Effort == nil || !p.robot.Compensates() {
		return
	}
	dQ := r.DQ
	gravity := make([]float64, dQ)
	for t := range r.T {
		p.robot.Dynamics().Gravity(gravity, r.Middle[t*dQ:(t+1)*dQ])
		for j, v := range gravity {
			r.Effort[t*dQ+j] -= v
		}
	}
}

// checkStarts checks that the conditions begin where their demonstrations do.
func (p *Problem) checkStarts() error {
	d := &p.cfg.Initial.Demonstration
	for m, q := range p.positions {
		start := p.references[m%len(p.references)].Position
		for j, v := range q {
			if off := math.Abs(v - start[j]); !(off <= d.StartTolerance) {
				return initialError("demonstration.files", "condition %d begins %.4g rad away from the start of %s at joint %s (%.6g, there %.6g); start_tolerance is %v: correct conditions.initial_position, or choose another file",
					m+1, off, d.Files[m%len(p.references)], p.robot.Joints()[j], v, start[j], d.StartTolerance)
			}
		}
	}
	return nil
}

// inverseDynamics returns what the feed-forward comes from, nil if it is recorded or none.
func (p *Problem) inverseDynamics() (initial.InverseDynamics, error) {
	d := &p.cfg.Initial.Demonstration
	if d.FeedForward != string(initial.FeedInverse) {
		return nil, nil
	}
	var dynamics initial.InverseDynamics
	if d.Dynamics == dynamicsOfDescription {
		tree := p.robot.Dynamics()
		if tree == nil {
			return nil, initialError("demonstration.dynamics", "is %s, but there is no description with the links' masses: give robot.urdf, or choose %s", d.Dynamics, dynamicsOfModel)
		}
		dynamics = withFriction{tree, make([]float64, p.robot.DU())}
	} else {
		var err error
		if dynamics, err = p.modelDynamics(); err != nil {
			return nil, err
		}
	}
	if p.robot.Compensates() {
		dynamics = withoutGravity{dynamics, make([]float64, p.robot.DU()), make([]float64, p.robot.DU())}
	}
	return dynamics, nil
}

// modelDynamics returns the plant that demonstration.model describes.
func (p *Problem) modelDynamics() (initial.InverseDynamics, error) {
	d := &p.cfg.Initial.Demonstration
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

// bodies are rigid bodies with the friction of their joints.
type bodies interface {
	initial.InverseDynamics
	Friction(dst, dq []float64)
}

// withFriction adds the joints' friction to the rigid bodies' inverse dynamics. One goroutine at a
// time.
type withFriction struct {
	bodies
	friction []float64
}

// InverseDynamics writes the actions that give accelerations ddq at q and dq.
func (w withFriction) InverseDynamics(dst, q, dq, ddq []float64) {
	w.bodies.InverseDynamics(dst, q, dq, ddq)
	w.Friction(w.friction, dq)
	for i, v := range w.friction {
		dst[i] += v
	}
}

// withoutGravity takes off the torques that hold the robot at rest, which robot.gravity_compensation
// adds to actions. One goroutine at a time.
type withoutGravity struct {
	of            initial.InverseDynamics
	rest, gravity []float64
}

// InverseDynamics writes the actions that give accelerations ddq at q and dq.
func (w withoutGravity) InverseDynamics(dst, q, dq, ddq []float64) {
	w.of.InverseDynamics(w.gravity, q, w.rest, w.rest)
	w.of.InverseDynamics(dst, q, dq, ddq)
	for i, v := range w.gravity {
		dst[i] -= v
	}
}
