package transporttest

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"guidedpolicysearch/node/transport"
)

// textService has a text of any length in its requests and responses, so that middlewares
// which look into them can run the suite too.
var (
	textService  = transport.Type{Name: "diagnostic_msgs/srv/AddDiagnostics"}
	emptyService = transport.Type{Name: "std_srvs/srv/Empty"}
)

// textRequest is the CDR of a request that holds s.
func textRequest(s string) []byte { return appendText([]byte{0, 1, 0, 0}, s) }

// textResponse is the CDR of a response that holds s: a boolean goes before the text.
func textResponse(s string) []byte { return appendText([]byte{0, 1, 0, 0, 1, 0, 0, 0}, s) }

func appendText(b []byte, s string) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(s)+1))
	return append(append(b, s...), 0)
}

// textIn is the text of a request or response.
func textIn(t *testing.T, payload []byte, at int) string {
	t.Helper()
	if len(payload) < at+5 || int(binary.LittleEndian.Uint32(payload[at:])) != len(payload)-at-4 {
		t.Errorf("payload % x is no text at byte %d", payload[:min(len(payload), 40)], at)
		return ""
	}
	return string(payload[at+4 : len(payload)-1])
}

func requestText(t *testing.T, p []byte) string  { t.Helper(); return textIn(t, p, 4) }
func responseText(t *testing.T, p []byte) string { t.Helper(); return textIn(t, p, 8) }

// echo answers "x" with "x!".
func echo(t *testing.T) transport.ServiceHandler {
	return func(request []byte, reply transport.Reply) {
		if err := reply(textResponse(requestText(t, request) + "!")); err != nil {
			t.Error(err)
		}
	}
}

// serviceQoS keeps what the tests have under way at a time, and has the patience for it.
func serviceQoS() transport.QoS {
	q := transport.ParameterServiceQoS()
	q.MaxBlocking = patience
	return q
}

func serve(t *testing.T, n transport.Node, name string, h transport.ServiceHandler) transport.Service {
	t.Helper()
	s, err := n.Service(name, textService, serviceQoS(), h)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func client(t *testing.T, n transport.Node, name string) transport.Client {
	t.Helper()
	c, err := n.Client(name, textService, serviceQoS())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// patient is a context that ends a call which never gets its response.
func patient(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// ask calls c with a text and checks that echo answered it. It may run on any goroutine.
func ask(t *testing.T, ctx context.Context, c transport.Client, text string) {
	t.Helper()
	got, err := c.Call(ctx, textRequest(text))
	if err != nil {
		t.Errorf("call with %.40q: %v", text, err)
	} else if !bytes.Equal(got, textResponse(text+"!")) {
		t.Errorf("call with %.40q: response % x", text, got[:min(len(got), 40)])
	}
}

func testServiceBytes(t *testing.T, pair Pair) {
	r := rand.New(rand.NewPCG(3, 4))
	for name, ends := range map[string][2]transport.Node{
		"near_calls_far": {pair.near(t), pair.far(t)},
		"far_calls_near": {pair.far(t), pair.near(t)},
	} {
		response := make(chan []byte, 1)
		requests := make(chan []byte, 1)
		serve(t, ends[1], "/"+name, func(request []byte, reply transport.Reply) {
			requests <- bytes.Clone(request)
			if err := reply(<-response); err != nil {
				t.Error(err)
			}
		})
		c := client(t, ends[0], "/"+name)
		for _, size := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 100, 1386, 1387, 1388, 14700, 65000, 65520, 70001, 1<<20 + 3} {
			want, answer := textRequest(randomText(r, size)), textResponse(randomText(r, size/2))
			response <- bytes.Clone(answer)
			got, err := c.Call(patient(t), want)
			if err != nil {
				t.Fatalf("%s with a text of %d bytes: %v", name, size, err)
			}
			if request := <-requests; !bytes.Equal(request, want) {
				t.Fatalf("%s: request of %d bytes % x..., want %d bytes", name, len(request), request[:min(len(request), 24)], len(want))
			}
			if !bytes.Equal(got, answer) {
				t.Fatalf("%s: response of %d bytes % x..., want %d bytes", name, len(got), got[:min(len(got), 24)], len(answer))
			}
		}
		// An empty body is one byte in ROS 2.
		if !pair.has(t, EmptyServices) {
			continue
		}
		empty := []byte{0, 1, 0, 0, 0}
		if _, err := ends[1].Service("/empty_"+name, emptyService, transport.ServiceQoS(), func(request []byte, reply transport.Reply) {
			if !bytes.Equal(request, empty) {
				t.Errorf("%s: empty request % x", name, request)
			}
			if err := reply(empty); err != nil {
				t.Error(err)
			}
		}); err != nil {
			t.Fatal(err)
		}
		e, err := ends[0].Client("/empty_"+name, emptyService, transport.ServiceQoS())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := e.Call(patient(t), empty); err != nil || !bytes.Equal(got, empty) {
			t.Errorf("%s: empty response % x, %v", name, got, err)
		}
	}
}

func randomText(r *rand.Rand, length int) string {
	var b strings.Builder
	for range length {
		b.WriteByte(byte(' ' + r.IntN(95)))
	}
	return b.String()
}

// testServiceOpaque has bytes that are no CDR of the type, in either byte order.
func testServiceOpaque(t *testing.T, pair Pair) {
	pair.need(t, OpaqueServices)
	r := rand.New(rand.NewPCG(5, 6))
	near, far := pair.near(t), pair.far(t)
	serve(t, far, "/opaque", func(request []byte, reply transport.Reply) {
		if err := reply(request); err != nil {
			t.Error(err)
		}
	})
	c := client(t, near, "/opaque")
	for size := transport.HeaderLen; size < 40; size++ {
		want := randomPayload(r, size)
		sent := bytes.Clone(want)
		sent[3] |= byte(r.IntN(4)) // left over padding bits do not matter
		if got, err := c.Call(patient(t), sent); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("response % x, %v, want % x", got, err, want)
		}
	}
}

func testServiceOrder(t *testing.T, pair Pair) {
	near, far := pair.near(t), pair.far(t)
	for name, ends := range map[string][2]transport.Node{"near": {near, far}, "far": {far, near}} {
		const calls = 200
		got := make(chan string, 2*calls)
		answer := echo(t)
		serve(t, ends[1], "/order_"+name, func(request []byte, reply transport.Reply) {
			got <- requestText(t, request)
			answer(request, reply)
		})
		c := client(t, ends[0], "/order_"+name)
		for i := range calls {
			ask(t, patient(t), c, fmt.Sprint(i))
		}
		if len(got) != calls {
			t.Fatalf("%d requests handled, want %d", len(got), calls)
		}
		for i := range calls {
			if text := <-got; text != fmt.Sprint(i) {
				t.Fatalf("request %d is %q", i, text)
			}
		}
	}
}

// testServiceManyClients has clients of several nodes, each called from several goroutines: to
// each call its own response.
func testServiceManyClients(t *testing.T, pair Pair) {
	serve(t, pair.far(t), "/many", echo(t))
	ctx := patient(t)
	var wg sync.WaitGroup
	for i := range 4 {
		c := client(t, open(t, pair.Near, fmt.Sprintf("near%d", i)), "/many")
		for j := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for k := range 30 {
					ask(t, ctx, c, fmt.Sprintf("%d %d %d", i, j, k))
				}
			}()
		}
	}
	wg.Wait()
}

