//go:build rclgo

package rclgo_test

import (
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// pingPong has two nodes send one message to and fro.
type pingPong struct {
	ping transport.Publisher
	back chan struct{}
}

func newPingPong(tb testing.TB) *pingPong {
	tb.Helper()
	domain := ddstest.Domain(tb)
	near, far := ddstest.Open(tb, domain, "near", nil), ddstest.Open(tb, domain, "far", nil)
	typ := transport.Type{Name: "std_msgs/msg/String"}
	matched := make(chan transport.Status, 100)
	p := &pingPong{back: make(chan struct{}, 1)}
	told := func(s transport.Status) { matched <- s }
	pong, err := far.Publisher("/pong", typ, transport.Default(), told)
	if err != nil {
		tb.Fatal(err)
	}
	if p.ping, err = near.Publisher("/ping", typ, transport.Default(), told); err != nil {
		tb.Fatal(err)
	}
	if _, err := far.Subscribe("/ping", typ, transport.Default(), func(payload []byte, _ transport.Info) {
		if err := pong.Publish(payload); err != nil {
			tb.Error(err)
		}
	}, nil); err != nil {
		tb.Fatal(err)
	}
	if _, err := near.Subscribe("/pong", typ, transport.Default(), func([]byte, transport.Info) { p.back <- struct{}{} }, nil); err != nil {
		tb.Fatal(err)
	}
	for ready := 0; ready < 2; {
		if (<-matched).Matched == 1 {
			ready++
		}
	}
	return p
}

func (p *pingPong) round(tb testing.TB, payload []byte) {
	if err := p.ping.Publish(payload); err != nil {
		tb.Fatal(err)
	}
	<-p.back
}

// TestMessagesDoNotAllocate counts what all goroutines allocate while messages go to and fro.
func TestMessagesDoNotAllocate(t *testing.T) {
	const rounds = 2000
	p := newPingPong(t)
	for _, size := range []int{300, 301, 8001} {
		payload := make([]byte, size)
		payload[1] = 1
		for range 100 {
			p.round(t, payload)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			p.round(t, payload)
		}
		runtime.ReadMemStats(&after)
		// The discovery that follows the connections goes on, and allocates a little.
		if n := after.Mallocs - before.Mallocs; n > rounds/10 {
			t.Errorf("%d allocations in %d round trips of %d bytes, want none for a message", n, rounds, size)
		} else {
			t.Logf("%d allocations in %d round trips of %d bytes", n, rounds, size)
		}
	}
}

// TestLargeMessageLeavesNothing has one large message among small ones.
func TestLargeMessageLeavesNothing(t *testing.T) {
	const large = 40 << 20
	p := newPingPong(t)
	payload := make([]byte, large)
	for i := range payload {
		payload[i] = byte(i)
	}
	copy(payload, []byte{0, 1, 0, 0})
	p.round(t, payload[:300])
	before := resident(t)
	p.round(t, payload)
	for range 20 { // the last messages of each side keep their samples in the middleware
		p.round(t, payload[:300])
	}
	// Fast DDS keeps a sample of each topic in a pool of its own.
	if after := resident(t); after > before+3*large {
		t.Errorf("memory grew from %d to %d bytes by a message of %d", before, after, large)
	}
	runtime.KeepAlive(payload)
}

// resident is the memory of the process in bytes.
func resident(t *testing.T) int {
	t.Helper()
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	if err != nil {
		t.Fatal(err)
	}
	return pages * os.Getpagesize()
}

func BenchmarkRoundTrip(b *testing.B) {
	p := newPingPong(b)
	payload := make([]byte, 300)
	payload[1] = 1
	b.ReportAllocs()
	for b.Loop() {
		p.round(b, payload)
	}
}
