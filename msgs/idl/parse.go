package idl

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	fieldName    = regexp.MustCompile(`^[a-z](_?[a-z0-9])*$`)
	constantName = regexp.MustCompile(`^[A-Z](_?[A-Z0-9])*$`)
	messageName  = regexp.MustCompile(`^[A-Z][A-Za-z0-9]*$`)
	packageName  = regexp.MustCompile(`^[a-z](_?[a-z0-9])*$`)
)

// maxArray bounds the size of arrays: an array is part of the message's value in Go.
const maxArray = 1 << 16

// ParseMessage reads a .msg file. file is the name that errors say.
func ParseMessage(ref Ref, file, text string) (*Message, error) {
	return parsePart(ref, file, text, 0)
}

// ParseService reads a .srv file: ref names the service, the messages are its request
// and its response.
func ParseService(ref Ref, file, text string) (request, response *Message, err error) {
	parts, lines, err := split(file, text, 2)
	if err != nil {
		return nil, nil, err
	}
	if request, err = parsePart(ref.part("_Request"), file, parts[0], lines[0]); err != nil {
		return nil, nil, err
	}
	response, err = parsePart(ref.part("_Response"), file, parts[1], lines[1])
	return request, response, err
}

// part returns the name of a part of a service or action.
func (r Ref) part(suffix string) Ref { return Ref{r.Package, r.Kind, r.Name + suffix} }

// split cuts a definition at its lines of three dashes; lines holds the number of
// lines before each part.
func split(file, text string, want int) (parts []string, lines []int, err error) {
	var part strings.Builder
	lines = []int{0}
	all := strings.SplitAfter(text, "\n")
	for i, line := range all {
		if strings.TrimSpace(line) == "---" {
			parts = append(parts, part.String())
			lines = append(lines, i+1)
			part.Reset()
			continue
		}
		part.WriteString(line)
	}
	parts = append(parts, part.String())
	if len(parts) != want {
		return nil, nil, syntax(file, len(all), "%d parts, want %d with a line --- between them", len(parts), want)
	}
	return parts, lines, nil
}

// parsePart reads the fields and constants of one message; line is the number of
// lines before it in the file.
func parsePart(ref Ref, file, text string, line int) (*Message, error) {
	if !packageName.MatchString(ref.Package) {
		return nil, syntax(file, line, "%q is no package name, want %v", ref.Package, packageName)
	}
	if base, _, _ := strings.Cut(ref.Name, "_"); !messageName.MatchString(base) {
		return nil, syntax(file, line, "%q is no message name, want %v", ref.Name, messageName)
	}
	m := &Message{Ref: ref, Text: text}
	p := parser{message: m, seen: map[string]bool{}}
	for i, s := range strings.Split(text, "\n") {
		if err := p.line(strings.TrimSpace(s)); err != nil {
			return nil, syntax(file, line+i+1, "%v", err)
		}
	}
	return m, nil
}

// parser holds what is carried from line to line.
type parser struct {
	message *Message
	seen    map[string]bool
	comment []string // comment lines since the last blank line or definition
	begun   bool     // a definition or the top comment has been read
}

// line reads one line.
func (p *parser) line(s string) error {
	end := scan(s, "#")
	code := strings.TrimSpace(s[:end])
	if code == "" {
		if end < len(s) {
			p.comment = append(p.comment, strings.TrimSpace(s[end+1:]))
			return nil
		}
		if !p.begun && p.comment != nil {
			p.message.Comment, p.begun = p.comment, true
		}
		p.comment = nil
		return nil
	}
	comment := p.comment
	if end < len(s) {
		comment = append(comment, strings.TrimSpace(s[end+1:]))
	}
	p.comment, p.begun = nil, true

	typ, rest := code, ""
	if i := strings.IndexAny(code, " \t"); i >= 0 {
		typ, rest = code[:i], strings.TrimSpace(code[i:])
	}
	if rest == "" {
		return fmt.Errorf("%q has a type and no name", code)
	}
	t, err := parseType(p.message.Ref.Package, typ)
	if err != nil {
		return err
	}
	if i := strings.IndexAny(rest, "= \t[\"'"); i >= 0 && strings.HasPrefix(strings.TrimSpace(rest[i:]), "=") {
		return p.constant(t, rest[:i], strings.TrimSpace(strings.TrimSpace(rest[i:])[1:]), comment)
	}
	return p.field(t, rest, comment)
}

