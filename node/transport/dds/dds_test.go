//go:build !rclgo

package dds_test

import (
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/transporttest"
)

func openOn(domain uint32) transporttest.Open {
	return func(tb testing.TB, o transport.Options) transport.Node {
		o.Domain, o.Range = domain, transport.Localhost
		n, err := dds.Open(o)
		if err != nil {
			tb.Fatal(err)
		}
		return n
	}
}

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(tb testing.TB) transporttest.Pair {
		open := openOn(ddstest.Domain(tb))
		return transporttest.Pair{Near: open, Far: open}
	})
}

// TestConformanceAcrossProcesses has one side of every test in another process,
// so that messages go through sockets.
func TestConformanceAcrossProcesses(t *testing.T) {
	transporttest.Run(t, func(tb testing.TB) transporttest.Pair {
		domain := ddstest.Domain(tb)
		far := func(tb testing.TB, o transport.Options) transport.Node {
			o.Domain, o.Range = domain, transport.Localhost
			return startPeer(tb, o)
		}
		return transporttest.Pair{Near: openOn(domain), Far: far}
	})
}
