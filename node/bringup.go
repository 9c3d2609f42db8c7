package node

import (
	"context"
	"errors"
	"fmt"
	"time"

	"guidedpolicysearch/node/lifecycle"
)

// autostart configures the node, so that mistakes are found at once, and activates it as soon
// as the robot is there.
func (n *node) autostart(ctx context.Context) {
	if n.states.State() == lifecycle.Unconfigured {
		if err := n.step(ctx, lifecycle.Configure); errors.Is(err, errRobot) {
			n.awaited(err)
		} else if err != nil {
			n.end(err)
		}
		return
	}
	if err := n.checkRobot(); err != nil {
		n.awaited(err)
		return
	}
	if err := n.bringUp(ctx); errors.Is(err, errRobot) {
		n.awaited(err)
	} else if err != nil {
		n.end(err)
	}
}

// awaited says why the node waits for the robot, once.
func (n *node) awaited(err error) {
	if text := err.Error(); text != n.waiting && time.Since(n.began) > absentAfter {
		n.waiting = text
		n.warn(text)
	}
}

// bringUp takes the node to Active. A node that starts by itself goes on waiting for a robot
// that is not ready.
func (n *node) bringUp(ctx context.Context) error {
	wanted := n.start
	n.start = false
	err := n.bringUpNow(ctx)
	n.start = wanted && errors.Is(err, errRobot)
	return err
}

func (n *node) bringUpNow(ctx context.Context) error {
	if n.states.State() == lifecycle.Unconfigured {
		if err := n.step(ctx, lifecycle.Configure); err != nil {
			return err
		}
	}
	if s := n.states.State(); s != lifecycle.Inactive {
		return fmt.Errorf("the node is %v, expected it to be unconfigured or inactive", s)
	}
	return n.step(ctx, lifecycle.Activate)
}

// step carries out a transition; the error is why it failed.
func (n *node) step(ctx context.Context, t lifecycle.Transition) error {
	n.refused, n.stepping = nil, true
	defer func() { n.stepping = false }()
	if _, err := n.states.Trigger(ctx, t); err != nil {
		return err
	}
	return n.refused
}