// testServiceManyServers has two servers of one name: a call gets one response, and what is
// left over of the other is not taken for that of the next call.
func testServiceManyServers(t *testing.T, pair Pair) {
	serve(t, pair.far(t), "/servers", echo(t))
	serve(t, pair.near(t), "/servers", echo(t))
	c := client(t, open(t, pair.Near, "caller"), "/servers")
	eventually(t, "two servers", func() bool { return c.Servers() == 2 })
	for i := range 100 {
		ask(t, patient(t), c, fmt.Sprint(i))
	}
}

// testServiceDeferred keeps the replies of several requests and gives them in the reverse
// order, on another goroutine.
func testServiceDeferred(t *testing.T, pair Pair) {
	pair.need(t, DeferredReplies)
	const calls = 8
	type pending struct {
		text  string
		reply transport.Reply
	}
	kept := make(chan pending, calls)
	keep := func(request []byte, reply transport.Reply) { kept <- pending{requestText(t, request), reply} }
	near, far := pair.near(t), pair.far(t)
	for name, ends := range map[string][2]transport.Node{"far": {open(t, pair.Near, "caller"), far}, "near": {open(t, pair.Near, "caller"), near}} {
		serve(t, ends[1], "/deferred_"+name, keep)
		c := client(t, ends[0], "/deferred_"+name)
		ctx := patient(t)
		var wg sync.WaitGroup
		for i := range calls {
			wg.Add(1)
			go func() {
				defer wg.Done()
				ask(t, ctx, c, fmt.Sprint(i))
			}()
		}
		var all []pending
		for range calls {
			all = append(all, receive(t, kept, "a request"))
		}
		for i := range all {
			p := all[len(all)-1-i]
			if err := p.reply(textResponse(p.text + "!")); err != nil {
				t.Error(err)
			}
		}
		wg.Wait()
	}
}

// testServiceReply has replies that are refused: they may be tried again until one succeeds.
func testServiceReply(t *testing.T, pair Pair) {
	const limit = 4000
	near := pair.Near(t, transport.Options{Name: "near", MaxPayload: limit})
	t.Cleanup(func() { near.Close() })
	later := make(chan transport.Reply, 1)
	serve(t, near, "/reply", func(request []byte, reply transport.Reply) {
		for _, bad := range [][]byte{nil, {0, 1, 0}, {1, 2, 3, 4, 5}} {
			if err := reply(bad); !errors.Is(err, transport.ErrInvalid) {
				t.Errorf("reply with % x: %v, want ErrInvalid", bad, err)
			}
		}
		if err := reply(make([]byte, limit+1)); !errors.Is(err, transport.ErrTooLarge) {
			t.Errorf("reply above the limit: %v, want ErrTooLarge", err)
		}
		echo(t)(request, reply)
		if err := reply(textResponse("twice")); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("second reply: %v, want ErrInvalid", err)
		}
		later <- reply
	})
	c := client(t, pair.far(t), "/reply")
	for i := range 3 {
		ask(t, patient(t), c, fmt.Sprint(i))
		if err := receive(t, later, "the handler")(textResponse("late")); !errors.Is(err, transport.ErrInvalid) {
			t.Errorf("second reply, after the handler: %v, want ErrInvalid", err)
		}
	}
}
