//go:build rclgo

package rclgo_test

import (
	"os"
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

// lacks is what rcl, and then the RMW that is chosen, cannot have.
func lacks() map[transporttest.Feature]string {
	l := map[transporttest.Feature]string{
		transporttest.OpaqueServices: "rcl passes requests and responses as C structs of their type",
	}
	if os.Getenv("RMW_IMPLEMENTATION") == "rmw_fastrtps_cpp" {
		l[transporttest.TypesOfATopic] = "rmw_fastrtps refuses the second type"
		l[transporttest.DeepQueues] = "rmw_fastrtps leaves Fast DDS's bound of 5000 samples"
		l[transporttest.EmptyServices] = "rmw_fastrtps rounds the length of types of fixed size up to 4 bytes"
		l[transporttest.LivelinessEvents] = "Fast DDS 2.9 did not tell the subscription that a lease had ended"
	}
	return l
}

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(tb testing.TB) transporttest.Pair {
		open := openOn(ddstest.Domain(tb))
		return transporttest.Pair{Near: open, Far: open, Lacks: lacks()}
	})
}
