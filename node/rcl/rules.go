package rcl

import (
	"fmt"
	"strings"
)

type remapKind int

const (
	remapTopicAndService remapKind = iota
	remapTopic
	remapService
	remapNodeName
	remapNamespace
)

// Remap is one remap rule, such as "talker:chatter:=/other".
type Remap struct {
	Rule        string // as typed
	Node        string // the node name it is for, "" for any
	Match       string // topic or service name before expansion; "" for __node and __ns
	Replacement string
	kind        remapKind
}

// parseRemap reads a remap rule by the grammar of rcl: [node:](__node|__name):=name,
// [node:]__ns:=/namespace, or [node:][rostopic://|rosservice://]match:=replacement.
func parseRemap(rule string) (Remap, error) {
	s := scanner{text: rule}
	r := Remap{Rule: rule}
	fail := func(expected string) (Remap, error) {
		return Remap{}, fmt.Errorf("remap rule %.200q: expected %s at byte %d: %w", rule, expected, s.at, ErrArguments)
	}
	if s.peek() == token && s.peekSecond() == colon {
		r.Node = scanToken(&s)
		s.accept(colon)
	}
	switch {
	case s.accept(nodeWord):
		r.kind = remapNodeName
		if !s.accept(separator) {
			return fail("':='")
		}
		if r.Replacement = scanToken(&s); r.Replacement == "" {
			return fail("a node name")
		}
	case s.accept(namespaceWord):
		r.kind = remapNamespace
		if !s.accept(separator) {
			return fail("':='")
		}
		from := s.at
		if !s.accept(slash) {
			return fail("a namespace that begins with '/'")
		}
		for s.accept(token) && s.accept(slash) {
		}
		r.Replacement = rule[from:s.at]
	default:
		if s.accept(urlService) {
			r.kind = remapService
		} else if s.accept(urlTopic) {
			r.kind = remapTopic
		}
		var ok bool
		if r.Match, ok = scanName(&s, separator); !ok {
			return fail("a name of '/'-separated parts and ':=' (rcl has no wildcards in rules)")
		}
		s.accept(separator)
		if r.Replacement, ok = scanName(&s, endOfText); !ok {
			return fail("a name of '/'-separated parts (rcl has no back references in rules)")
		}
	}
	if s.peek() != endOfText {
		return fail("the end of the rule")
	}
	return r, nil
}

// scanToken reads one name part, "" where there is none.
func scanToken(s *scanner) string {
	from := s.at
	s.accept(token)
	return s.text[from:s.at]
}

// scanName reads ["~/" | "/"] token {"/" token} up to the lexeme end, which stays.
func scanName(s *scanner, end lexeme) (string, bool) {
	from := s.at
	if !s.accept(tildeSlash) {
		s.accept(slash)
	}
	for {
		if !s.accept(token) {
			return "", false
		}
		if s.peek() == end {
			return s.text[from:s.at], true
		}
		if !s.accept(slash) {
			return "", false
		}
	}
}

// applies tells whether the rule is of the kind and for the node of this name.
func (r *Remap) applies(kind remapKind, node string) bool {
	sameKind := r.kind == kind ||
		r.kind == remapTopicAndService && (kind == remapTopic || kind == remapService)
	return sameKind && (r.Node == "" || r.Node == node)
}

// paramRule is the parameter rule [node:]name:=value.
type paramRule struct {
	node, name, value string
}

// parseParamRule reads a parameter rule: the name is of '.'-separated parts, each of tokens
// and slashes; the value is YAML.
func parseParamRule(rule string) (paramRule, error) {
	s := scanner{text: rule}
	r := paramRule{node: "/**"}
	fail := func(expected string) (paramRule, error) {
		return paramRule{}, fmt.Errorf("expected %s at byte %d of [node:]name:=value", expected, s.at)
	}
	if s.peek() == token && s.peekSecond() == colon {
		r.node = scanToken(&s)
		s.accept(colon)
	}
	from := s.at
	for {
		if !s.accept(token) && !s.accept(slash) {
			return fail("a parameter name")
		}
		for s.accept(token) || s.accept(slash) {
		}
		if s.peek() == separator {
			break
		}
		if !s.accept(dot) {
			return fail("'.' or ':='")
		}
	}
	r.name = rule[from:s.at]
	s.accept(separator)
	if r.value = s.rest(); r.value == "" {
		return fail("a value")
	}
	return r, nil
}

// LogLevel is a logging severity with the numbers of rcl_interfaces/msg/Log.
type LogLevel int

// The severities that --log-level names.
const (
	LogUnset LogLevel = 0
	LogDebug LogLevel = 10
	LogInfo  LogLevel = 20
	LogWarn  LogLevel = 30
	LogError LogLevel = 40
	LogFatal LogLevel = 50
)

// LoggerLevel is the level of one logger by name.
type LoggerLevel struct {
	Logger string
	Level  LogLevel
}

// parseLogLevel reads [logger:=]level; logger is "" for the level of all.
func parseLogLevel(rule string) (logger string, level LogLevel, err error) {
	fail := func(expected string) (string, LogLevel, error) {
		return "", 0, fmt.Errorf("log level %.200q: expected %s: %w", rule, expected, ErrArguments)
	}
	s := scanner{text: rule}
	for s.peek() != separator && s.peek() != endOfText {
		s.skip()
	}
	name := rule
	if s.peek() == separator {
		if logger = rule[:s.at]; logger == "" {
			return fail("a logger name before ':='")
		}
		s.accept(separator)
		if name = scanToken(&s); name == "" || s.peek() != endOfText {
			return fail("one level after ':='")
		}
	}
	for l, n := range map[LogLevel]string{LogUnset: "unset", LogDebug: "debug", LogInfo: "info",
		LogWarn: "warn", LogError: "error", LogFatal: "fatal"} {
		if len(name) == len(n) && strings.EqualFold(name, n) {
			return logger, l, nil
		}
	}
	return fail("[logger:=] and one of unset, debug, info, warn, error, fatal")
}
