package transporttest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

func testExactBytes(t *testing.T, pair Pair) {
	r := rand.New(rand.NewPCG(1, 2))
	var sizes []int
	for n := transport.HeaderLen; n < 40; n++ {
		sizes = append(sizes, n)
	}
	sizes = append(sizes, 1000, 1401, 1402, 1403, 14719, 14720, 14721, 65000, 65535, 65537, 70001, 1<<20+3)
	for name, ends := range map[string][2]transport.Node{
		"near_to_far": {pair.near(t), pair.far(t)},
		"far_to_near": {pair.far(t), pair.near(t)},
	} {
		in := newInbox()
		q := transport.Default()
		q.MaxBlocking = patience
		pub, sub := connected(t, ends[0], ends[1], "/"+name, q, in.handle)
		for _, size := range sizes {
			want := randomPayload(r, size)
			sent := bytes.Clone(want)
			sent[3] |= byte(r.IntN(4)) // left over padding bits do not matter
			publish(t, pub, sent)
			if got := in.next(t); !bytes.Equal(got, want) {
				t.Fatalf("%s: got %d bytes % x..., want %d bytes % x...", name, len(got), got[:min(len(got), 24)], size, want[:min(size, 24)])
			}
		}
		pub.Close()
		sub.Close()
	}
}

func testInfo(t *testing.T, pair Pair) {
	in := newInbox()
	near := pair.near(t)
	first, _ := connected(t, pair.far(t), near, "/info", transport.Default(), in.handle)
	before := time.Now().UnixNano()
	publish(t, first, numbered(1, 8))
	publish(t, first, numbered(2, 8))
	a := receive(t, in.infos, "a message")
	b := receive(t, in.infos, "a message")
	after := time.Now().UnixNano()
	if a.SourceTime < before || b.SourceTime < a.SourceTime || a.ReceiveTime < a.SourceTime || b.ReceiveTime < a.ReceiveTime || after < b.ReceiveTime {
		t.Errorf("times out of order: before %d, %+v, %+v, after %d", before, a, b, after)
	}
	if a.Publisher != b.Publisher {
		t.Errorf("one publisher has identities %d and %d", a.Publisher, b.Publisher)
	}
	matched := newInbox()
	second := publisher(t, near, "/info", transport.Default(), matched.match)
	matched.untilMatched(t, 1)
	publish(t, second, numbered(3, 8))
	if c := receive(t, in.infos, "a message"); c.Publisher == a.Publisher {
		t.Errorf("two publishers have the identity %d", a.Publisher)
	}
}

func testOrderAndNoLoss(t *testing.T, pair Pair) {
	messages := 10_000
	if !pair.has(t, DeepQueues) {
		messages = 5_000
	}
	q := transport.Default()
	q.Depth = messages
	q.MaxBlocking = patience
	in, hold := newInbox(), newGate()
	pub, _ := connected(t, pair.far(t), pair.near(t), "/order", q, func(p []byte, info transport.Info) {
		hold.pass()
		in.handle(p, info)
	})
	for i := range messages {
		publish(t, pub, numbered(i, 8+i%90))
	}
	receive(t, hold.entered, "the first message")
	close(hold.open)
	for i := range messages {
		got := in.next(t)
		if number(got) != i || len(got) != 8+i%90 {
			t.Fatalf("message %d with %d bytes, want %d with %d", number(got), len(got), i, 8+i%90)
		}
	}
}

// testLockStep has two nodes answer each other's messages, as a simulator and a
// controller do, at the smallest depth.
func testLockStep(t *testing.T, pair Pair) {
	const rounds = 1000
	q := transport.Default()
	q.Depth = 1
	near, far := pair.near(t), pair.far(t)
	finished := make(chan int, 1)
	var command, state transport.Publisher
	ready := make(chan struct{}) // orders the assignments below before the handlers
	state, _ = connected(t, far, near, "/state", q, func(p []byte, _ transport.Info) {
		<-ready
		if err := command.Publish(p); err != nil {
			t.Error(err)
		}
	})
	command, _ = connected(t, near, far, "/command", q, func(p []byte, _ transport.Info) {
		<-ready
		i := number(p) + 1
		if i == rounds {
			finished <- i
			return
		}
		if err := state.Publish(numbered(i, 64)); err != nil {
			t.Error(err)
		}
	})
	close(ready)
	publish(t, state, numbered(0, 64))
	receive(t, finished, "the last round")
}

