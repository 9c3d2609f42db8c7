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

// connected lists the peers of e; none once it is closed.
func (e *endpoint) connected() []peer {
	e.mu.RLock()
	defer e.mu.RUnlock()
	if e.closed {
		return nil
	}
	handles := make([]C.uint64_t, 8)
	for {
		n := int(C.endpoint_peers(e.c, &handles[0], C.uint32_t(len(handles))))
		if n <= len(handles) {
			handles = handles[:n]
			break
		}
		handles = make([]C.uint64_t, n+8) // more may come meanwhile
	}
	peers := make([]peer, 0, len(handles))
	var p C.struct_peer
	for _, h := range handles {
		if C.endpoint_peer(e.c, h, &p) {
			peers = append(peers, peer{uint64(h), GUID(C.GoBytes(unsafe.Pointer(&p.participant), 16)), string(C.GoBytes(unsafe.Pointer(&p.user_data), C.int(p.user_data_size)))})
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
