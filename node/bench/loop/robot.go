package main

import (
	"io"
	"runtime"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/hardware/robot"
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
	received := func(payload []byte, _ transport.Info) { _, _ = commands.Read(payload, a.DU()) }
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
func drive(o options, a *robot.Robot, states transport.Publisher, ended <-chan struct{}, said io.Writer) error {
	cfg := realtime.DefaultConfig()
	if cfg.Priority = min(o.priority, driverPriority); cfg.Priority <= cfg.ProcessPriority {
		cfg.ProcessPriority = 0
	}
	thread, notes := realtime.Adopt(cfg)
	defer thread.Release()
	if err := say(said, notes); err != nil {
		return err
	}
	writer := rosio.NewJointWriter(a.Joints())
	state := hardware.NewJointState(a.DU())
	timer := realtime.NewTimer(o.period())
	for began := time.Now(); ; {
		timer.Wait()
		select {
		case <-ended:
			return nil
		default:
		}
		sway(a, state, time.Since(began).Seconds())
		if err := states.Publish(writer.Write(time.Now().UnixNano(), state.Position, state.Velocity)); err != nil {
			return err
		}
	}
}
