package transporttest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

// eventually waits until what happens on other threads has made ok true.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s did not come within %v", what, patience)
		}
	}
}

// calling calls c on a goroutine of its own, for a result that comes later.
func calling(ctx context.Context, c transport.Client, text string) <-chan error {
	ended := make(chan error, 1)
	go func() {
		_, err := c.Call(ctx, textRequest(text))
		ended <- err
	}()
	return ended
}

// testServiceComesAndGoes has a server that comes after the call, goes, and comes back.
func testServiceComesAndGoes(t *testing.T, pair Pair) {
	c := client(t, pair.near(t), "/restarted")
	if n := c.Servers(); n != 0 {
		t.Errorf("%d servers before there is one", n)
	}
	for i := range 3 {
		early := calling(patient(t), c, "early")
		server := pair.Far(t, transport.Options{Name: "server"})
		serve(t, server, "/restarted", echo(t))
		if err := receive(t, early, "the response to a call before there was a server"); err != nil {
			t.Fatal(err)
		}
		for j := range 10 {
			ask(t, patient(t), c, fmt.Sprint(i, j))
		}
		if n := c.Servers(); n != 1 {
			t.Errorf("%d servers, want 1", n)
		}
		if err := server.Close(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the server's end", func() bool { return c.Servers() == 0 })
	}
	// A service alone goes too, while its node stays.
	far := pair.far(t)
	s := serve(t, far, "/restarted", echo(t))
	ask(t, patient(t), c, "again")
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	eventually(t, "the service's end", func() bool { return c.Servers() == 0 })
}

func testServiceContext(t *testing.T, pair Pair) {
	near := pair.near(t)
	c := client(t, near, "/context")
	ctx, cancel := context.WithCancel(patient(t))
	waiting := calling(ctx, c, "nobody")
	cancel()
	if err := receive(t, waiting, "the end of the call"); !errors.Is(err, transport.ErrNoServer) || !errors.Is(err, context.Canceled) {
		t.Errorf("call without a server: %v, want ErrNoServer and context.Canceled", err)
	}
	short, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	if _, err := c.Call(short, textRequest("nobody")); !errors.Is(err, transport.ErrNoServer) || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call without a server: %v, want ErrNoServer and context.DeadlineExceeded", err)
	}
	entered := make(chan struct{}, 10)
	serve(t, pair.far(t), "/context", func(request []byte, reply transport.Reply) {
		switch requestText(t, request) {
		case "silence":
			entered <- struct{}{}
			return
		case "late":
			t.Error("request of a call whose context had ended before")
		}
		echo(t)(request, reply)
	})
	ctx, cancel = context.WithCancel(patient(t))
	silent := calling(ctx, c, "silence")
	receive(t, entered, "the request")
	cancel()
	if err := receive(t, silent, "the end of the call"); !errors.Is(err, context.Canceled) || errors.Is(err, transport.ErrNoServer) {
		t.Errorf("call without a response: %v, want context.Canceled alone", err)
	}
	for range 20 {
		if _, err := c.Call(ctx, textRequest("late")); !errors.Is(err, context.Canceled) {
			t.Errorf("call with a context that has ended: %v, want context.Canceled", err)
		}
	}
	ask(t, patient(t), c, "after")
}

// testServiceClientGone closes a client, and then its node, while the server still has the
// request.
func testServiceClientGone(t *testing.T, pair Pair) {
	pair.need(t, DeferredReplies)
	kept := make(chan transport.Reply, 1)
	serve(t, pair.near(t), "/gone", func(request []byte, reply transport.Reply) {
		if requestText(t, request) == "keep" {
			kept <- reply
			return
		}
		echo(t)(request, reply)
	})
	for _, closes := range []string{"client", "node"} {
		node := pair.Near(t, transport.Options{Name: "gone"})
		c := client(t, node, "/gone")
		ended := calling(patient(t), c, "keep")
		reply := receive(t, kept, "the request")
		var err error
		if closes == "client" {
			err = c.Close()
		} else {
			err = node.Close()
		}
		if err != nil {
			t.Error(err)
		}
		if err := receive(t, ended, "the end of the call"); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("call whose %s was closed: %v, want ErrClosed", closes, err)
		}
		if err := reply(textResponse("too late")); err != nil {
			t.Errorf("reply to a %s that is gone: %v", closes, err)
		}
		ask(t, patient(t), client(t, pair.far(t), "/gone"), "next")
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	}
}

