package node

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/robot"
	"guidedpolicysearch/hardware/urdf"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/record"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// errNoDescription marks a description that only a running robot gives.
var errNoDescription = errors.New("the robot's description comes from a topic (robot.description_topic): set robot.urdf where no robot is running")

// readDescription reads the robot's description from where robot.urdf says; both are nil where
// there is none.
func readDescription(c robot.Config) (*urdf.Model, []byte, error) {
	if c.URDF == "" {
		return nil, nil, nil
	}
	text, err := models.Read(c.URDF)
	if err != nil {
		return nil, nil, params.FieldError{Key: "robot.urdf", Problem: err.Error()}
	}
	m, err := urdf.Parse(text)
	if err != nil {
		return nil, nil, params.FieldError{Key: "robot.urdf", Problem: err.Error()}
	}
	return m, text, nil
}

// newRobot makes the robot from its parameters alone. The error wraps urdf.ErrJoints if their
// names do not fit the description.
func newRobot(c robot.Config) (*robot.Robot, []byte, error) {
	m, text, err := readDescription(c)
	if err != nil {
		return nil, nil, err
	}
	if m == nil && c.DescriptionTopic != "" {
		return nil, nil, errNoDescription
	}
	if m != nil {
		if err := m.CheckJoints(c.Joints); err != nil {
			return nil, nil, fmt.Errorf("%w; robot.joints names %q, the description %q", err, c.Joints, m.Movable())
		}
	}
	r, err := robot.New(c, m)
	return r, text, err
}

// recordedRobot makes the robot of a run folder, whose description is the one that is recorded
// there.
func recordedRobot(c robot.Config, runFolder string) (*robot.Robot, error) {
	m, err := record.ReadDescription(runFolder)
	if err != nil {
		return nil, err
	}
	return robot.New(c, m)
}

// listenToDescription takes the description that a topic has, if one is named.
func (n *node) listenToDescription(c robot.Config) error {
	topic := ""
	if c.URDF == "" && c.DescriptionTopic != "" {
		var err error
		if topic, err = n.ros.ResolveTopic(c.DescriptionTopic); err != nil {
			return params.FieldError{Key: "robot.description_topic", Problem: err.Error()}
		}
	}
	if n.descriptions.topic == topic {
		return nil
	}
	if n.descriptions.subscription != nil {
		n.descriptions.subscription.Close()
	}
	n.descriptions = descriptions{topic: topic, latest: new(atomic.Pointer[[]byte])}
	if topic == "" {
		return nil
	}
	latest := n.descriptions.latest
	var err error
	n.descriptions.subscription, err = n.ros.Subscribe(topic, rostype.Of(new(std_msgs.String)), transport.Latched(), func(payload []byte, _ transport.Info) {
		var m std_msgs.String
		if err := m.UnmarshalCDR(payload); err != nil {
			n.tell(fmt.Sprintf("%s: %v; the message is ignored", topic, err))
			return
		}
		text := bytes.TrimRight([]byte(m.Data), "\x00") // of publishers in C that count theirs
		latest.Store(&text)
	}, n.mismatch(topic, ""))
	if err != nil {
		n.descriptions.topic = "" // the next attempt tries again
	}
	return err
}

// descriptions is where the robot's description comes from, if it is a topic.
type descriptions struct {
	topic        string // resolved, empty for none
	subscription transport.Subscription
	latest       *atomic.Pointer[[]byte]
}

// awaitDescription returns the robot's description, nil where there is none. The error wraps
// errRobot if a topic has not told it in time; a node that starts by itself looks again later.
func (n *node) awaitDescription(ctx context.Context, c robot.Config) ([]byte, error) {
	if n.descriptions.topic == "" {
		_, text, err := readDescription(c)
		return text, err
	}
	deadline := time.NewTimer(robotPatience)
	defer deadline.Stop()
	again := time.NewTicker(tick / 10)
	defer again.Stop()
	for {
		if text := n.descriptions.latest.Load(); text != nil {
			return *text, nil
		}
		absent := fmt.Errorf("%w: no robot description on %s yet (robot.description_topic): is robot_state_publisher running?", errRobot, n.descriptions.topic)
		if n.start {
			return nil, absent
		}
		select {
		case <-again.C:
		case <-deadline.C:
			return nil, absent
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// describedRobot makes the robot of n.cfg from its description, and returns the joints that this
// has. Joints that do not fit are told of with all who name joints.
func (n *node) describedRobot(description []byte) (r *robot.Robot, described []string, err error) {
	if description == nil {
		r, err = robot.New(n.cfg.Robot, nil)
		return r, nil, err
	}
	m, err := urdf.Parse(description)
	if err != nil {
		return nil, nil, fmt.Errorf("the robot's description%s: %w", n.descriptions.from(), err)
	}
	if err := m.CheckJoints(n.cfg.Robot.Joints); err != nil {
		err = fmt.Errorf("%w; robot.joints names %q, the description%s %q", err, n.cfg.Robot.Joints, n.descriptions.from(), m.Movable())
		names := n.probe.Load().names()
		if len(names) == 0 {
			return nil, nil, fmt.Errorf("%w: %w, and nothing has come on joint_states yet", errRobot, err)
		}
		return nil, nil, fmt.Errorf("%w, joint_states %q", err, names)
	}
	r, err = robot.New(n.cfg.Robot, m)
	return r, m.Movable(), err
}

// from says where the description came from, if it was a topic.
func (d *descriptions) from() string {
	if d.topic == "" {
		return ""
	}
	return " on " + d.topic
}

// describe records the description in the run folder.
func (s *session) describe(description []byte) error {
	if description == nil {
		return nil
	}
	return s.run.WriteFile(record.DescriptionFile, description)
}
