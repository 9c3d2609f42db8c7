//go:build rclgo

// Package rclgo is the transport of a ROS 2 installation: any RMW, through
// github.com/tiiuae/rclgo, in programs built with the tag rclgo. scripts/ros_flags.sh tells cgo
// where the installation is.
//
// rclgo holds the context, the node, its publishers, subscriptions, services and clients, and
// reads the graph. Messages stay serialized: type supports are loaded from the installation by
// name (type.c), for topics, services and actions, so no Go types are generated from them. A
// request or response, which rcl passes as a C struct only, is put into one and out of it by the
// RMW (service.c).
//
// Beside rclgo this package calls rcl where rclgo allocates for each message or lacks what a
// transport needs: publishing and taking (in Go alone rclgo makes three allocations for the one
// and six for the other, and drops the publisher's identity), waiting (its wait set cannot change
// while it waits), and the events of quality of service (it has none). The handles of rcl are
// private to rclgo; handle.go is the only place that knows where they are.
//
// # Goroutines
//
// A node has three, each blocked in a wait set of its own: one for messages and status, one for
// services and changes of the graph, and one that collects events. Nothing polls. Up to Humble
// rcl has no event for a match: after a change of the graph the connections are counted again,
// at once and a few times in the following seconds, since a middleware announces an endpoint
// before it connects to it.
//
// # What an RMW decides
//
//   - QoS.MaxBlocking: rmw_cyclonedds lets a reliable publisher wait without bound for a
//     subscription that does not keep up, and says of a failure only that there was one. ErrBlocked
//     comes where the RMW reports a timeout.
//   - Options.Lease is the middleware's own. Options.Distro is that of the installation.
//     Options.Peers and Off need Iron or later, and an RMW that knows them.
//   - Which servers a client talks to: rmw_cyclonedds prefers those that identify themselves,
//     and takes others where there are none.
//   - Events that an RMW does not have are not counted.
//   - GraphEndpoint.Type has no Hash.
//   - rmw_fastrtps refuses a second type of one topic in a node, and keeps at most 5000 messages.
//   - A publisher of another program may leave up to 3 bytes of padding behind a message
//     (rmw_cyclonedds does not declare them); between programs of this package bytes are exact.
package rclgo

/*
#cgo CFLAGS: -Wall
#cgo LDFLAGS: -lrcl -lrmw -lrmw_implementation -lrcutils -lrosidl_runtime_c -lrosidl_typesupport_c -lrosidl_typesupport_introspection_c -ldl
#cgo noescape publisher_publish
#cgo noescape service_reply
#cgo noescape client_send
#include <stdlib.h>
#include <rcutils/error_handling.h>
#include "rcl.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// ErrMiddleware is a failure reported by rcl or the RMW.
var ErrMiddleware = errors.New("rcl")

// check turns an outcome into an error, and frees it.
func check(o C.struct_outcome) error {
	if o.code == C.RCL_RET_OK {
		return nil
	}
	text := "no reason given"
	if o.text != nil {
		text = C.GoString(o.text)
		C.free(unsafe.Pointer(o.text))
	}
	switch o.code {
	case C.RCL_RET_TIMEOUT:
		return fmt.Errorf("%w: %s", transport.ErrBlocked, text)
	case C.UNREADABLE:
		return fmt.Errorf("payload is not of its type: %s: %w", text, transport.ErrInvalid)
	}
	return fmt.Errorf("%w: code %d: %s", ErrMiddleware, int(o.code), text)
}

// fromRclgo calls rclgo, whose errors read the state of rcl's that belongs to the thread.
func fromRclgo(call func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := call()
	if err == nil {
		return nil
	}
	C.rcutils_reset_error()                                // rclgo leaves it, and rcl complains of the next one
	text, _, _ := strings.Cut(err.Error(), "\ngoroutine ") // a stack trace
	return fmt.Errorf("%w: %s", ErrMiddleware, strings.Join(strings.Fields(text), " "))
}
