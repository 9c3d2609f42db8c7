package mem_test

import (
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
	"guidedpolicysearch/node/transport/transporttest"
)

func TestConformance(t *testing.T) {
	transporttest.Run(t, func(testing.TB) transporttest.Pair {
		var bus mem.Bus
		open := func(tb testing.TB, o transport.Options) transport.Node {
			n, err := bus.Open(o)
			if err != nil {
				tb.Fatal(err)
			}
			return n
		}
		return transporttest.Pair{Near: open, Far: open}
	})
}
