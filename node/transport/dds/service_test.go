//go:build !rclgo

package dds

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

var trigger = transport.Type{Name: "std_srvs/srv/Trigger"}

func patience(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// foreign opens an endpoint of a service as another middleware has it: with the names, but
// without an identifier.
func foreign(t *testing.T, n *Node, service string, h transport.Handler, suffix, typeSuffix string) (e *endpoint, matched <-chan struct{}) {
	t.Helper()
	connected := make(chan struct{}, 10)
	e = &endpoint{node: n, topic: service, hidden: true, handler: h, match: func(s transport.Status) {
		if s.Matched > 0 {
			connected <- struct{}{}
		}
	}}
	prefix := "rq"
	if suffix == "Reply" {
		prefix = "rr"
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := e.open(n.messages, names{topic: prefix + service + suffix, typ: typeName(trigger, typeSuffix)}, transport.ServiceQoS(), n.opts.MaxPayload); err != nil {
		t.Fatal(err)
	}
	return e, connected
}

func wait(t *testing.T, c <-chan struct{}, what string) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(30 * time.Second):
		t.Fatalf("no %s within 30 s", what)
	}
}

// TestForeignRequests has a writer without an identifier, and then a client that sends what is
// too short for an identity: neither reaches the handler, and the service goes on.
func TestForeignRequests(t *testing.T) {
	a, b := openAlone(t, "server", ""), openAlone(t, "client", "")
	got := make(chan []byte, 10)
	if _, err := a.Service("/start", trigger, transport.ServiceQoS(), func(request []byte, reply transport.Reply) {
		got <- slices.Clone(request)
		reply([]byte{0, 1, 0, 0, 7})
	}); err != nil {
		t.Fatal(err)
	}
	stranger, matched := foreign(t, b, "/start", nil, "Request", "_Request")
	wait(t, matched, "connection")
	if err := stranger.send(append([]byte{0, 1, 0, 0}, make([]byte, 40)...)); err != nil {
		t.Fatal(err)
	}
	c, err := b.Client("/start", trigger, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	call := func() {
		t.Helper()
		response, err := c.Call(patience(t), []byte{0, 1, 0, 0, 5})
		if err != nil || !slices.Equal(response, []byte{0, 1, 0, 0, 7}) {
			t.Fatalf("% x, %v", response, err)
		}
		if request := next(t, got); !slices.Equal(request, []byte{0, 1, 0, 0, 5}) {
			t.Fatalf("request % x", request)
		}
	}
	call()
	if err := c.(*client).requests.send([]byte{0, 1, 0, 0, 1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	call()
	if n := a.Stats().Malformed; n != 2 {
		t.Errorf("counted %d malformed requests, want 2", n)
	}
	if len(got) != 0 {
		t.Errorf("%d requests more than were sent", len(got))
	}
}

// TestNoRequestToForeignServer has a server of another middleware beside one of this: no
// request is sent until it is gone.
func TestNoRequestToForeignServer(t *testing.T) {
	a, b := openAlone(t, "server", ""), openAlone(t, "client", "")
	harmed := make(chan []byte, 10)
	stranger, matched := foreign(t, a, "/start", func(p []byte, _ transport.Info) { harmed <- p }, "Request", "_Request")
	c, err := b.Client("/start", trigger, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	wait(t, matched, "connection")
	if _, err := a.Service("/start", trigger, transport.ServiceQoS(), func(_ []byte, reply transport.Reply) { reply([]byte{0, 1, 0, 0, 7}) }); err != nil {
		t.Fatal(err)
	}
	short, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := c.Call(short, []byte{0, 1, 0, 0, 5}); !errors.Is(err, transport.ErrNoServer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("call beside a foreign server: %v, want ErrNoServer", err)
	}
	if c.Servers() != 1 {
		t.Errorf("%d servers, want 1", c.Servers())
	}
	answered := make(chan error, 1)
	go func() {
		_, err := c.Call(patience(t), []byte{0, 1, 0, 0, 5})
		answered <- err
	}()
	stranger.close()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	if len(harmed) != 0 {
		t.Errorf("the foreign server got % x", <-harmed)
	}
}

// TestResponseWaitsForReader has a client whose reader comes only after its request was
// answered.
func TestResponseWaitsForReader(t *testing.T) {
	a, b := openAlone(t, "server", ""), openAlone(t, "client", "")
	replied := make(chan error, 1)
	if _, err := a.Service("/start", trigger, transport.ServiceQoS(), func(_ []byte, reply transport.Reply) {
		replied <- reply([]byte{0, 1, 0, 0, 7})
	}); err != nil {
		t.Fatal(err)
	}
	matched := make(chan struct{}, 10)
	const id = "clientid=1.2;"
	writer := &endpoint{node: b, hidden: true, match: func(s transport.Status) {
		if s.Matched > 0 {
			matched <- struct{}{}
		}
	}}
	got := make(chan []byte, 1)
	reader := &endpoint{node: b, hidden: true, handler: func(p []byte, _ transport.Info) { got <- slices.Clone(p) }}
	open := func(e *endpoint, topic, suffix string) {
		t.Helper()
		b.mu.Lock()
		defer b.mu.Unlock()
		if err := e.open(b.messages, names{topic, typeName(trigger, suffix), id}, transport.ServiceQoS(), 1000); err != nil {
			t.Fatal(err)
		}
	}
	open(writer, "rq/startRequest", "_Request")
	wait(t, matched, "connection")
	if err := writer.send(withIdentity(nil, []byte{0, 1, 0, 0, 5}, identity{3, 4})); err != nil {
		t.Fatal(err)
	}
	if err := <-replied; err != nil {
		t.Fatal(err)
	}
	open(reader, "rr/startReply", "_Response")
	if response, want := next(t, got), withIdentity(nil, []byte{0, 1, 0, 0, 7}, identity{3, 4}); !slices.Equal(response, want) {
		t.Errorf("response % x, want % x", response, want)
	}
}

// TestPeersWhileOpening asks for the peers of an endpoint as its handlers may before it is all
// there.
func TestPeersWhileOpening(t *testing.T) {
	n := openAlone(t, "arm", "")
	for range 20 {
		e := &endpoint{node: n, topic: "/x", hidden: true, handler: func([]byte, transport.Info) {}}
		opened := make(chan error, 1)
		n.mu.Lock()
		go func() {
			defer n.mu.Unlock()
			opened <- e.open(n.messages, names{topic: "rt/x", typ: typeName(floats, "")}, transport.Default(), 1000)
		}()
		for there := false; !there; {
			n.table.RLock()
			for _, known := range n.table.byID {
				there = there || known == e
			}
			n.table.RUnlock()
		}
		e.peerHandles()
		if err := <-opened; err != nil {
			t.Fatal(err)
		}
		e.close()
	}
}
