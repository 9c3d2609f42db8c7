//go:build !rclgo

package dds

import (
	"testing"

	"guidedpolicysearch/node/transport"
)

// TestFloodOfLargeMessages has a handler that does not come to the messages of a publisher: of
// large ones only some are kept, though the depth allows all, and no small one gives way to them.
func TestFloodOfLargeMessages(t *testing.T) {
	const large, sent, limit = 1 << 20, 40, 16 << 20
	// The different limits make Cyclone convert the samples, as it does with those of the network.
	a, b := openLimited(t, "a", "", 2*large), openLimited(t, "b", "", large)
	q := transport.Default()
	q.Depth = 2 * sent
	got, resume := make(chan int, 2*sent), make(chan struct{})
	receive := func(payload []byte, _ transport.Info) {
		got <- len(payload)
		<-resume
	}
	if _, err := b.Subscribe("/x", floats, q, receive, nil); err != nil {
		t.Fatal(err)
	}
	matched := make(chan struct{}, 10)
	p, err := a.Publisher("/x", floats, q, func(s transport.Status) {
		if s.Matched == 1 {
			matched <- struct{}{}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, matched, "connection")
	payload := make([]byte, large)
	payload[1] = 1
	for range sent {
		if err := p.Publish(payload); err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(payload[:8]); err != nil {
			t.Fatal(err)
		}
	}
	close(resume)
	for small := 0; small < sent; {
		if <-got == 8 {
			small++
		}
	}
	if n := b.Stats().TooLarge; n < sent-limit/large-1 || n > sent-limit/large {
		t.Errorf("%d messages were counted as too large, want all but %d MiB of %d MiB", n, limit>>20, sent)
	}
	// What was given back counts no longer.
	if err := p.Publish(payload); err != nil {
		t.Fatal(err)
	}
	for <-got != large {
	}
}
