//go:build !rclgo

package dds

import (
	"slices"
	"testing"

	"guidedpolicysearch/node/transport"
)

// TestWaitingResponsesAreBounded has a client that asks on and on and has no reader for the
// responses: the service keeps the latest of them, as many as its depth.
func TestWaitingResponsesAreBounded(t *testing.T) {
	a, b := openAlone(t, "server", ""), openAlone(t, "client", "")
	q := transport.ServiceQoS()
	q.Depth = 3
	const requests = 10
	replied := make(chan error, requests)
	s, err := a.Service("/start", trigger, q, func(request []byte, reply transport.Reply) {
		replied <- reply([]byte{0, 1, 0, 0, request[4]})
	})
	if err != nil {
		t.Fatal(err)
	}
	matched := make(chan struct{}, 10)
	const id = "clientid=1.2;"
	writer := &endpoint{node: b, hidden: true, match: func(s transport.Status) {
		if s.Matched > 0 {
			matched <- struct{}{}
		}
	}}
	b.mu.Lock()
	err = writer.open(b.messages, names{"rq/startRequest", typeName(trigger, "_Request"), id}, transport.ServiceQoS(), 1000)
	b.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	wait(t, matched, "connection")
	for i := range requests {
		// One after the other: the service's reader holds no more than its depth either.
		if err := writer.send(withIdentity(nil, []byte{0, 1, 0, 0, byte(i)}, identity{3, int64(i)})); err != nil {
			t.Fatal(err)
		}
		if err := <-replied; err != nil {
			t.Fatal(err)
		}
	}
	kept := s.(*service)
	kept.mu.Lock()
	defer kept.mu.Unlock()
	var got []byte
	for _, r := range kept.waiting {
		got = append(got, r.payload[len(r.payload)-1])
	}
	if want := []byte{requests - 3, requests - 2, requests - 1}; !slices.Equal(got, want) {
		t.Errorf("responses %d wait, want %d", got, want)
	}
}

// TestOneResponsePerRequest has a handler answer twice.
func TestOneResponsePerRequest(t *testing.T) {
	a, b := openAlone(t, "server", ""), openAlone(t, "client", "")
	second := make(chan error, 1)
	if _, err := a.Service("/start", trigger, transport.ServiceQoS(), func(_ []byte, reply transport.Reply) {
		if err := reply([]byte{0, 1, 0, 0, 7}); err != nil {
			t.Error(err)
		}
		second <- reply([]byte{0, 1, 0, 0, 8})
	}); err != nil {
		t.Fatal(err)
	}
	c, err := b.Client("/start", trigger, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	if response, err := c.Call(patience(t), []byte{0, 1, 0, 0, 5}); err != nil || response[4] != 7 {
		t.Fatalf("% x, %v", response, err)
	}
	if err := <-second; err == nil {
		t.Error("a second response was taken")
	}
}
