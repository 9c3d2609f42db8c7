//go:build !rclgo

package dds

import (
	"encoding/binary"
	"fmt"
	"strings"

	"guidedpolicysearch/node/transport"
)

// identity is what rmw_cyclonedds puts between the header and the body of a request, and
// what the response repeats, so that the client knows it.
type identity struct {
	client uint64 // handle of the client's request writer
	seq    int64
}

const identityLen = 16 // bytes

func order(payload []byte) binary.ByteOrder {
	if payload[1] == 0 {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// withIdentity writes payload into dst with an identity after its header.
func withIdentity(dst, payload []byte, id identity) []byte {
	dst = append(dst[:0], payload[:transport.HeaderLen]...)
	var b [identityLen]byte
	order(payload).PutUint64(b[:8], id.client)
	order(payload).PutUint64(b[8:], uint64(id.seq))
	dst = append(dst, b[:]...)
	return append(dst, payload[transport.HeaderLen:]...)
}

// cutIdentity takes the identity out of payload, in place; the body's alignment stays. It
// fails for a payload that is too short to have one.
func cutIdentity(payload []byte) (identity, []byte, bool) {
	if len(payload) < transport.HeaderLen+identityLen {
		return identity{}, nil, false
	}
	b := payload[transport.HeaderLen:]
	id := identity{order(payload).Uint64(b), int64(order(payload).Uint64(b[8:]))}
	copy(payload[identityLen:], payload[:transport.HeaderLen])
	return id, payload[identityLen:], true
}

// Keys of endpoints' user data, which is a list "key=value;".
const (
	serviceKey = "serviceid"
	clientKey  = "clientid"
	hashKey    = "typehash"
	enclaveKey = "enclave"
)

// userValue is the value of a key in user data, or empty.
func userValue(data, key string) string {
	for data != "" {
		var entry string
		entry, data, _ = strings.Cut(data, ";")
		if k, v, ok := strings.Cut(entry, "="); ok && k == key {
			return v
		}
	}
	return ""
}

// newServiceID identifies a service or client: both its endpoints announce it. It is written as
// rmw_cyclonedds does. The node's mu is held.
func (n *Node) newServiceID() string {
	n.lastServiceID++
	id := n.guid
	binary.BigEndian.PutUint32(id[12:], n.lastServiceID)
	var b strings.Builder
	fmt.Fprintf(&b, "%2x", id[0])
	for _, x := range id[1:] {
		fmt.Fprintf(&b, ".%x", x)
	}
	return b.String()
}
