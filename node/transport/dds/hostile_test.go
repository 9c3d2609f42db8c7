//go:build !rclgo

package dds_test

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// victim is a node with one endpoint of each kind, and what its handlers get.
type victim struct {
	*dds.Node
	messages, requests chan []byte
	publishers         chan int // connected to the subscription of /joint_states
}

const hostilePayload = 10_000 // bytes that the victim accepts

func newVictim(t *testing.T, domain uint32) (v victim, packet []byte, from [12]byte) {
	t.Helper()
	ear := listenFor(t, domain)
	defer ear.Close()
	v = victim{messages: make(chan []byte, 1000), requests: make(chan []byte, 1000), publishers: make(chan int, 10_000)}
	v.Node = ddstest.Open(t, domain, "victim", func(o *transport.Options) { o.MaxPayload = hostilePayload })
	if _, err := v.Subscribe("/joint_states", floats, transport.SensorData(),
		func(p []byte, _ transport.Info) { v.messages <- bytes.Clone(p) },
		func(s transport.Status) { v.publishers <- s.Matched }); err != nil {
		t.Fatal(err)
	}
	// What the victim publishes, a stranger pretends to publish too.
	if _, err := v.Publisher("/joint_states", floats, transport.SensorData(), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Service("/start", trigger, transport.ServiceQoS(), func(p []byte, reply transport.Reply) {
		v.requests <- bytes.Clone(p)
		reply([]byte{0, 1, 0, 0, 1})
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Client("/start", trigger, transport.ServiceQoS()); err != nil {
		t.Fatal(err)
	}
	packet, from = introduction(t, ear)
	v.untilPublishers(t, 1)
	return v, packet, from
}

func (v victim) untilPublishers(t *testing.T, n int) {
	t.Helper()
	for {
		select {
		case got := <-v.publishers:
			if got == n {
				return
			}
		case <-time.After(30 * time.Second):
			t.Fatalf("the subscription had not %d publishers within 30 s", n)
		}
	}
}

// until sends again and again what is to arrive, as packets may be lost, and passes over what
// comes before it.
func until(t *testing.T, got <-chan []byte, want []byte, send func()) {
	t.Helper()
	for range 300 {
		send()
		after := time.After(100 * time.Millisecond)
		for waiting := true; waiting; {
			select {
			case p := <-got:
				if bytes.Equal(p, want) {
					return
				}
			case <-after:
				waiting = false
			}
		}
	}
	t.Fatalf("% x did not arrive within 30 s", want)
}

// untilMalformed sends until a malformed message was counted.
func (v victim) untilMalformed(t *testing.T, send func()) {
	t.Helper()
	before := v.Stats().Malformed
	for range 3000 {
		send()
		for range 10 {
			if v.Stats().Malformed > before {
				return
			}
			time.Sleep(time.Millisecond)
		}
	}
	t.Fatal("nothing malformed was counted within 30 s")
}

func prefix(n byte) [12]byte { return [12]byte{1, 16, n, 1, 2, 3, 4, 5, 6, 7, 8, n} }

// good is a sound message, or response.
var good = []byte{0, 1, 0, 0, 1, 2, 3, 4}

// TestHostilePackets sends a node's ports random bytes, and what it announces itself in the name
// of another: cut off, changed in some bits, and again. Then the node is as good as before.
func TestHostilePackets(t *testing.T) {
	domain := ddstest.Domain(t)
	v, packet, from := newVictim(t, domain)
	s := newStranger(t, domain, prefix(1), packet, from)
	v.untilPublishers(t, 2)
	joints, _ := s.writer("rt/joint_states")
	until(t, v.messages, good, func() { s.publish(joints, good) })
	debug.FreeOSMemory()
	before, _, _ := resident(t)

	logged := captureLog(t)
	random := rand.New(rand.NewPCG(1, 2))
	fill := func(b []byte) []byte {
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	real := append(s.announcements(), s.sample(joints, 1<<20, good), s.fragment(joints, 1<<20, 1, 1, 1000, 2000))
	for range 500 {
		s.send(fill(make([]byte, random.IntN(1500))))
		p := bytes.Clone(real[random.IntN(len(real))])
		fill(p[headerSize+random.IntN(len(p)-headerSize):])
		s.send(p)
	}
	for _, p := range real {
		for n := 0; n < len(p); n += 1 + n/50 {
			s.send(p[:n])
		}
		for range 200 {
			changed := bytes.Clone(p)
			for range 1 + random.IntN(8) {
				changed[headerSize+random.IntN(len(p)-headerSize)] ^= 1 << random.IntN(8)
			}
			s.send(changed)
		}
	}
	far := startPeer(t, transport.Options{Name: "far", Domain: domain, Range: transport.Localhost})
	p, received := echo(t, v.Node, far)
	for i := range 50 {
		if err := p.Publish([]byte{0, 1, 0, 0, byte(i), 0, 0, 0}); err != nil {
			t.Fatal(err)
		}
		<-received
	}
	if _, err := v.Graph(); err != nil {
		t.Error(err)
	}
	debug.FreeOSMemory()
	if after, _, _ := resident(t); after > before+hostileGrowth {
		t.Errorf("memory grew from %d to %d bytes", before, after)
	}
	if lines := bytes.Count(logged(), []byte{'\n'}); lines == 0 || lines > 300 {
		t.Errorf("%d lines of log, want some, and few", lines)
	}
}

// captureLog sends what C code writes to standard error to a file, until the log is asked for.
func captureLog(t *testing.T) (logged func() []byte) {
	t.Helper()
	file, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	stderr, err := syscall.Dup(2)
	if err != nil {
		t.Fatal(err)
	}
	restore := sync.OnceFunc(func() {
		syscall.Dup3(stderr, 2, 0)
		syscall.Close(stderr)
		file.Close()
	})
	t.Cleanup(restore)
	if err := syscall.Dup3(int(file.Fd()), 2, 0); err != nil {
		t.Fatal(err)
	}
	return func() []byte {
		restore()
		text, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

// hostileGrowth is in bytes, and little beside what hostile packets ask for.
const hostileGrowth = 48 << 20

// TestHostilePayloads has a publisher, a client and a node that are connected and send
// nonsense: it is counted, and what is sound arrives.
func TestHostilePayloads(t *testing.T) {
	domain := ddstest.Domain(t)
	v, packet, from := newVictim(t, domain)
	s := newStranger(t, domain, prefix(1), packet, from)
	v.untilPublishers(t, 2)
	var want transport.Stats
	counts := func(what string) {
		t.Helper()
		if got := v.Stats(); got != want {
			t.Errorf("%s: counted %+v, want %+v", what, got, want)
		}
	}
	header := func(order byte, body ...byte) []byte { return append([]byte{0, order, 0, 0}, body...) }

	joints, _ := s.writer("rt/joint_states")
	arrives := func(payload []byte) {
		t.Helper()
		until(t, v.messages, payload, func() { s.publish(joints, payload) })
	}
	for _, c := range []struct {
		name    string
		payload []byte
		dropped bool // by Cyclone DDS, which logs it
	}{
		{"one byte", []byte{0}, true},
		{"a header cut off", []byte{0, 1, 0}, true},
		{"no encapsulation", bytes.Repeat([]byte{0xff}, 8), true},
		{"XCDR2", header(7, 1, 2, 3, 4), false},
		{"a parameter list", header(3, 1, 2, 3, 4), false},
		{"more padding than payload", []byte{0, 1, 0, 3}, false},
	} {
		s.publish(joints, c.payload)
		if !c.dropped {
			want.Malformed++
		}
		arrives(good)
		counts(c.name)
	}
	arrives(header(0, 1, 2, 3, 4))
	arrives(header(1, 0xff, 0xff, 0xff, 0xff)) // a length of 4 GB is for who decodes it
	s.publish(joints, header(1, make([]byte, hostilePayload)...))
	want.TooLarge++
	arrives(good)
	counts("a large message")

	identity := bytes.Repeat([]byte{7}, 16)
	requests, _ := s.writer("rq/startRequest")
	asks := func() {
		t.Helper()
		until(t, v.requests, header(0, 5, 6, 7, 8), func() { s.publish(requests, append(header(0, identity...), 5, 6, 7, 8)) })
	}
	asks()
	for _, payload := range [][]byte{header(1), header(1, identity[:12]...), append([]byte{0, 6, 0, 0}, identity...)} {
		s.publish(requests, payload)
		want.Malformed++
	}
	s.publish(requests, header(1, make([]byte, hostilePayload+len(identity))...))
	want.TooLarge++
	asks()
	counts("requests")

	announcements, _ := s.writer("ros_discovery_info")
	for _, payload := range [][]byte{header(1), header(1, bytes.Repeat([]byte{0xff}, 200)...), header(0, make([]byte, 28)...)} {
		v.untilMalformed(t, func() { s.publish(announcements, payload) })
	}
	g, err := v.Graph()
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range g.Nodes {
		if n.Name != "victim" {
			t.Errorf("the node %+v, which nobody announced", n)
		}
	}
}

// TestHostileFragments sends the beginnings of messages that claim to be of some GB, and
// fragments that contradict each other.
func TestHostileFragments(t *testing.T) {
	domain := ddstest.Domain(t)
	v, packet, from := newVictim(t, domain)
	s := newStranger(t, domain, prefix(1), packet, from)
	v.untilPublishers(t, 2)
	joints, _ := s.writer("rt/joint_states")
	before, _, _ := resident(t)
	n := uint32(1000)
	for _, total := range []uint32{0, 1, 1000, 1001, 1 << 20, 1 << 31, 1<<32 - 1} {
		for _, size := range []uint16{0, 1, 1000, 1<<16 - 1} {
			for _, first := range []uint32{0, 1, 2, 1 << 20, 1<<32 - 1} {
				for _, count := range []uint16{0, 1, 1<<16 - 1} {
					s.send(s.fragment(joints, n, first, count, size, total))
				}
			}
			n++
		}
	}
	s.mu.Lock()
	s.last[joints] = n
	s.mu.Unlock()
	until(t, v.messages, good, func() { s.publish(joints, good) })
	if after, _, _ := resident(t); after > before+hostileGrowth {
		t.Errorf("memory grew from %d to %d bytes", before, after)
	}
}

// TestHostileEndpoints has a participant that announces thousands of publishers, and goes.
func TestHostileEndpoints(t *testing.T) {
	const publishers, atOnce = 2000, 50
	domain := ddstest.Domain(t)
	v, packet, from := newVictim(t, domain)
	s := newStranger(t, domain, prefix(1), packet, from)
	v.untilPublishers(t, 2)
	joints, list := s.writer("rt/joint_states")
	s.writer("rq/startRequest") // the last that is announced
	debug.FreeOSMemory()
	before, _, _ := resident(t)
	s.mu.Lock()
	last := s.last[publicationsWriter]
	s.mu.Unlock()
	for n := range publishers / atOnce {
		v.untilConnected(t, 2+(n+1)*atOnce, func() {
			for i := range uint32(atOnce) {
				k := uint32(n)*atOnce + i + 1
				id := [4]byte{0xee, byte(k >> 8), byte(k), joints[3]}
				s.has(publicationsWriter, 1, last+k)
				s.send(s.sample(publicationsWriter, last+k, bytes.ReplaceAll(list,
					append(s.prefix[:], joints[:]...), append(s.prefix[:], id[:]...))))
			}
		})
	}
	g, err := v.Graph()
	if err != nil {
		t.Fatal(err)
	}
	if n := g.Publishers("/joint_states"); n != publishers+2 {
		t.Errorf("%d publishers, want %d", n, publishers+2)
	}
	until(t, v.messages, good, func() { s.publish(joints, good) })
	debug.FreeOSMemory()
	if after, _, _ := resident(t); after > before+hostileGrowth {
		t.Errorf("memory grew from %d to %d bytes", before, after)
	}
	s.dispose()
	v.untilPublishers(t, 1)
}

// untilConnected sends until the subscription has n publishers.
func (v victim) untilConnected(t *testing.T, n int, send func()) {
	t.Helper()
	for range 100 {
		send()
		for after, waiting := time.After(300*time.Millisecond), true; waiting; {
			select {
			case got := <-v.publishers:
				if got >= n {
					return
				}
			case <-after:
				waiting = false
			}
		}
	}
	t.Fatalf("the subscription had not %d publishers within 30 s", n)
}
