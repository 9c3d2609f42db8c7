package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/operator"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/middleware"
)

// stateRequest asks for nothing but the state.
const stateRequest = "state"

func controlCommand() *cobra.Command {
	var name string
	var timeout time.Duration
	var asJSON bool
	requests := append(append([]string{stateRequest}, operator.Requests()...), operator.Transitions()...)
	c := &cobra.Command{
		Use:   "control REQUEST",
		Short: "Start, stop and otherwise drive a running node",
		Long: `Drives a running gps_node: what its services offer to "ros2 service call" and "ros2 lifecycle",
where no ROS is installed. The node is looked for as ROS_DOMAIN_ID, ROS_LOCALHOST_ONLY and the
other variables of ROS 2 say.

  state        say in which state of its lifecycle the node is
  start        configure it if need be, and learn
  stop         zero torque, and stop learning; start goes on
  reset_fault  end a fault with the next good joint state
  save         draw the learning curve, say where the controllers are
  abort_trial  break the trial off and begin it again
  relax        let go of the arm, but hold it against gravity; start goes on
  emergency_stop
               press the emergency stop: zero torque at once, and a fault
  release_emergency_stop
               release it, also where the topic pressed it; reset_fault then goes on
  configure, activate, deactivate, cleanup, shutdown
               transitions of the lifecycle`,
		Example: `  gps control stop
  gps control start --node /arm1/guided_policy_search`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), oneOf("request", requests)),
		ValidArgs: requests,
		RunE: func(cmd *cobra.Command, args []string) error {
			answer, err := control(cmd.Context(), name, args[0], timeout)
			if errors.Is(err, transport.ErrInvalid) {
				return exitStatus{status: 2, err: err}
			}
			if err != nil {
				return exitStatus{status: 1, err: err}
			}
			if asJSON {
				return json.NewEncoder(os.Stdout).Encode(map[string]string{"node": name, "request": args[0], "answer": answer})
			}
			fmt.Println(answer)
			return nil
		},
	}
	c.Flags().StringVar(&name, "node", "/"+node.DefaultName, "fully qualified name of the node")
	c.Flags().DurationVar(&timeout, "timeout", 10*time.Second, "how long to wait for the node and its answer")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func control(ctx context.Context, name, request string, timeout time.Duration) (string, error) {
	opt, err := transport.Options{Name: fmt.Sprintf("_gps_control_%d", os.Getpid())}.FromEnvironment(os.Getenv)
	if err != nil {
		return "", err
	}
	t, err := middleware.Open(opt)
	if err != nil {
		return "", err
	}
	defer t.Close()
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	o := operator.New(t, strings.TrimSuffix(name, "/"))
	if request == stateRequest {
		return o.State(ctx)
	}
	return o.Do(ctx, request)
}
