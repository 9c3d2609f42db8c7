package transporttest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

func testServiceTooLarge(t *testing.T, pair Pair) {
	const limit = 4000
	fits := func(extra int) string { return strings.Repeat("x", limit-len(textRequest(""))+extra) }
	near := pair.Near(t, transport.Options{Name: "near", MaxPayload: limit})
	t.Cleanup(func() { near.Close() })
	far := pair.far(t)
	// What this node would send.
	serve(t, far, "/large", func(request []byte, reply transport.Reply) {
		text := "ok"
		if got := requestText(t, request); strings.HasPrefix(got, "large") {
			text = strings.Repeat("y", 2*limit)
		}
		if err := reply(textResponse(text)); err != nil {
			t.Error(err)
		}
	})
	c := client(t, near, "/large")
	if _, err := c.Call(patient(t), textRequest(fits(1))); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("call above the limit: %v, want ErrTooLarge", err)
	}
	if got, err := c.Call(patient(t), textRequest(fits(0))); err != nil || responseText(t, got) != "ok" {
		t.Errorf("call at the limit: % x, %v", got, err)
	}
	// What it would receive.
	if !pair.has(t, BoundedServices) {
		return
	}
	ctx, cancel := context.WithCancel(patient(t))
	ended := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, textRequest("large, please"))
		ended <- err
	}()
	eventually(t, "the large response to be counted", func() bool { return near.Stats().TooLarge == 1 })
	cancel()
	if err := receive(t, ended, "the end of the call"); !errors.Is(err, context.Canceled) {
		t.Errorf("call whose response was dropped: %v, want context.Canceled", err)
	}
	if got, err := c.Call(patient(t), textRequest("small")); err != nil || responseText(t, got) != "ok" {
		t.Errorf("call after a large response: % x, %v", got, err)
	}
	serve(t, near, "/bounded", echo(t))
	caller := open(t, pair.Near, "caller")
	b := client(t, caller, "/bounded")
	ask(t, patient(t), b, "small")
	ctx, cancel = context.WithCancel(patient(t))
	go func() {
		_, err := b.Call(ctx, textRequest(fits(100)))
		ended <- err
	}()
	eventually(t, "the large request to be counted", func() bool { return near.Stats().TooLarge == 2 })
	cancel()
	if err := receive(t, ended, "the end of the call"); !errors.Is(err, context.Canceled) {
		t.Errorf("call whose request was dropped: %v, want context.Canceled", err)
	}
	ask(t, patient(t), b, "small again")
}

func testServiceInvalid(t *testing.T, pair Pair) {
	near := pair.near(t)
	for _, c := range []struct {
		name, typ string
		depth     int
	}{
		{"start", "std_srvs/srv/Trigger", 1},
		{"/a b", "std_srvs/srv/Trigger", 1},
		{"/", "std_srvs/srv/Trigger", 1},
		{"/a//b", "std_srvs/srv/Trigger", 1},
		{"", "std_srvs/srv/Trigger", 1},
		{"/" + strings.Repeat("a", 300), "std_srvs/srv/Trigger", 1},
		{"/a", "std_msgs/msg/String", 1},
		{"/a", "std_srvs/Trigger", 1},
		{"/a", "std_srvs/srv/Trigger;serviceid=1", 1},
		{"/a", "", 1},
		{"/a", "std_srvs/srv/Trigger", 0},
		{"/a", "std_srvs/srv/Trigger", transport.MaxDepth + 1},
	} {
		q := transport.ServiceQoS()
		q.Depth = c.depth
		if _, err := near.Service(c.name, transport.Type{Name: c.typ}, q, echo(t)); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("Service(%.40q, %q, depth %d): %v, want ErrInvalid", c.name, c.typ, c.depth, err)
		}
		if _, err := near.Client(c.name, transport.Type{Name: c.typ}, q); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("Client(%.40q, %q, depth %d): %v, want ErrInvalid", c.name, c.typ, c.depth, err)
		}
	}
	if _, err := near.Service("/a", textService, transport.ServiceQoS(), nil); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("Service without a handler: %v, want ErrInvalid", err)
	}
	serve(t, near, "/a", echo(t))
	c := client(t, near, "/a")
	for _, payload := range [][]byte{nil, {}, {0, 1, 0}, {1, 0, 0, 0}, {0, 2, 0, 0, 1}} {
		if _, err := c.Call(patient(t), payload); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("Call(% x): %v, want ErrInvalid", payload, err)
		}
	}
	ask(t, patient(t), c, "valid")
}

// testServiceTypes has a server of another type and one of too low a quality of service: a
// client is connected to neither.
func testServiceTypes(t *testing.T, pair Pair) {
	pair.need(t, TypesOfATopic)
	near, far := pair.near(t), pair.far(t)
	handled := func([]byte, transport.Reply) { t.Error("request to a server that does not match") }
	if _, err := far.Service("/types", emptyService, transport.ServiceQoS(), handled); err != nil {
		t.Fatal(err)
	}
	weak := transport.ServiceQoS()
	weak.Reliability = transport.BestEffort
	if _, err := far.Service("/types", textService, weak, handled); err != nil {
		t.Fatal(err)
	}
	serve(t, far, "/right", echo(t))
	c := client(t, near, "/types")
	ask(t, patient(t), client(t, near, "/right"), "known") // and so, soon, is what came before
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if _, err := c.Call(ctx, textRequest("x")); !errors.Is(err, transport.ErrNoServer) {
		t.Errorf("call of servers that do not match: %v, want ErrNoServer", err)
	}
	if n := c.Servers(); n != 0 {
		t.Errorf("%d servers connected, want none that matches", n)
	}
}
