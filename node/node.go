// Package node is the ROS 2 node guided_policy_search: it wires the control loop, the
// trial phases, the recording and the learner, and runs until the learning is done. Train
// does the same in one process, with a simulated robot and no middleware.
package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/learner"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// ErrGaveUp marks a run that the node ended by itself: the arm cannot be reset, the
// learner does not come up, or nothing can be recorded.
var ErrGaveUp = errors.New("the run was given up")

// Options are what Run needs besides parameters.
type Options struct {
	// Transport carries the topics; the caller closes it after Run.
	Transport transport.Node
	// Learner returns the program, with its arguments, that serves as the learner of a
	// run folder.
	Learner func(runFolder string) []string
	// Terminal is where the table goes, Log where the log goes, as the parameter console
	// chooses.
	Terminal, Log io.Writer
}

// Names of the topics before remapping.
const (
	jointStatesTopic = "joint_states"
	commandsTopic    = "effort_controller/commands"
	clockTopic       = "/clock"
	rolloutTopic     = "~/rollout"
	stateTopic       = "~/state"
	iterationTopic   = "~/iteration"
)

// maxRestarts bounds how often in a row a learner is started again without a trial or an
// iteration in between.
const maxRestarts = 10

// absentAfter is when a robot that never said anything is missed.
const absentAfter = 3 * time.Second

// node is a running node.
type node struct {
	cfg     *Config
	opt     Options
	session *session
	robot   *robot.Robot
	machine *trial.Machine
	loop    *loop
	clock   Clock

	state     transport.Publisher
	iteration transport.Publisher
	payload   []byte

	process  *learner.Process
	restarts int
	trials   map[key]string // recorded in this iteration, by path
	running  bool           // a trial was commanded and is not recorded
	notes    chan string    // from the middleware's goroutine to the log
	failed   bool           // that commands are not published was said
	// asked is the trial that the present learner waits for. It is told of no other: a
	// learner that was started in the meantime finds those in the run folder.
	asked key
}

// key names a trial.
type key struct{ iteration, condition, sample int }

func keyOf(c *trial.Command) key { return key{c.Iteration, c.Condition, c.Sample} }

// Run learns until all iterations are done or ctx ends. When it returns the torque is
// zero and the run folder is whole. The error is ctx's if that ended the run; others wrap
// ErrGaveUp or are those of the middleware and the file system.
func Run(ctx context.Context, cfg *Config, setup *Setup, opt Options) (*Result, error) {
	// Nothing that an arm waits for may wait for a terminal.
	table, log := newQueue(opt.Terminal), newQueue(opt.Log)
	defer table.close()
	defer log.close()
	s, err := openSession(cfg, setup, table, log)
	if err != nil {
		return nil, err
	}
	n := &node{cfg: cfg, opt: opt, session: s, clock: Clock{simulated: cfg.UseSimTime}, trials: map[key]string{}, notes: make(chan string, 16)}
	err = n.run(ctx, setup)
	if err != nil {
		s.fail(err)
	}
	res, closeErr := s.finish()
	return res, errors.Join(err, closeErr)
}

func (n *node) run(ctx context.Context, setup *Setup) error {
	if err := n.open(setup); err != nil {
		return err
	}
	// Whatever ends the run, the torque goes to zero first.
	defer n.publishState()
	defer n.loop.stop()
	watching, stopWatching := context.WithCancel(context.Background())
	var watcher sync.WaitGroup
	watcher.Add(1)
	go func() {
		defer watcher.Done()
		n.loop.watch(watching)
	}()
	defer watcher.Wait()
	defer stopWatching()
	if err := n.startLearner(); err != nil {
		return err
	}
	// At once, whatever learn is doing.
	cancel := context.AfterFunc(ctx, n.loop.stop)
	err := interrupted(ctx, n.learn(ctx))
	cancel()
	n.loop.stop()
	n.process.Close()
	return err
}

// interrupted returns ctx's error in place of one that its end brought about: the loop is
// stopped at once, and refuses the trial that the learner may just have asked for.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, trial.ErrCommand) {
		return ctx.Err()
	}
	return err
}

