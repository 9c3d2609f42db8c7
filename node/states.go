package node

import (
	"context"
	"errors"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// robotPatience is how long configure waits for the robot.
const robotPatience = 5 * time.Second

// configure opens the run folder, and checks the parameters against the robot. A node that
// starts by itself leaves the robot to activate: it may come later.
func (n *node) configure(ctx context.Context, _ lifecycle.State) lifecycle.Result {
	var err error
	// In one go: what is in force is what the run folder says.
	n.ros.Parameters.Do(func() {
		c := *n.shared
		n.cfg = &c
		err = n.openRun()
	})
	if err == nil {
		err = n.listen() // the joints, or the quality of service, may be others
	}
	if err == nil && !n.start {
		err = n.awaitRobot(ctx)
	}
	if err != nil {
		n.closeRun()
		return n.refuse("configure", err)
	}
	n.ros.Log.Info("configured: joints %q on %s, efforts on %s, run folder %s", n.robot.Joints(), n.names[jointStatesTopic], n.names[commandsTopic], n.session.run.Dir())
	return lifecycle.Success
}

// refuse notes why a transition failed, and logs it for whoever asked by the lifecycle's service,
// which gives no reasons.
func (n *node) refuse(transition string, err error) lifecycle.Result {
	n.refused = err
	if !n.stepping && !errors.Is(err, context.Canceled) { // the process ends
		n.ros.Log.Error("%s: %v", transition, err)
	}
	return lifecycle.Failure
}

// awaitRobot waits until the robot can be commanded.
func (n *node) awaitRobot(ctx context.Context) error {
	deadline := time.NewTimer(robotPatience)
	defer deadline.Stop()
	again := time.NewTicker(tick / 10)
	defer again.Stop()
	for {
		err := n.checkRobot()
		if err == nil {
			return nil
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// checkRobot returns why the robot cannot be commanded.
func (n *node) checkRobot() error {
	return n.probe.Load().check(n.cfg.Safety.StaleTimeout, n.names[commandsTopic], n.ros)
}

// openRun opens the run of n.cfg, within ros.Parameters.Do.
func (n *node) openRun() error {
	var err error
	if n.robot, err = robot.New(n.cfg.Robot); err != nil {
		return err
	}
	problem, err := learner.NewProblem(n.cfg.Learning, n.robot)
	if err != nil {
		return err
	}
	n.cost = problem.NewSampleCost()
	n.session, err = openSession(n.cfg, n.setup, n.opt.Terminal, n.ros.Log)
	return err
}

// closeRun closes what openRun opened.
func (n *node) closeRun() {
	if n.session == nil {
		return
	}
	res, err := n.session.finish()
	n.result, n.session = res, nil
	if err != nil {
		n.ros.Log.Error("run folder %s: %v", res.RunFolder, err)
		n.err = errors.Join(n.err, err)
	}
}

// activate starts the learner and the control loop.
func (n *node) activate(ctx context.Context, _ lifecycle.State) lifecycle.Result {
	// It may be another one since configure, or gone; and a node that was active a moment ago
	// has not looked at it meanwhile.
	err := n.awaitRobot(ctx)
	if err == nil {
		_, err = n.adoptChanges()
	}
	var machine *trial.Machine
	if err == nil {
		machine, err = trial.NewMachine(n.cfg.Trials, n.robot)
	}
	if err == nil {
		err = n.session.mendCheckpoints()
	}
	var commands transport.Publisher
	if err == nil {
		commands, err = n.ros.Publisher(n.names[commandsTopic], rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), n.mismatch(n.names[commandsTopic], ""))
	}
	if err == nil {
		if err = n.startLearner(); err != nil {
			commands.Close()
		}
	}
	if err != nil {
		return n.refuse("activate", err)
	}
	n.err, n.session.failed = nil, false
	n.trials, n.running, n.restarts, n.waits, n.failed = map[key]string{}, false, 0, key{}, false
	l := &loop{machine: machine, reader: rosio.NewJointReader(n.robot.Joints()), state: hardware.NewJointState(n.robot.DU()), clock: n.ros.Clock,
		lockStep: n.cfg.LockStep, commands: commands, sent: n.health.commands, ticks: n.last.ticks, faults: n.last.faults,
		recorded: record.NewTrial(record.Topics{
			JointStates: record.Topic{Name: n.names[jointStatesTopic], Depth: n.jointStatesQoS().Depth, BestEffort: !n.cfg.Reliable},
			Commands:    record.Topic{Name: n.names[commandsTopic], Depth: transport.Default().Depth},
			Rollout:     record.Topic{Name: n.names[rolloutTopic], Depth: transport.Default().Depth},
		}, logMessages(n.cfg.Steps), logBytes(n.cfg.Steps, n.robot.DU()))}
	n.watcher = watch(l)
	n.loop.Store(l)
	return lifecycle.Success
}

// deactivate zeroes the torque, then ends the learner. What was learned and recorded stays;
// activate goes on from there.
func (n *node) deactivate(context.Context, lifecycle.State) lifecycle.Result {
	n.zero()
	if l := n.loop.Load(); l != nil {
		n.last = l.status()
		n.last.fault = safety.Fault{}
		n.watcher.stop()
		n.loop.Store(nil)
		l.commands.Close()
	}
	if n.process != nil {
		n.process.Close()
		n.process = nil
	}
	n.abortTraining(errStopped)
	return lifecycle.Success
}

var errStopped = errors.New("the node was deactivated")

// cleanUp closes the run.
func (n *node) cleanUp(ctx context.Context, from lifecycle.State) lifecycle.Result {
	n.deactivate(ctx, from)
	n.closeRun()
	n.last = status{ticks: n.last.ticks, faults: n.last.faults}
	return lifecycle.Success
}

// shutdown closes the run for good. ~/state keeps the last trial.
func (n *node) shutdown(ctx context.Context, from lifecycle.State) lifecycle.Result {
	n.over = true
	n.deactivate(ctx, from)
	n.closeRun()
	return lifecycle.Success
}

// A trial's log has room for joint states at ten times the rate of the policy, within
// what a long trial may take of memory.
func logMessages(steps int) int { return min(10*steps+1000, 1_000_000) }
func logBytes(steps, joints int) int {
	return min(logMessages(steps)*(256+64*joints), 64<<20)
}

// jointStatesQoS is what the node asks of joint_states.
func (n *node) jointStatesQoS() transport.QoS {
	if n.cfg.Reliable {
		return transport.Default()
	}
	return transport.SensorData()
}