// testKeepLast holds a handler up: what it has not come to is the last Depth
// messages.
func testKeepLast(t *testing.T, pair Pair) {
	for i, q := range []transport.QoS{transport.Default(), transport.SensorData(), transport.Clock()} {
		const messages = 50
		keep, end := fmt.Sprintf("/keep%d", i), fmt.Sprintf("/end%d", i) // apart from endpoints that are still going
		far := pair.far(t)
		in, hold := newInbox(), newGate()
		ended := newInbox()
		near := pair.near(t)
		pub, sub := connected(t, far, near, keep, q, func(p []byte, info transport.Info) {
			hold.pass()
			in.handle(p, info)
		})
		// Where nothing is sent again the first may be lost: security agrees on keys after matching.
		deadline := time.After(patience)
		for entered := false; !entered; {
			publish(t, pub, numbered(0, 8))
			select {
			case <-hold.entered:
				entered = true
			case <-time.After(time.Second):
			case <-deadline:
				t.Fatalf("the first message did not come within %v", patience)
			}
		}
		for i := 1; i <= messages; i++ {
			publish(t, pub, numbered(i, 8))
			time.Sleep(100 * time.Microsecond) // best effort overruns socket buffers without
		}
		// A second node tells when the last message is there.
		late := pair.Near(t, transport.Options{Name: "late"})
		subscribe(t, late, end, transport.Latched(), ended.handle, nil)
		publish(t, publisher(t, far, end, transport.Latched(), nil), numbered(0, 8))
		ended.next(t)
		close(hold.open)
		if got := number(in.next(t)); got != 0 {
			t.Errorf("depth %d: first message %d, want 0", q.Depth, got)
		}
		for i := messages - q.Depth + 1; i <= messages; i++ {
			if got := number(in.next(t)); got != i {
				t.Errorf("depth %d: message %d, want %d", q.Depth, got, i)
			}
		}
		pub.Close()
		sub.Close()
		late.Close()
	}
}

func testLateJoiner(t *testing.T, pair Pair) {
	q := transport.Latched()
	q.Depth = 3
	far, near := pair.far(t), pair.near(t)
	pub := publisher(t, far, "/late", q, nil)
	for i := range 5 {
		publish(t, pub, numbered(i, 11))
	}
	in := newInbox()
	subscribe(t, near, "/late", q, in.handle, nil)
	for i := 2; i < 5; i++ {
		if got := number(in.next(t)); got != i {
			t.Fatalf("late joiner got message %d, want %d", got, i)
		}
	}
	// One that does not ask for history gets what comes next.
	volatile := newInbox()
	subscribe(t, near, "/late", transport.Default(), volatile.handle, volatile.match)
	volatile.untilMatched(t, 1)
	confirm := newInbox()
	again := publisher(t, far, "/late", q, confirm.match)
	confirm.untilMatched(t, 2)
	again.Close()
	publish(t, pub, numbered(5, 11))
	if got := number(volatile.next(t)); got != 5 {
		t.Errorf("volatile subscription got message %d first, want 5", got)
	}
	if got := number(in.next(t)); got != 5 {
		t.Errorf("late joiner got message %d, want 5", got)
	}
}

func testLifespan(t *testing.T, pair Pair) {
	short := transport.Latched()
	short.Lifespan = time.Millisecond
	far, near := pair.far(t), pair.near(t)
	old := publisher(t, far, "/lifespan", short, nil)
	publish(t, old, numbered(1, 8))
	time.Sleep(50 * time.Millisecond)
	in := newInbox()
	subscribe(t, near, "/lifespan", transport.Latched(), in.handle, in.match)
	in.untilMatched(t, 1)
	publish(t, publisher(t, far, "/lifespan", transport.Latched(), nil), numbered(2, 8))
	if got := number(in.next(t)); got != 2 {
		t.Errorf("got message %d, want 2: the other one has expired", got)
	}
}

func testTooLarge(t *testing.T, pair Pair) {
	pair.need(t, BoundedMessages)
	const limit = 1000
	near := pair.Near(t, transport.Options{Name: "near", MaxPayload: limit})
	t.Cleanup(func() { near.Close() })
	in := newInbox()
	pub, _ := connected(t, pair.far(t), near, "/large", transport.Default(), in.handle)
	publish(t, pub, numbered(1, limit+4))
	publish(t, pub, numbered(2, 100_000))
	publish(t, pub, numbered(3, limit))
	if got := number(in.next(t)); got != 3 {
		t.Errorf("got message %d, want 3: the others are too large", got)
	}
	if got := near.Stats().TooLarge; got != 2 {
		t.Errorf("counted %d too large messages, want 2", got)
	}
}
