//go:build !rclgo

package dds_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
)

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
	Op      string // open, publisher, subscribe, publish, echo, service, reply, client, call, cancel, servers, close, stats
	ID      int
	Call    int // of reply, call and cancel
	Until   time.Time
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
	Call    int // of a service's request, or the end of a call
	Error   string
	Is      []int // indices in sentinels of what Error wraps
	Servers int
	Stats   transport.Stats
	Match   *transport.Status
	Payload []byte
	Info    transport.Info
}

var sentinels = []error{
	transport.ErrClosed, transport.ErrInvalid, transport.ErrTooLarge, transport.ErrBlocked, transport.ErrNoServer,
	context.Canceled, context.DeadlineExceeded,
}

func (r *report) fail(err error) {
	if err == nil {
		return
	}
	r.Error = err.Error()
	for i, s := range sentinels {
		if errors.Is(err, s) {
			r.Is = append(r.Is, i)
		}
	}
}

func (r *report) err() error {
	if r.Error == "" {
		return nil
	}
	wrapped := []error{fmt.Errorf("peer: %s", r.Error)}
	for _, i := range r.Is {
		wrapped = append(wrapped, sentinels[i])
	}
	return errors.Join(wrapped...)
}

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
	var replies replies
	cancels := map[int]context.CancelFunc{}
	var calls sync.WaitGroup
	defer func() {
		for _, cancel := range cancels {
			cancel()
		}
		calls.Wait()
	}()
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
		case "service":
			open[r.ID], err = node.Service(r.Topic, r.Type, r.QoS, func(p []byte, reply transport.Reply) {
				send(report{ID: r.ID, Call: replies.add(reply), Payload: p})
			})
		case "reply":
			err = replies.get(r.Call)(r.Payload)
		case "client":
			open[r.ID], err = node.Client(r.Topic, r.Type, r.QoS)
		case "servers":
			reply.Servers = open[r.ID].(transport.Client).Servers()
		case "call":
			ctx, cancel := context.WithCancel(context.Background())
			if !r.Until.IsZero() {
				ctx, cancel = context.WithDeadline(context.Background(), r.Until)
			}
			cancels[r.Call] = cancel
			client := open[r.ID].(transport.Client)
			calls.Add(1)
			go func() {
				defer calls.Done()
				end := report{ID: r.ID, Reply: true, Call: r.Call}
				var err error
				end.Payload, err = client.Call(ctx, r.Payload)
				end.fail(err)
				send(end)
			}()
			continue
		case "cancel":
			cancels[r.Call]()
			delete(cancels, r.Call)
		case "close":
			err = open[r.ID].Close()
		}
		reply.fail(err)
		send(reply)
	}
}

// replies keeps those that the test has not called yet.
type replies struct {
	mu   sync.Mutex
	last int
	byID map[int]transport.Reply
}

func (r *replies) add(reply transport.Reply) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.byID == nil {
		r.byID = map[int]transport.Reply{}
	}
	r.last++
	r.byID[r.last] = reply
	return r.last
}

func (r *replies) get(id int) transport.Reply {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.byID[id]
}
