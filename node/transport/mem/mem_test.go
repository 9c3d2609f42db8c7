package mem_test

import (
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/transport/transporttest"
)

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(testing.TB) transporttest.Pair {
		var bus mem.Bus
		open := func(tb testing.TB, o transport.Options) transport.Node {
			n, err := bus.Open(o)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
		return transporttest.Pair{Near: open, Far: open}
	})
}

func TestPublishAndReceiveAllocateNothing(t *testing.T) {
	timed := transport.Default()
	timed.Deadline, timed.Liveliness, timed.ManualLiveliness = time.Hour, time.Hour, true
	for name, q := range map[string]transport.QoS{"default": transport.Default(), "deadline and liveliness": timed} {
		if allocs := roundAllocates(t, q); allocs != 0 {
			t.Errorf("%s: %v allocations per message, want 0", name, allocs)
		}
	}
}

func roundAllocates(t *testing.T, q transport.QoS) float64 {
	var bus mem.Bus
	n, err := bus.Open(transport.Options{Name: "node"})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	received := make(chan struct{})
	typ := transport.Type{Name: "std_msgs/msg/String"}
	if _, err := n.Subscribe("/a", typ, q, func([]byte, transport.Info) { received <- struct{}{} }, nil); err != nil {
		t.Fatal(err)
	}
	p, err := n.Publisher("/a", typ, q, nil)
	if err != nil {
		t.Fatal(err)
	}
	payload := make([]byte, 100)
	round := func() {
		if err := p.Publish(payload); err != nil {
			t.Fatal(err)
		}
		<-received
	}
	for range 100 { // every slot of the inbox gets its buffer
		round()
	}
	return testing.AllocsPerRun(1000, round)
}