// open builds the loop and opens the topics.
func (n *node) open(setup *Setup) error {
	var err error
	if n.robot, err = robot.New(n.cfg.Robot); err != nil {
		return err
	}
	if n.machine, err = trial.NewMachine(n.cfg.Trials, n.robot); err != nil {
		return err
	}
	names := map[string]string{}
	for _, topic := range []string{jointStatesTopic, commandsTopic, clockTopic, rolloutTopic, stateTopic, iterationTopic} {
		if names[topic], err = setup.Args.ResolveTopic(setup.Name, topic); err != nil {
			return fmt.Errorf("topic %s: %w", topic, err)
		}
	}
	states := transport.Default()
	if !n.cfg.Reliable {
		states = transport.SensorData()
	}
	n.loop = &loop{machine: n.machine, reader: rosio.NewJointReader(n.robot.Joints()), state: hardware.NewJointState(n.robot.DU()), clock: &n.clock, lockStep: n.cfg.LockStep,
		recorded: record.NewTrial(record.Topics{
			JointStates: record.Topic{Name: names[jointStatesTopic], Depth: states.Depth, BestEffort: !n.cfg.Reliable},
			Commands:    record.Topic{Name: names[commandsTopic], Depth: transport.Default().Depth},
			Rollout:     record.Topic{Name: names[rolloutTopic], Depth: transport.Default().Depth},
		}, logMessages(n.cfg.Steps), logBytes(n.cfg.Steps, n.robot.DU()))}

	t := n.opt.Transport
	if n.state, err = t.Publisher(names[stateTopic], typeOf(new(guided_policy_search_msgs.NodeState)), transport.Latched(), nil); err != nil {
		return err
	}
	// A late subscriber sees the iterations so far.
	iterations := transport.Latched()
	iterations.Depth = 1000
	if n.iteration, err = t.Publisher(names[iterationTopic], typeOf(new(guided_policy_search_msgs.IterationReport)), iterations, nil); err != nil {
		return err
	}
	if n.loop.commands, err = t.Publisher(names[commandsTopic], transport.Type{Name: "std_msgs/msg/Float64MultiArray"}, transport.Default(), n.mismatch(names[commandsTopic], "")); err != nil {
		return err
	}
	if n.cfg.UseSimTime {
		if _, err = t.Subscribe(names[clockTopic], transport.Type{Name: "rosgraph_msgs/msg/Clock"}, transport.Clock(), n.clock.take, nil); err != nil {
			return err
		}
	}
	_, err = t.Subscribe(names[jointStatesTopic], transport.Type{Name: "sensor_msgs/msg/JointState"}, states, n.loop.jointState, n.mismatch(names[jointStatesTopic], "; set reliable_joint_states to false"))
	return err
}

// mismatch returns a handler that tells of endpoints on a topic whose quality of service
// keeps them apart from this node's, with advice for reliability.
func (n *node) mismatch(topic, advice string) transport.StatusHandler {
	seen := 0
	return func(m transport.Status) {
		if m.Incompatible <= seen {
			return
		}
		seen = m.Incompatible
		text := fmt.Sprintf("%s: another endpoint's quality of service does not match (%s): no message passes between it and this node", topic, m.Policy)
		if m.Policy == transport.PolicyReliability {
			text += advice
		}
		select {
		case n.notes <- text:
		default:
		}
	}
}

// A trial's log has room for joint states at ten times the rate of the policy, within
// what a long trial may take of memory.
func logMessages(steps int) int { return min(10*steps+1000, 1_000_000) }
func logBytes(steps, joints int) int {
	return min(logMessages(steps)*(256+64*joints), 64<<20)
}

func typeOf(m interface{ TypeName() string }) transport.Type {
	return transport.Type{Name: m.TypeName()}
}

// learn passes commands, trials and reports between the loop and the learner.
func (n *node) learn(ctx context.Context) error {
	tick := time.NewTicker(time.Second / 5)
	defer tick.Stop()
	absent := time.NewTimer(absentAfter)
	defer absent.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case e := <-n.machine.Events():
			if err := n.event(e); err != nil {
				return err
			}
		case m, ok := <-n.process.Messages():
			if !ok {
				m = learner.Message{Exited: true}
			}
			done, err := n.message(m)
			if done || err != nil {
				return err
			}
		case <-absent.C:
			if n.loop.status().phase == trial.Wait {
				n.session.note(Warn, "no joint_states on %s yet: is the robot's driver running, in the same domain (ROS_DOMAIN_ID)?", n.loop.recorded.Topics.JointStates.Name)
			}
		case text := <-n.notes:
			n.session.note(Warn, "%s", text)
		case <-tick.C:
		}
		n.publishState()
	}
}

