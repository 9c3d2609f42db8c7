package e2e

import (
	"slices"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/hardware/sim"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rosgraph_msgs"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// fakeRobot is a robot's driver in the test's process, in lock step, that can be made to
// err.
type fakeRobot struct {
	simulator      *sim.Simulator
	names          []string
	states, clock  transport.Publisher
	commands       chan []float64
	stamp, dt      int64
	change         func(k int, s *sensor_msgs.JointState) fault
	stop, finished chan struct{}

	mu        sync.Mutex
	exchanges []exchange
	place     []float64 // [q; dq] that the next step leads to, nil for none
}

// fault is how joint state k of a fakeRobot is delivered.
type fault struct {
	// bad says that the node must answer with zero torque.
	bad bool
	// silent holds the joint state back until the node has sent a command on its own, and
	// a while longer.
	silent bool
	// payload is sent instead of the message, unless it is nil.
	payload []byte
}

// exchange is what became of a joint state.
type exchange struct {
	fault fault
	// answers are the commands before the next joint state.
	answers [][]float64
}

// startFakeRobot runs the task's arm. change may change joint state k before it is
// published; nil for none.
func startFakeRobot(t *testing.T, domain uint32, change func(k int, s *sensor_msgs.JointState) fault) *fakeRobot {
	t.Helper()
	_, _, cfg, err := node.LoadFile(planarArm(t), nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &fakeRobot{names: cfg.Joints, commands: make(chan []float64, 1000), dt: int64(cfg.Step()), stamp: 1e9,
		change: change, stop: make(chan struct{}), finished: make(chan struct{})}
	if r.simulator, err = cfg.Simulator(); err != nil {
		t.Fatal(err)
	}
	n := ddstest.Open(t, domain, "fake_robot", nil)
	if r.states, err = n.Publisher("/joint_states", transport.Type{Name: "sensor_msgs/msg/JointState"}, transport.Default(), nil); err != nil {
		t.Fatal(err)
	}
	if r.clock, err = n.Publisher("/clock", transport.Type{Name: "rosgraph_msgs/msg/Clock"}, transport.Default(), nil); err != nil {
		t.Fatal(err)
	}
	var command std_msgs.Float64MultiArray
	_, err = n.Subscribe("/effort_controller/commands", transport.Type{Name: command.TypeName()}, kept(transport.Default()), func(payload []byte, _ transport.Info) {
		if err := command.UnmarshalCDR(payload); err != nil || len(command.Data) != len(r.names) {
			t.Errorf("command of %d efforts: %v", len(command.Data), err)
			return
		}
		r.commands <- slices.Clone(command.Data)
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Service("/sim_robot/place", rostype.Of(new(guided_policy_search_msgs.PlaceRobot)), transport.ServiceQoS(), r.placed); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(r.finished)
		if err := r.run(); err != nil {
			t.Error(err)
		}
	}()
	t.Cleanup(func() {
		close(r.stop)
		<-r.finished
	})
	return r
}

// placed is the service of sim_robot.
func (r *fakeRobot) placed(payload []byte, reply transport.Reply) {
	var request guided_policy_search_msgs.PlaceRobot_Request
	err := request.UnmarshalCDR(payload)
	r.mu.Lock()
	r.place = append(request.Position, make([]float64, len(request.Position))...)
	r.mu.Unlock()
	_ = reply((&guided_policy_search_msgs.PlaceRobot_Response{Success: err == nil}).AppendCDR(nil))
}

// step moves the arm, or puts it where it was asked to be.
func (r *fakeRobot) step(effort []float64) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if at := r.place; at != nil {
		r.place = nil
		return r.simulator.SetState(at)
	}
	return r.simulator.Step(effort)
}

const (
	// repeatAfter is the time after which a joint state without answer is repeated.
	repeatAfter = 200 * time.Millisecond
	// silence is how much longer a silent robot stays so.
	silence = 300 * time.Millisecond
)

func (r *fakeRobot) run() error {
	for k := 0; ; k++ {
		s := sensor_msgs.JointState{Name: slices.Clone(r.names), Position: slices.Clone(r.simulator.Positions()), Velocity: slices.Clone(r.simulator.Velocities())}
		s.Header.Stamp = rosio.Stamp(r.stamp)
		var f fault
		if r.change != nil {
			f = r.change(k, &s)
		}
		e := exchange{fault: f}
		if f.silent {
			if !r.await(&e, nil) {
				return nil
			}
			time.Sleep(silence)
		}
		for len(r.commands) > 0 {
			e.answers = append(e.answers, <-r.commands)
		}
		payload := f.payload
		if payload == nil {
			payload = s.AppendCDR(nil)
		}
		clock := rosgraph_msgs.Clock{Clock: s.Header.Stamp}
		send := func() error {
			if err := r.clock.Publish(clock.AppendCDR(nil)); err != nil {
				return err
			}
			return r.states.Publish(payload)
		}
		if err := send(); err != nil {
			return err
		}
		if !r.await(&e, send) {
			return nil
		}
		r.mu.Lock()
		r.exchanges = append(r.exchanges, e)
		r.mu.Unlock()
		if err := r.step(e.answers[len(e.answers)-1]); err != nil {
			return err
		}
		r.stamp += r.dt
	}
}

// await waits for a command, calling again from time to time.
func (r *fakeRobot) await(e *exchange, again func() error) bool {
	tick := time.NewTicker(repeatAfter)
	defer tick.Stop()
	for {
		select {
		case c := <-r.commands:
			e.answers = append(e.answers, c)
			return true
		case <-tick.C:
			if again != nil && again() != nil {
				return false
			}
		case <-r.stop:
			return false
		}
	}
}

// log returns what was exchanged so far.
func (r *fakeRobot) log() []exchange {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.exchanges)
}
