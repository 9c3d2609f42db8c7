package watch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/diagnostic_msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/msgs/sensor_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// retry is how long Follow waits before it asks a node again that did not answer.
const retry = time.Second

// effortType is the type of commands that is shown.
var effortType = new(std_msgs.Float64MultiArray).TypeName()

// Follow feeds the model from a transport until ctx ends, and returns nil then. It asks the node for
// its joints and their limits, and learns from its diagnostics where joint states and commands are.
func (m *Model) Follow(ctx context.Context, t transport.Node) (err error) {
	var open []transport.Subscription
	defer func() {
		for _, s := range open {
			err = errors.Join(err, s.Close())
		}
	}()
	subscribe := func(topic string, message msgs.Message, q transport.QoS, take func([]byte, time.Time)) error {
		s, err := t.Subscribe(topic, rostype.Of(message), q, func(payload []byte, _ transport.Info) { take(payload, time.Now()) }, nil)
		if err == nil {
			open = append(open, s)
		}
		return err
	}
	history := transport.Latched()
	history.Depth = 1000
	for _, s := range []struct {
		topic   string
		message msgs.Message
		q       transport.QoS
		take    func([]byte, time.Time)
	}{
		{m.node + "/state", new(guided_policy_search_msgs.NodeState), transport.Latched(), m.State},
		{m.node + "/iteration", new(guided_policy_search_msgs.IterationReport), history, m.Iteration},
		{m.node + "/trial", new(guided_policy_search_msgs.TrialReport), transport.Default(), m.Trial},
		{"/diagnostics", new(diagnostic_msgs.DiagnosticArray), transport.Default(), m.Diagnostics},
		{"/rosout", new(rcl_interfaces.Log), transport.Default(), m.Log},
	} {
		if err := subscribe(s.topic, s.message, s.q, s.take); err != nil {
			return fmt.Errorf("watch: %w", err)
		}
	}
	client := paramservice.NewClient(t, m.node)
	asked, states, commands := false, "", ""
	for {
		if !asked {
			asked = m.ask(ctx, client) == nil
		}
		joints, efforts := m.Topics()
		if joints != "" && states == "" {
			if err := subscribe(joints, new(sensor_msgs.JointState), transport.SensorData(), m.JointStates); err != nil {
				return fmt.Errorf("watch: %w", err)
			}
			states = joints
		}
		if efforts != "" && commands == "" {
			shown, err := publishes(t, efforts, effortType)
			if err == nil && shown {
				err = subscribe(efforts, new(std_msgs.Float64MultiArray), transport.SensorData(), m.Commands)
				commands = efforts
			}
			if err != nil {
				return fmt.Errorf("watch: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(retry):
		}
	}
}

// publishes tells whether a topic has a publisher of a type.
func publishes(t transport.Node, topic, typ string) (bool, error) {
	graph, err := t.Graph()
	if err != nil {
		return false, err
	}
	for _, e := range graph.Endpoints {
		if e.Topic == topic && e.Type.Name == typ && e.Publisher {
			return true, nil
		}
	}
	return false, nil
}

// ask learns the joints and the limits of their efforts.
func (m *Model) ask(ctx context.Context, c *paramservice.Client) error {
	ctx, cancel := context.WithTimeout(ctx, retry)
	defer cancel()
	values, err := c.Get(ctx, "robot.joints", "robot.effort_limit")
	if err != nil {
		return err
	}
	if len(values) != 2 {
		return fmt.Errorf("watch: %s has no parameters robot.joints and robot.effort_limit", m.node)
	}
	joints, limits := values[0].Strs, values[1].Doubles
	if len(joints) == 0 || len(joints) > maxJoints {
		return fmt.Errorf("watch: robot.joints of %s is %s", m.node, strings.Join(joints, ", "))
	}
	m.Robot(joints, limits)
	return nil
}
