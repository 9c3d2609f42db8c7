package transporttest

import "testing"

// Feature is a part of the contract that a middleware may be unable to have. What tests of it
// are left out is said, with the reason, where they would have run.
type Feature string

// The features that the suite can do without.
const (
	// OpaqueServices carry any bytes in requests and responses, not only CDR of their type.
	OpaqueServices Feature = "services of any bytes"
	// BoundedServices drop and count requests and responses above the receiver's
	// Options.MaxPayload.
	BoundedServices Feature = "bounds of received requests and responses"
	// BoundedMessages drop and count messages above the receiver's Options.MaxPayload.
	BoundedMessages Feature = "bounds of received messages"
	// DeadlineEvents count in Status.DeadlinesMissed.
	DeadlineEvents Feature = "missed deadlines"
	// LivelinessEvents count in Status.LivelinessLost and Status.NotAlive.
	LivelinessEvents Feature = "lost liveliness"
	// PolicyNames are in Status.Policy.
	PolicyNames Feature = "names of incompatible policies"
	// GraphQoS is GraphEndpoint.QoS.
	GraphQoS Feature = "quality of service in the graph"
	// TypesOfATopic are several under one name, in one node. (Other nodes may always have another.)
	TypesOfATopic Feature = "several types of one name in a node"
	// DeepQueues keep more than 5000 messages.
	DeepQueues Feature = "queues of more than 5000 messages"
	// EmptyServices have exact bytes in requests and responses without fields.
	EmptyServices Feature = "exact bytes of empty requests and responses"
	// DeferredReplies may come after the handler has returned, in any order.
	DeferredReplies Feature = "replies after the handler"
)

// need leaves the rest of a test out if the pair lacks f.
func (p Pair) need(t *testing.T, f Feature) {
	t.Helper()
	if why, lacking := p.Lacks[f]; lacking {
		t.Skipf("needs a transport with %s; this one has none: %s", f, why)
	}
}

// has reports whether the pair has f, and logs it if not.
func (p Pair) has(t *testing.T, f Feature) bool {
	t.Helper()
	why, lacking := p.Lacks[f]
	if lacking {
		t.Logf("this transport lacks %s: %s", f, why)
	}
	return !lacking
}
