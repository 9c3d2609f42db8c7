//go:build !rclgo

package dds_test

import (
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
)

// A peer is a node in another process: the test binary started again, which
// does what it is told through a pipe. So the suite can have one side of every
// test across the network.

const peerVariable = "DDS_TEST_PEER"

func TestMain(m *testing.M) {
	if os.Getenv(peerVariable) != "" {
		if err := servePeer(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, "peer:", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// request asks the peer for one operation on endpoint ID.
type request struct {
	Op      string // open, publisher, subscribe, publish, echo, close, stats
	ID      int
	Options transport.Options
	Topic   string
	Type    transport.Type
	QoS     transport.QoS
	Payload []byte
}

// report is a reply (Error, Stats) or an event of endpoint ID.
type report struct {
	ID      int
	Reply   bool
	Error   string
	Is      int // 1 + index in sentinels of what Error wraps
	Stats   transport.Stats
	Match   *transport.Status
	Payload []byte
	Info    transport.Info
}

var sentinels = []error{transport.ErrClosed, transport.ErrInvalid, transport.ErrTooLarge, transport.ErrBlocked}

type endpoint interface{ Close() error }

func servePeer(in io.Reader, out io.Writer) error {
	requests, enc := gob.NewDecoder(in), gob.NewEncoder(out)
	var mu sync.Mutex
	send := func(r report) {
		mu.Lock()
		defer mu.Unlock()
		enc.Encode(r) // fails when the test has gone, and then reading ends
	}
	var node *dds.Node
	open := map[int]endpoint{}
	for {
		var r request
		if err := requests.Decode(&r); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		match := func(m transport.Status) { send(report{ID: r.ID, Match: &m}) }
		reply := report{ID: r.ID, Reply: true}
		var err error
		switch r.Op {
		case "open":
			node, err = dds.Open(r.Options)
			open[0] = node
		case "publisher":
			open[r.ID], err = node.Publisher(r.Topic, r.Type, r.QoS, match)
		case "subscribe":
			open[r.ID], err = node.Subscribe(r.Topic, r.Type, r.QoS, func(p []byte, info transport.Info) {
				send(report{ID: r.ID, Payload: p, Info: info})
			}, match)
		case "echo": // messages on Topic come back on Topic_back
			var back transport.Publisher
			if back, err = node.Publisher(r.Topic+"_back", r.Type, r.QoS, match); err == nil {
				open[r.ID], err = node.Subscribe(r.Topic, r.Type, r.QoS, func(p []byte, _ transport.Info) { back.Publish(p) }, nil)
			}
		case "publish":
			err = open[r.ID].(transport.Publisher).Publish(r.Payload)
		case "stats":
			reply.Stats = node.Stats()
		case "close":
			err = open[r.ID].Close()
		}
		if err != nil {
			reply.Error = err.Error()
			for i, s := range sentinels {
				if errors.Is(err, s) {
					reply.Is = i + 1
				}
			}
		}
		send(reply)
	}
}

// peer is the test's side of a node in another process.
type peer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	mu      sync.Mutex // one request at a time, with its reply
	enc     *gob.Encoder
	replies chan report
	ended   chan struct{}

	events struct {
		sync.Mutex
		sync.Cond
		queue []report
		over  bool
	}
	table struct {
		sync.Mutex
		byID map[int]*peerEndpoint
	}
}

type peerEndpoint struct {
	p       *peer
	id      int
	handler transport.Handler
	match   transport.StatusHandler
	matched atomic.Int64
	closed  atomic.Bool
}

// startPeer opens a node in a new process.
func startPeer(tb testing.TB, o transport.Options) *peer {
	tb.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), peerVariable+"=1", "GORACE=atexit_sleep_ms=0")
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	p := &peer{cmd: cmd, in: in, enc: gob.NewEncoder(in), replies: make(chan report, 1), ended: make(chan struct{})}
	p.events.Cond.L = &p.events.Mutex
	p.table.byID = map[int]*peerEndpoint{}
	go p.read(gob.NewDecoder(out))
	go p.handle()
	tb.Cleanup(func() { p.stop() })
	if _, err := p.do(request{Op: "open", Options: o}); err != nil {
		tb.Fatal(err)
	}
	return p
}