// declare notes a name and refuses it the second time.
func (p *parser) declare(name string, want *regexp.Regexp) error {
	if !want.MatchString(name) {
		return fmt.Errorf("bad name %q, want %v", name, want)
	}
	if p.seen[name] {
		return fmt.Errorf("%q is defined twice", name)
	}
	p.seen[name] = true
	return nil
}

// constant reads "TYPE NAME=value".
func (p *parser) constant(t Type, name, value string, comment []string) error {
	if err := p.declare(name, constantName); err != nil {
		return err
	}
	if t.Primitive == "" || t.Shape != Single || t.StringMax != 0 {
		return fmt.Errorf("constant %s has to be of a plain primitive type", name)
	}
	v, err := parseValue(t.Primitive, value)
	if err != nil {
		return fmt.Errorf("constant %s: %w", name, err)
	}
	p.message.Constants = append(p.message.Constants, Constant{name, t.Primitive, v, comment})
	return nil
}

// field reads "TYPE name" and "TYPE name default".
func (p *parser) field(t Type, rest string, comment []string) error {
	name, value := rest, ""
	if i := strings.IndexAny(rest, " \t"); i >= 0 {
		name, value = rest[:i], strings.TrimSpace(rest[i:])
	}
	if err := p.declare(name, fieldName); err != nil {
		return err
	}
	f := Field{Name: name, Type: t, Comment: comment}
	if value != "" {
		var err error
		if f.Default, err = parseDefault(t, value); err != nil {
			return fmt.Errorf("default of %s: %w", name, err)
		}
	}
	p.message.Fields = append(p.message.Fields, f)
	return nil
}

// parseDefault reads the default of a field and checks it against the type's bounds.
func parseDefault(t Type, s string) ([]Value, error) {
	if t.Primitive == "" {
		return nil, fmt.Errorf("a message has none, found %q", s)
	}
	var values []Value
	if t.Shape == Single {
		v, err := parseValue(t.Primitive, s)
		if err != nil {
			return nil, err
		}
		values = []Value{v}
	} else {
		var err error
		if values, err = parseValues(t.Primitive, s); err != nil {
			return nil, err
		}
		if t.Shape == Array && len(values) != t.Size || t.Shape == Sequence && t.Size > 0 && len(values) > t.Size {
			return nil, fmt.Errorf("%d values for a size of %d", len(values), t.Size)
		}
	}
	for _, v := range values {
		if t.StringMax > 0 && len(v.String) > t.StringMax {
			return nil, fmt.Errorf("%q is longer than %d bytes", v.String, t.StringMax)
		}
	}
	return values, nil
}

// parseType reads a field's type; pkg is the package of names without one.
func parseType(pkg, s string) (t Type, err error) {
	base := s
	if i := strings.IndexByte(s, '['); i >= 0 {
		size, ok := strings.CutSuffix(s[i+1:], "]")
		if !ok {
			return t, fmt.Errorf("bad type %q: missing ]", s)
		}
		base = s[:i]
		size, bounded := strings.CutPrefix(size, "<=")
		switch {
		case size == "" && !bounded:
			t.Shape = Sequence
		case bounded:
			t.Shape = Sequence
			t.Size, err = parseSize(size, 1<<31-1)
		default:
			t.Shape = Array
			t.Size, err = parseSize(size, maxArray)
		}
		if err != nil {
			return t, fmt.Errorf("bad type %q: %w", s, err)
		}
	}
	if max, ok := strings.CutPrefix(base, "string<="); ok {
		if t.StringMax, err = parseSize(max, 1<<31-1); err != nil {
			return t, fmt.Errorf("bad type %q: %w", s, err)
		}
		base = "string"
	}
	if base == "wstring" || strings.HasPrefix(base, "wstring<") {
		return t, fmt.Errorf("type %q is not supported, use string (UTF-8)", s)
	}
	if p, ok := primitives[base]; ok {
		t.Primitive, t.Octet = p, base == "byte"
		return t, nil
	}
	parts := strings.Split(base, "/")
	t.Message = Ref{pkg, "msg", parts[len(parts)-1]}
	switch {
	case len(parts) == 3 && parts[1] == "msg", len(parts) == 2:
		t.Message.Package = parts[0]
	case len(parts) != 1:
		return t, fmt.Errorf("bad type %q, want package/Name", s)
	}
	if !messageName.MatchString(t.Message.Name) || !packageName.MatchString(t.Message.Package) {
		return t, fmt.Errorf("unknown type %q, want a primitive type, Name or package/Name", s)
	}
	return t, nil
}

// parseSize reads the size of an array or a bound.
func parseSize(s string, limit int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > limit {
		return 0, fmt.Errorf("size %q, want 1 to %d", s, limit)
	}
	return n, nil
}
