//go:build !rclgo

package dds

/*
#include <stdlib.h>
#include "mailbox.h"
*/
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"unsafe"

	"guidedpolicysearch/node/transport"
)

// properties are what Cyclone's security plugins are told, as rmw_cyclonedds
// tells them; none where the node joins without security. They are C memory.
func properties(o transport.Options) ([]C.struct_property, error) {
	if o.Security == nil {
		return nil, nil
	}
	if !C.security_is_built_in() {
		err := fmt.Errorf("security is on (ROS_SECURITY_ENABLE=true), but this Cyclone DDS was built without it; install the distribution's, or set ROS_SECURITY_ENABLE=false: %w", transport.ErrInvalid)
		return nil, o.WithoutSecurity(err)
	}
	files, err := o.Security.Files()
	if errors.Is(err, fs.ErrNotExist) {
		return nil, o.WithoutSecurity(err)
	} else if err != nil {
		return nil, err
	}
	var p []C.struct_property
	set := func(name, value string) {
		p = append(p, C.struct_property{name: C.CString(name), value: C.CString(value)})
	}
	set("dds.sec.auth.identity_ca", "file:"+files.IdentityCA)
	set("dds.sec.auth.identity_certificate", "file:"+files.Certificate)
	set("dds.sec.auth.private_key", "file:"+files.PrivateKey)
	set("dds.sec.access.permissions_ca", "file:"+files.PermissionsCA)
	set("dds.sec.access.governance", "file:"+files.Governance)
	set("dds.sec.access.permissions", "file:"+files.Permissions)
	if files.Revoked != "" {
		set("org.eclipse.cyclonedds.sec.auth.crl", "file:"+files.Revoked)
	}
	// Cyclone finds its plugins' libraries by these names.
	for _, plugin := range []struct{ name, library, function string }{
		{"auth", "dds_security_auth", "authentication"},
		{"access", "dds_security_ac", "access_control"},
		{"crypto", "dds_security_crypto", "crypto"},
	} {
		set("dds.sec."+plugin.name+".library.path", plugin.library)
		set("dds.sec."+plugin.name+".library.init", "init_"+plugin.function)
		set("dds.sec."+plugin.name+".library.finalize", "finalize_"+plugin.function)
	}
	return p, nil
}

func freeProperties(properties []C.struct_property) {
	for _, p := range properties {
		C.free(unsafe.Pointer(p.name))
		C.free(unsafe.Pointer(p.value))
	}
}

func enclaveOf(s transport.Security) string {
	if s == (transport.Security{}) {
		return "no enclave"
	}
	return "enclave " + s.Enclave
}

// checkJoined is check for a new participant.
func checkJoined(o transport.Options, participant C.dds_entity_t, secured bool) error {
	if participant >= 0 || !secured {
		return check(participant)
	}
	return fmt.Errorf("enclave %s of keystore %s is refused; Cyclone's own message is on standard error: a file is not what its name says, is signed by another authority, is out of date, or does not allow domain %d: %w: %w",
		o.Security.Enclave, o.Security.Keystore, o.Domain, failure(participant), transport.ErrInvalid)
}