// testServiceServerGone closes a service that has a request: its reply fails, and the call
// goes on waiting.
func testServiceServerGone(t *testing.T, pair Pair) {
	pair.need(t, DeferredReplies)
	kept := make(chan transport.Reply, 1)
	s := serve(t, pair.near(t), "/left", func(_ []byte, reply transport.Reply) { kept <- reply })
	c := client(t, open(t, pair.Near, "caller"), "/left")
	ctx, cancel := context.WithCancel(patient(t))
	ended := calling(ctx, c, "keep")
	reply := receive(t, kept, "the request")
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := reply(textResponse("too late")); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("reply of a closed service: %v, want ErrClosed", err)
	}
	eventually(t, "the service's end", func() bool { return c.Servers() == 0 })
	cancel()
	if err := receive(t, ended, "the end of the call"); !errors.Is(err, context.Canceled) {
		t.Errorf("call whose server is gone: %v, want context.Canceled", err)
	}
}

// testServiceClosed closes clients and nodes with calls under way, and uses what is closed.
func testServiceClosed(t *testing.T, pair Pair) {
	entered := make(chan struct{}, 100)
	serve(t, pair.far(t), "/silent", func([]byte, transport.Reply) { entered <- struct{}{} })
	node := pair.Near(t, transport.Options{Name: "closing"})
	alone, answered := client(t, node, "/nobody"), client(t, node, "/silent")
	left, silent := client(t, node, "/nobody"), client(t, node, "/silent")
	s := serve(t, node, "/own", echo(t))
	ctx := patient(t)
	var ended []<-chan error
	for i, c := range []transport.Client{alone, answered, left, silent} {
		for range 3 {
			ended = append(ended, calling(ctx, c, fmt.Sprint(i)))
		}
	}
	for range 6 {
		receive(t, entered, "a request")
	}
	for range 2 {
		if err := errors.Join(alone.Close(), answered.Close()); err != nil {
			t.Error(err)
		}
	}
	for _, e := range ended[:6] {
		if err := receive(t, e, "the end of a call"); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("call of a closed client: %v, want ErrClosed", err)
		}
	}
	for range 2 {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	}
	for _, e := range ended[6:] {
		if err := receive(t, e, "the end of a call"); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("call on a closed node: %v, want ErrClosed", err)
		}
	}
	for _, c := range []transport.Client{alone, silent} {
		if _, err := c.Call(ctx, textRequest("x")); !errors.Is(err, transport.ErrClosed) {
			t.Errorf("Call after Close: %v, want ErrClosed", err)
		}
		if n := c.Servers(); n != 0 {
			t.Errorf("%d servers after Close, want 0", n)
		}
	}
	if err := errors.Join(s.Close(), silent.Close()); err != nil {
		t.Error(err)
	}
	if _, err := node.Service("/own", textService, transport.ServiceQoS(), echo(t)); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Service on a closed node: %v, want ErrClosed", err)
	}
	if _, err := node.Client("/own", textService, transport.ServiceQoS()); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Client on a closed node: %v, want ErrClosed", err)
	}
}

// testCloseWaits closes nodes whose handlers run: Close waits for them, and ends the calls that
// they wait for.
func testCloseWaits(t *testing.T, pair Pair) {
	far := pair.far(t)
	asked := make(chan struct{}, 1)
	serve(t, far, "/silent", func([]byte, transport.Reply) { asked <- struct{}{} })
	ctx := patient(t)
	for i, c := range []struct {
		name    string
		message bool // the handler is that of a message
		calls   bool // it waits for a service
	}{{"message", true, false}, {"request", false, false}, {"message that calls", true, true}} {
		near := pair.Near(t, transport.Options{Name: "closing"})
		entered := make(chan struct{})
		var ended atomic.Bool
		silent := client(t, near, "/silent")
		handle := func() {
			close(entered)
			if c.calls {
				if _, err := silent.Call(ctx, textRequest("x")); !errors.Is(err, transport.ErrClosed) {
					t.Errorf("call of a node that closes: %v, want ErrClosed", err)
				}
			}
			time.Sleep(20 * time.Millisecond)
			ended.Store(true)
		}
		var left <-chan error
		if c.message {
			pub, _ := connected(t, far, near, fmt.Sprintf("/waits%d", i), transport.Default(), func([]byte, transport.Info) { handle() })
			publish(t, pub, numbered(1, 8))
		} else {
			serve(t, near, "/waits", func([]byte, transport.Reply) { handle() })
			caller := open(t, pair.Near, "caller")
			call, cancel := context.WithCancel(ctx)
			left = calling(call, client(t, caller, "/waits"), "x")
			defer func() { cancel(); <-left }()
		}
		receive(t, entered, "the handler of a "+c.name)
		if c.calls {
			receive(t, asked, "the request of a handler")
		}
		if err := near.Close(); err != nil {
			t.Error(err)
		}
		if !ended.Load() {
			t.Errorf("Close returned while the handler of a %s was running", c.name)
		}
	}
}

