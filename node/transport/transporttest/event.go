package transporttest

import (
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

// until waits for a status that ok accepts.
func (b *inbox) until(t *testing.T, what string, ok func(transport.Status) bool) transport.Status {
	t.Helper()
	for {
		if s := receive(t, b.matches, what); ok(s) {
			return s
		}
	}
}

// testDeadline publishes once and no more: both sides count every period that goes by.
func testDeadline(t *testing.T, pair Pair) {
	pair.need(t, DeadlineEvents)
	q := transport.Default()
	q.Deadline = 20 * time.Millisecond
	in, out := newInbox(), newInbox()
	far, near := pair.far(t), pair.near(t)
	subscribe(t, near, "/deadline", q, in.handle, in.match)
	pub := publisher(t, far, "/deadline", q, out.match)
	in.untilMatched(t, 1)
	out.untilMatched(t, 1)
	publish(t, pub, numbered(1, 8))
	in.next(t)
	for _, side := range []struct {
		name string
		b    *inbox
	}{{"subscription", in}, {"publisher", out}} {
		first := side.b.until(t, "a deadline missed by the "+side.name, func(s transport.Status) bool { return s.DeadlinesMissed > 0 })
		again := side.b.until(t, "one more", func(s transport.Status) bool { return s.DeadlinesMissed > first.DeadlinesMissed })
		if again.Matched != 1 || again.Incompatible != 0 || again.NotAlive != 0 || again.LivelinessLost != 0 {
			t.Errorf("the %s that missed a deadline has the status %+v", side.name, again)
		}
	}
	// Messages go on, and a deadline that is far off counts nothing.
	publish(t, pub, numbered(2, 8))
	if got := number(in.next(t)); got != 2 {
		t.Errorf("message %d after missed deadlines, want 2", got)
	}
	q.Deadline = time.Hour
	in, out = newInbox(), newInbox()
	subscribe(t, near, "/hour", q, in.handle, in.match)
	pub = publisher(t, far, "/hour", q, out.match)
	in.untilMatched(t, 1)
	out.untilMatched(t, 1)
	publish(t, pub, numbered(1, 8))
	in.next(t)
	third := newInbox() // one more connection tells the publisher its status once more
	subscribe(t, near, "/hour", q, third.handle, nil)
	if s := out.until(t, "a second subscription", func(s transport.Status) bool { return s.Matched == 2 }); s.DeadlinesMissed != 0 {
		t.Errorf("missed %d deadlines of an hour", s.DeadlinesMissed)
	}
}

// testLiveliness has a publisher that must show life by publishing, does not, does again, and
// closes.
func testLiveliness(t *testing.T, pair Pair) {
	pair.need(t, LivelinessEvents)
	q := transport.Default()
	q.Liveliness, q.ManualLiveliness = 100*time.Millisecond, true
	in, out := newInbox(), newInbox()
	far, near := pair.far(t), pair.near(t)
	subscribe(t, near, "/liveliness", q, in.handle, in.match)
	pub := publisher(t, far, "/liveliness", q, out.match)
	publish(t, pub, numbered(1, 8))
	notAlive := func(n int) func(transport.Status) bool {
		return func(s transport.Status) bool { return s.Matched == 1 && s.NotAlive == n }
	}
	in.until(t, "the end of the lease at the subscription", notAlive(1))
	lost := out.until(t, "the end of the lease at the publisher", func(s transport.Status) bool { return s.LivelinessLost > 0 })
	// It comes back to life; how often is needed depends on how fast the news is.
	for alive, end := false, time.Now().Add(patience); !alive; {
		publish(t, pub, numbered(2, 8))
		select {
		case s := <-in.matches:
			alive = notAlive(0)(s)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(end) {
			t.Fatalf("the publisher did not come back to life within %v", patience)
		}
	}
	in.until(t, "the end of the lease once more", notAlive(1))
	out.until(t, "the end of the lease once more", func(s transport.Status) bool { return s.LivelinessLost > lost.LivelinessLost })
	if err := pub.Close(); err != nil {
		t.Fatal(err)
	}
	if s := in.until(t, "the publisher's end", func(s transport.Status) bool { return s.Matched == 0 }); s.NotAlive != 0 {
		t.Errorf("%d publishers not alive of none connected", s.NotAlive)
	}
	// A lease that the middleware renews does not end while the process lives.
	q.ManualLiveliness = false
	in, out = newInbox(), newInbox()
	subscribe(t, near, "/automatic", q, in.handle, in.match)
	pub = publisher(t, far, "/automatic", q, out.match)
	in.untilMatched(t, 1)
	time.Sleep(3 * q.Liveliness)
	publish(t, pub, numbered(1, 8))
	in.next(t)
	third := newInbox()
	subscribe(t, near, "/automatic", q, third.handle, nil)
	if s := out.until(t, "a second subscription", func(s transport.Status) bool { return s.Matched == 2 }); s.LivelinessLost != 0 {
		t.Errorf("an automatic lease was lost %d times", s.LivelinessLost)
	}
}

// testClock has a subscription of /clock that does not keep up: it goes on with the latest
// time, and the times of its messages are in order.
func testClock(t *testing.T, pair Pair) {
	const ticks = 100
	near, far := pair.near(t), pair.far(t)
	in, hold := newInbox(), newGate()
	clock, _ := connected(t, far, near, "/clock", transport.Clock(), func(p []byte, info transport.Info) {
		hold.pass()
		in.handle(p, info)
	})
	began := time.Now()
	for entered := false; !entered; { // best effort may lose this one too
		publish(t, clock, numbered(0, 12))
		select {
		case <-hold.entered:
			entered = true
		case <-time.After(50 * time.Millisecond):
			if time.Since(began) > patience {
				t.Fatalf("no tick came within %v", patience)
			}
		}
	}
	for i := 1; i <= ticks; i++ {
		publish(t, clock, numbered(i, 12))
	}
	// Best effort may lose a tick: the last one is repeated. A reliable message behind it
	// tells when it is there.
	seen := newInbox()
	end, _ := connected(t, far, open(t, pair.Near, "observer"), "/end", transport.Default(), seen.handle)
	for range 20 {
		publish(t, clock, numbered(ticks+1, 12))
		time.Sleep(time.Millisecond)
	}
	publish(t, end, numbered(0, 8))
	seen.next(t)
	close(hold.open)
	if got := number(in.next(t)); got != 0 {
		t.Errorf("first tick %d, want 0", got)
	}
	last := number(in.next(t))
	if last != ticks+1 {
		t.Errorf("a slow subscription of /clock went on with tick %d, want the latest, %d", last, ticks+1)
	}
	a, b := <-in.infos, <-in.infos
	if b.SourceTime < a.SourceTime || a.ReceiveTime < a.SourceTime || b.ReceiveTime < b.SourceTime || b.ReceiveTime < a.ReceiveTime {
		t.Errorf("times out of order: %+v, then %+v", a, b)
	}
}
