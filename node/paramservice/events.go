package paramservice

import (
	"errors"
	"fmt"

	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/transport"
)

// announce publishes one event; as with rclcpp it has what was set, whether it differs from
// what was there or not.
func (s *Server) announce(changes []Change) {
	event := rcl_interfaces.ParameterEvent{Stamp: s.stamp(), Node: s.cfg.Node.FQN()}
	for _, c := range changes {
		switch {
		case c.New.Type == rcl.NotSet && c.Old.Type != rcl.NotSet:
			event.DeletedParameters = append(event.DeletedParameters, parameter(c.Name, c.Old))
		case c.Old.Type == rcl.NotSet:
			event.NewParameters = append(event.NewParameters, parameter(c.Name, c.New))
		default:
			event.ChangedParameters = append(event.ChangedParameters, parameter(c.Name, c.New))
		}
	}
	if err := s.publish(&event); err != nil {
		s.log(err)
	}
}

// announceAll publishes all parameters as new.
func (s *Server) announceAll() error {
	event := rcl_interfaces.ParameterEvent{Stamp: s.stamp(), Node: s.cfg.Node.FQN()}
	s.mu.Lock()
	for _, name := range s.store.Names() {
		if value, _, ok := s.store.Lookup(name); ok {
			event.NewParameters = append(event.NewParameters, parameter(name, value))
		}
	}
	s.mu.Unlock()
	return s.publish(&event)
}

func parameter(name string, v rcl.Value) rcl_interfaces.Parameter {
	return rcl_interfaces.Parameter{Name: name, Value: ToMessage(v)}
}

func (s *Server) publish(event *rcl_interfaces.ParameterEvent) error {
	err := s.events.Publish(event.AppendCDR(nil))
	if err == nil || errors.Is(err, transport.ErrClosed) {
		return nil
	}
	return fmt.Errorf("the parameter event of %s was not published: %w", event.Node, err)
}
