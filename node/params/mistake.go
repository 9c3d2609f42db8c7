package params

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"guidedpolicysearch/node/rcl"
)

var (
	// ErrDeclaration is wrapped by errors about the configuration struct itself, mistakes of
	// the programmer.
	ErrDeclaration = errors.New("wrong parameter declaration")
	// ErrInvalid is wrapped by every Mistakes.
	ErrInvalid = errors.New("invalid parameters")
)

// Mistake is one thing wrong with the given parameters.
type Mistake struct {
	Source  rcl.Position // zero where the default is at fault
	Key     string       // full parameter name, or the prefix of a struct
	Problem string       // what was given, what was expected
}

// Error is one line: place, key, problem.
func (m Mistake) Error() string {
	place := "default value"
	if !m.Source.IsZero() {
		place = m.Source.String()
	}
	return oneLine(place) + ": " + plainKey(m.Key) + ": " + oneLine(m.Problem)
}

// Mistakes is everything wrong with the given parameters, in the order they were given.
type Mistakes []Mistake

// Error has one line for each mistake.
func (m Mistakes) Error() string {
	lines := make([]string, len(m))
	for i := range m {
		lines[i] = m[i].Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives ErrInvalid.
func (m Mistakes) Unwrap() error { return ErrInvalid }

// maxMistakes bounds a report; what comes after is counted only.
const maxMistakes = 50

// report collects mistakes.
type report struct {
	list Mistakes
	more int
}

func (r *report) full() bool { return len(r.list) >= maxMistakes }

func (r *report) add(source rcl.Position, key, format string, args ...any) {
	if r.full() {
		r.more++
		return
	}
	m := Mistake{Source: source, Key: key, Problem: fmt.Sprintf(format, args...)}
	for _, old := range r.list {
		if old == m {
			return
		}
	}
	r.list = append(r.list, m)
}

func (r *report) err() error {
	if len(r.list) == 0 {
		return nil
	}
	if r.more > 0 {
		last := &r.list[len(r.list)-1]
		last.Problem += fmt.Sprintf(" (and %d more mistakes)", r.more)
	}
	return r.list
}

// FieldError is what Validate of a configuration struct may return, wrap or join to blame one
// parameter: Key is its name relative to that struct.
type FieldError struct {
	Key     string
	Problem string // what is wrong, what was expected
}

func (e FieldError) Error() string { return e.Key + ": " + e.Problem }

func plainKey(key string) string {
	if key == "" {
		return "parameters"
	}
	if len(key) > 200 {
		key = key[:200] + "..."
	}
	if isName(key) {
		return key
	}
	return strconv.Quote(key)
}

func oneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '\n' || r == '\r' }), "; ")
}

// shown is a value for a message: its type and its text, cut.
func shown(v rcl.Value) string {
	text := v.String()
	if runes := []rune(text); len(runes) > 80 {
		text = string(runes[:80]) + "..."
	}
	return v.Type.String() + " " + text
}
