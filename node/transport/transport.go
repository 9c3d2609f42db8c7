// Package transport is what the node needs of a middleware: publish and
// receive serialized messages on topics, offer and call services, and learn
// who else is there.
//
// It knows bytes, names and quality of service, and no message type. Payloads
// are plain CDR (XCDR1) with its 4-byte encapsulation header, as ROS 2 puts
// them on the wire. Implementations are dds (Cyclone DDS, what ROS 2 nodes
// speak), rclgo (any middleware of an installed ROS 2) and mem (one process,
// for tests and single-process runs); the suite in transporttest holds all to
// the behaviour described here.
//
// # Delivery
//
// Every Node has one goroutine on which all its handlers run, one at a time:
// message handlers in the order the messages of a publisher were published,
// status handlers before the first message of the connection they announce. While a
// handler runs, messages wait in the caches of the subscriptions, each of
// which keeps the last Depth messages: a handler that is slower than its
// publishers loses the oldest ones, reliable or not. A reliable publisher in
// turn keeps its last Depth messages for subscriptions that have not
// acknowledged them yet, so a burst longer than the smaller of the two depths
// may lose messages. Two nodes in lock step have one message per topic under
// way, for which any depth does; the default of 10 leaves room for a restart.
//
// # Matching
//
// The two sides of a connection learn of it one after the other, over a network
// within milliseconds. What counts is the publisher's side: a reliable message
// published while Matched includes a subscription reaches it, whether or not
// that subscription has been told; one published before does not, unless both
// are transient-local. So a node that answers messages, and whose answer must
// not be lost, waits until its own publisher is matched before it answers: that
// a message has come in says nothing about the way back.
//
// # Padding
//
// RTPS carries payloads in units of 4 bytes. A payload of another length is
// padded with zeros and the number of them is put in the two lowest bits of
// the header's fourth byte (DDS-XTypes 1.3, 7.6.3.1.2); reception takes both
// away again. So the bytes received are the bytes published with those two
// bits zero. A publisher of another vendor that does not declare its padding
// leaves up to 3 bytes behind the message, which a CDR decoder ignores.
package transport

import (
	"errors"
	"fmt"
)

// Errors that callers tell apart. Messages wrap them with the topic or option.
var (
	// ErrClosed is returned by what is called on a closed node or endpoint.
	ErrClosed = errors.New("closed")
	// ErrInvalid is an argument or option outside of what is allowed.
	ErrInvalid = errors.New("invalid")
	// ErrTooLarge is a payload above Options.MaxPayload.
	ErrTooLarge = errors.New("payload too large")
	// ErrBlocked is a reliable publication that found no room within
	// QoS.MaxBlocking, because a subscription does not keep up.
	ErrBlocked = errors.New("publication blocked")
)

// HeaderLen is the length in bytes of the encapsulation header every payload
// begins with: 00 01 00 00 for little-endian XCDR1, 00 00 00 00 for big-endian.
const HeaderLen = 4

// PublisherID tells publishers apart within one process. A publisher that
// disappears and comes back, by a restart or after a lost connection, gets
// another one.
type PublisherID uint64

// Info describes one received message.
type Info struct {
	SourceTime  int64       // ns since the Unix epoch, clock of the publisher, when it was published
	ReceiveTime int64       // ns since the Unix epoch, clock of this process, when it was taken for handling
	Publisher   PublisherID // who published it
}

// Handler receives one message. The payload, header included, is valid until
// the handler returns.
type Handler func(payload []byte, info Info)

// Status is the state of an endpoint's connections, and what its quality of service has
// counted (DDS 1.4, 2.2.4.1). Counts are totals since the endpoint was opened.
type Status struct {
	// Matched is the number of endpoints connected now.
	Matched int
	// Incompatible counts how often an endpoint was seen that has the topic
	// and type but a quality of service that does not match. One endpoint may
	// count more than once.
	Incompatible int
	// Policy names the policy that kept the latest of those apart
	// ("reliability"), or is empty.
	Policy string
	// DeadlinesMissed counts the periods of QoS.Deadline that went by without a
	// message: one that a publisher offered, or that a subscription asked for. The
	// first period begins with the first message; a subscription that has lost its
	// last publisher may stop counting until there is a message again.
	DeadlinesMissed int
	// LivelinessLost counts how often a publisher with QoS.ManualLiveliness let its
	// lease end, which begins when it is opened and with each message.
	LivelinessLost int
	// NotAlive is the number of publishers connected to a subscription now whose lease
	// has ended.
	NotAlive int
	// Lost counts messages that a subscription did not receive though they were sent to
	// it, where the middleware knows.
	Lost int
}

// StatusHandler is told the status of an endpoint, once after the endpoint was
// opened and again when it has changed; of changes in quick succession, only
// the last. It runs on the node's goroutine.
type StatusHandler func(Status)

// Stats counts what a node received and did not hand to a handler. What is no message to the
// middleware itself, as random bytes, is in the middleware's log instead.
type Stats struct {
	// Malformed counts payloads that are shorter than their header or have a
	// header that is not XCDR1, requests and responses without the middleware's identity of
	// a request (those of another middleware), and announcements of nodes that are none.
	Malformed uint64
	// TooLarge counts payloads above Options.MaxPayload, and, where the middleware lets its
	// memory be bounded, large ones that came while many of those waited.
	TooLarge uint64
}

// Publisher publishes on one topic. Its methods may be called from several
// goroutines and from handlers.
type Publisher interface {
	// Publish sends one message, whose payload may be reused afterwards. It
	// allocates nothing. Errors: ErrInvalid (no XCDR1 header), ErrTooLarge,
	// ErrBlocked, ErrClosed.
	Publish(payload []byte) error
	// Matched is the number of subscriptions connected, as last given to the
	// status handler.
	Matched() int
	// Close withdraws the publisher. Closing twice does nothing.
	Close() error
}

// Subscription receives from one topic until it is closed.
type Subscription interface {
	// Matched is the number of publishers connected, as last given to the
	// status handler.
	Matched() int
	// Close withdraws the subscription: no handler of it starts after Close
	// has returned. One that is running is not waited for, so that a handler
	// may close its own subscription. Closing twice does nothing.
	Close() error
}

// Node is a participant with a name, as `ros2 node list` shows it.
type Node interface {
	Services
	GraphReader
	// Publisher opens a publisher on a fully resolved topic ("/joint_states").
	// status may be nil.
	Publisher(topic string, typ Type, q QoS, status StatusHandler) (Publisher, error)
	// Subscribe opens a subscription on a fully resolved topic. status may be
	// nil.
	Subscribe(topic string, typ Type, q QoS, h Handler, status StatusHandler) (Subscription, error)
	// Stats returns the counts since the node was opened.
	Stats() Stats
	// Close withdraws the node and all its endpoints, ends calls of its clients with
	// ErrClosed and waits for running handlers, those of services included. It must
	// not be called from a handler.
	Close() error
}

// CheckPayload returns ErrInvalid or ErrTooLarge unless payload begins with an
// XCDR1 header and has at most max bytes.
func CheckPayload(payload []byte, max int) error {
	if len(payload) < HeaderLen || payload[0] != 0 || payload[1] > 1 {
		return fmt.Errorf("payload of %d bytes, want a plain CDR header (00 00 or 00 01 and two option bytes) and a message: %w",
			len(payload), ErrInvalid)
	}
	if len(payload) > max {
		return fmt.Errorf("payload of %d bytes, want at most %d (Options.MaxPayload): %w", len(payload), max, ErrTooLarge)
	}
	return nil
}
