//go:build !rclgo

package dds_test

import (
	"errors"
	"testing"

	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
)

// TestHalfAllowedService may have one of the two endpoints of a service, and of a client.
func TestHalfAllowedService(t *testing.T) {
	k := ddstest.NewKeystore(t)
	k.Enclave("/arm", ddstest.Grant{Publish: []string{"ros_discovery_info", "rr/*", "rq/*"}, Subscribe: []string{"ros_discovery_info"}})
	n := ddstest.Open(t, ddstest.Domain(t), "arm", secured(k, "/arm"))
	if _, err := n.Service("/start", trigger, transport.ServiceQoS(), func([]byte, transport.Reply) {}); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("service: %v, want ErrInvalid", err)
	}
	if _, err := n.Client("/start", trigger, transport.ServiceQoS()); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("client: %v, want ErrInvalid", err)
	}
	if _, err := n.Publisher("/start", trigger, transport.Default(), nil); !errors.Is(err, transport.ErrInvalid) {
		t.Errorf("publisher: %v, want ErrInvalid", err)
	}
}
