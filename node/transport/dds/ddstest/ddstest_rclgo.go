//go:build rclgo

package ddstest

import (
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/rclgo"
)

// Open opens a node on loopback and closes it when tb ends. change may be nil.
func Open(tb testing.TB, domain uint32, name string, change func(*transport.Options)) *rclgo.Node {
	tb.Helper()
	o := transport.Options{Name: name, Domain: domain, Range: transport.Localhost}
	if change != nil {
		change(&o)
	}
	n, err := rclgo.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := n.Close(); err != nil {
			tb.Error(err)
		}
	})
	return n
}
