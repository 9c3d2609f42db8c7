package params

import (
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"guidedpolicysearch/node/rcl"
)

// Set is the declared parameters of one configuration struct, which it writes to. It is not
// safe for concurrent use.
type Set struct {
	parameters []*parameter // in the order of the fields
	byName     map[string]*parameter
	structs    []configStruct // the inner before the outer
}

// parameter is one declared field.
type parameter struct {
	Descriptor
	field  reflect.Value
	codec  codec
	source rcl.Position // of the present value, zero for the default
}

// configStruct is a struct that may implement Validate.
type configStruct struct {
	prefix string // "" or "algorithm."
	value  reflect.Value
}

// Declare takes the parameters from the struct that cfg points to; their defaults are the
// values there. Every error is the programmer's and wraps ErrDeclaration: an unknown tag, a
// field without tags, an unsupported type, a default outside its own range or choices.
func Declare(cfg any) (*Set, error) {
	v := reflect.ValueOf(cfg)
	if v.Kind() != reflect.Pointer || v.IsNil() || v.Elem().Kind() != reflect.Struct {
		return nil, fmt.Errorf("params: got %T, expected a pointer to a struct: %w", cfg, ErrDeclaration)
	}
	s := &Set{byName: map[string]*parameter{}}
	var errs []error
	s.declareStruct("", v.Elem(), &errs)
	s.checkNames(&errs)
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return s, nil
}

func (s *Set) declareStruct(prefix string, v reflect.Value, errs *[]error) {
	for i := 0; i < v.NumField(); i++ {
		field := v.Type().Field(i)
		fail := func(format string, args ...any) {
			*errs = append(*errs, fmt.Errorf("params: field %s of %s: %s: %w",
				field.Name, v.Type(), fmt.Sprintf(format, args...), ErrDeclaration))
		}
		tags, err := parseTags(field.Tag)
		if err != nil {
			fail("%v", err)
			continue
		}
		name, tagged := tags["param"]
		isStruct := field.Type.Kind() == reflect.Struct
		switch {
		case name == "-":
		case !tagged && field.Anonymous && isStruct:
			s.declareStruct(prefix, v.Field(i), errs)
		case !field.IsExported():
			if tagged {
				fail("not exported, expected an exported field")
			}
		case !tagged:
			fail(`no param tag, expected a name, or "-" for a field that is no parameter`)
		case !isName(name):
			fail("name %q, expected letters, digits, '_' and '.'", name)
		case isStruct:
			if len(tags) > 1 {
				fail("a struct takes the param tag only")
			}
			s.declareStruct(prefix+name+".", v.Field(i), errs)
		default:
			p, err := newParameter(prefix, tags, v.Field(i))
			if err != nil {
				fail("%v", err)
				continue
			}
			if s.byName[p.Name] != nil {
				fail("parameter %s is declared twice", p.Name)
				continue
			}
			s.byName[p.Name] = p
			s.parameters = append(s.parameters, p)
		}
	}
	if v.CanInterface() { // not so inside an embedded struct of an unexported type
		s.structs = append(s.structs, configStruct{prefix: prefix, value: v})
	}
}

// knownTags are the keys a field may have.
var knownTags = []string{"param", "desc", "unit", "range", "step", "choices", "len", "finite", "path", "takes"}

// parseTags splits a struct tag and refuses what this package does not know, which
// reflect.StructTag would pass over silently.
func parseTags(tag reflect.StructTag) (map[string]string, error) {
	tags := map[string]string{}
	for rest := strings.TrimSpace(string(tag)); rest != ""; rest = strings.TrimSpace(rest) {
		m := tagPair.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("tag %q, expected key:\"value\" pairs", tag)
		}
		value, err := strconv.Unquote(m[2])
		if err != nil {
			return nil, fmt.Errorf("tag %q: %v", m[1], err)
		}
		if _, twice := tags[m[1]]; twice {
			return nil, fmt.Errorf("tag %q is there twice", m[1])
		}
		if !contains(knownTags, m[1]) {
			return nil, fmt.Errorf("unknown tag %q, expected %s", m[1], strings.Join(knownTags, ", "))
		}
		tags[m[1]] = value
		rest = rest[len(m[0]):]
	}
	return tags, nil
}

