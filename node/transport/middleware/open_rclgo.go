//go:build rclgo

package middleware

import (
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/rclgo"
)

// Name of the transport that Open opens: "dds" or "rclgo".
const Name = "rclgo"

// Open opens a node on the network. Errors are those of rclgo.Open.
func Open(o transport.Options) (transport.Node, error) {
	n, err := rclgo.Open(o)
	if err != nil {
		return nil, err
	}
	return n, nil
}
