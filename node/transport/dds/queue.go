//go:build !rclgo

package dds

/*
#include "mailbox.h"
*/
import "C"

import (
	"fmt"
	"runtime"
	"time"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// queue is a mailbox and the goroutine that empties it.
type queue struct {
	box  *C.struct_mailbox
	done chan struct{} // closed when the goroutine has ended
}

func newQueue() *queue { return &queue{C.mailbox_new(), make(chan struct{})} }

// stop ends the goroutine and waits for it.
func (q *queue) stop() {
	C.mailbox_shut(q.box)
	<-q.done
}

// free needs the queue's endpoints closed and no goroutine.
func (q *queue) free() { C.mailbox_free(q.box) }

// run hands what a mailbox collects to the handlers until it is shut.
func (n *Node) run(q *queue) {
	defer close(q.done)
	var payload []byte
	yielded := time.Now()
	for {
		ev := C.mailbox_wait(q.box)
		if ev == nil {
			return
		}
		n.table.RLock()
		e := n.table.byID[uint64(ev.endpoint)]
		n.table.RUnlock()
		switch {
		case e == nil: // closed meanwhile
		case ev.kind == C.EVENT_CHANGE:
			e.tellPeers()
		case ev.kind == C.EVENT_STATUS:
			e.tellStatus(transport.Status{
				Matched: int(ev.matched), Incompatible: int(ev.incompatible), Policy: policy(ev.policy),
				DeadlinesMissed: int(ev.deadlines_missed), LivelinessLost: int(ev.liveliness_lost),
				NotAlive: int(ev.not_alive), Lost: int(ev.lost),
			})
		case ev.fault == C.RAW_MALFORMED:
			n.malformed.Add(1)
		case ev.fault == C.RAW_TOO_LARGE:
			n.tooLarge.Add(1)
		default:
			payload = append(payload[:0], unsafe.Slice((*byte)(ev.payload), int(ev.size))...)
			payload[3] &^= padMask
			now := time.Now()
			e.deliver(payload, transport.Info{
				SourceTime:  int64(ev.source_time),
				ReceiveTime: now.UnixNano(),
				Publisher:   transport.PublisherID(ev.publisher),
			})
			// The scheduler takes the processor from a goroutine that it has not seen for 10 ms
			// whenever that waits for a message, which makes each wake-up slow.
			if now.Sub(yielded) > timeSlice {
				runtime.Gosched()
				yielded = now
			}
			if cap(payload) > keptBuffer {
				payload = nil
			}
		}
	}
}

const (
	padMask    = 3                    // bits of header byte 3 that count padding
	keptBuffer = 4 << 20              // bytes; a larger receive buffer is not kept for the next message
	timeSlice  = 4 * time.Millisecond // half of what the scheduler allows, less a message
)

func policy(id C.uint32_t) string {
	switch id {
	case C.DDS_RELIABILITY_QOS_POLICY_ID:
		return transport.PolicyReliability
	case C.DDS_DURABILITY_QOS_POLICY_ID:
		return transport.PolicyDurability
	case C.DDS_DEADLINE_QOS_POLICY_ID:
		return transport.PolicyDeadline
	case C.DDS_LIVELINESS_QOS_POLICY_ID:
		return transport.PolicyLiveliness
	case C.DDS_INVALID_QOS_POLICY_ID:
		return ""
	}
	return fmt.Sprintf("policy %d", uint32(id))
}
