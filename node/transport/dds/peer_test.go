//go:build !rclgo

package dds_test

import (
	"context"
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
)

// A peer is a node in another process: the test binary started again, which
// does what it is told through a pipe. So the suite can have one side of every
// test across the network.

// peer is the test's side of a node in another process.
type peer struct {
	cmd     *exec.Cmd
	in      io.WriteCloser
	mu      sync.Mutex // one request at a time, with its reply
	enc     *gob.Encoder
	replies chan report
	calls   struct {
		sync.Mutex
		last int
		byID map[int]chan report
	}
	ended    chan struct{}
	handling sync.Mutex // held while a handler runs
	closing  atomic.Bool

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
	serve   transport.ServiceHandler
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
	p.calls.byID = map[int]chan report{}
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
		switch {
		case err != nil:
		case r.Reply && r.Call > 0:
			p.calls.Lock()
			p.calls.byID[r.Call] <- r
			delete(p.calls.byID, r.Call)
			p.calls.Unlock()
			continue
		case r.Reply:
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
		p.handling.Lock()
		switch {
		case e.closed.Load() || p.closing.Load():
		case r.Match != nil:
			e.matched.Store(int64(r.Match.Matched))
			if e.match != nil {
				e.match(*r.Match)
			}
		case e.serve != nil:
			e.serve(r.Payload, func(response []byte) error {
				_, err := p.do(request{Op: "reply", Call: r.Call, Payload: response})
				return err
			})
		case e.handler != nil:
			e.handler(r.Payload, r.Info)
		}
		p.handling.Unlock()
	}
}

// tell sends a request that has no reply of its own.
func (p *peer) tell(r request) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.enc.Encode(r); err != nil {
		return fmt.Errorf("peer: %w: %v", transport.ErrClosed, err)
	}
	return nil
}

func (p *peer) do(r request) (report, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.enc.Encode(r); err != nil {
		return report{}, fmt.Errorf("peer: %w: %v", transport.ErrClosed, err)
	}
	reply, ok := <-p.replies
	if !ok {
		return reply, fmt.Errorf("peer: %w", transport.ErrClosed)
	}
	return reply, reply.err()
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

func (p *peer) Service(name string, typ transport.Type, q transport.QoS, h transport.ServiceHandler) (transport.Service, error) {
	e := &peerEndpoint{serve: h}
	return e, p.add(e, request{Op: "service", Topic: name, Type: typ, QoS: q})
}

func (p *peer) Client(name string, typ transport.Type, q transport.QoS) (transport.Client, error) {
	e := &peerEndpoint{}
	return e, p.add(e, request{Op: "client", Topic: name, Type: typ, QoS: q})
}

// The suite reads the graph at its own side only.

func (p *peer) Graph() (transport.Graph, error) { return transport.Graph{}, errors.ErrUnsupported }

func (p *peer) OnGraphChange(func()) (stop func()) { return func() {} }

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
	p.closing.Store(true)
	p.handling.Lock() // a running handler is waited for
	p.handling.Unlock()
	if _, err := p.do(request{Op: "close"}); err != nil {
		return err
	}
	return p.stop()
}

func (e *peerEndpoint) Publish(payload []byte) error {
	_, err := e.p.do(request{Op: "publish", ID: e.id, Payload: payload})
	return err
}

func (e *peerEndpoint) Call(ctx context.Context, payload []byte) ([]byte, error) {
	c := &e.p.calls
	end := make(chan report, 1)
	c.Lock()
	c.last++
	r := request{Op: "call", ID: e.id, Call: c.last, Payload: payload}
	c.byID[r.Call] = end
	c.Unlock()
	r.Until, _ = ctx.Deadline()
	if err := e.p.tell(r); err != nil {
		return nil, err
	}
	select {
	case done := <-end:
		return done.Payload, done.err()
	case <-ctx.Done():
		if _, err := e.p.do(request{Op: "cancel", Call: r.Call}); err != nil {
			return nil, err
		}
	case <-e.p.ended:
		return nil, transport.ErrClosed
	}
	select {
	case done := <-end:
		if errors.Is(done.err(), context.Canceled) {
			return nil, errors.Join(done.err(), ctx.Err())
		}
		return done.Payload, done.err()
	case <-e.p.ended:
		return nil, transport.ErrClosed
	}
}

func (e *peerEndpoint) Servers() int {
	r, _ := e.p.do(request{Op: "servers", ID: e.id})
	return r.Servers
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
