package node

import (
	"context"
	"errors"
	"fmt"
	"guidedpolicysearch/hardware/urdf"
	"io"
	"slices"
	"strings"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/trial"
)

// Train runs learner, trial phases and a simulated robot in one process, without
// middleware: the same ticks in the same order as Run and a simulated robot in lock step, with
// the noise, delays and losses of its driver, so one seed gives the same costs. The joints
// must be the simulated robot's in its order.
func Train(ctx context.Context, cfg *Config, setup *Setup, simulated *simrobot.Config, terminal io.Writer) (*Result, error) {
	if err := suit(cfg, setup.Set, simulated, true); err != nil {
		return nil, err
	}
	log, err := logging.New(logging.Config{Name: setup.Name.Logger(), Stderr: terminal,
		Args: &rcl.Args{DisableRosoutLogs: true, DisableExternalLibLogs: true, DisableStdoutLogs: cfg.Console == consoleTable}})
	if err != nil {
		return nil, err
	}
	defer log.Close()
	if err := checkSimulated(cfg.RunFolder, *simulated); cfg.Resume && err != nil {
		return nil, err
	}
	s, err := openSession(cfg, setup, simulated, cfg.Resume, terminal, log)
	if err != nil {
		return nil, err
	}
	err = train(ctx, s, cfg, simulated)
	if err != nil {
		s.fail(err)
	}
	res, closeErr := s.finish()
	if err == nil {
		err = closeErr
	}
	return res, err
}

// bench is a machine wired to a simulated robot.
type bench struct {
	trials    trial.Config
	machine   *trial.Machine
	robot     *robot.Robot
	simulated *simrobot.Robot
	velocity  *velocity.Estimator
	measured  bool // the readings' velocities are used
	reading   *hardware.JointState
	sensors   []int // of the simulated robot, one for each extra topic
	joints    *rosio.JointWriter
	efforts   rosio.EffortWriter
	recorded  *record.Trial
}

func train(ctx context.Context, s *session, cfg *Config, simulated *simrobot.Config) error {
	r, description, err := newRobot(cfg.Robot)
	if errors.Is(err, urdf.ErrJoints) {
		return fmt.Errorf("%w, %s %q", err, SimulatorName, simulated.Joints)
	}
	if err != nil {
		return err
	}
	for _, text := range r.Notes() {
		s.note(logging.Warn, "%s", text)
	}
	if err := s.describe(description); err != nil {
		return err
	}
	s.log.Log(logging.Info, "state x: %s", strings.Join(r.StateNames(), ", "))
	b, err := newBench(cfg, r, simulated, s.run.End())
	if err != nil {
		return err
	}
	defer b.simulated.Close()
	problem, err := learner.NewProblem(cfg.Learning, b.robot)
	if err != nil {
		return err
	}
	core, notes, err := learner.NewCore(problem, &s.run.Folder)
	if err != nil {
		return err
	}
	for _, n := range notes {
		s.note(logging.Warn, "learner: %s", n)
	}
	defer func() {
		if err := core.Close(); err != nil {
			s.note(logging.Warn, "learner: %v", err)
		}
	}()
	report, err := core.Update(ctx)
	for {
		if err != nil {
			return err
		}
		if report != nil {
			for _, warning := range report.Warnings {
				s.note(logging.Warn, "learner: %s", warning)
			}
			if err := s.report(report); err != nil {
				return err
			}
		}
		command := core.Next()
		if command == nil {
			return nil
		}
		if err := b.run(ctx, command, s.event, func(safety.Fault) error { return b.broken(s) }); err != nil {
			return err
		}
		path, err2 := s.write(b.recorded, b.machine.Record(), b.robot)
		if err2 != nil {
			return err2
		}
		done, _ := core.Trials()
		s.progress(command.Iteration, done+1)
		report, err = core.Recorded(ctx, path)
	}
}

// newBench returns a bench whose simulated time goes on after a time in ns: that of what a run has
// recorded, so that its bag has one clock.
func newBench(cfg *Config, r *robot.Robot, simulated *simrobot.Config, after int64) (*bench, error) {
	// As between a robot and a node in lock step, whatever the file says of them.
	simulation := *simulated
	simulation.LockStep, simulation.Stamps = true, simrobot.SimulatedTime
	plant, err := simrobot.NewRobot(simulation)
	if err != nil {
		return nil, err
	}
	plant.GoOn(after)
	b, err := wire(cfg, r, plant)
	if err == nil {
		b.sensors, err = sensorsOf(cfg.Robot.Extra, simulated.Scene.Sensors)
	}
	if err != nil {
		plant.Close()
	}
	return b, err
}

