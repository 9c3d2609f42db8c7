package paramservice

import (
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/rcl"
)

// Store is what a Server reads and changes. Its methods are called one at a time.
type Store interface {
	// Names lists the parameters, sorted by their bytes.
	Names() []string
	// Lookup gives value and descriptor of a parameter, false where it is not declared. A
	// store that allows undeclared parameters gives a value that is not set, and true.
	Lookup(name string) (rcl.Value, rcl_interfaces.ParameterDescriptor, bool)
	// Set sets all of the list, in order, or nothing: then the error's text is the reason
	// that the caller of the service is told. A value that is not set deletes. list is not empty.
	Set(list []Assignment) ([]Change, error)
}

// Assignment gives a parameter a value.
type Assignment struct {
	Name  string
	Value rcl.Value
}

// Change is what became of one assignment. A parameter whose Old is not set is new, one whose
// New is not set was deleted.
type Change struct {
	Name     string
	Old, New rcl.Value
}
