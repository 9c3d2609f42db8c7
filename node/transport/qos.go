package transport

import (
	"fmt"
	"math"
	"time"
)

// Reliability says whether lost messages are sent again.
type Reliability int

// The reliabilities, the stronger one last.
const (
	BestEffort Reliability = iota
	Reliable
)

// Durability says whether a subscription that joins late receives earlier
// messages.
type Durability int

// The durabilities, the stronger one last.
const (
	Volatile Durability = iota
	TransientLocal
)

// QoS is the quality of service of an endpoint (DDS 1.4, 2.2.3), as far as ROS
// 2 nodes use it. History is always keep-last.
type QoS struct {
	Reliability Reliability
	Durability  Durability
	// Depth is the number of messages kept, 1 to 100000.
	Depth int
	// Deadline is the longest time between messages that a publisher offers
	// or a subscription asks for; 0 is none. Status counts what was missed.
	Deadline time.Duration
	// Lifespan is the age at which a published message is no longer
	// delivered; 0 is never.
	Lifespan time.Duration
	// Liveliness is the lease of liveliness that a publisher offers or a
	// subscription asks for; 0 is infinite.
	Liveliness time.Duration
	// ManualLiveliness offers, or asks for, a lease that each publication renews
	// (manual by topic); otherwise the middleware renews it while the process lives.
	ManualLiveliness bool
	// MaxBlocking is the longest time a reliable publisher waits for room;
	// 0 is DefaultMaxBlocking.
	MaxBlocking time.Duration
}

// DefaultMaxBlocking is the time a reliable publisher waits for room before it
// gives up with ErrBlocked (DDS 1.4, 2.2.3.14).
const DefaultMaxBlocking = 100 * time.Millisecond

// MaxDepth is the largest QoS.Depth.
const MaxDepth = 100_000

// Default is the quality of service of ordinary ROS 2 topics and of commands.
func Default() QoS { return QoS{Reliability: Reliable, Durability: Volatile, Depth: 10} }

// SensorData is the quality of service of high-rate sensors.
func SensorData() QoS { return QoS{Reliability: BestEffort, Durability: Volatile, Depth: 5} }

// Clock is the quality of service of /clock.
func Clock() QoS { return QoS{Reliability: BestEffort, Durability: Volatile, Depth: 1} }

// Latched keeps the last message for subscriptions that join late.
func Latched() QoS { return QoS{Reliability: Reliable, Durability: TransientLocal, Depth: 1} }

// Validate returns an error that names the first field out of range.
func (q QoS) Validate() error {
	if q.Reliability != BestEffort && q.Reliability != Reliable {
		return fmt.Errorf("reliability %d, want BestEffort or Reliable: %w", q.Reliability, ErrInvalid)
	}
	if q.Durability != Volatile && q.Durability != TransientLocal {
		return fmt.Errorf("durability %d, want Volatile or TransientLocal: %w", q.Durability, ErrInvalid)
	}
	if q.Depth < 1 || q.Depth > MaxDepth {
		return fmt.Errorf("depth %d, want 1 to %d: %w", q.Depth, MaxDepth, ErrInvalid)
	}
	for _, d := range []struct {
		name string
		v    time.Duration
	}{{"deadline", q.Deadline}, {"lifespan", q.Lifespan}, {"liveliness", q.Liveliness}, {"max blocking", q.MaxBlocking}} {
		if d.v < 0 {
			return fmt.Errorf("%s %v, want 0 (none) or more: %w", d.name, d.v, ErrInvalid)
		}
	}
	return nil
}

// Incompatible returns the name of the first policy in which what a publisher
// offers falls short of what a subscription requests, or "" if the two match
// (DDS 1.4, 2.2.3, "requested/offered").
func Incompatible(offered, requested QoS) string {
	switch {
	case offered.Reliability < requested.Reliability:
		return PolicyReliability
	case offered.Durability < requested.Durability:
		return PolicyDurability
	case orInfinite(offered.Deadline) > orInfinite(requested.Deadline):
		return PolicyDeadline
	case requested.ManualLiveliness && !offered.ManualLiveliness, orInfinite(offered.Liveliness) > orInfinite(requested.Liveliness):
		return PolicyLiveliness
	}
	return ""
}

// Names of the policies that take part in matching, as in Status.Policy.
const (
	PolicyReliability = "reliability"
	PolicyDurability  = "durability"
	PolicyDeadline    = "deadline"
	PolicyLiveliness  = "liveliness"
)

func orInfinite(d time.Duration) time.Duration {
	if d == 0 {
		return math.MaxInt64
	}
	return d
}
