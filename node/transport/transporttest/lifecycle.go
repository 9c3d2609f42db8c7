package transporttest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

func testMatching(t *testing.T, pair Pair) {
	with := func(change func(*transport.QoS)) transport.QoS {
		q := transport.Default()
		change(&q)
		return q
	}
	bestEffort := with(func(q *transport.QoS) { q.Reliability = transport.BestEffort })
	latched := with(func(q *transport.QoS) { q.Durability = transport.TransientLocal })
	deadline := func(d time.Duration) transport.QoS { return with(func(q *transport.QoS) { q.Deadline = d }) }
	alive := func(d time.Duration) transport.QoS { return with(func(q *transport.QoS) { q.Liveliness = d }) }
	manual := func(d time.Duration) transport.QoS {
		return with(func(q *transport.QoS) { q.Liveliness, q.ManualLiveliness = d, true })
	}
	far, near := pair.far(t), pair.near(t)
	named := pair.has(t, PolicyNames)
	for i, c := range []struct {
		name               string
		offered, requested transport.QoS
		policy             string
	}{
		{"same", transport.Default(), transport.Default(), ""},
		{"reliable to best effort", transport.Default(), bestEffort, ""},
		{"best effort to reliable", bestEffort, transport.Default(), transport.PolicyReliability},
		{"latched to volatile", latched, transport.Default(), ""},
		{"volatile to latched", transport.Default(), latched, transport.PolicyDurability},
		{"depths", with(func(q *transport.QoS) { q.Depth = 1 }), with(func(q *transport.QoS) { q.Depth = 99 }), ""},
		{"shorter deadline", deadline(time.Minute), deadline(2 * time.Minute), ""},
		{"longer deadline", deadline(2 * time.Minute), deadline(time.Minute), transport.PolicyDeadline},
		{"no deadline", transport.Default(), deadline(time.Minute), transport.PolicyDeadline},
		{"shorter liveliness", alive(time.Minute), alive(2 * time.Minute), ""},
		{"same deadline", deadline(time.Minute), deadline(time.Minute), ""},
		{"deadline nobody asked for", deadline(time.Minute), transport.Default(), ""},
		{"same liveliness", alive(time.Minute), alive(time.Minute), ""},
		{"liveliness nobody asked for", alive(time.Minute), transport.Default(), ""},
		{"longer liveliness", alive(2 * time.Minute), alive(time.Minute), transport.PolicyLiveliness},
		{"no liveliness", transport.Default(), alive(time.Minute), transport.PolicyLiveliness},
		{"manual liveliness", manual(time.Hour), manual(time.Hour), ""},
		{"manual to automatic liveliness", manual(time.Hour), alive(time.Hour), ""},
		{"automatic to manual liveliness", alive(time.Hour), manual(time.Hour), transport.PolicyLiveliness},
		{"manual liveliness without a lease", manual(0), manual(0), ""},
		{"longer manual liveliness", manual(2 * time.Hour), manual(time.Hour), transport.PolicyLiveliness},
		{"best effort, volatile to reliable, latched", bestEffort, with(func(q *transport.QoS) { *q = transport.Latched() }), transport.PolicyReliability},
		{"lifespans", with(func(q *transport.QoS) { q.Lifespan = time.Hour }), with(func(q *transport.QoS) { q.Lifespan = time.Minute }), ""},
	} {
		if got := transport.Incompatible(c.offered, c.requested); got != c.policy {
			t.Errorf("%s: Incompatible = %q, want %q", c.name, got, c.policy)
		}
		topic := fmt.Sprintf("/matching%d", i)
		in, out := newInbox(), newInbox()
		sub := subscribe(t, near, topic, c.requested, in.handle, in.match)
		pub := publisher(t, far, topic, c.offered, out.match)
		for side, b := range map[string]*inbox{"subscription": in, "publisher": out} {
			for {
				m := receive(t, b.matches, c.name+": match of the "+side)
				if m == (transport.Status{}) {
					continue // before the other side came
				}
				want := transport.Status{Matched: 1}
				if c.policy != "" {
					want = transport.Status{Incompatible: 1, Policy: c.policy}
				}
				m.Incompatible = min(m.Incompatible, 1)
				if !named {
					m.Policy = want.Policy
				}
				if m != want {
					t.Errorf("%s: match of the %s is %+v, want %+v", c.name, side, m, want)
				}
				break
			}
		}
		sub.Close()
		pub.Close()
	}
	// Another type is another topic.
	if !pair.has(t, TypesOfATopic) {
		return
	}
	in := newInbox()
	subscribe(t, near, "/type", transport.Default(), in.handle, in.match)
	other, err := far.Publisher("/type", transport.Type{Name: "std_msgs/msg/Empty"}, transport.Default(), nil)
	if err != nil {
		t.Fatal(err)
	}
	out := newInbox()
	same := publisher(t, far, "/type", transport.Default(), out.match)
	out.untilMatched(t, 1)
	in.untilMatched(t, 1)
	publish(t, other, numbered(1, 8))
	publish(t, same, numbered(2, 8))
	if got := number(in.next(t)); got != 2 {
		t.Errorf("got message %d of another type", got)
	}
	if other.Matched() != 0 {
		t.Errorf("publisher of another type has %d subscriptions", other.Matched())
	}
}

