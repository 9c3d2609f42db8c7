package transport

import (
	"fmt"
	"strconv"
	"strings"
)

// FromEnvironment sets the options that ROS 2 takes from environment
// variables, read through getenv (os.Getenv): ROS_DOMAIN_ID,
// ROS_LOCALHOST_ONLY, ROS_AUTOMATIC_DISCOVERY_RANGE, ROS_STATIC_PEERS,
// ROS_DISTRO, CYCLONEDDS_URI and, as ROS 2 reads these, ROS_SECURITY_ENABLE
// (security is on with "true" only), ROS_SECURITY_STRATEGY ("Enforce", else
// permissive), ROS_SECURITY_KEYSTORE and ROS_SECURITY_ENCLAVE_OVERRIDE. An
// empty variable counts as unset and leaves the option as it was. Values that
// ROS 2 would guess at are errors.
func (o Options) FromEnvironment(getenv func(string) string) (Options, error) {
	if v := getenv("ROS_DOMAIN_ID"); v != "" {
		n, err := strconv.ParseUint(v, 10, 32)
		if err != nil || n > MaxDomain {
			return o, fmt.Errorf("environment variable ROS_DOMAIN_ID=%q, want a number from 0 to %d: %w", v, MaxDomain, ErrInvalid)
		}
		o.Domain = uint32(n)
	}
	switch v := getenv("ROS_AUTOMATIC_DISCOVERY_RANGE"); v {
	case "", "SYSTEM_DEFAULT":
	case "SUBNET":
		o.Range = Subnet
	case "LOCALHOST":
		o.Range = Localhost
	case "OFF":
		o.Range = Off
	default:
		return o, fmt.Errorf("environment variable ROS_AUTOMATIC_DISCOVERY_RANGE=%q, want SUBNET, LOCALHOST, OFF or SYSTEM_DEFAULT: %w", v, ErrInvalid)
	}
	switch v := getenv("ROS_LOCALHOST_ONLY"); v {
	case "", "0":
	case "1":
		if o.Range != Off {
			o.Range = Localhost
		}
	default:
		return o, fmt.Errorf("environment variable ROS_LOCALHOST_ONLY=%q, want 0 or 1: %w", v, ErrInvalid)
	}
	if v := getenv("ROS_STATIC_PEERS"); v != "" && o.Range == Subnet {
		o.Peers = nil
		for _, p := range strings.Split(v, ";") {
			if p = strings.TrimSpace(p); p != "" {
				o.Peers = append(o.Peers, p)
			}
		}
	}
	if v := getenv("ROS_DISTRO"); v != "" {
		if err := checkDistro(v); err != nil {
			return o, fmt.Errorf("environment variable ROS_DISTRO: %w", err)
		}
		o.Distro = v
	}
	if v := getenv("CYCLONEDDS_URI"); v != "" {
		o.Config = v
	}
	security, err := securityFromEnvironment(getenv)
	if err != nil {
		return o, err
	}
	if security != nil {
		o.Security = security
	}
	return o, nil
}
