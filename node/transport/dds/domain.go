//go:build !rclgo

package dds

/*
#include <stdlib.h>
#include "mailbox.h"
*/
import "C"

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// domains are the Cyclone domains of this process. Cyclone keeps one state per
// domain and process, set up by its first user, so this has to be shared too.
var domains = struct {
	sync.Mutex
	open map[uint32]*domain
}{open: map[uint32]*domain{}}

type domain struct {
	handle   C.dds_entity_t
	config   string
	security transport.Security
	users    int
}

// acquireDomain makes the domain of o, or shares it with the nodes that have
// it, if these have the same configuration.
func acquireDomain(o transport.Options) error {
	config := configuration(o)
	var security transport.Security
	if o.Security != nil {
		security = *o.Security
	}
	domains.Lock()
	defer domains.Unlock()
	if d := domains.open[o.Domain]; d != nil {
		if d.config != config {
			return fmt.Errorf("domain %d is open in this process with other discovery settings; nodes of one process and domain must agree in discovery range, static peers, lease and CYCLONEDDS_URI: %w",
				o.Domain, transport.ErrInvalid)
		}
		// Cyclone's access control goes by the permissions of the domain's first participant.
		if d.security != security {
			return fmt.Errorf("domain %d is open in this process with the security of %s; nodes of one process and domain must have the same enclave and keystore, or all none: %w",
				o.Domain, enclaveOf(d.security), transport.ErrInvalid)
		}
		d.users++
		return nil
	}
	s := C.CString(config)
	defer C.free(unsafe.Pointer(s))
	C.log_without_waiting(2) // standard error
	handle := C.dds_create_domain(C.dds_domainid_t(o.Domain), s)
	if err := check(handle); err != nil {
		return fmt.Errorf("domain %d could not be set up; Cyclone's own message is on standard error, and CYCLONEDDS_URI=%q is part of its configuration: %w",
			o.Domain, o.Config, err)
	}
	domains.open[o.Domain] = &domain{handle: handle, config: config, security: security, users: 1}
	return nil
}

func releaseDomain(id uint32) error {
	domains.Lock()
	defer domains.Unlock()
	d := domains.open[id]
	if d.users--; d.users > 0 {
		return nil
	}
	delete(domains.open, id)
	return check(C.dds_delete(d.handle))
}

// Participant indices set the ports a process listens on. Their number bounds
// how many processes of a machine find each other without multicast, and is
// the number of packets each announcement costs per peer. 99 fit between the
// ports of two domains.
const (
	localParticipants = 99
	peerParticipants  = 32
)

// configuration is the Cyclone configuration of a domain: what o asks for, then
// what the user gave, which therefore wins where a setting has one value.
func configuration(o transport.Options) string {
	var b strings.Builder
	b.WriteString(`<CycloneDDS><Domain Id="any">`)
	var discovery string
	switch o.Range {
	case transport.Localhost:
		// The loopback interface does not claim to do multicast, but does.
		// The peer finds ROS 2 nodes that took its word for it. Cyclone refuses an interface that
		// is named twice; whether the user's is loopback is checked once the node is open.
		if !namesInterface(o.Config) {
			b.WriteString(`<General><Interfaces><NetworkInterface address="127.0.0.1" multicast="true"/></Interfaces></General>`)
		}
		b.WriteString(`<General><AllowMulticast>spdp</AllowMulticast></General>`)
		discovery = indexed(localParticipants, []string{"127.0.0.1"})
	case transport.Off:
		b.WriteString(`<General><AllowMulticast>false</AllowMulticast></General>`)
		discovery = `<ParticipantIndex>none</ParticipantIndex><Tag>ros_discovery_off_` + strconv.Itoa(os.Getpid()) + `</Tag>`
	default:
		if len(o.Peers) > 0 {
			discovery = indexed(peerParticipants, o.Peers)
		}
	}
	fmt.Fprintf(&b, `<Discovery><LeaseDuration>%dms</LeaseDuration>%s</Discovery></Domain></CycloneDDS>`, o.Lease.Milliseconds(), discovery)
	if o.Config != "" {
		b.WriteByte(',')
		b.WriteString(o.Config)
	}
	return b.String()
}

// namesInterface tells whether what CYCLONEDDS_URI holds, configuration or the names of files
// with it, selects network interfaces.
func namesInterface(config string) bool {
	for _, part := range strings.Split(config, ",") {
		if path, isFile := strings.CutPrefix(strings.TrimSpace(part), "file://"); isFile {
			data, err := os.ReadFile(path)
			if err == nil && strings.Contains(string(data), "<NetworkInterface") {
				return true
			}
		}
	}
	return strings.Contains(config, "<NetworkInterface")
}

func indexed(participants int, peers []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, `<ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>%d</MaxAutoParticipantIndex><Peers>`, participants)
	for _, p := range peers {
		fmt.Fprintf(&b, `<Peer address="%s"/>`, p)
	}
	b.WriteString(`</Peers>`)
	return b.String()
}
