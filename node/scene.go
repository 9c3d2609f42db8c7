package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// SceneConfig says how what is around the arm gets back to where a trial begins.
type SceneConfig struct {
	Service string        `param:"service" desc:"Service (std_srvs/srv/Trigger) that is called before each trial, once the arm is where it begins, and puts objects back to where they begin, such as sim_robot/reset_scene; empty for none." takes:"start"`
	Timeout time.Duration `param:"timeout" desc:"Time within which the service must answer." unit:"s" range:"(0, 3600]" takes:"trial"`
}

// openScene opens the client of the service that resets the scene, if there is one.
func (n *node) openScene() error {
	if n.scene != nil {
		n.scene.Close()
		n.scene = nil
	}
	if n.cfg.Scene.Service == "" {
		return nil
	}
	name, err := n.ros.Resolve(n.cfg.Scene.Service)
	if err != nil {
		return fmt.Errorf("scene.service: %w", err)
	}
	n.scene, err = n.ros.Client(name, rostype.Of(new(std_srvs.Trigger)), transport.ServiceQoS())
	return err
}

// resetScene has objects put back.
func (n *node) resetScene(ctx context.Context) error {
	if n.scene == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Scene.Timeout)
	defer cancel()
	var request std_srvs.Trigger_Request
	payload, err := n.scene.Call(ctx, request.AppendCDR(nil))
	var response std_srvs.Trigger_Response
	if err == nil {
		err = response.UnmarshalCDR(payload)
	}
	switch {
	case err == nil && !response.Success:
		err = fmt.Errorf("it refused: %s", response.Message)
	case errors.Is(err, transport.ErrNoServer):
		err = fmt.Errorf("nobody offers it, for %v (scene.timeout): is what simulates or watches the scene running?", n.cfg.Scene.Timeout)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("it did not answer within %v (scene.timeout)", n.cfg.Scene.Timeout)
	}
	if err != nil {
		return fmt.Errorf("the scene cannot be reset by %s (scene.service): %w", n.cfg.Scene.Service, err)
	}
	return nil
}

// listenToExtras opens the subscriptions of the state's extra topics.
func (n *node) listenToExtras() error {
	for _, s := range n.extras {
		s.Close()
	}
	n.extras = nil
	for i, name := range n.cfg.Robot.Extra.Topics {
		topic, err := n.ros.ResolveTopic(name)
		if err != nil {
			return fmt.Errorf("robot.extra.topics: %w", err)
		}
		size := n.cfg.Robot.Extra.Sizes[i]
		var m std_msgs.Float64MultiArray
		said := false
		s, err := n.ros.Subscribe(topic, rostype.Of(&m), n.jointStatesQoS(), func(payload []byte, _ transport.Info) {
			err := m.UnmarshalCDR(payload)
			if err == nil && len(m.Data) != size {
				err = fmt.Errorf("%d numbers, expected %d (robot.extra.sizes)", len(m.Data), size)
			}
			if err != nil {
				if !said {
					n.tell(fmt.Sprintf("%s: %v; the message is ignored", topic, err))
				}
				said = true
				return
			}
			if l := n.loop.Load(); l != nil {
				l.extra(i, m.Data, stampOf(&m))
			}
		}, n.mismatch(topic, "; set reliable_joint_states to false"))
		if err != nil {
			return err
		}
		n.extras = append(n.extras, s)
	}
	return nil
}

// stampOf returns the stamp in ns that sim_robot labels a sensor's numbers with ("S.NNNNNNNNN"),
// unstamped if there is none: the message has no header.
func stampOf(m *std_msgs.Float64MultiArray) int64 {
	if len(m.Layout.Dim) == 0 {
		return unstamped
	}
	seconds, nanoseconds, found := strings.Cut(m.Layout.Dim[0].Label, ".")
	s, err := strconv.ParseInt(seconds, 10, 32)
	ns, err2 := strconv.ParseUint(nanoseconds, 10, 32)
	if !found || len(nanoseconds) != 9 || err != nil || err2 != nil || s < 0 {
		return unstamped
	}
	return s*1_000_000_000 + int64(ns)
}

// watchLearner latches a fault where the learner should have said something, and ends it:
// another goes on from the last checkpoint.
func (n *node) watchLearner() {
	l := n.loop.Load()
	if l == nil || n.process == nil || len(n.process.Messages()) > 0 {
		return
	}
	fault := n.watchdog.Silent(n.ros.Clock.Steady())
	if fault.Kind == safety.NoFault {
		return
	}
	n.watchdog.Rest()
	l.trip(fault)
	n.session.note(logging.Error, "learner process %d is ended: %s", n.process.PID(), fault)
	n.process.Kill()
}
