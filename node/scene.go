package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"guidedpolicysearch/hardware/safety"
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/msgs/std_srvs"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/trial"
)

// SceneConfig says how what is around the arm gets back to where a trial begins.
type SceneConfig struct {
	Service string        `param:"service" desc:"Service (std_srvs/srv/Trigger) that is called before each trial, once the arm is where it begins, and puts objects back to where they begin, such as sim_robot/reset_scene; empty for none." takes:"start"`
	Place   string        `param:"place_service" desc:"In lock_step, service (guided_policy_search_msgs/srv/PlaceRobot) that is called before each trial, once the arm is where it begins, and puts a simulated arm there exactly, and objects back, such as sim_robot/place: then no trial depends on those before it. Empty for none." takes:"start"`
	Timeout time.Duration `param:"timeout" desc:"Time within which each of the services must answer." unit:"s" range:"(0, 3600]" takes:"trial"`
}

// openScene opens the clients of the services that reset the scene, and place the robot, where there
// are such.
func (n *node) openScene() error {
	var err error
	if n.scene, err = n.openService(n.scene, "scene.service", n.cfg.Scene.Service, new(std_srvs.Trigger)); err != nil {
		return err
	}
	place := n.cfg.Scene.Place
	if !n.cfg.LockStep {
		place = "" // time goes on between the place and the trial
	}
	n.placement, err = n.openService(n.placement, "scene.place_service", place, new(guided_policy_search_msgs.PlaceRobot))
	return err
}

// openService closes a client and opens one of a service that a parameter names, none where it is empty.
func (n *node) openService(old transport.Client, parameter, service string, of msgs.Type) (transport.Client, error) {
	if old != nil {
		old.Close()
	}
	if service == "" {
		return nil, nil
	}
	name, err := n.ros.Resolve(service)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", parameter, err)
	}
	return n.ros.Client(name, rostype.Of(of), transport.ServiceQoS())
}

// resetScene has objects put back.
func (n *node) resetScene(ctx context.Context) error {
	if n.scene == nil {
		return nil
	}
	var response std_srvs.Trigger_Response
	err := n.callScene(ctx, n.scene, new(std_srvs.Trigger_Request).AppendCDR(nil), response.UnmarshalCDR)
	if err == nil && !response.Success {
		err = fmt.Errorf("it refused: %s", response.Message)
	}
	if err != nil {
		return fmt.Errorf("the scene cannot be reset by %s (scene.service): %w", n.cfg.Scene.Service, err)
	}
	return nil
}

// placeRobot has a simulated arm put where the trial of a command begins, and tells whether there is
// one.
func (n *node) placeRobot(ctx context.Context, c *trial.Command) (placed bool, err error) {
	if n.placement == nil || c.Here {
		return false, nil
	}
	request := guided_policy_search_msgs.PlaceRobot_Request{Position: c.InitialPosition, Seed: n.places.seed(c)}
	var response guided_policy_search_msgs.PlaceRobot_Response
	err = n.callScene(ctx, n.placement, request.AppendCDR(nil), response.UnmarshalCDR)
	if err == nil && !response.Success {
		err = fmt.Errorf("it refused: %s", response.Message)
	}
	if err != nil {
		return false, fmt.Errorf("the robot cannot be placed by %s (scene.place_service; empty for a robot that has no such service): %w", n.cfg.Scene.Place, err)
	}
	return true, nil
}

// callScene calls a service within scene.timeout, and has its answer read.
func (n *node) callScene(ctx context.Context, client transport.Client, request []byte, read func(payload []byte) error) error {
	ctx, cancel := context.WithTimeout(ctx, n.cfg.Scene.Timeout)
	defer cancel()
	payload, err := client.Call(ctx, request)
	if err == nil {
		err = read(payload)
	}
	switch {
	case errors.Is(err, transport.ErrNoServer):
		err = fmt.Errorf("nobody offers it, for %v (scene.timeout): is what simulates or watches the scene running?", n.cfg.Scene.Timeout)
	case errors.Is(err, context.DeadlineExceeded):
		err = fmt.Errorf("it did not answer within %v (scene.timeout)", n.cfg.Scene.Timeout)
	}
	return err
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
