package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"guidedpolicysearch/node"
	"guidedpolicysearch/node/console"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/middleware"
	"guidedpolicysearch/node/watch"
)

func watchCommand() *cobra.Command {
	var name string
	var asJSON bool
	c := &cobra.Command{
		Use:   "watch",
		Short: "Show a running node live in the terminal",
		Long: `Shows what a running gps_node does: phase, trial and fault, the learning curve, joints and efforts
against their limits, how the control loop keeps its time, and the latest warnings. It only
subscribes: the node is not influenced. It is looked for as ROS_DOMAIN_ID, ROS_LOCALHOST_ONLY and
the other variables of ROS 2 say, and may come and go. Ctrl-C ends it.

Where standard output is no terminal each change is printed as a line, with --json as an object:
"event" is state, trial, iteration, diagnostics, log or malformed, "time" in s since the epoch, and the
rest is the message's, with null for what is not a number.`,
		Example: `  gps watch
  gps watch --node /arm1/guided_policy_search
  gps watch --json | jq 'select(.event == "iteration") | .mean_cost'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if !strings.HasPrefix(name, "/") {
				return exitStatus{2, fmt.Errorf("--node %q, expected a fully qualified name such as /%s", name, node.DefaultName)}
			}
			opt, err := transport.Options{Name: fmt.Sprintf("_gps_watch_%d", os.Getpid())}.FromEnvironment(os.Getenv)
			if err != nil {
				return exitStatus{2, err}
			}
			t, err := middleware.Open(opt)
			if err != nil {
				return exitStatus{1, err}
			}
			show := lines
			if !asJSON && console.IsTerminal(os.Stdout) {
				show = screen
			}
			err = show(cmd.Context(), t, strings.TrimSuffix(name, "/"), asJSON)
			if err = errors.Join(err, t.Close()); err != nil {
				return exitStatus{1, err}
			}
			return cmd.Context().Err()
		},
	}
	c.Flags().StringVar(&name, "node", "/"+node.DefaultName, "fully qualified name of the node")
	c.Flags().BoolVar(&asJSON, "json", false, "print an object for each change, one on each line")
	return c
}

// lines prints a line for each event until ctx ends, or nobody reads them any more.
func lines(ctx context.Context, t transport.Node, name string, asJSON bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	encoder := json.NewEncoder(os.Stdout)
	m := watch.NewModel(name, func(e watch.Event) {
		var err error
		if asJSON {
			err = encoder.Encode(e)
		} else {
			_, err = fmt.Println(e.Line())
		}
		if err != nil {
			cancel(err)
		}
	})
	err := m.Follow(ctx, t)
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		err = errors.Join(err, cause)
	}
	return err
}

// screen draws the node until ctx ends.
func screen(ctx context.Context, t transport.Node, name string, _ bool) error {
	ctx, cancel := context.WithCancel(ctx)
	m := watch.NewModel(name, nil)
	followed := make(chan error, 1)
	go func() {
		followed <- m.Follow(ctx, t)
		cancel()
	}()
	err := m.Draw(ctx, os.Stdout, func() (int, int) {
		width, height, err := term.GetSize(int(os.Stdout.Fd()))
		if err != nil {
			return 80, 24
		}
		return width, height
	})
	cancel()
	return errors.Join(err, <-followed)
}
