//go:build !rclgo

package middleware

import (
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
)

// Name of the transport that Open opens: "dds" or "rclgo".
const Name = "dds"

// Open opens a node on the network. Errors are those of dds.Open.
func Open(o transport.Options) (transport.Node, error) {
	n, err := dds.Open(o)
	if err != nil {
		return nil, err
	}
	return n, nil
}
