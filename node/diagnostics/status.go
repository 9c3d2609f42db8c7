package diagnostics

import (
	"fmt"
	"strings"

	"guidedpolicysearch/msgs/diagnostic_msgs"
)

// Level is how a component is, with the numbers of diagnostic_msgs/msg/DiagnosticStatus.
type Level uint8

// The levels, the worse the later.
const (
	OK Level = iota
	Warn
	Error
	Stale // nothing was heard of the component
)

// String returns the name of the level ("WARN").
func (l Level) String() string {
	switch l {
	case OK:
		return "OK"
	case Warn:
		return "WARN"
	case Error:
		return "ERROR"
	case Stale:
		return "STALE"
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// maxText bounds a message or value in bytes: monitors show one line.
const maxText = 4096

// Status is what a task says of its component. It begins as an error without a message: a
// task says how it is.
type Status struct {
	level   Level
	message string
	values  []diagnostic_msgs.KeyValue
}

// Level is the level said so far.
func (s *Status) Level() Level { return s.level }

// Summary says how the component is, in place of what was said before; the message is
// formatted as by fmt.Sprintf.
func (s *Status) Summary(level Level, format string, args ...any) {
	s.level, s.message = level, plain(fmt.Sprintf(format, args...))
}

// Merge adds a finding: the level becomes the worse of both, and the message that of the
// findings that are not OK, with semicolons between them, or the first where all are OK.
func (s *Status) Merge(level Level, format string, args ...any) {
	message := plain(fmt.Sprintf(format, args...))
	switch {
	case level > OK && s.level > OK && s.message != "":
		s.message = plain(s.message + "; " + message)
	case level > s.level || s.message == "":
		s.message = message
	}
	s.level = max(s.level, level)
}

// Add adds a value that monitors show beside the message, as fmt.Sprint writes it.
func (s *Status) Add(key string, value any) {
	s.values = append(s.values, diagnostic_msgs.KeyValue{Key: plain(key), Value: plain(fmt.Sprint(value))})
}

// plain makes a text one that every monitor can read: bounded UTF-8 without zero bytes.
func plain(text string) string {
	if len(text) > maxText {
		text = text[:maxText]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}
