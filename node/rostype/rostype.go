// Package rostype gives transports the generated types' names and hashes.
package rostype

import (
	"guidedpolicysearch/msgs"
	"guidedpolicysearch/node/transport"
)

// Of returns the transport's type of a generated message, service or action, with the hashes
// that its endpoints announce from Iron on.
func Of(m msgs.Type) transport.Type {
	t := transport.Type{Name: m.TypeName(), Hash: m.TypeHash()}
	if service, ok := m.(msgs.Service); ok {
		t.Request, t.Response = service.RequestHash(), service.ResponseHash()
	}
	return t
}
