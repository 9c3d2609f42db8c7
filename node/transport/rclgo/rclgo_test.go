//go:build rclgo

package rclgo_test

import (
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/rclgo"
	"guidedpolicysearch/node/transport/transporttest"
)

func openOn(domain uint32) transporttest.Open {
	return func(tb testing.TB, o transport.Options) transport.Node {
		o.Domain, o.Range = domain, transport.Localhost
		n, err := rclgo.Open(o)
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
}

var lacks = map[transporttest.Feature]string{
	transporttest.OpaqueServices: "rcl passes requests and responses as C structs of their type",
}

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(tb testing.TB) transporttest.Pair {
		open := openOn(ddstest.Domain(tb))
		return transporttest.Pair{Near: open, Far: open, Lacks: lacks}
	})
}
