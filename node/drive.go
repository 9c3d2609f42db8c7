package node

import (
	"slices"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/velocity"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/ros2control"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// newLoop returns the control loop of a machine that publishes its torques on a publisher.
func newLoop(cfg *Config, r *robot.Robot, machine *trial.Machine, commands transport.Publisher, names map[string]string) (*loop, error) {
	estimator, err := velocity.New(cfg.Robot.Velocity, r.DU())
	if err != nil {
		return nil, err
	}
	writer, err := cfg.Commands.kind().NewWriter(r.DU())
	if err != nil {
		return nil, err
	}
	states := transport.SensorData()
	if cfg.Reliable {
		states = transport.Default()
	}
	l := &loop{machine: machine, reader: rosio.NewJointReader(r.Joints(), cfg.Robot.Velocity.Source == velocity.Message), velocity: estimator,
		writer: writer, state: hardware.NewJointState(r.DU()), lockStep: cfg.LockStep, timer: cfg.Loop.DrivenBy == trial.ByTimer, commands: commands}
	l.extras = slices.Repeat([]int64{unstamped}, len(cfg.Robot.Extra.Topics))
	l.timing.timer, l.timing.lockStep, l.timing.period = l.timer, l.lockStep, cfg.Loop.Period()
	topics := record.Topics{
		JointStates: record.Topic{Name: names[jointStatesTopic], Depth: states.Depth, BestEffort: !cfg.Reliable},
		Commands:    record.Topic{Name: names[commandsTopic], Depth: transport.Default().Depth, Message: cfg.Commands.kind().Message()},
		Rollout:     record.Topic{Name: names[rolloutTopic], Depth: transport.Default().Depth},
	}
	if !cfg.LockStep {
		l.thread = &thread{cfg: cfg.Loop.Thread}
		l.pulse.patience = int64(cfg.SentinelTimeout)
	}
	for _, dst := range []**record.Trial{&l.recorded, &l.spare} {
		*dst = record.NewTrial(topics, logMessages(cfg), logBytes(cfg))
	}
	return l, nil
}

// kind is the message that commands are published as.
func (c CommandsConfig) kind() ros2control.Commands { return ros2control.Commands(c.Type) }

// timerThread drives a loop by a timer, on a thread of its own.
type timerThread struct {
	end  chan struct{}
	done chan struct{}
}

// drive starts the thread of a loop.
func (n *node) drive(l *loop) *timerThread {
	t := &timerThread{end: make(chan struct{}), done: make(chan struct{})}
	period := time.Duration(l.timing.period)
	go func() {
		defer close(t.done)
		n.adopt(l)
		defer l.thread.release()
		timer := realtime.NewTimer(period)
		for {
			late, missed := timer.Wait()
			select {
			case <-t.end:
				return
			default:
			}
			l.tick(late, missed)
		}
	}()
	return t
}

// stop ends the thread and waits for it.
func (t *timerThread) stop() {
	close(t.end)
	<-t.done
}
