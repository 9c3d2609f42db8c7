package action_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/msgs/action_msgs"
	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/msgs/unique_identifier_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

// patience is how long a test waits for what has to happen.
const patience = 30 * time.Second

const name = "/gps/train"

func train() action.Type {
	return action.Type{SendGoal: &gps.Train_SendGoal{}, GetResult: &gps.Train_GetResult{}, Feedback: &gps.Train_FeedbackMessage{}}
}

// bench is a server and clients of its parts on two nodes.
type bench struct {
	t        *testing.T
	far      transport.Node
	server   *action.Server
	client   *action.Client
	raw      map[string]transport.Client
	accepted chan *action.Goal
	statuses chan []action_msgs.GoalStatus
	clock    atomic.Int64 // ns
}

func open(t *testing.T, change func(*action.Config)) *bench {
	t.Helper()
	var bus mem.Bus
	return openOn(t, node(t, &bus, "gps"), node(t, &bus, "tool"), change)
}

func openOn(t *testing.T, near, far transport.Node, change func(*action.Config)) *bench {
	t.Helper()
	b := &bench{t: t, far: far, raw: map[string]transport.Client{}, accepted: make(chan *action.Goal, 100)}
	b.clock.Store(1)
	cfg := action.Config{
		Name: name, Type: train(), Now: b.clock.Load, Result: &gps.Train_Result{},
		Handler: action.Handler{Accepted: func(g *action.Goal) { b.accepted <- g }},
	}
	if change != nil {
		change(&cfg)
	}
	var err error
	if b.server, err = action.NewServer(near, cfg); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.server.Close() })
	if b.client, err = action.NewClient(far, action.ClientConfig{Name: name, Type: train()}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.client.Close() })
	for part, typ := range map[string]string{"send_goal": "guided_policy_search_msgs/action/Train_SendGoal", "get_result": "guided_policy_search_msgs/action/Train_GetResult", "cancel_goal": "action_msgs/srv/CancelGoal"} {
		c, err := far.Client(name+"/_action/"+part, transport.Type{Name: typ}, transport.ServiceQoS())
		if err != nil {
			t.Fatal(err)
		}
		b.raw[part] = c
	}
	return b
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

// watch subscribes to the status topic.
func (b *bench) watch() {
	b.t.Helper()
	b.statuses = make(chan []action_msgs.GoalStatus, 100)
	_, err := b.far.Subscribe(name+"/_action/status", transport.Type{Name: "action_msgs/msg/GoalStatusArray"},
		transport.QoS{Reliability: transport.Reliable, Durability: transport.TransientLocal, Depth: 100},
		func(payload []byte, _ transport.Info) {
			var m action_msgs.GoalStatusArray
			if err := m.UnmarshalCDR(payload); err != nil {
				b.t.Error(err)
			}
			b.statuses <- m.StatusList
		}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
}

// next receives from a channel.
func next[T any](t *testing.T, from <-chan T) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatal("nothing came")
	}
	panic("unreachable")
}

func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// send sends a goal and returns both of its sides.
func (b *bench) send() (*action.Sent, *action.Goal) {
	b.t.Helper()
	s, err := b.client.Send(patient(b.t), &gps.Train_Goal{Iterations: 5}, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return s, next(b.t, b.accepted)
}

func (b *bench) call(part string, request []byte) []byte {
	b.t.Helper()
	response, err := b.raw[part].Call(patient(b.t), request)
	if err != nil {
		b.t.Fatalf("%s: %v", part, err)
	}
	return response
}

// sendID sends a goal of a given ID and returns whether it was accepted.
func (b *bench) sendID(id action.ID) bool {
	b.t.Helper()
	request := gps.Train_SendGoal_Request{GoalId: unique_identifier_msgs.UUID{Uuid: id}}
	var response gps.Train_SendGoal_Response
	b.decode(&response, b.call("send_goal", request.AppendCDR(nil)))
	return response.Accepted
}

func (b *bench) resultOf(id action.ID) gps.Train_GetResult_Response {
	b.t.Helper()
	request := gps.Train_GetResult_Request{GoalId: unique_identifier_msgs.UUID{Uuid: id}}
	var response gps.Train_GetResult_Response
	b.decode(&response, b.call("get_result", request.AppendCDR(nil)))
	return response
}

func (b *bench) decode(m interface{ UnmarshalCDR([]byte) error }, payload []byte) {
	b.t.Helper()
	if err := m.UnmarshalCDR(payload); err != nil {
		b.t.Fatal(err)
	}
}

// must fails the test for any error.
func must(t *testing.T, errs ...error) {
	t.Helper()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
}

// offered is a transport that keeps handlers, and whose publishers have no subscriptions.
type offered struct {
	services map[string]transport.ServiceHandler
	topics   map[string]transport.Handler
	answer   func(service string, request []byte) []byte
}

func (o *offered) Publisher(string, transport.Type, transport.QoS, transport.StatusHandler) (transport.Publisher, error) {
	return silent{}, nil
}

func (o *offered) Service(name string, _ transport.Type, _ transport.QoS, h transport.ServiceHandler) (transport.Service, error) {
	o.services[name] = h
	return silent{}, nil
}

func (o *offered) Subscribe(topic string, _ transport.Type, _ transport.QoS, h transport.Handler, status transport.StatusHandler) (transport.Subscription, error) {
	o.topics[topic] = h
	status(transport.Status{Matched: 1})
	return silent{}, nil
}

func (o *offered) Client(name string, _ transport.Type, _ transport.QoS) (transport.Client, error) {
	return caller{o, name}, nil
}

type silent struct{}

func (silent) Publish([]byte) error { return nil }
func (silent) Matched() int         { return 0 }
func (silent) Close() error         { return nil }

type caller struct {
	o    *offered
	name string
}

func (c caller) Call(_ context.Context, request []byte) ([]byte, error) {
	return c.o.answer(c.name, request), nil
}
func (c caller) Servers() int { return 1 }
func (c caller) Close() error { return nil }
