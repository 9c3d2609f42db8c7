package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// robotPatience is how long configure waits for the robot.
const robotPatience = 5 * time.Second

// configure opens the run folder, and checks the parameters against the robot. A node that
// starts by itself leaves the robot to activate: it may come later.
func (n *node) configure(ctx context.Context, _ lifecycle.State) lifecycle.Result {
	var wanted robot.Config
	n.ros.Parameters.Do(func() { wanted = n.shared.Robot })
	err := n.listenToDescription(wanted)
	var description []byte
	if err == nil {
		description, err = n.awaitDescription(ctx, wanted)
	}
	if err == nil {
		// In one go: what is in force is what the run folder says.
		n.ros.Parameters.Do(func() {
			c := *n.shared
			n.cfg = &c
			err = n.openRun(description)
		})
	}
	if err == nil {
		err = n.listen() // the joints, or the quality of service, may be others
	}
	if err == nil {
		n.probe.Load().describe(n.described)
	}
	if err == nil {
		err = errors.Join(n.openScene(), n.listenToExtras(), n.listenForRecord())
	}
	if err == nil && !n.start {
		err = n.awaitRobot(ctx)
	}
	if err != nil {
		n.closeRun()
		return n.refuse("configure", err)
	}
	n.ros.Log.Info("configured: joints %q on %s, efforts on %s, run folder %s", n.robot.Joints(), n.names[jointStatesTopic], n.names[commandsTopic], n.session.run.Dir())
	n.ros.Log.Info("state x: %s", strings.Join(n.robot.StateNames(), ", "))
	n.warnOfRivals()
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
			err = n.checkController(ctx)
		}
		if err == nil || !errors.Is(err, errRobot) {
			return err
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

// checkRobot returns why the robot cannot be commanded, as far as that shows at once.
func (n *node) checkRobot() error {
	if n.pressed.Load() {
		return fmt.Errorf("%w: the emergency stop is pressed", errRobot)
	}
	return n.probe.Load().check(n.cfg.Safety.StaleTimeout, n.names[commandsTopic], n.ros)
}

// openRun opens the run of n.cfg, within ros.Parameters.Do. description is the robot's, nil
// where there is none.
func (n *node) openRun(description []byte) error {
	var err error
	if n.robot, n.described, err = n.describedRobot(description); err != nil {
		return err
	}
	if description != nil { // only now is it known what the parameters are to suit
		if err := n.cfg.suits(n.robot); err != nil {
			return err
		}
	}
	problem, err := learner.NewProblem(n.cfg.Learning, n.robot)
	if err != nil {
		return err
	}
	n.cost, n.description = problem.NewSampleCost(), description
	n.runner = nil
	if n.cfg.Mode == modeRun {
		if n.runner, err = newRunner(n.cfg, n.robot, problem); err != nil {
			return err
		}
	}
	// A run of this process goes on when it is configured again.
	goOn := n.cfg.Resume || n.opened != "" && n.opened == n.cfg.RunFolder
	if n.session, err = openSession(n.cfg, n.setup, nil, goOn, n.opt.Terminal, n.ros.Log); err != nil {
		return err
	}
	n.opened = n.cfg.RunFolder
	for _, text := range n.robot.Notes() {
		n.session.note(logging.Warn, "%s", text)
	}
	return n.session.describe(description)
}

// newMachine returns the phases of n.cfg, with a robot of its own: the supervisor uses n.robot.
func (n *node) newMachine() (*trial.Machine, error) {
	r, _, err := n.describedRobot(n.description)
	if err != nil {
		return nil, err
	}
	m, err := trial.NewMachine(n.cfg.Trials, r)
	if err == nil && (n.scene != nil || n.placement != nil) {
		m.AwaitScene()
	}
	return m, err
}

// closeRun closes what openRun opened.
func (n *node) closeRun() {
	n.recorder.close()
	n.recorder = nil
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
		n.warnOfRivals()
		_, err = n.adoptChanges()
	}
	var machine *trial.Machine
	if err == nil {
		machine, err = n.newMachine()
	}
	if err == nil {
		err = n.session.mendCheckpoints()
	}
	var commands transport.Publisher
	if err == nil {
		n.publishes.Store(true) // before there is one: the node must not take itself for a rival
		commands, err = n.ros.Publisher(n.names[commandsTopic], n.cfg.Commands.kind().Type(), transport.Default(), n.mismatch(n.names[commandsTopic], ""))
	}
	n.watchdog = safety.NewWatchdog(n.cfg.Safety.LearnerTimeout)
	var l *loop
	if err == nil {
		if l, err = newLoop(n.cfg, n.robot, machine, commands, n.names); err == nil {
			l.clock, l.sent, l.recorder = n.ros.Clock, n.health.commands, n.recorder
			err = n.watchController(l)
		}
		if err == nil {
			err = n.postSentinel(ctx, l)
		}
		if err == nil && n.runner == nil {
			err = n.startLearner()
		}
		if err != nil {
			commands.Close()
			n.forgetController()
			n.dismissSentinel()
		}
	}
	if err != nil {
		n.publishes.Store(false)
		return n.refuse("activate", err)
	}
	n.err, n.session.failed = nil, false
	n.trials, n.running, n.restarts, n.waits, n.failed = map[key]string{}, false, 0, key{}, false
	l.ticks, l.faults = n.last.ticks, n.last.faults
	if l.timer {
		n.driver = n.drive(l)
	} else {
		n.driver = watch(l)
	}
	n.loop.Store(l)
	if n.runner != nil {
		n.runner.ask()
	}
	n.pressing.Lock()
	defer n.pressing.Unlock()
	if n.pressed.Load() { // since the robot was looked at
		l.emergencyStop(true)
	}
	return lifecycle.Success
}

// deactivate zeroes the torque, then ends the learner. What was learned and recorded stays;
// activate goes on from there.
func (n *node) deactivate(context.Context, lifecycle.State) lifecycle.Result {
	n.zero()
	if l := n.loop.Load(); l != nil {
		n.last = l.status()
		n.last.fault = safety.Fault{}
		n.driver.stop()
		n.loop.Store(nil)
		l.commands.Close()
		n.publishes.Store(false)
	}
	n.forgetController()
	n.dismissSentinel()
	if n.process != nil {
		n.process.Close()
		n.process = nil
	}
	n.quiet.End()
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

// A trial's log has room for joint states and commands at 1 kHz, or at the timer's rate or ten
// times that of the policy if those are higher, within what a long trial may take of memory.
func logMessages(cfg *Config) int {
	rate := max(1000, 10/cfg.DT)
	if cfg.Loop.DrivenBy == trial.ByTimer {
		rate = max(rate, cfg.Loop.Rate)
	}
	return int(min(1.1*rate*float64(cfg.Steps)*cfg.DT+1000, 1_000_000))
}

func logBytes(cfg *Config) int {
	return min(logMessages(cfg)*(256+64*len(cfg.Robot.Joints)), 64<<20)
}

// jointStatesQoS is what the node asks of joint_states.
func (n *node) jointStatesQoS() transport.QoS {
	if n.cfg.Reliable {
		return transport.Default()
	}
	return transport.SensorData()
}
