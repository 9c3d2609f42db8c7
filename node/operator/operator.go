// Package operator drives a guided_policy_search node from outside, over any transport: its
// requests (start, stop, ...) and its lifecycle, as `ros2 service call` and `ros2 lifecycle`
// do where ROS is installed.
package operator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// ErrRefused is what a node did not do; the text says why, as far as the node does.
var ErrRefused = errors.New("refused")

// Requests are what a node can be asked beneath its name, as std_srvs/srv/Trigger.
func Requests() []string {
	return []string{"start", "stop", "reset_fault", "save", "abort_trial", "relax", "emergency_stop", "release_emergency_stop"}
}

// Transitions are the lifecycle transitions that can be asked for, by their labels.
func Transitions() []string {
	return []string{"configure", "activate", "deactivate", "cleanup", "shutdown"}
}

// Operator drives one node.
type Operator struct {
	t    transport.Services
	node string
}

// New returns an operator of the node with a fully qualified name, who calls from t. Each
// call waits for the node's service until its ctx ends; errors are those of
// transport.Client.Call, and of responses that cannot be decoded.
func New(t transport.Services, node string) *Operator { return &Operator{t, node} }

func (o *Operator) call(ctx context.Context, service string, typ msgs.Type, request, response msgs.Message) error {
	c, err := o.t.Client(o.node+"/"+service, rostype.Of(typ), transport.ServiceQoS())
	if err != nil {
		return err
	}
	defer c.Close()
	payload, err := c.Call(ctx, request.AppendCDR(nil))
	if errors.Is(err, transport.ErrNoServer) {
		return fmt.Errorf("%w; is node %s running, with the same ROS_DOMAIN_ID and ROS_LOCALHOST_ONLY?", err, o.node)
	}
	if err != nil {
		return err
	}
	if err := response.UnmarshalCDR(payload); err != nil {
		return fmt.Errorf("response of %s/%s: %w", o.node, service, err)
	}
	return nil
}

// Do asks for one of Requests or Transitions, and returns the node's answer. The error wraps
// ErrRefused if the node did not do it.
func (o *Operator) Do(ctx context.Context, request string) (string, error) {
	if slices.Contains(Transitions(), request) {
		return o.change(ctx, request)
	}
	if !slices.Contains(Requests(), request) {
		return "", fmt.Errorf("request %q, expected one of %s", request, strings.Join(append(Requests(), Transitions()...), ", "))
	}
	var response std_srvs.Trigger_Response
	if err := o.call(ctx, request, new(std_srvs.Trigger), new(std_srvs.Trigger_Request), &response); err != nil {
		return "", err
	}
	if !response.Success {
		return "", fmt.Errorf("%s: %w: %s", request, ErrRefused, response.Message)
	}
	return response.Message, nil
}

// change asks for a transition. Their service gives no reason.
func (o *Operator) change(ctx context.Context, label string) (string, error) {
	request := lifecycle_msgs.ChangeState_Request{Transition: lifecycle_msgs.Transition{Label: label}}
	var response lifecycle_msgs.ChangeState_Response
	if err := o.call(ctx, "change_state", new(lifecycle_msgs.ChangeState), &request, &response); err != nil {
		return "", err
	}
	if !response.Success {
		return "", fmt.Errorf("%s: %w; the node's log says why", label, ErrRefused)
	}
	if label == "shutdown" {
		return "finalized", nil // the process ends
	}
	return o.State(ctx)
}

// State returns the lifecycle state: "unconfigured", "inactive", "active", "finalized", or
// that of the transition under way.
func (o *Operator) State(ctx context.Context) (string, error) {
	var response lifecycle_msgs.GetState_Response
	if err := o.call(ctx, "get_state", new(lifecycle_msgs.GetState), new(lifecycle_msgs.GetState_Request), &response); err != nil {
		return "", err
	}
	return response.CurrentState.Label, nil
}