// wire connects a machine for robot r to a simulated robot.
func wire(cfg *Config, r *robot.Robot, plant *simrobot.Robot) (*bench, error) {
	if _, efforts := plant.Dims(); efforts != r.DU() {
		return nil, fmt.Errorf("the simulated robot takes %d efforts, robot.joints names %d joints", efforts, r.DU())
	}
	// Between two actions the simulator gives one state: time passes as in lock step.
	trials := cfg.Trials
	trials.LockStep = true
	machine, err := trial.NewMachine(trials, r)
	if err != nil {
		return nil, err
	}
	estimator, err := velocity.New(cfg.Robot.Velocity, r.DU())
	if err != nil {
		return nil, err
	}
	machine.AwaitScene()
	b := &bench{trials: trials, machine: machine, robot: r, simulated: plant, velocity: estimator, measured: cfg.Robot.Velocity.Source == velocity.Message, reading: hardware.NewJointState(r.DU()),
		joints: rosio.NewJointWriter(r.Joints()),
		recorded: record.NewTrial(record.Topics{
			JointStates: record.Topic{Name: "/" + jointStatesTopic, Depth: 10},
			Commands:    record.Topic{Name: "/" + commandsTopic, Depth: 10},
			Rollout:     record.Topic{Name: "/" + DefaultName + "/rollout", Depth: 10},
		}, logMessages(cfg), logBytes(cfg))}
	first, err := plant.Await()
	if err == nil {
		err = b.observe(first)
	}
	if err != nil {
		return nil, err
	}
	b.machine.Reading(b.reading, b.reading.Stamp+1, 0)
	return b, nil
}

// observe takes a reading as the node would take it from joint_states.
func (b *bench) observe(r *simrobot.Reading) error {
	if b.measured && len(r.Velocity) == 0 {
		return errNoVelocity
	}
	b.reading.Stamp = r.Stamp
	copy(b.reading.Position, r.Position)
	clear(b.reading.Velocity)
	if b.measured {
		copy(b.reading.Velocity, r.Velocity)
	}
	estimate(b.velocity, b.reading)
	for topic, sensor := range b.sensors {
		b.machine.Extra(topic, b.simulated.Sensor(r, sensor), r.Stamp+1)
	}
	return nil
}

// sensorsOf finds the sensors of a scene that are published on the extra topics.
func sensorsOf(extra robot.ExtraConfig, sensors []string) (list []int, err error) {
	for _, topic := range extra.Topics {
		i := slices.Index(sensors, strings.TrimPrefix(topic, sensorTopics))
		if i < 0 || !strings.HasPrefix(topic, sensorTopics) {
			return nil, params.FieldError{Key: "robot.extra.topics", Problem: fmt.Sprintf("names %q, %s publishes none but %s and one of %q", topic, SimulatorName, sensorTopics, sensors)}
		}
		list = append(list, i)
	}
	return list, nil
}

// errNoVelocity is for a simulated robot whose driver gives no velocities.
var errNoVelocity = errors.New("joint_states have no velocities: give " + SimulatorName + "'s parameter velocity another value than " + simrobot.VelocityNone + ", or robot.velocity.source than " + velocity.Message)

// run runs one trial to its end. note is told what happens; broken handles a fault, after which the
// trial begins again unless it returns an error.
func (b *bench) run(ctx context.Context, c *trial.Command, note func(trial.Event), broken func(safety.Fault) error) error {
	out, err := b.machine.Start(c, b.reading.Stamp+1)
	if err != nil {
		return err
	}
	var places placements
	attempts := attempts{bench: b, first: c}
	for {
		for len(b.machine.Events()) > 0 {
			e := <-b.machine.Events()
			note(e)
			switch e.Kind {
			case trial.Finished:
				return nil
			case trial.Settled:
				if out, err = b.place(c, places.seed(c)); err != nil {
					return err
				}
			case trial.GaveUp:
				return fmt.Errorf("%w: %s", ErrGaveUp, e.Fault)
			case trial.Faulted:
				places.broken(e.Fault)
				err := broken(e.Fault)
				if err == nil {
					err = attempts.broken(e.Fault, places.begun)
				}
				if err != nil {
					return err
				}
			case trial.Started:
				attempts.late = 0
			}
		}
		if err := ctx.Err(); err != nil {
			return ctx.Err()
		}
		if !out.Publish {
			return fmt.Errorf("the trial stands still in phase %v", b.machine.Phase())
		}
		if b.machine.Phase() == trial.Run {
			b.recorded.Commands.Append(b.efforts.Write(out.Torque), b.reading.Stamp, b.reading.Stamp)
		}
		reading, err := b.simulated.Exchange(out.Torque.Values())
		if err == nil {
			err = b.observe(reading)
		}
		if err != nil {
			return err
		}
		before := b.machine.Phase()
		out = b.machine.Reading(b.reading, b.reading.Stamp+1, 0)
		if err := attempts.resume(); err != nil {
			return err
		}
		after := b.machine.Phase()
		if before != trial.Run && after == trial.Run {
			b.recorded.Reset()
		}
		if before == trial.Run || after == trial.Run {
			b.recorded.JointStates.Append(b.joints.Write(b.reading.Stamp, b.reading.Position, b.reading.Velocity), b.reading.Stamp, b.reading.Stamp)
		}
	}
}

// place puts the arm exactly where the trial begins, and forgets all that was before: a trial depends
// on nothing but its command, also in a run that goes on after a crash.
func (b *bench) place(c *trial.Command, seed uint64) (out trial.Output, err error) {
	if err := b.simulated.Place(c.InitialPosition, seed); err != nil {
		return out, err
	}
	b.velocity.Reset()
	return b.machine.Replaced(b.reading.Stamp + 1)
}