// event handles what happened in the loop.
func (n *node) event(e trial.Event) error {
	n.session.event(e)
	switch e.Kind {
	case trial.GaveUp:
		return fmt.Errorf("%w: %s; that was once too often (reset.attempts, safety.max_faults)", ErrGaveUp, e.Fault)
	case trial.Finished:
		rec, recorded := n.loop.finished()
		path, err := n.session.write(recorded, rec, n.robot)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		n.trials[keyOf(rec.Command)] = path
		n.running, n.restarts = false, 0
		n.session.progress(rec.Command.Iteration, len(n.trials))
		n.answer(keyOf(rec.Command), path)
	}
	return nil
}

// answer tells the learner of a recorded trial if it waits for that one. If it is gone,
// another will ask again.
func (n *node) answer(trial key, path string) {
	if n.asked == trial {
		n.asked = key{}
		_ = n.process.Recorded(path)
	}
}

// message handles what the learner said.
func (n *node) message(m learner.Message) (done bool, err error) {
	switch {
	case m.Command != nil:
		n.asked = keyOf(m.Command)
		if path, ok := n.trials[n.asked]; ok {
			n.answer(n.asked, path)
			return false, nil
		}
		if n.running {
			return false, nil // a restarted learner asks for the trial that is running
		}
		if err := n.loop.start(m.Command); err != nil {
			return false, fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		n.running = true
	case m.Report != nil:
		n.restarts = 0
		clear(n.trials)
		if err := n.session.report(m.Report); err != nil {
			return false, fmt.Errorf("%w: %w", ErrGaveUp, err)
		}
		n.payload = m.Report.Message(n.clock.Now()).AppendCDR(n.payload[:0])
		if err := n.iteration.Publish(n.payload); err != nil {
			n.session.note(Warn, "publish the iteration: %v", err)
		}
	case m.Note != "":
		n.session.note(Warn, "learner: %s", m.Note)
	case m.Done:
		return true, nil
	case m.Exited:
		n.asked = key{}
		return false, n.restartLearner(m.Err)
	}
	return false, nil
}

func (n *node) startLearner() error {
	p, err := learner.Start(context.Background(), n.opt.Learner(n.session.run.Dir()))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	n.process = p
	n.session.log.Log(Info, "learner is process %d", p.PID())
	return nil
}

// restartLearner starts the learner again after it died. The arm is held meanwhile: the
// loop does not depend on it.
func (n *node) restartLearner(cause error) error {
	if errors.Is(cause, learner.ErrFailed) {
		return fmt.Errorf("%w: %w", ErrGaveUp, cause)
	}
	if n.restarts++; n.restarts > maxRestarts {
		return fmt.Errorf("%w: the learner ended %d times in a row: %w", ErrGaveUp, n.restarts, cause)
	}
	if cause == nil {
		cause = errors.New("it ended before its time")
	}
	n.session.note(Warn, "learner process %d is gone: %v; another goes on from the last checkpoint", n.process.PID(), cause)
	if err := n.session.mendCheckpoints(); err != nil {
		return fmt.Errorf("%w: %w", ErrGaveUp, err)
	}
	return n.startLearner()
}

// publishState publishes ~/state.
func (n *node) publishState() {
	st := n.loop.status()
	if st.failures > 0 && !n.failed {
		n.failed = true
		n.session.note(Error, "a command was not published: %v", st.lastErr)
	}
	msg := guided_policy_search_msgs.NodeState{Stamp: rosio.Stamp(n.clock.Now()), Phase: uint8(st.phase),
		Iteration: uint32(st.iteration), Iterations: uint32(n.cfg.Iterations), Condition: uint32(st.condition),
		Sample: uint32(st.sample), Samples: uint32(n.cfg.Samples), Fault: st.fault.String(), Ticks: st.ticks, Faults: st.faults}
	n.payload = msg.AppendCDR(n.payload[:0])
	if err := n.state.Publish(n.payload); err != nil {
		n.session.log.Log(Warn, "publish the state: %v", err)
	}
}
