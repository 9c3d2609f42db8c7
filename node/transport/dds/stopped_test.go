//go:build !rclgo

package dds_test

import (
	"context"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestStoppedPeer has a process that is connected and stands still. What it does not read holds up
// no message to another, and a call of it ends with its context. When it goes on, it has the
// latest message.
func TestStoppedPeer(t *testing.T) {
	const rounds = 2000
	// A busy machine may need longer for all rounds than a lease is long otherwise.
	const lease = 5 * time.Minute
	d := ddstest.Domain(t)
	near := ddstest.Open(t, d, "near", func(o *transport.Options) { o.Lease = lease })
	p, received := echo(t, near, startPeer(t, transport.Options{Name: "awake", Domain: d, Range: transport.Localhost, Lease: lease}))

	still := startPeer(t, transport.Options{Name: "still", Domain: d, Range: transport.Localhost, Lease: lease})
	t.Cleanup(func() { still.cmd.Process.Signal(syscall.SIGCONT) }) // or it would not end
	numbers := make(chan uint32, 2*rounds)
	if _, err := still.Subscribe("/there", floats, transport.Default(), func(p []byte, _ transport.Info) {
		numbers <- binary.LittleEndian.Uint32(p[4:])
	}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := still.Service("/still", trigger, transport.ServiceQoS(), func(_ []byte, reply transport.Reply) { reply(good) }); err != nil {
		t.Fatal(err)
	}
	client, err := near.Client("/still", trigger, transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	patience, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	if _, err := client.Call(patience, good); err != nil {
		t.Fatal(err)
	}
	for p.Matched() < 2 {
		if patience.Err() != nil {
			t.Fatal("not connected within two minutes")
		}
		time.Sleep(time.Millisecond)
	}

	if err := still.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	short, cancelShort := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancelShort()
	called := make(chan error, 1)
	go func() {
		_, err := client.Call(short, good)
		called <- err
	}()
	payload := append([]byte{0, 1, 0, 0}, make([]byte, 300)...)
	for i := range uint32(rounds) {
		binary.LittleEndian.PutUint32(payload[4:], i)
		if err := p.Publish(payload); err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		select {
		case <-received:
		case <-patience.Done():
			t.Fatalf("message %d was not answered", i)
		}
	}
	if err := <-called; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("call of a server that stands still: %v, want that of the context", err)
	}
	if err := still.cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case n := <-numbers:
			if n == rounds-1 {
				return
			}
		case <-time.After(30 * time.Second):
			t.Fatal("the latest message did not come within 30 s of going on")
		}
	}
}
