//go:build !rclgo

package typedescription_test

import (
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/typedescription"
)

// TestOnTheWire asks over DDS, as a node of Jazzy does.
func TestOnTheWire(t *testing.T) {
	domain := ddstest.Domain(t)
	jazzy := func(o *transport.Options) { o.Distro = "jazzy" }
	s, err := typedescription.New(ddstest.Open(t, domain, "gps", jazzy), serviceName, catalog(t))
	if err != nil {
		t.Fatal(err)
	}
	check(t, client(t, ddstest.Open(t, domain, "tool", jazzy)))
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