// testServiceCloseInHandler has a handler that closes its own service.
func testServiceCloseInHandler(t *testing.T, pair Pair) {
	near := pair.near(t)
	var s transport.Service
	ready := make(chan struct{}) // orders the assignment below before the handler
	var calls atomic.Int32
	closed := make(chan struct{})
	s = serve(t, near, "/self", func([]byte, transport.Reply) {
		<-ready
		if calls.Add(1) > 1 {
			return
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		close(closed)
	})
	close(ready)
	c := client(t, open(t, pair.Near, "caller"), "/self")
	ctx, cancel := context.WithCancel(patient(t))
	var ended []<-chan error
	for i := range 3 {
		ended = append(ended, calling(ctx, c, fmt.Sprint(i)))
	}
	receive(t, closed, "the handler")
	eventually(t, "the service's end", func() bool { return c.Servers() == 0 })
	cancel()
	for _, e := range ended {
		if err := receive(t, e, "the end of a call"); err == nil {
			t.Error("a call of a service that never replies succeeded")
		}
	}
	// The node goes on, and has not called the handler again.
	serve(t, near, "/other", echo(t))
	ask(t, patient(t), client(t, pair.far(t), "/other"), "x")
	if n := calls.Load(); n != 1 {
		t.Errorf("handler called %d times, want once: it closed its service", n)
	}
}

// testServiceFlood holds a service's handler up with hundreds of requests behind it: the
// node's messages come all the same.
func testServiceFlood(t *testing.T, pair Pair) {
	const flood = 400
	near, far := pair.near(t), pair.far(t)
	hold := newGate()
	var running, handled atomic.Int32
	answer := echo(t)
	serve(t, near, "/flood", func(request []byte, reply transport.Reply) {
		hold.pass()
		if running.Add(1) != 1 {
			t.Error("two service handlers of one node at a time")
		}
		handled.Add(1)
		answer(request, reply)
		running.Add(-1)
	})
	caller := open(t, pair.Near, "caller")
	c := client(t, caller, "/flood")
	in := newInbox()
	pub, _ := connected(t, far, near, "/beside", transport.Default(), in.handle)
	ctx := patient(t)
	var wg sync.WaitGroup
	for i := range flood {
		wg.Add(1)
		go func() {
			defer wg.Done()
			ask(t, ctx, c, fmt.Sprint(i))
		}()
	}
	receive(t, hold.entered, "the first request")
	for i := range 100 {
		publish(t, pub, numbered(i, 8))
		if got := number(in.next(t)); got != i {
			t.Fatalf("message %d, want %d", got, i)
		}
	}
	close(hold.open)
	wg.Wait()
	if n := handled.Load(); n != flood {
		t.Errorf("%d requests handled, want %d", n, flood)
	}
}

// testServiceInMessageHandler calls a service while the node's messages wait, and one that
// publishes in turn.
func testServiceInMessageHandler(t *testing.T, pair Pair) {
	near, far := pair.near(t), pair.far(t)
	in := newInbox()
	pub, _ := connected(t, near, open(t, pair.Near, "observer"), "/told", transport.Default(), in.handle)
	serve(t, near, "/publishes", func(request []byte, reply transport.Reply) {
		if err := pub.Publish(numbered(7, 8)); err != nil {
			t.Error(err)
		}
		echo(t)(request, reply)
	})
	c := client(t, near, "/publishes")
	ctx := patient(t)
	done := make(chan struct{})
	asker, _ := connected(t, far, near, "/ask", transport.Default(), func([]byte, transport.Info) {
		ask(t, ctx, c, "from a handler")
		close(done)
	})
	publish(t, asker, numbered(1, 8))
	receive(t, done, "the call")
	if got := number(in.next(t)); got != 7 {
		t.Errorf("message %d, want 7", got)
	}
}
