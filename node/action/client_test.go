package action_test

import (
	"context"
	"errors"
	"testing"

	gps "guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/action"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

func TestClientWithoutServer(t *testing.T) {
	var bus mem.Bus
	n := node(t, &bus, "tool")
	c, err := action.NewClient(n, action.ClientConfig{Name: name, Type: train()})
	must(t, err)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	for _, feedback := range []func([]byte){nil, func([]byte) {}} {
		if _, err := c.Send(ended, &gps.Train_Goal{}, feedback); !errors.Is(err, transport.ErrNoServer) || !errors.Is(err, context.Canceled) {
			t.Errorf("%v, want ErrNoServer and the context's error", err)
		}
	}
	errs := make(chan error, 2)
	for _, feedback := range []func([]byte){nil, func([]byte) {}} {
		go func() {
			_, err := c.Send(context.Background(), &gps.Train_Goal{}, feedback)
			errs <- err
		}()
	}
	must(t, c.Close(), c.Close())
	for range 2 {
		if err := next(t, errs); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("%v, want ErrClosed", err)
		}
	}
}

func TestCancelAll(t *testing.T) {
	b := open(t, nil)
	var goals []*action.Goal
	for range 3 {
		_, g := b.send()
		goals = append(goals, g)
	}
	if n, err := b.client.CancelAll(patient(t)); n != 3 || err != nil {
		t.Errorf("%d, %v, want 3", n, err)
	}
	for _, g := range goals {
		next(t, g.CancelRequested())
	}
	if n, err := b.client.CancelAll(patient(t)); n != 0 || err != nil {
		t.Errorf("%d, %v, want none", n, err)
	}
}

func TestNewClientLeavesNothingBehind(t *testing.T) {
	var bus mem.Bus
	n := node(t, &bus, "tool")
	for _, cfg := range []action.ClientConfig{{Name: "train", Type: train()}, {Name: name}} {
		if _, err := action.NewClient(n, cfg); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", cfg, err)
		}
		if _, err := action.NewServer(n, action.Config{Name: cfg.Name, Type: cfg.Type, Now: func() int64 { return 0 }, Result: &gps.Train_Result{},
			Handler: action.Handler{Accepted: func(*action.Goal) {}}}); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("%+v: %v, want ErrInvalid", cfg, err)
		}
	}
	if g, err := n.Graph(); err != nil || len(g.Endpoints)+len(g.Services) != 0 {
		t.Errorf("%+v is left, %v", g, err)
	}
}