// stop ends the process and waits for it.
func (p *peer) stop() error {
	p.in.Close()
	<-p.ended
	return p.cmd.Wait()
}

func (p *peer) read(dec *gob.Decoder) {
	defer close(p.ended)
	defer close(p.replies)
	for {
		var r report
		err := dec.Decode(&r)
		if err == nil && r.Reply {
			p.replies <- r
			continue
		}
		p.events.Lock()
		p.events.queue = append(p.events.queue, r)
		p.events.over = err != nil
		p.events.Signal()
		p.events.Unlock()
		if err != nil {
			return
		}
	}
}

func (p *peer) handle() {
	for {
		p.events.Lock()
		for len(p.events.queue) == 0 {
			p.events.Wait()
		}
		r := p.events.queue[0]
		p.events.queue = p.events.queue[1:]
		over := p.events.over && len(p.events.queue) == 0
		p.events.Unlock()
		if over {
			return
		}
		p.table.Lock()
		e := p.table.byID[r.ID]
		p.table.Unlock()
		switch {
		case e.closed.Load():
		case r.Match != nil:
			e.matched.Store(int64(r.Match.Matched))
			if e.match != nil {
				e.match(*r.Match)
			}
		case e.handler != nil:
			e.handler(r.Payload, r.Info)
		}
	}
}

func (p *peer) do(r request) (report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.enc.Encode(r); err != nil {
		return report{}, fmt.Errorf("peer: %w: %v", transport.ErrClosed, err)
	}
	reply, ok := <-p.replies
	switch {
	case !ok:
		return reply, fmt.Errorf("peer: %w", transport.ErrClosed)
	case reply.Is > 0:
		return reply, fmt.Errorf("peer: %s (%w)", reply.Error, sentinels[reply.Is-1])
	case reply.Error != "":
		return reply, fmt.Errorf("peer: %s", reply.Error)
	}
	return reply, nil
}

func (p *peer) add(e *peerEndpoint, r request) error {
	p.table.Lock()
	e.p, e.id = p, len(p.table.byID)+1
	p.table.byID[e.id] = e
	p.table.Unlock()
	r.ID = e.id
	_, err := p.do(r)
	return err
}

func (p *peer) Publisher(topic string, typ transport.Type, q transport.QoS, match transport.StatusHandler) (transport.Publisher, error) {
	e := &peerEndpoint{match: match}
	return e, p.add(e, request{Op: "publisher", Topic: topic, Type: typ, QoS: q})
}

func (p *peer) Subscribe(topic string, typ transport.Type, q transport.QoS, h transport.Handler, match transport.StatusHandler) (transport.Subscription, error) {
	e := &peerEndpoint{match: match, handler: h}
	return e, p.add(e, request{Op: "subscribe", Topic: topic, Type: typ, QoS: q})
}

func (p *peer) Stats() transport.Stats {
	r, _ := p.do(request{Op: "stats"})
	return r.Stats
}

func (p *peer) Close() error {
	select {
	case <-p.ended:
		return nil
	default:
	}
	if _, err := p.do(request{Op: "close"}); err != nil {
		return err
	}
	return p.stop()
}

func (e *peerEndpoint) Publish(payload []byte) error {
	_, err := e.p.do(request{Op: "publish", ID: e.id, Payload: payload})
	return err
}

func (e *peerEndpoint) Matched() int {
	if e.closed.Load() {
		return 0
	}
	return int(e.matched.Load())
}

func (e *peerEndpoint) Close() error {
	if e.closed.Swap(true) {
		return nil
	}
	_, err := e.p.do(request{Op: "close", ID: e.id})
	return err
}
