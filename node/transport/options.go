package transport

import (
	"fmt"
	"strings"
	"time"
)

// Range is how far a node looks for others.
type Range int

const (
	// Subnet reaches every machine the network does.
	Subnet Range = iota
	// Localhost reaches this machine only. What is published cannot leave
	// it: sending sockets are bound to the loopback address.
	Localhost
	// Off reaches nodes of this process only.
	Off
)

// Options are the settings of a node. Name is required; all nodes of a process
// that share a domain must agree in Range, Peers, Lease, Config and Security.
type Options struct {
	Name      string // node name without namespace ("sim_robot")
	Namespace string // "/" or "" for none, else "/robot1"
	Domain    uint32 // ROS domain, 0 to 232
	Range     Range  // default Subnet
	// Peers are addresses of machines to look for nodes on where multicast
	// does not reach (ROS_STATIC_PEERS). Not with Localhost or Off.
	Peers []string
	// Distro is the ROS 2 distribution on the network, "humble" (default,
	// also if empty), "iron", "jazzy", "kilted", "lyrical" or "rolling". Nodes
	// of Humble and of later ones must not share a domain.
	Distro string
	// Enclave is announced to other nodes; default "/".
	Enclave string
	// Lease is the time after which others take a node that fell silent for
	// gone; default DefaultLease.
	Lease time.Duration
	// MaxPayload bounds sent and received payloads in bytes; default
	// DefaultMaxPayload.
	MaxPayload int
	// Config is middleware configuration of the user: for dds what
	// CYCLONEDDS_URI holds, applied after this package's own.
	Config string
	// Security is nil for a node without.
	Security *Security
	// Warn is told, while the node is made, of what it does without; default
	// nobody.
	Warn func(error)
}

// Limits and defaults of Options.
const (
	MaxDomain         = 232
	DefaultDistro     = "humble"
	DefaultLease      = 10 * time.Second
	DefaultMaxPayload = 64 << 20 // bytes
)

var distros = []string{"humble", "iron", "jazzy", "kilted", "lyrical", "rolling"}

// WithDefaults returns o with its empty fields set.
func (o Options) WithDefaults() Options {
	if o.Namespace == "" {
		o.Namespace = "/"
	}
	if o.Distro == "" {
		o.Distro = DefaultDistro
	}
	if o.Enclave == "" {
		o.Enclave = "/"
	}
	if o.Lease == 0 {
		o.Lease = DefaultLease
	}
	if o.MaxPayload == 0 {
		o.MaxPayload = DefaultMaxPayload
	}
	if o.Security != nil && o.Security.Enclave == "" {
		s := *o.Security
		s.Enclave = o.Enclave
		o.Security = &s
	}
	return o
}

// Validate returns an error that names the first option out of range.
func (o Options) Validate() error {
	o = o.WithDefaults()
	if !isToken(o.Name) || len(o.Name) > maxName {
		return fmt.Errorf("node name %.40q, want letters, digits and underscores: %w", o.Name, ErrInvalid)
	}
	if o.Namespace != "/" {
		if err := checkPath("namespace", o.Namespace); err != nil {
			return err
		}
	}
	if o.Enclave != "/" {
		if err := checkPath("enclave", o.Enclave); err != nil {
			return err
		}
	}
	if o.Security != nil {
		if err := o.Security.validate(); err != nil {
			return err
		}
	}
	if o.Domain > MaxDomain {
		return fmt.Errorf("domain %d, want 0 to %d: %w", o.Domain, MaxDomain, ErrInvalid)
	}
	if o.Range < Subnet || o.Range > Off {
		return fmt.Errorf("discovery range %d, want Subnet, Localhost or Off: %w", o.Range, ErrInvalid)
	}
	if len(o.Peers) > 0 && o.Range != Subnet {
		return fmt.Errorf("%d static peers with discovery not on the subnet, want none: %w", len(o.Peers), ErrInvalid)
	}
	for _, p := range o.Peers {
		if p == "" || strings.Trim(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:-_[]%") != "" {
			return fmt.Errorf("static peer %q, want a host name or address: %w", p, ErrInvalid)
		}
	}
	if err := checkDistro(o.Distro); err != nil {
		return err
	}
	if o.Lease < 100*time.Millisecond || o.Lease > time.Hour {
		return fmt.Errorf("lease %v, want 100ms to 1h: %w", o.Lease, ErrInvalid)
	}
	if o.MaxPayload < HeaderLen || o.MaxPayload > 1<<30 {
		return fmt.Errorf("largest payload %d, want %d to %d bytes: %w", o.MaxPayload, HeaderLen, 1<<30, ErrInvalid)
	}
	return nil
}

func checkDistro(name string) error {
	for _, d := range distros {
		if d == name {
			return nil
		}
	}
	return fmt.Errorf("ROS distribution %q, want one of %s: %w", name, strings.Join(distros, ", "), ErrInvalid)
}