var (
	tagPair     = regexp.MustCompile(`^([a-z_]+):("(?:[^"\\]|\\.)*")`)
	namePattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)
)

func isName(s string) bool { return namePattern.MatchString(s) }

// newParameter reads the tags of one field and checks its default against them.
func newParameter(prefix string, tags map[string]string, field reflect.Value) (*parameter, error) {
	c, err := codecOf(field.Type())
	if err != nil {
		return nil, err
	}
	p := &parameter{field: field, codec: c}
	p.Descriptor = Descriptor{Name: prefix + tags["param"], Type: c.kind, Description: tags["desc"],
		Unit: tags["unit"], Takes: AtStart, Finite: true}
	isNumber := c.kind == rcl.Integer || c.kind == rcl.Double || c.kind == rcl.IntegerArray || c.kind == rcl.DoubleArray
	isArray := c.kind >= rcl.ByteArray
	if p.Description == "" || strings.ContainsAny(p.Description, "\r\n") {
		return nil, fmt.Errorf("desc %q, expected one line", p.Description)
	}
	if p.Unit == "" && c.isDuration {
		p.Unit = "s"
	}
	if text, ok := tags["range"]; ok {
		r, err := parseRange(text)
		if err != nil {
			return nil, err
		}
		if !isNumber {
			return nil, fmt.Errorf("a range on %s, expected numbers", c.kind)
		}
		p.Range = &r
	}
	if text, ok := tags["step"]; ok {
		if p.Step, err = parseStep(text, p.Range, c.kind); err != nil {
			return nil, err
		}
	}
	if text, ok := tags["choices"]; ok {
		if p.Choices = strings.Split(text, "|"); c.kind != rcl.String && c.kind != rcl.StringArray {
			return nil, fmt.Errorf("choices on %s, expected strings", c.kind)
		}
	}
	if text, ok := tags["len"]; ok {
		var option string
		p.Length, option, _ = strings.Cut(text, ",")
		if p.LengthOptional = option == "optional"; !isArray || option != "" && !p.LengthOptional {
			return nil, fmt.Errorf("len %q on %s, expected an array and the name of another, maybe with \",optional\"", text, c.kind)
		}
	}
	if text, ok := tags["finite"]; ok {
		if p.Finite = text != "false"; p.Finite || c.kind != rcl.Double && c.kind != rcl.DoubleArray || c.isDuration {
			return nil, fmt.Errorf("finite %q on %s, expected \"false\" on doubles", text, c.kind)
		}
	}
	if text, ok := tags["path"]; ok {
		if p.Path = text == "true"; !p.Path || c.kind != rcl.String && c.kind != rcl.StringArray {
			return nil, fmt.Errorf("path %q on %s, expected \"true\" on strings", text, c.kind)
		}
	}
	if text, ok := tags["takes"]; ok {
		p.Takes = Takes(text)
		p.ReadOnly = p.Takes == Never
		if p.Takes != AtOnce && p.Takes != AtTrial && p.Takes != AtStart && p.Takes != Never {
			return nil, fmt.Errorf("takes %q, expected now, trial, start or never", text)
		}
	}
	if p.Default, err = p.codec.encode(field); err == nil {
		err = p.check(p.Default)
	}
	if err != nil {
		return nil, fmt.Errorf("default: %v", err)
	}
	return p, nil
}

// checkNames resolves the len tags and refuses a name that is also the prefix of another,
// which a parameter file cannot tell apart.
func (s *Set) checkNames(errs *[]error) {
	for _, p := range s.parameters {
		for i := 0; i < len(p.Name); i++ {
			if p.Name[i] == '.' && s.byName[p.Name[:i]] != nil {
				*errs = append(*errs, fmt.Errorf("params: %s is a parameter and the prefix of %s: %w",
					p.Name[:i], p.Name, ErrDeclaration))
			}
		}
		if p.Length == "" {
			continue
		}
		other := s.byName[p.Name[:strings.LastIndexByte(p.Name, '.')+1]+p.Length]
		if other == nil {
			other = s.byName[p.Length]
		}
		if other == nil || other.Type < rcl.ByteArray || other == p {
			*errs = append(*errs, fmt.Errorf("params: %s has len %q, expected another array parameter: %w",
				p.Name, p.Length, ErrDeclaration))
			continue
		}
		p.Length = other.Name
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
