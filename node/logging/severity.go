package logging

import (
	"fmt"

	"guidedpolicysearch/node/rcl"
)

// Severity is how bad a line is, with the numbers of rcl_interfaces/msg/Log.
type Severity uint8

// The severities.
const (
	Debug Severity = 10
	Info  Severity = 20
	Warn  Severity = 30
	Error Severity = 40
	Fatal Severity = 50
)

// String returns the name that lines have ("WARN").
func (s Severity) String() string {
	switch s {
	case Debug:
		return "DEBUG"
	case Info:
		return "INFO"
	case Warn:
		return "WARN"
	case Error:
		return "ERROR"
	case Fatal:
		return "FATAL"
	}
	return fmt.Sprintf("Severity(%d)", uint8(s))
}

// color is the terminal sequence before a line.
func (s Severity) color() string {
	switch s {
	case Debug:
		return "\033[32m" // green
	case Warn:
		return "\033[33m" // yellow
	case Error, Fatal:
		return "\033[31m" // red
	}
	return colorNormal
}

const colorNormal = "\033[0m"

// levels are the lowest severities that loggers let through.
type levels struct {
	all    Severity
	byName map[string]Severity
}

// newLevels takes the levels of a command line.
func newLevels(args *rcl.Args) levels {
	l := levels{all: Info, byName: map[string]Severity{}}
	if args == nil {
		return l
	}
	if args.LogLevel != rcl.LogUnset {
		l.all = Severity(args.LogLevel)
	}
	for _, one := range args.LoggerLevels {
		if one.Level != rcl.LogUnset {
			l.byName[one.Logger] = Severity(one.Level)
		}
	}
	return l
}

// of is the level of the logger, of its nearest ancestor that has one, or of all, as rcutils
// documents it. (In Humble its lookup of an ancestor also takes a setting for a name that merely
// begins like the logger's, "ns.g" for "ns.gps".)
func (l levels) of(name string) Severity {
	for i := len(name); i > 0; i-- {
		if i < len(name) && name[i] != '.' {
			continue
		}
		if level, ok := l.byName[name[:i]]; ok {
			return level
		}
	}
	return l.all
}
