// Package msgs is what all message types have in common. The types themselves are in
// one folder per ROS package, generated from the definitions in interfaces/ (standard
// packages, written down as far as the node speaks them: field by field those of Humble and
// Jazzy, but for rmw_dds_common and control_msgs, which are Humble's, and
// controller_manager_msgs, which is Jazzy's) and in msg/ and action/
// (this project's own package guided_policy_search_msgs, of which this folder is the ROS side
// too).
// After a change of a definition run go generate here; a test says if that was
// forgotten.
package msgs

//go:generate go run ./cmd/msggen -import guidedpolicysearch/msgs -out . -list types.gen_test.go interfaces guided_policy_search_msgs=.
//go:generate go run ./cmd/msggen -import guidedpolicysearch/msgs/gen/internal -out gen/internal -dep guidedpolicysearch/msgs=interfaces gen/testdata/interfaces

// Type is a pointer to one of the generated types: a message, a service or an action.
type Type interface {
	// TypeName returns the ROS name, "sensor_msgs/msg/JointState".
	TypeName() string
	// TypeHash returns the type hash (RIHS01). Endpoints of topics announce it from Iron on.
	TypeHash() string
}

// Service is a pointer to one of the generated services, those of actions included.
type Service interface {
	Type
	// RequestHash and ResponseHash return the type hashes of the service's two messages:
	// its endpoints announce them, not the service's own.
	RequestHash() string
	ResponseHash() string
}

// Message is a pointer to one of the generated messages.
type Message interface {
	Type
	// AppendCDR appends the little-endian CDR payload, header included, and allocates
	// only where dst has to grow. It panics if a bounded field is over its bound.
	AppendCDR(dst []byte) []byte
	// UnmarshalCDR reads a payload of either byte order. It reuses the memory that
	// the message holds: slices of it that are kept elsewhere change. Errors are
	// *cdr.Error, and leave the message partly overwritten.
	UnmarshalCDR(src []byte) error
	// Definition returns the ros2msg text that bags hold: the definition, then for
	// each type it contains a line of 80 '=', "MSG: package/Type", its definition.
	Definition() string
}
