// Package node is the ROS 2 node guided_policy_search: it wires the control loop, the
// trial phases, the recording and the learner, and runs until the learning is done. Train
// does the same in one process, with a simulated robot and no middleware.
//
// The node is managed (lifecycle). Unconfigured, it looks at the robot; configured, it has a
// run folder and checked parameters; active, the arm is held, moved and learned on. All of
// that happens on one goroutine, the supervisor's; the control loop is on the goroutine that
// receives joint states.
package node

import (
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// ErrGaveUp marks a run that the node ended by itself: the arm cannot be reset, the
// learner does not come up, or nothing can be recorded.
var ErrGaveUp = errors.New("the run was given up")

// Options are what Run needs besides parameters.
type Options struct {
	// ROS is the node as ROS 2 sees it; the caller closes it after Run.
	ROS *rosnode.Node
	// Learner returns the program, with its arguments, that serves as the learner of a
	// run folder.
	Learner func(runFolder string) []string
	// Sentinel returns the program, with its arguments, that serves as the sentinel of an arm
	// whose joints are commanded on a resolved topic, by a control loop that may stand still for a
	// time-out, 0 for any time; nil for none.
	Sentinel func(topic string, joints int, timeout time.Duration) []string
	// Terminal is where the table goes, if the parameter console asks for one.
	Terminal io.Writer
}

// node is a running node.
type node struct {
	ros          *rosnode.Node
	opt          Options
	setup        *Setup
	shared       *Config // the parameters as they are set now; only within ros.Parameters.Do
	cfg          *Config // the parameters in force
	names        map[string]string
	states       *lifecycle.Machine
	topics       topics
	probe        atomic.Pointer[probe] // also for the diagnostics
	health       health
	joints       transport.Subscription
	asked        chan request     // by services and topics
	halt         atomic.Bool      // a stop that found no room among them
	pressed      atomic.Bool      // the emergency stop
	scene        transport.Client // nil for none
	placement    transport.Client // nil for none
	checker      *ros2control.Checker
	checked      ros2control.Report // by checker
	controller   *ros2control.Watch // nil while there is no loop
	extras       []transport.Subscription
	recorder     *recorder        // of further topics while there is a run, nil for none
	watchdog     *safety.Watchdog // of the learner
	quiet        *realtime.QuietCollector
	descriptions descriptions
	receiving    *thread    // that joint states arrive on, while it is the loop's; for its goroutine
	sentinel     *sentinel  // nil for none
	pressing     sync.Mutex // guards the order of what is told of the emergency stop
	posting      sync.Mutex // guards ended, noted, and what goes into asked
	noted        []string   // that the system does not allow the control loop
	ended        bool       // nothing that is asked is done any more
	changed      chan struct{}
	training     training
	last         status      // of the loop that was stopped last
	notes        chan string // from the middleware's goroutines to the log
	pending      bool        // parameters were set that are not taken over yet
	waiting      string      // why autostart waits, as it was said
	warned       string      // of publishers of joint states, as it was said
	refused      error       // why the latest transition failed
	stepping     bool        // the node itself carries a transition out, and tells of its failure
	began        time.Time

	// configured
	robot       *robot.Robot
	description []byte   // of the robot, nil where there is none
	described   []string // its joints
	session     *session
	opened      string // run_folder of the latest session
	cost        *learner.SampleCost
	result      *Result

	// active
	loop atomic.Pointer[loop] // also for the goroutines of messages and services
	// publishes says that the node has a publisher of commands, which it has longer than the loop.
	publishes atomic.Bool
	driver    driver // of the loop
	process   *learner.Process
	restarts  int
	trials    map[key]string // recorded in this iteration, by path
	running   bool           // a trial was commanded and is not recorded
	failed    bool           // that commands are not published was said
	faults    uint64         // when the running trial began
	places    placements     // for it
	// waits is the trial that the present learner waits for. It is told of no other: a
	// learner that was started in the meantime finds those in the run folder.
	waits key
	// runner asks for trials in place of a learner, where nothing is learned; nil else.
	runner *runner

	start bool  // configure and activate as soon as the robot is there
	over  bool  // the process is to end
	err   error // what ended the run
}

// quietAllowance is how much the node's memory may grow during a trial before garbage is collected
// in it all the same.
const quietAllowance = 1 << 30

// key names a trial.
type key struct{ iteration, condition, sample int }

func keyOf(c *trial.Command) key { return key{c.Iteration, c.Condition, c.Sample} }

// tick is how often ~/state is published and the robot is looked for.
const tick = time.Second / 5

// absentAfter is when a robot that is not there is missed.
const absentAfter = 3 * time.Second

// Run brings the node up and serves it until the learning is done, if it is to end then, it
// is shut down, or ctx ends. When it returns the torque is zero and the run folder is whole.
// The error is ctx's if that ended it; others wrap ErrGaveUp or are those of the parameters,
// the middleware and the file system.
func Run(ctx context.Context, cfg *Config, setup *Setup, opt Options) (*Result, error) {
	// Nothing that an arm waits for may wait for a terminal.
	table := logging.NewWriter(opt.Terminal)
	defer table.Close()
	opt.Terminal = table
	n := &node{ros: opt.ROS, opt: opt, setup: setup, shared: cfg, asked: make(chan request, maxRequests), changed: make(chan struct{}, 1),
		notes: make(chan string, 16), start: cfg.Autostart, began: time.Now(), result: &Result{},
		watchdog: safety.NewWatchdog(cfg.Safety.LearnerTimeout), quiet: realtime.NewQuietCollector(quietAllowance)}
	defer n.zero() // also where the supervisor panics
	err := n.open()
	if err == nil {
		// At once, whatever the supervisor is doing.
		cancel := context.AfterFunc(ctx, n.zero)
		err = n.supervise(ctx)
		cancel()
		// Whatever ends the run, the torque goes to zero first.
		n.zero()
		if _, shutdownErr := n.states.Shutdown(context.WithoutCancel(ctx)); err == nil && shutdownErr != nil {
			err = shutdownErr
		}
		n.publishState()
	}
	n.close()
	return n.result, errors.Join(err, n.err)
}

// open resolves the names, opens what every state has, and looks out for the robot.
func (n *node) open() error {
	var err error
	c := *n.shared
	n.cfg = &c
	n.names = map[string]string{}
	for _, topic := range []string{jointStatesTopic, commandsTopic, rolloutTopic} {
		if n.names[topic], err = n.ros.ResolveTopic(topic); err != nil {
			return err
		}
	}
	if err := n.topics.open(n.ros); err != nil {
		return err
	}
	n.states, err = lifecycle.New(n.ros, lifecycle.Config{Resolve: n.ros.Resolve, Now: n.ros.Clock.Now,
		Callbacks: lifecycle.Callbacks{Configure: n.configure, Activate: n.activate, Deactivate: n.deactivate, Cleanup: n.cleanUp, Shutdown: n.shutdown, Error: n.cleanUp}})
	if err != nil {
		return err
	}
	if err := n.serveRequests(); err != nil {
		return err
	}
	if err := n.serveTraining(); err != nil {
		return err
	}
	n.reportHealth()
	if err := n.listen(); err != nil {
		return err
	}
	if err := n.listenToDescription(n.cfg.Robot); err != nil {
		return err
	}
	return n.ros.Start(n.allow, n.parametersChanged)
}

// close withdraws what open opened, and answers what still waits.
func (n *node) close() {
	n.refuseRequests()
	if n.states != nil {
		n.states.Close()
	}
	if n.training.server != nil {
		n.training.server.Close()
	}
}

// listen opens the subscription to joint_states, whose messages go to the control loop, or to
// the probe where there is none.
func (n *node) listen() error {
	velocities := n.cfg.Robot.Velocity.Source == velocity.Message
	if n.joints != nil {
		if p := n.probe.Load(); p.reliable == n.cfg.Reliable && p.velocities == velocities && slices.Equal(p.joints, n.cfg.Robot.Joints) {
			return nil
		}
		n.joints.Close()
	}
	p := newProbe(n.names[jointStatesTopic], n.cfg.Robot.Joints, velocities, n.cfg.Reliable)
	n.probe.Store(p)
	mismatch := n.mismatch(n.names[jointStatesTopic], "; set reliable_joint_states to false")
	var err error
	n.joints, err = n.ros.Subscribe(n.names[jointStatesTopic], rostype.Of(new(sensor_msgs.JointState)), n.jointStatesQoS(), func(payload []byte, info transport.Info) {
		n.health.states.Tick()
		l := n.loop.Load()
		n.receiveFor(l)
		if l != nil {
			l.jointState(payload, info)
			return
		}
		p.jointState(payload, info)
	}, func(s transport.Status) {
		p.publishers.Store(int32(s.Matched))
		mismatch(s)
	})
	return err
}

// supervise handles what happens until the process is to end.
func (n *node) supervise(ctx context.Context) error {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for !n.over {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case r := <-n.states.Requests():
			// Who drives the node by hand goes on doing so.
			n.start = false
			_, _ = n.states.Handle(ctx, r)
		case r := <-n.asked:
			n.handle(ctx, r)
		case g := <-n.training.accepted:
			n.train(ctx, g)
		case <-n.training.canceled():
			n.cancelTraining(ctx)
		case <-n.changed:
			n.change()
		case e := <-n.events():
			n.fail(ctx, n.event(ctx, e))
		case m, ok := <-n.messages():
			if !ok {
				m = learner.Message{Exited: true}
			}
			n.fail(ctx, n.message(ctx, m))
		case <-n.turn():
			n.fail(ctx, n.runNext(ctx))
		case text := <-n.notes:
			n.warn(text)
		case <-ticker.C:
			if n.start {
				n.autostart(ctx)
			}
			n.watchLearner()
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		n.finishStop(ctx)
		n.publishState()
	}
	return nil
}

// events are those of the control loop, none where there is no loop.
func (n *node) events() <-chan trial.Event {
	if l := n.loop.Load(); l != nil && (n.process != nil || n.runner != nil) {
		return l.machine.Events()
	}
	return nil
}

// messages are those of the learner, none where there is no learner.
func (n *node) messages() <-chan learner.Message {
	if n.process == nil {
		return nil
	}
	return n.process.Messages()
}

// publishState publishes ~/state.
func (n *node) publishState() {
	msg := guided_policy_search_msgs.NodeState{Stamp: rosio.Stamp(n.ros.Clock.Now()), Iterations: uint32(n.cfg.Iterations), Samples: uint32(n.cfg.Samples)}
	st := n.last
	switch {
	case n.states.State() == lifecycle.Finalized:
		st.phase = trial.Done
	case n.loop.Load() == nil:
		st.phase = trial.Wait
	default:
		st = n.loop.Load().status()
		if st.failures > 0 && !n.failed {
			n.failed = true
			n.ros.Log.Error("a command was not published: %v", st.lastErr)
		}
	}
	msg.Phase, msg.Iteration, msg.Condition, msg.Sample = uint8(st.phase), uint32(st.iteration), uint32(st.condition), uint32(st.sample)
	msg.Fault, msg.Ticks, msg.Faults = st.fault.String(), st.ticks, st.faults
	n.topics.publish(stateTopic, &msg)
	n.noteHealth()
}
