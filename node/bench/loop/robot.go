package main

import (
	"io"
	"math"
	"runtime"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/realtime"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/middleware"
)

// Topics of both sides.
const (
	statesTopic   = "/joint_states"
	commandsTopic = "/effort_controller/commands"
)

// driverPriority is what ros2_control gives its controller manager.
const driverPriority = 50

// open opens a node on loopback.
func open(o options, name string) (transport.Node, error) {
	return middleware.Open(transport.Options{Name: name, Domain: uint32(o.domain), Range: transport.Localhost})
}

// runRobot publishes the states of an arm that sways, until its input ends.
func runRobot(o options, in io.Reader, said io.Writer) error {
	runtime.GOMAXPROCS(runtime.NumCPU() + 1) // see package realtime
	a, err := newArm()
	if err != nil {
		return err
	}
	node, err := open(o, "robot")
	if err != nil {
		return err
	}
	defer node.Close()
	states, err := node.Publisher(statesTopic, rostype.Of(new(sensor_msgs.JointState)), transport.Default(), nil)
	if err != nil {
		return err
	}
	var commands rosio.EffortReader
	received := func(payload []byte, _ transport.Info) { _, _ = commands.Read(payload, a.joints()) }
	if _, err := node.Subscribe(commandsTopic, rostype.Of(new(std_msgs.Float64MultiArray)), transport.Default(), received, nil); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, in)
		close(ended)
	}()
	return drive(o, a, states, ended, said)
}

// drive publishes a state in each period.
func drive(o options, a *arm, states transport.Publisher, ended <-chan struct{}, said io.Writer) error {
	cfg := realtime.DefaultConfig()
	if cfg.Priority = min(o.priority, driverPriority); cfg.Priority <= cfg.ProcessPriority {
		cfg.ProcessPriority = 0
	}
	thread, notes := realtime.Adopt(cfg)
	defer thread.Release()
	if err := say(said, notes); err != nil {
		return err
	}
	writer := rosio.NewJointWriter(a.names)
	state := hardware.NewJointState(a.joints())
	timer := realtime.NewTimer(o.period())
	for began := time.Now(); ; {
		timer.Wait()
		select {
		case <-ended:
			return nil
		default:
		}
		a.sway(state, time.Since(began).Seconds())
		if err := states.Publish(writer.Write(time.Now().UnixNano(), state.Position, state.Velocity)); err != nil {
			return err
		}
	}
}

// sway writes the positions and velocities of an arm at a time in s.
func (a *arm) sway(s *hardware.JointState, at float64) {
	const amplitude, rate = 0.2, 2 // rad, rad/s
	for i := range s.Position {
		middle := (a.lower[i] + a.upper[i]) / 2
		s.Position[i] = middle + amplitude*math.Sin(rate*at+float64(i))
		s.Velocity[i] = amplitude * rate * math.Cos(rate*at+float64(i))
	}
}
