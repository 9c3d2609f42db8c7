// Command gps_node is the ROS 2 node guided_policy_search: it learns torque control on the
// robot whose joint_states it receives. It takes ROS arguments (--ros-args).
//
// Exit status: 0 done (and learned, where there is a reference), shut down, or stopped by a
// signal; 1 the run failed, 2 bad arguments or parameters, 3 done but not learned.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rosnode"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/middleware"
)

const usage = `Usage: gps_node --ros-args --params-file FILE [-p NAME:=VALUE] [-r FROM:=TO] ...
       gps_node --resume RUN [--ros-args -p NAME:=VALUE ...]

The ROS 2 node guided_policy_search: learns torque control on the robot whose joint_states
it receives, and publishes efforts on effort_controller/commands. For its parameters see
` + "`gps params guided_policy_search`" + `, which lists them all, and params/planar_arm.yaml.`

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT)
	defer stop()
	// A closed pipe does not end the program; the signals above do, with zero torque.
	signal.Ignore(syscall.SIGPIPE)
	if len(os.Args) > 1 && os.Args[1] == node.LearnerCommand {
		// The node ends its learner; a signal that reaches both must not.
		if err := node.ServeLearner(context.Background(), os.Args[2:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		return 0
	}
	if len(os.Args) > 1 && os.Args[1] == node.SentinelCommand {
		// It goes on whatever ends the node, and ends with the node's word.
		if err := node.ServeSentinel(middleware.Open, os.Getenv, os.Args[2:], os.Stdin, os.Stdout); err != nil {
			return fail(1, err)
		}
		return 0
	}
	given, err := node.ResumeArguments(os.Args[1:])
	if err != nil {
		return fail(2, err)
	}
	args, err := rcl.Parse(given)
	if err != nil {
		return fail(2, err)
	}
	if err := node.CheckArguments(args); err == node.ErrHelp {
		fmt.Println(usage)
		return 0
	} else if err != nil {
		return fail(2, err)
	}
	setup, cfg, err := node.Load(args)
	if err == nil {
		err = node.CheckGiven(setup)
	}
	if err != nil {
		return fail(2, err)
	}
	exe, err := os.Executable()
	if err != nil {
		return fail(1, err)
	}
	ros, err := rosnode.Open(rosnode.Config{Args: args, Name: setup.Name, Set: setup.Set, Open: middleware.Open, Quiet: cfg.Quiet()})
	if err != nil {
		if errors.Is(err, transport.ErrInvalid) {
			return fail(2, err)
		}
		return fail(1, err)
	}
	res, err := node.Run(ctx, cfg, setup, node.Options{ROS: ros, Terminal: os.Stdout,
		Learner: func(folder string) []string {
			return append([]string{exe}, node.LearnerArguments(setup.Name, folder)...)
		},
		Sentinel: func(topic string, joints int, timeout time.Duration) []string {
			return append([]string{exe}, node.SentinelArguments(args, setup.Name, topic, joints, timeout)...)
		}})
	if closeErr := ros.Close(); err == nil && closeErr != nil {
		err = closeErr
	}
	switch {
	case errors.Is(err, context.Canceled):
		return 0
	case err != nil:
		return fail(1, err)
	case res.Compared && !res.Learned:
		return 3
	}
	return 0
}

func fail(status int, err error) int {
	logging.WriteError(os.Stderr, "gps_node", err)
	return status
}
