// Command sim_robot simulates a torque-controlled robot and its ROS 2 driver: joint_states,
// /clock and sensors/NAME out, effort_controller/commands in; ~/reset_scene puts a scene's
// objects back. It takes ROS arguments (--ros-args) and runs until SIGINT or SIGTERM.
//
// Exit status: 0 stopped by a signal, 1 the simulation failed, 2 bad arguments or
// parameters.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/simrobot"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/middleware"
)

const usage = `Usage: sim_robot --ros-args [--params-file FILE] [-p NAME:=VALUE] [-r FROM:=TO] ...

Simulates a torque-controlled robot and its driver: joint_states, /clock and sensors/NAME of
a scene out, effort_controller/commands in; ~/reset_scene (std_srvs/srv/Trigger) puts a
scene's objects back. Plants are equations of motion, or models in MJCF (plant.type mujoco);
rate, noise, encoders, latency and losses are parameters. For all of them see
` + "`gps params sim_robot`" + `, for an example params/planar_arm.yaml.`

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	// A closed pipe does not end the program; the signals above do.
	signal.Ignore(syscall.SIGPIPE)
	args, err := rcl.Parse(os.Args[1:])
	if err != nil {
		return fail(2, err)
	}
	if err := node.CheckArguments(args); err == node.ErrHelp {
		fmt.Println(usage)
		return 0
	} else if err != nil {
		return fail(2, err)
	}
	setup, cfg, err := node.LoadSimulator(args)
	if err != nil {
		return fail(2, err)
	}
	topics, err := node.SimulatorTopics(setup)
	if err != nil {
		return fail(2, err)
	}
	ros, err := rosnode.Open(rosnode.Config{Args: args, Name: setup.Name, Set: setup.Set, Open: middleware.Open})
	if err != nil {
		if errors.Is(err, transport.ErrInvalid) {
			return fail(2, err)
		}
		return fail(1, err)
	}
	driver, err := simrobot.New(*cfg, ros, topics, func(text string) { ros.Log.Warn("%s", text) })
	if err == nil {
		ros.Log.Info("%s with joints %v on %s, lock step %v", cfg.Plant.Type, cfg.Joints, topics.JointStates, cfg.LockStep)
		ros.Diagnostics.Add("simulation", driver.Health)
		err = ros.Start(nil, nil)
	}
	if err == nil {
		err = driver.Run(ctx)
	}
	if err = errors.Join(err, ros.Close()); err != nil {
		return fail(1, err)
	}
	return 0
}

func fail(status int, err error) int {
	logging.WriteError(os.Stderr, "sim_robot", err)
	return status
}
