package node

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"guidedpolicysearch/hardware"
	"guidedpolicysearch/node/rosio"
	"guidedpolicysearch/node/transport"
)

// errRobot marks what keeps the node from being configured and may change without it: the
// robot is not there yet, or is another one.
var errRobot = errors.New("the robot is not ready")

// probe looks at the robot before anything is commanded.
type probe struct {
	topic    string
	joints   []string
	reliable bool // quality of service of its subscription
	// velocities says that joint states must have them.
	velocities bool
	publishers atomic.Int32 // that are connected to its subscription

	mu        sync.Mutex
	reader    *rosio.JointReader
	state     *hardware.JointState
	described []string  // the description's joints, nil where there is none
	seen      time.Time // when the latest joint state came
	err       error     // of the latest joint state
}

func newProbe(topic string, joints []string, velocities, reliable bool) *probe {
	return &probe{topic: topic, joints: joints, reliable: reliable, velocities: velocities, reader: rosio.NewJointReader(joints, velocities), state: hardware.NewJointState(len(joints))}
}

// names are the joints that the latest joint state named.
func (p *probe) names() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.reader.Names())
}

// describe notes which joints the robot's description has.
func (p *probe) describe(joints []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.described = joints
}

// jointState handles a message on joint_states.
func (p *probe) jointState(payload []byte, _ transport.Info) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen, p.err = time.Now(), p.reader.Read(p.state, payload)
	if p.err != nil {
		if errors.Is(p.err, rosio.ErrMessage) && p.described != nil {
			p.err = fmt.Errorf("%w; robot.joints names %q, the description %q", p.err, p.joints, p.described)
		}
		return
	}
	for i, name := range p.joints {
		for _, v := range [2]float64{p.state.Position[i], p.state.Velocity[i]} {
			if v-v != 0 {
				p.err = fmt.Errorf("%s: joint %q reads %v, expected finite positions and velocities", p.topic, name, v)
			}
		}
	}
}

// problem is what is wrong with the latest joint state.
func (p *probe) problem() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}

// check returns why the robot cannot be commanded; the error wraps errRobot. A joint state is
// stale after a while; commands is the topic of the efforts, on which this node does not publish yet.
func (p *probe) check(stale time.Duration, commands string, g transport.GraphReader) error {
	p.mu.Lock()
	seen, err := p.seen, p.err
	p.mu.Unlock()
	switch {
	case seen.IsZero():
		return fmt.Errorf("%w: no joint_states on %s yet: is the robot's driver running, in the same domain (ROS_DOMAIN_ID)?", errRobot, p.topic)
	case time.Since(seen) > stale:
		return fmt.Errorf("%w: no joint_states on %s for %.1f s (safety.stale_timeout is %v)", errRobot, p.topic, time.Since(seen).Seconds(), stale)
	case err != nil:
		return fmt.Errorf("%w: %w", errRobot, err)
	}
	graph, err := g.Graph()
	if err != nil {
		return fmt.Errorf("%w: who else uses %s: %w", errRobot, commands, err)
	}
	if graph.Publishers(commands) > 0 {
		return fmt.Errorf("%w: %s already publishes efforts on %s: two controllers must not drive one arm; stop the other, or remap the topic", errRobot, publishers(&graph, commands), commands)
	}
	if graph.Subscriptions(commands) == 0 {
		return fmt.Errorf("%w: nobody listens on %s: is the effort controller active? (see `ros2 control list_controllers`; remap %s if it has another name)", errRobot, commands, commandsTopic)
	}
	return nil
}

// publishers names a node that publishes on a topic.
func publishers(g *transport.Graph, topic string) string {
	for _, e := range g.Endpoints {
		if e.Topic == topic && e.Publisher && e.Node.Name != "" {
			return "node " + e.Node.FQN()
		}
	}
	return "another node"
}