func testMatchCounts(t *testing.T, pair Pair) {
	near, far := pair.near(t), pair.far(t)
	out := newInbox()
	pub := publisher(t, near, "/counts", transport.Default(), out.match)
	if m := receive(t, out.matches, "the first state"); m != (transport.Status{}) {
		t.Fatalf("first state %+v, want none connected", m)
	}
	ins := []*inbox{newInbox(), newInbox()}
	a := subscribe(t, far, "/counts", transport.Default(), ins[0].handle, ins[0].match)
	out.untilMatched(t, 1)
	b := subscribe(t, near, "/counts", transport.SensorData(), ins[1].handle, ins[1].match)
	out.untilMatched(t, 2)
	if pub.Matched() != 2 {
		t.Errorf("Matched is %d, want 2", pub.Matched())
	}
	for _, in := range ins {
		in.untilMatched(t, 1)
	}
	publish(t, pub, numbered(7, 8))
	for _, in := range ins {
		in.next(t)
	}
	a.Close()
	out.untilMatched(t, 1)
	b.Close()
	out.untilMatched(t, 0)
	if pub.Matched() != 0 || a.Matched() != 0 {
		t.Errorf("Matched is %d and %d after closing, want 0", pub.Matched(), a.Matched())
	}
	// A node that closes takes its endpoints along.
	gone := pair.Far(t, transport.Options{Name: "gone"})
	subscribe(t, gone, "/counts", transport.Default(), newInbox().handle, nil)
	out.untilMatched(t, 1)
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	out.untilMatched(t, 0)
}

func testOneHandlerAtATime(t *testing.T, pair Pair) {
	const messages = 200
	near := pair.near(t)
	q := transport.Default()
	q.Depth = messages
	var running, count atomic.Int32
	done := make(chan struct{})
	handler := func([]byte, transport.Info) {
		if running.Add(1) != 1 {
			t.Error("two handlers of one node at a time")
		}
		time.Sleep(10 * time.Microsecond)
		running.Add(-1)
		if count.Add(1) == 3*messages {
			close(done)
		}
	}
	var pubs []transport.Publisher
	for _, topic := range []string{"/one", "/two", "/three"} {
		p, _ := connected(t, pair.far(t), near, topic, q, handler)
		pubs = append(pubs, p)
	}
	var wg sync.WaitGroup
	for _, p := range pubs {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := range messages {
				if err := p.Publish(numbered(i, 8)); err != nil {
					t.Error(err)
				}
			}
		}()
	}
	wg.Wait()
	receive(t, done, "the last message")
}

func testCloseInHandler(t *testing.T, pair Pair) {
	near := pair.near(t)
	var sub transport.Subscription
	ready, closed := make(chan struct{}), make(chan struct{}, 100)
	pub, sub := connected(t, pair.far(t), near, "/self", transport.Default(), func([]byte, transport.Info) {
		<-ready
		if err := sub.Close(); err != nil {
			t.Error(err)
		}
		closed <- struct{}{}
	})
	close(ready)
	for i := range 3 {
		publish(t, pub, numbered(i, 8))
	}
	receive(t, closed, "the handler")
	// The node goes on, and has not called the handler again.
	in := newInbox()
	other, _ := connected(t, pair.far(t), near, "/other", transport.Default(), in.handle)
	publish(t, other, numbered(1, 8))
	in.next(t)
	if len(closed) != 0 {
		t.Error("handler called after Close")
	}
}

