package params

import (
	"errors"
	"regexp"
	"strings"
)

// blame reports an error of Validate, with the place of each key it names, as a FieldError or in its
// text.
func (s *Set) blame(err error, prefix string, r *report) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, e := range joined.Unwrap() {
			s.blame(e, prefix, r)
		}
		return
	}
	var field FieldError
	if !errors.As(err, &field) {
		var pointer *FieldError
		if !errors.As(err, &pointer) {
			field = FieldError{Problem: err.Error()}
		} else {
			field = *pointer
		}
	}
	key := strings.TrimSuffix(prefix+field.Key, ".")
	p := s.byName[key]
	if m := entry.FindStringSubmatch(key); p == nil && m != nil {
		p, field.Problem = s.byName[m[1]], "element "+m[2]+" "+field.Problem
	}
	if p == nil {
		p, field.Problem = s.named(key, field.Problem)
	}
	if p == nil {
		r.add(s.fileOf(key), key, "%s", field.Problem)
		return
	}
	r.add(p.source, p.Name, "got %s, %s", shown(p.value()), field.Problem)
}

// entry matches the key of an entry of a list.
var entry = regexp.MustCompile(`^(.+)\[(\d+)\]$`)

// keyed matches what begins with a key, and perhaps with the entry of a list; mentioned, elsewhere,
// what can only be a key.
var (
	keyed     = regexp.MustCompile(`^([a-z_.]+)(?:\[(\d+)\])?[,:]? (.*)`)
	mentioned = regexp.MustCompile(`[a-z]+[_.][a-z_.]*[a-z]`)
)

// named finds the parameter below a group that a problem is about, and returns the problem without
// its name. Packages that know no parameters name the fields of their settings, after their own name
// and what kind of error it is, or somewhere. It is nil if none is named.
func (s *Set) named(group, problem string) (*parameter, string) {
	if group != "" {
		group += "."
	}
	for rest := problem; ; {
		if m := keyed.FindStringSubmatch(rest); m != nil && s.byName[group+m[1]] != nil {
			if m[2] != "" {
				m[3] = "element " + m[2] + " " + m[3]
			}
			return s.byName[group+m[1]], m[3]
		}
		_, after, more := strings.Cut(rest, ": ")
		if !more {
			break
		}
		rest = after
	}
	for _, word := range mentioned.FindAllString(problem, -1) {
		if p := s.byName[group+strings.TrimPrefix(word, group)]; p != nil {
			return p, problem
		}
	}
	return nil, problem
}
