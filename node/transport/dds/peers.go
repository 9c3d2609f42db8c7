//go:build !rclgo

package dds

/*
#include "mailbox.h"
*/
import "C"

import "unsafe"

// peer is an endpoint that one of this node is connected to.
type peer struct {
	handle      uint64
	participant GUID
	userData    string
}

// peerHandles lists the handles of the peers of e; none once it is closed.
func (e *endpoint) peerHandles() []uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil
	}
	handles := make([]uint64, 8)
	for {
		n := int(C.endpoint_peers(e.c, (*C.uint64_t)(&handles[0]), C.uint32_t(len(handles))))
		if n <= len(handles) {
			return handles[:n]
		}
		handles = make([]uint64, n+8) // more may come meanwhile
	}
}

// peer describes a peer, unless it is one no longer.
func (e *endpoint) peer(handle uint64) (peer, bool) {
	e.mu.RLock()
	defer e.mu.RUnlock()
	var p C.struct_peer
	if e.closed || !bool(C.endpoint_peer(e.c, C.uint64_t(handle), &p)) {
		return peer{}, false
	}
	return peer{
		handle:      handle,
		participant: guid(&p.participant),
		userData:    string(C.GoBytes(unsafe.Pointer(&p.user_data), C.int(p.user_data_size))),
	}, true
}

// connected lists the peers of e.
func (e *endpoint) connected() []peer {
	var peers []peer
	for _, h := range e.peerHandles() {
		if p, there := e.peer(h); there {
			peers = append(peers, p)
		}
	}
	return peers
}

// handle is Cyclone's own identifier of e, which no other entity of the domain has.
func (e *endpoint) handle() uint64 {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return 0
	}
	return uint64(C.endpoint_handle(e.c))
}
