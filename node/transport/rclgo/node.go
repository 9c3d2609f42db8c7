//go:build rclgo

package rclgo

/*
#include "rcl.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/tiiuae/rclgo/pkg/rclgo"

	"guidedpolicysearch/node/transport"
)

// Node is one ROS 2 node in an rcl context of its own.
type Node struct {
	opts      transport.Options
	context   *rclgo.Context
	node      *rclgo.Node
	c         *C.rcl_node_t
	malformed atomic.Uint64
	tooLarge  atomic.Uint64

	messages *waiter                     // its goroutine runs the handlers of messages and status
	services *waiter                     // its goroutine runs the handlers of services and changes of the graph
	events   *waiter                     // its goroutine collects what the others tell
	inbox    *C.rcl_serialized_message_t // of the goroutine of messages
	requests *C.rcl_serialized_message_t // of the goroutine of services
	settling settling                    // of the goroutine of events
	graph    graphWatch

	making sync.RWMutex // held for reading while something is made or closed, so that Close of the node comes after it
	rcl    sync.Mutex   // around what rcl does not allow two threads to do with one node

	mu      sync.Mutex
	closed  bool
	closing chan struct{} // closed with the node
	gone    chan struct{} // closed when Close has ended
	open    map[closer]struct{}
	ends    map[*endpoint]struct{} // those of topics
	changed []*endpoint            // whose status is to be told
}

type closer interface{ close() error }

var (
	_ transport.Node        = (*Node)(nil)
	_ transport.Services    = (*Node)(nil)
	_ transport.GraphReader = (*Node)(nil)
)

// Open makes a node. A setting that reaches rcl through the environment only (discovery range,
// peers, the configuration of Cyclone DDS) is there while the node is made, for the whole process.
func Open(o transport.Options) (*Node, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("node %s: %w", o.Name, err)
	}
	n := &Node{opts: o.WithDefaults(), closing: make(chan struct{}), gone: make(chan struct{}), open: map[closer]struct{}{}, ends: map[*endpoint]struct{}{}}
	n.graph.node = n
	if err := n.make(); err != nil {
		return nil, fmt.Errorf("node %s in domain %d: %w", o.Name, o.Domain, errors.Join(err, n.unmake()))
	}
	go n.messages.run(n.tellStatus)
	go n.services.run(n.graph.tell)
	go n.events.run(n.recount)
	return n, nil
}

func (n *Node) make() error {
	restore, err := setEnvironment(n.opts)
	if err != nil {
		return err
	}
	defer restore()
	err = fromRclgo(func() error {
		args, _, err := rclgo.ParseArgs(arguments(n.opts))
		if err != nil {
			return err
		}
		n.context, err = rclgo.NewContextWithOpts(args, &rclgo.ContextOptions{ClockType: rclgo.ClockTypeSystemTime, DomainID: uint(n.opts.Domain)})
		if err != nil {
			return err
		}
		n.node, err = n.context.NewNode(n.opts.Name, n.opts.Namespace)
		return err
	})
	// rcl joins or not, and says little about a file that it misses.
	if s := n.opts.Security; s != nil && (err != nil || !s.Enforce) {
		if _, missing := s.Files(); errors.Is(missing, fs.ErrNotExist) {
			err = errors.Join(err, n.opts.WithoutSecurity(missing))
		} else if err != nil {
			err = errors.Join(err, missing)
		}
	}
	if err != nil {
		return err
	}
	context, err := handle(n.context, contextField)
	if err != nil {
		return err
	}
	node, err := handle(n.node, nodeField)
	if err != nil {
		return err
	}
	n.c = (*C.rcl_node_t)(node)
	if n.inbox, n.requests = C.buffer_new(), C.buffer_new(); n.inbox == nil || n.requests == nil {
		return fmt.Errorf("receive buffers: %w: out of memory", ErrMiddleware)
	}
	for _, w := range []struct {
		to    **waiter
		graph *C.rcl_guard_condition_t
	}{{&n.messages, nil}, {&n.services, nil}, {&n.events, C.rcl_node_get_graph_guard_condition(n.c)}} {
		if *w.to, err = newWaiter((*C.rcl_context_t)(context), w.graph); err != nil {
			return err
		}
	}
	return nil
}

// unmake frees what make made, or a part of it.
func (n *Node) unmake() error {
	var errs []error
	for _, w := range []*waiter{n.messages, n.services, n.events} {
		if w != nil {
			errs = append(errs, w.close())
		}
	}
	for _, b := range []*C.rcl_serialized_message_t{n.inbox, n.requests} {
		if b != nil {
			C.buffer_free(b)
		}
	}
	if n.context != nil {
		errs = append(errs, fromRclgo(n.context.Close))
	}
	return errors.Join(errs...)
}

// begin is called before something is made in the node, and n.making.RUnlock after it.
func (n *Node) begin() error {
	n.making.RLock()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		n.making.RUnlock()
		return fmt.Errorf("node %s: %w", n.opts.Name, transport.ErrClosed)
	}
	return nil
}

// inNode has rclgo make or close something in the node.
func (n *Node) inNode(f func() error) error {
	n.rcl.Lock()
	defer n.rcl.Unlock()
	return fromRclgo(f)
}

// add enters an endpoint, service or client.
func (n *Node) add(c closer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.open[c] = struct{}{}
	if e, ok := c.(*endpoint); ok {
		n.ends[e] = struct{}{}
	}
}

func (n *Node) forget(c closer) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.open, c)
	if e, ok := c.(*endpoint); ok {
		delete(n.ends, e)
	}
}

// Stats implements transport.Node.
func (n *Node) Stats() transport.Stats {
	return transport.Stats{Malformed: n.malformed.Load(), TooLarge: n.tooLarge.Load()}
}

// Close implements transport.Node. Its error is also that of a goroutine of the node that ended
// early because rcl no longer waited.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		<-n.gone
		return nil
	}
	n.closed = true
	close(n.closing)
	n.mu.Unlock()
	n.making.Lock() // what is being made is there now, and nothing more comes
	n.making.Unlock()

	errs := []error{n.messages.stop(), n.services.stop(), n.events.stop()}
	n.making.Lock()
	defer n.making.Unlock()
	defer close(n.gone)
	for _, c := range n.left() {
		errs = append(errs, c.close())
	}
	errs = append(errs, n.unmake())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close node %s: %w", n.opts.Name, err)
	}
	return nil
}

// left is what is still open.
func (n *Node) left() []closer {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Collect(maps.Keys(n.open))
}

// received checks the payload in a buffer. It is nil if the message is to be dropped, which
// is then counted.
func (n *Node) received(b *C.rcl_serialized_message_t) []byte {
	payload := unsafe.Slice((*byte)(b.buffer), int(b.buffer_length))
	switch err := transport.CheckPayload(payload, n.opts.MaxPayload); {
	case err == nil:
		return payload
	case errors.Is(err, transport.ErrTooLarge):
		n.tooLarge.Add(1)
	default:
		n.malformed.Add(1)
	}
	return nil
}
