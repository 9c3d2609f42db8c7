package params

import (
	"fmt"
	"strings"

	"guidedpolicysearch/node/rcl"
)

// ParseAssignment reads "name=value" of a tool's --set; the value is typed as -p types it.
// Collect several and Apply them at once where checks go across parameters.
func ParseAssignment(text string) (rcl.Override, error) {
	name, value, found := strings.Cut(text, "=")
	at := rcl.Position{Argument: "--set " + text}
	if !found || name == "" {
		return rcl.Override{}, Mistakes{{Source: at, Key: name, Problem: "expected name=value"}}
	}
	return assignment(name, value, at)
}

// Set sets one parameter from text, typed as -p types it. The error is Mistakes.
func (s *Set) Set(name, text string) error {
	o, err := assignment(name, text, rcl.Position{Argument: "--set " + name + "=" + text})
	if err != nil {
		return err
	}
	return s.Apply([]rcl.Override{o})
}

func assignment(name, text string, at rcl.Position) (rcl.Override, error) {
	v, err := rcl.ParseValue(text, at)
	if err != nil {
		return rcl.Override{}, Mistakes{{Source: at, Key: name, Problem: fmt.Sprint("cannot read the value: ", problemOf(err))}}
	}
	return rcl.Override{Name: name, Value: v, Source: at}, nil
}

func problemOf(err error) string {
	if e, ok := err.(*rcl.SourceError); ok {
		return e.Problem
	}
	return err.Error()
}
