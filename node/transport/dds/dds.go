//go:build !rclgo

// Package dds is the transport ROS 2 nodes speak: Cyclone DDS, called through
// cgo without any ROS installation. Topics are named and typed as
// rmw_cyclonedds does (rt/joint_states, sensor_msgs::msg::dds_::JointState_),
// and the node is announced on ros_discovery_info, so that the ros2 command
// line and other nodes see it.
//
// The C files hold what must run on Cyclone's threads: a type whose samples
// are opaque CDR (raw.c) and a mailbox that the node's goroutine waits on
// (mailbox.c). They need the cyclonedds-dev package, 0.10.2 to 0.10.5.
//
// # Memory
//
// A subscription keeps Depth messages. Those above 64 KiB that wait in the whole process are
// together of at most four times Options.MaxPayload (or 16 MiB, if that is more); what comes
// beyond is counted as too large.
// Cyclone DDS itself keeps what participants announce until their leases end, and begun
// messages until their fragments are there, as much as is sent; only security keeps strangers
// from that. For each endpoint that is opened it keeps some 500 bytes until the process leaves
// the domain, closed or not: a node that opens and closes endpoints for years should be started
// again now and then.
package dds

/*
#cgo LDFLAGS: -lddsc
#cgo CFLAGS: -Wall -Wextra
#cgo noescape endpoint_publish
#cgo nocallback endpoint_publish
#cgo nocallback mailbox_wait
#include <stdlib.h>
#include "mailbox.h"
*/
import "C"

import (
	"errors"
	"fmt"

	"guidedpolicysearch/node/transport"
)

// ErrMiddleware is a failure reported by Cyclone DDS.
var ErrMiddleware = errors.New("Cyclone DDS")

// check turns a Cyclone return code into an error.
func check(rc C.dds_return_t) error {
	switch {
	case rc >= 0:
		return nil
	case rc == C.DDS_RETCODE_TIMEOUT:
		return fmt.Errorf("a subscription does not keep up: %w", transport.ErrBlocked)
	case rc == C.DDS_RETCODE_ALREADY_DELETED:
		return transport.ErrClosed
	}
	if rc == C.DDS_RETCODE_NOT_ALLOWED_BY_SECURITY {
		return fmt.Errorf("the permissions of the enclave do not allow it; add it to the policy and make them anew with `ros2 security create_permission`: %w: %w", failure(rc), transport.ErrInvalid)
	}
	return failure(rc)
}

func failure(rc C.dds_return_t) error {
	return fmt.Errorf("%w: %s", ErrMiddleware, C.GoString(C.dds_strretcode(rc)))
}
