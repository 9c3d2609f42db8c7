package lifecycle_test

import (
	"math/rand/v2"
	"testing"

	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestRandomWalkOverDDS does over the network what TestRandomWalks does within the process.
func TestRandomWalkOverDDS(t *testing.T) {
	domain := ddstest.Domain(t)
	walk(t, ddstest.Open(t, domain, "gps", nil), ddstest.Open(t, domain, "tool", nil), rand.New(rand.NewPCG(100, 1)), 60)
}
