package node

import (
	"context"

	"guidedpolicysearch/msgs/std_msgs"
	"guidedpolicysearch/node/logging"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// Answers of the services.
const (
	emergencyTold = "the emergency stop is pressed; ~/release_emergency_stop, or false on the topic, releases it, then ~/reset_fault goes on"
	releaseTold   = "the emergency stop is released; ~/reset_fault goes on"
)

// serveEmergencyStop opens the topic (std_msgs/msg/Bool) that presses and releases the emergency
// stop, at once: its handler waits for nothing but the loop's lock.
func (n *node) serveEmergencyStop() error {
	topic, err := n.ros.ResolveTopic(emergencyRequest)
	if err != nil {
		return err
	}
	_, err = n.ros.Subscribe(topic, rostype.Of(new(std_msgs.Bool)), transport.Default(), func(payload []byte, _ transport.Info) {
		var m std_msgs.Bool
		// What is no message of this type may have been meant to stop the arm.
		pressed := m.UnmarshalCDR(payload) != nil || m.Data
		n.press(pressed)
	}, n.mismatch(topic, ""))
	return err
}

// press presses or releases the emergency stop, from any goroutine.
func (n *node) press(pressed bool) {
	n.pressing.Lock() // what is told last is in force in the node and in its loop
	defer n.pressing.Unlock()
	was := n.pressed.Swap(pressed)
	if l := n.loop.Load(); l != nil {
		l.emergencyStop(pressed)
	}
	switch {
	case pressed && !was:
		n.tell("the emergency stop was pressed")
	case !pressed && was:
		n.tell("the emergency stop was released")
	}
}

// requestEmergencyStop answers the service, whose handler has pressed the stop already.
func (n *node) requestEmergencyStop(context.Context) (string, error) { return emergencyTold, nil }

// requestRelease answers the service, whose handler has released the stop already.
func (n *node) requestRelease(context.Context) (string, error) { return releaseTold, nil }

// requestRelax lets go of the arm.
func (n *node) requestRelax(context.Context) (string, error) {
	l := n.loop.Load()
	if l == nil {
		return "", errNotActive
	}
	if err := l.relax(); err != nil {
		return "", err
	}
	n.session.note(logging.Info, "the arm is let go of")
	return "the arm is let go of; ~/start goes on", nil
}
