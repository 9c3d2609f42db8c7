// Package transporttest is the behaviour every transport must have, as tests.
package transporttest

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
)

// Open opens a node, which the test closes.
type Open func(tb testing.TB, o transport.Options) transport.Node

// Pair opens the nodes of one test on a network of their own. Near is the side
// whose handlers the tests hold up; Far may run anywhere.
//
// Of Far's nodes the suite asks little, so that they may be in another process: no call of
// theirs waits for anything but a server's response, none runs beside another, and their graph
// is not read.
type Pair struct {
	Near, Far Open
	// Lacks says which parts of the contract the transport cannot have, and why.
	Lacks map[Feature]string
}

// Run runs all tests; fresh is called once for each.
func Run(t *testing.T, fresh func(testing.TB) Pair) {
	for _, c := range []struct {
		name string
		run  func(*testing.T, Pair)
	}{
		{"ExactBytes", testExactBytes},
		{"Info", testInfo},
		{"OrderAndNoLoss", testOrderAndNoLoss},
		{"LockStep", testLockStep},
		{"KeepLast", testKeepLast},
		{"LateJoiner", testLateJoiner},
		{"Lifespan", testLifespan},
		{"Matching", testMatching},
		{"MatchCounts", testMatchCounts},
		{"OneHandlerAtATime", testOneHandlerAtATime},
		{"CloseInHandler", testCloseInHandler},
		{"CloseDuringTraffic", testCloseDuringTraffic},
		{"Closed", testClosed},
		{"Invalid", testInvalid},
		{"TooLarge", testTooLarge},
		{"ServiceBytes", testServiceBytes},
		{"ServiceOpaque", testServiceOpaque},
		{"ServiceOrder", testServiceOrder},
		{"ServiceManyClients", testServiceManyClients},
		{"ServiceManyServers", testServiceManyServers},
		{"ServiceDeferred", testServiceDeferred},
		{"ServiceReply", testServiceReply},
		{"ServiceTooLarge", testServiceTooLarge},
		{"ServiceInvalid", testServiceInvalid},
		{"ServiceComesAndGoes", testServiceComesAndGoes},
		{"ServiceContext", testServiceContext},
		{"ServiceClientGone", testServiceClientGone},
		{"ServiceServerGone", testServiceServerGone},
		{"ServiceClosed", testServiceClosed},
		{"CloseWaits", testCloseWaits},
		{"ServiceCloseInHandler", testServiceCloseInHandler},
		{"ServiceFlood", testServiceFlood},
		{"ServiceInMessageHandler", testServiceInMessageHandler},
		{"ServiceTypes", testServiceTypes},
		{"GraphNodes", testGraphNodes},
		{"GraphEndpoints", testGraphEndpoints},
		{"GraphServices", testGraphServices},
		{"GraphChanges", testGraphChanges},
		{"GraphBounded", testGraphBounded},
		{"Deadline", testDeadline},
		{"Liveliness", testLiveliness},
		{"Clock", testClock},
		{"CloseEverything", testCloseEverything},
		{"Idle", testIdle},
		{"EndpointsLeaveNothing", testEndpointsLeaveNothing},
		{"NodesLeaveNothing", testNodesLeaveNothing},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, fresh(t)) })
	}
}

// patience bounds waiting for what must happen; no test depends on its length.
const patience = 30 * time.Second

var stringType = transport.Type{Name: "std_msgs/msg/String"}

func (p Pair) near(t *testing.T) transport.Node { return open(t, p.Near, "near") }
func (p Pair) far(t *testing.T) transport.Node  { return open(t, p.Far, "far") }

func open(t *testing.T, o Open, name string) transport.Node {
	t.Helper()
	n := o(t, transport.Options{Name: name})
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// inbox collects messages and match events of one endpoint.
type inbox struct {
	messages chan []byte
	infos    chan transport.Info
	matches  chan transport.Status
}

func newInbox() *inbox {
	const room = 20000
	return &inbox{make(chan []byte, room), make(chan transport.Info, room), make(chan transport.Status, room)}
}

func (b *inbox) handle(payload []byte, info transport.Info) {
	b.messages <- append([]byte(nil), payload...)
	b.infos <- info
}

func (b *inbox) match(m transport.Status) { b.matches <- m }

// next is the next message.
func (b *inbox) next(t *testing.T) []byte {
	t.Helper()
	return receive(t, b.messages, "a message")
}

// untilMatched waits for a match event with n connections.
func (b *inbox) untilMatched(t *testing.T, n int) {
	t.Helper()
	for receive(t, b.matches, fmt.Sprintf("a match with %d", n)).Matched != n {
	}
}

func receive[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-c:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come within %v", what, patience)
		panic("unreachable")
	}
}

func publisher(t *testing.T, n transport.Node, topic string, q transport.QoS, m transport.StatusHandler) transport.Publisher {
	t.Helper()
	p, err := n.Publisher(topic, stringType, q, m)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func subscribe(t *testing.T, n transport.Node, topic string, q transport.QoS, h transport.Handler, m transport.StatusHandler) transport.Subscription {
	t.Helper()
	s, err := n.Subscribe(topic, stringType, q, h, m)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func publish(t *testing.T, p transport.Publisher, payload []byte) {
	t.Helper()
	if err := p.Publish(payload); err != nil {
		t.Fatal(err)
	}
}

// connected opens a publisher and a subscription and waits until both know of
// each other.
func connected(t *testing.T, from, to transport.Node, topic string, q transport.QoS, h transport.Handler) (transport.Publisher, transport.Subscription) {
	t.Helper()
	var in, out inbox
	in.matches, out.matches = make(chan transport.Status, 100), make(chan transport.Status, 100)
	s := subscribe(t, to, topic, q, h, in.match)
	p := publisher(t, from, topic, q, out.match)
	in.untilMatched(t, 1)
	out.untilMatched(t, 1)
	return p, s
}

// numbered is a payload that begins with i.
func numbered(i, length int) []byte {
	b := make([]byte, length)
	copy(b, []byte{0, 1, 0, 0, byte(i), byte(i >> 8), byte(i >> 16), byte(i >> 24)})
	return b
}

func number(payload []byte) int {
	return int(payload[4]) | int(payload[5])<<8 | int(payload[6])<<16 | int(payload[7])<<24
}

func randomPayload(r *rand.Rand, length int) []byte {
	b := make([]byte, length)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	copy(b, []byte{0, byte(r.IntN(2)), 0, 0})
	return b
}

// gate holds a handler up until it is opened.
type gate struct {
	entered chan struct{}
	open    chan struct{}
	passed  atomic.Bool
}

func newGate() *gate { return &gate{entered: make(chan struct{}), open: make(chan struct{})} }

func (g *gate) pass() {
	if g.passed.CompareAndSwap(false, true) {
		close(g.entered)
		<-g.open
	}
}