func testCloseDuringTraffic(t *testing.T, pair Pair) {
	far := pair.far(t)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 2 {
		p := publisher(t, far, "/traffic", transport.Default(), nil)
		wg.Add(1)
		go func() {
			defer wg.Done()
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := p.Publish(numbered(n, 100+i)); err != nil && !errors.Is(err, transport.ErrBlocked) {
					t.Error(err)
					return
				}
				time.Sleep(20 * time.Microsecond)
			}
		}()
	}
	for range 5 {
		near := pair.Near(t, transport.Options{Name: "near"})
		for range 10 {
			in := make(chan struct{}, 1)
			var closed atomic.Bool
			var late atomic.Int32
			sub := subscribe(t, near, "/traffic", transport.Default(), func([]byte, transport.Info) {
				if closed.Load() && late.Add(1) > 1 { // one may have been running
					t.Error("handler started after Close")
				}
				select {
				case in <- struct{}{}:
				default:
				}
			}, nil)
			receive(t, in, "traffic")
			sub.Close()
			closed.Store(true)
		}
		again := make(chan struct{}, 1)
		subscribe(t, near, "/traffic", transport.Default(), func([]byte, transport.Info) {
			select {
			case again <- struct{}{}:
			default:
			}
		}, nil)
		receive(t, again, "traffic")
		if err := near.Close(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

func testClosed(t *testing.T, pair Pair) {
	near := pair.near(t)
	pub := publisher(t, near, "/closed", transport.Default(), nil)
	sub := subscribe(t, near, "/closed", transport.Default(), newInbox().handle, nil)
	for range 2 {
		if err := errors.Join(pub.Close(), sub.Close()); err != nil {
			t.Error(err)
		}
	}
	if err := pub.Publish(numbered(1, 8)); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Publish after Close: %v, want ErrClosed", err)
	}
	left := publisher(t, near, "/closed", transport.Default(), nil)
	for range 2 {
		if err := near.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := left.Publish(numbered(1, 8)); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Publish on a closed node: %v, want ErrClosed", err)
	}
	if _, err := near.Publisher("/closed", stringType, transport.Default(), nil); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Publisher on a closed node: %v, want ErrClosed", err)
	}
	if _, err := near.Subscribe("/closed", stringType, transport.Default(), newInbox().handle, nil); !errors.Is(err, transport.ErrClosed) {
		t.Errorf("Subscribe on a closed node: %v, want ErrClosed", err)
	}
	if err := left.Close(); err != nil {
		t.Error(err)
	}
}

func testInvalid(t *testing.T, pair Pair) {
	near := pair.near(t)
	for _, c := range []struct {
		topic, typ string
		depth      int
	}{
		{"joint_states", "std_msgs/msg/String", 1},
		{"/joint states", "std_msgs/msg/String", 1},
		{"/", "std_msgs/msg/String", 1},
		{"/a//b", "std_msgs/msg/String", 1},
		{"/a/", "std_msgs/msg/String", 1},
		{"/1a", "std_msgs/msg/String", 1},
		{"", "std_msgs/msg/String", 1},
		{"/a", "std_msgs/String", 1},
		{"/a", "", 1},
		{"/a", "std_msgs/msg/", 1},
		{"/a", "std_msgs/msg/String", 0},
		{"/a", "std_msgs/msg/String", -1},
		{"/a", "std_msgs/msg/String", transport.MaxDepth + 1},
	} {
		q := transport.Default()
		q.Depth = c.depth
		if _, err := near.Publisher(c.topic, transport.Type{Name: c.typ}, q, nil); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("Publisher(%q, %q, depth %d): %v, want ErrInvalid", c.topic, c.typ, c.depth, err)
		}
		if _, err := near.Subscribe(c.topic, transport.Type{Name: c.typ}, q, newInbox().handle, nil); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("Subscribe(%q, %q, depth %d): %v, want ErrInvalid", c.topic, c.typ, c.depth, err)
		}
	}
	if _, err := near.Subscribe("/a", stringType, transport.Default(), nil, nil); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("Subscribe without a handler: %v, want ErrInvalid", err)
	}
	pub := publisher(t, near, "/a", transport.Default(), nil)
	for _, payload := range [][]byte{nil, {}, {0, 1, 0}, {1, 0, 0, 0}, {0, 2, 0, 0, 1}, {0, 7, 0, 0}} {
		if err := pub.Publish(payload); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("Publish(% x): %v, want ErrInvalid", payload, err)
		}
	}
	if err := pub.Publish(make([]byte, transport.DefaultMaxPayload+1)); !errors.Is(err, transport.ErrTooLarge) {
		t.Errorf("Publish above the limit: %v, want ErrTooLarge", err)
	}
}
