package lifecycle_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/lifecycle_msgs"
	"guidedpolicysearch/node/lifecycle"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// patience is how long a test waits for what has to happen.
const patience = 30 * time.Second

func resolve(name string) (string, error) { return strings.Replace(name, "~", "/gps", 1), nil }

// arm is a machine on a node, with clients of its services on another.
type arm struct {
	t       *testing.T
	machine *lifecycle.Machine
	clients map[string]transport.Client
	events  chan lifecycle_msgs.TransitionEvent
}

func open(t *testing.T, callbacks lifecycle.Callbacks) *arm {
	t.Helper()
	var bus mem.Bus
	return openOn(t, node(t, &bus, "gps"), node(t, &bus, "tool"), callbacks)
}

func openOn(t *testing.T, near, far transport.Node, callbacks lifecycle.Callbacks) *arm {
	t.Helper()
	a := &arm{t: t, clients: map[string]transport.Client{}, events: make(chan lifecycle_msgs.TransitionEvent, 100)}
	matched := make(chan struct{})
	var once sync.Once
	_, err := far.Subscribe("/gps/transition_event", transport.Type{Name: (&lifecycle_msgs.TransitionEvent{}).TypeName()},
		transport.QoS{Reliability: transport.Reliable, Depth: 100},
		func(payload []byte, _ transport.Info) {
			var e lifecycle_msgs.TransitionEvent
			if err := e.UnmarshalCDR(payload); err != nil {
				t.Error(err)
			}
			a.events <- e
		}, func(s transport.Status) {
			if s.Matched > 0 {
				once.Do(func() { close(matched) })
			}
		})
	if err != nil {
		t.Fatal(err)
	}
	now := int64(0)
	a.machine, err = lifecycle.New(near, lifecycle.Config{Resolve: resolve, Now: func() int64 { now++; return now }, Callbacks: callbacks})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.machine.Close(); err != nil {
			t.Error(err)
		}
	})
	for name, typ := range map[string]string{
		"change_state": "ChangeState", "get_state": "GetState", "get_available_states": "GetAvailableStates",
		"get_available_transitions": "GetAvailableTransitions", "get_transition_graph": "GetAvailableTransitions",
	} {
		c, err := far.Client("/gps/"+name, transport.Type{Name: "lifecycle_msgs/srv/" + typ}, transport.ServiceQoS())
		if err != nil {
			t.Fatal(err)
		}
		a.clients[name] = c
	}
	select {
	case <-matched:
	case <-time.After(patience):
		t.Fatal("no publisher of transition events")
	}
	return a
}

func node(t *testing.T, bus *mem.Bus, name string) *mem.Node {
	t.Helper()
	n, err := bus.Open(transport.Options{Name: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

// supervise handles requests until the test ends.
func (a *arm) supervise() {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			select {
			case r := <-a.machine.Requests():
				a.machine.Handle(ctx, r)
			case <-ctx.Done():
				return
			}
		}
	}()
	a.t.Cleanup(func() { cancel(); <-ended })
}

func (a *arm) call(service string, request []byte, response msgs.Message) {
	a.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	payload, err := a.clients[service].Call(ctx, request)
	if err != nil {
		a.t.Fatalf("%s: %v", service, err)
	}
	if err := response.UnmarshalCDR(payload); err != nil {
		a.t.Fatalf("%s: %v", service, err)
	}
}

func (a *arm) change(id uint8, label string) bool {
	a.t.Helper()
	request := lifecycle_msgs.ChangeState_Request{Transition: lifecycle_msgs.Transition{Id: id, Label: label}}
	var response lifecycle_msgs.ChangeState_Response
	a.call("change_state", request.AppendCDR(nil), &response)
	return response.Success
}

func (a *arm) state() lifecycle_msgs.State {
	a.t.Helper()
	var response lifecycle_msgs.GetState_Response
	a.call("get_state", (&lifecycle_msgs.GetState_Request{}).AppendCDR(nil), &response)
	return response.CurrentState
}

func (a *arm) transitions(service string) []lifecycle_msgs.TransitionDescription {
	a.t.Helper()
	var response lifecycle_msgs.GetAvailableTransitions_Response
	a.call(service, (&lifecycle_msgs.GetAvailableTransitions_Request{}).AppendCDR(nil), &response)
	return response.AvailableTransitions
}

func (a *arm) event() lifecycle_msgs.TransitionEvent {
	a.t.Helper()
	select {
	case e := <-a.events:
		return e
	case <-time.After(patience):
		a.t.Fatal("no transition event")
	}
	return lifecycle_msgs.TransitionEvent{}
}
