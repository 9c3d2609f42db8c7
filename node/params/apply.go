package params

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/agnivade/levenshtein"

	"guidedpolicysearch/node/rcl"
)

// validator is a configuration struct that checks itself across its fields.
type validator interface{ Validate() error }

// Apply sets the given parameters, the last value of a name winning, and then checks lengths
// and the Validate methods of the struct and those inside it (an outer one only where the inner
// ones found nothing). qos_overrides.* is left to the middleware, and what is given under a
// wildcard to the others, the nodes that share the files, if one of them has it and this one
// has not. The error is Mistakes with all that is wrong, and then nothing is changed.
func (s *Set) Apply(overrides []rcl.Override, others ...*Set) error {
	saved := s.save()
	var r report
	for _, o := range overrides {
		s.applyOne(o, others, &r)
	}
	if len(r.list) == 0 {
		s.checkLengths(&r)
	}
	if len(r.list) == 0 {
		s.validate(&r)
	}
	if err := r.err(); err != nil {
		s.restore(saved)
		return err
	}
	return nil
}

type savedParameter struct {
	field  reflect.Value
	source rcl.Position
}

func (s *Set) save() []savedParameter {
	list := make([]savedParameter, len(s.parameters))
	for i, p := range s.parameters {
		// Apply replaces slices whole, so the old backing array is left as it was.
		old := reflect.New(p.field.Type()).Elem()
		old.Set(p.field)
		list[i] = savedParameter{field: old, source: p.source}
	}
	return list
}

func (s *Set) restore(list []savedParameter) {
	for i, p := range s.parameters {
		p.field.Set(list[i].field)
		p.source = list[i].source
	}
}

func (s *Set) applyOne(o rcl.Override, others []*Set, r *report) {
	if strings.HasPrefix(o.Name, "qos_overrides.") {
		return
	}
	p := s.byName[o.Name]
	if p == nil {
		names := s.Names()
		if o.Wildcard {
			for _, other := range others {
				if other.byName[o.Name] != nil {
					return
				}
				names = append(names, other.Names()...)
			}
			slices.Sort(names) // the same of ties, whichever node is asked
		}
		if r.full() {
			r.more++
			return
		}
		r.add(o.Source, o.Name, "got %s, but there is no such parameter; the nearest is %s", shown(o.Value), nearest(o.Name, names))
		return
	}
	for _, at := range o.Repeated {
		r.add(o.Source, o.Name, "given twice in one file, first at %s; expected once", at)
	}
	for _, lost := range o.Ignored {
		r.add(lost.Source, o.Name, "got %s, which ROS drops because %s was given at %s; write both as the same type",
			shown(lost.Value), shown(o.Value), o.Source)
	}
	v := p.widen(o.Value)
	err := p.checkGiven(v)
	if err == nil && p.Path {
		v, err = absolute(v, o.Source.File)
	}
	if err == nil {
		err = p.codec.decode(p.field, v)
	}
	if err != nil {
		r.add(o.Source, o.Name, "got %s, %v", shown(o.Value), err)
		return
	}
	p.source = o.Source
}

// widen turns integers into doubles where doubles are declared and nothing is lost.
func (p *parameter) widen(v rcl.Value) rcl.Value {
	exact := func(i int64) bool { return i >= -1<<53 && i <= 1<<53 }
	switch {
	case p.Type == rcl.Double && v.Type == rcl.Integer && exact(v.Int):
		return rcl.Value{Type: rcl.Double, Double: float64(v.Int)}
	case p.Type == rcl.DoubleArray && v.Type == rcl.IntegerArray:
		w := rcl.Value{Type: rcl.DoubleArray}
		for _, i := range v.Ints {
			if !exact(i) {
				return v
			}
			w.Doubles = append(w.Doubles, float64(i))
		}
		return w
	}
	return v
}

// absolute makes paths absolute that are relative to the folder of a file, or to the
// working folder where file is "".
func absolute(v rcl.Value, file string) (rcl.Value, error) {
	complete := func(path string) (string, error) {
		if path == "" || strings.Contains(path, "://") {
			return path, nil // none, or a URI
		}
		if !filepath.IsAbs(path) && file != "" {
			path = filepath.Join(filepath.Dir(file), path)
		}
		return filepath.Abs(path)
	}
	var err error
	if v.Type == rcl.String {
		v.Str, err = complete(v.Str)
		return v, err
	}
	paths := make([]string, len(v.Strs))
	for i, path := range v.Strs {
		if paths[i], err = complete(path); err != nil {
			return v, fmt.Errorf("element %d: %w", i, err)
		}
	}
	v.Strs = paths
	return v, nil
}

// checkGiven checks a value from outside.
func (p *parameter) checkGiven(v rcl.Value) error {
	if v.Type != p.Type {
		return fmt.Errorf("expected %s%s", p.expected(), p.quotes(v))
	}
	if v.Type >= rcl.ByteArray && v.Len() == 0 && p.Default.Len() > 0 {
		return fmt.Errorf("expected at least one element of %s", p.expected())
	}
	return p.check(v)
}

// quotes tells how to write as text what reads as something else, "" where that is not to
// be done.
func (p *parameter) quotes(v rcl.Value) string {
	scalar := v.Type == rcl.Bool || v.Type == rcl.Integer || v.Type == rcl.Double
	list := v.Type == rcl.BoolArray || v.Type == rcl.IntegerArray || v.Type == rcl.DoubleArray
	switch {
	case p.Choices != nil:
	case p.Type == rcl.String && scalar:
		return fmt.Sprintf(`; if a text is meant, write '%s' in quotes (in a shell: "'%[1]s'")`, v)
	case p.Type == rcl.StringArray && list:
		return `; if texts are meant, write each in quotes (in a shell: "['a', 'b']")`
	}
	return ""
}

// check holds a value of the declared type to finiteness, range and choices.
func (p *parameter) check(v rcl.Value) error {
	numbers, isNumeric := numbersOf(v)
	for i, x := range numbers {
		notFinite := p.Finite && (math.IsNaN(x) || math.IsInf(x, 0))
		inRange := p.Range == nil || p.Range.Contains(x) && (p.Step == 0 || p.Range.onStep(x, p.Step))
		if !notFinite && (inRange || math.IsNaN(x) && !p.Finite) {
			continue
		}
		what := "expected " + p.expected()
		if notFinite {
			what = "expected a finite " + p.expected()
		}
		if v.Type >= rcl.ByteArray {
			return fmt.Errorf("element %d is %v, %s", i, x, what)
		}
		return errors.New(what)
	}
	if isNumeric || p.Choices == nil {
		return nil
	}
	strs := v.Strs
	if v.Type == rcl.String {
		strs = []string{v.Str}
	}
	for _, s := range strs {
		if !contains(p.Choices, s) {
			return fmt.Errorf("expected %s%s", p.expected(), nearestOf(s, p.Choices))
		}
	}
	return nil
}

func numbersOf(v rcl.Value) ([]float64, bool) {
	switch v.Type {
	case rcl.Integer:
		return []float64{float64(v.Int)}, true
	case rcl.Double:
		return []float64{v.Double}, true
	case rcl.IntegerArray:
		numbers := make([]float64, len(v.Ints))
		for i, x := range v.Ints {
			numbers[i] = float64(x)
		}
		return numbers, true
	case rcl.DoubleArray:
		return v.Doubles, true
	}
	return nil, false
}

// checkLengths holds the arrays with a len tag to it.
func (s *Set) checkLengths(r *report) {
	for _, p := range s.parameters {
		if p.Length == "" || p.LengthOptional && p.field.Len() == 0 {
			continue
		}
		other := s.byName[p.Length]
		if got, want := p.field.Len(), other.field.Len(); got != want {
			source := p.source
			if source.IsZero() {
				source = other.source
			}
			r.add(source, p.Name, "has %d elements, expected %d, as %s has", got, want, p.Length)
		}
	}
}

// validate calls the Validate methods, the inner before the outer.
func (s *Set) validate(r *report) {
	var failed []string // prefixes
	for _, c := range s.structs {
		v, ok := c.value.Addr().Interface().(validator)
		if !ok || innerFailed(failed, c.prefix) {
			continue
		}
		if err := v.Validate(); err != nil {
			failed = append(failed, c.prefix)
			s.blame(err, c.prefix, r)
		}
	}
}

func innerFailed(failed []string, prefix string) bool {
	for _, f := range failed {
		if strings.HasPrefix(f, prefix) {
			return true
		}
	}
	return false
}

// fileOf is the file, or the argument, of the first given parameter with this prefix.
func (s *Set) fileOf(prefix string) rcl.Position {
	for _, p := range s.parameters {
		if strings.HasPrefix(p.Name, prefix) && !p.source.IsZero() {
			return rcl.Position{File: p.source.File, Argument: p.source.Argument}
		}
	}
	return rcl.Position{}
}

// Nearest names the parameter that was probably meant by a name that is not declared.
func (s *Set) Nearest(name string) string { return nearest(name, s.Names()) }

// nearest gives the name most like key: the same last part first, then by edit distance.
func nearest(key string, names []string) string {
	for _, name := range names {
		if strings.HasSuffix(name, "."+key) {
			return name
		}
	}
	if len(names) == 0 {
		return "none: no parameters are declared"
	}
	best := closest(key, names)
	if strings.Contains(key, ".") {
		return best
	}
	// It may be the last part of a name, misspelt.
	var ends []string
	for _, name := range names {
		ends = append(ends, name[strings.LastIndexByte(name, '.')+1:])
	}
	end := closest(key, ends)
	if levenshtein.ComputeDistance(key[:min(len(key), 200)], end) < levenshtein.ComputeDistance(key[:min(len(key), 200)], best) {
		return names[slices.Index(ends, end)]
	}
	return best
}

func nearestOf(s string, choices []string) string {
	if best := closest(s, choices); levenshtein.ComputeDistance(s[:min(len(s), 200)], best) <= 2 {
		return fmt.Sprintf(" (the nearest is %s)", best)
	}
	return ""
}

// closest: list is not empty. A key is compared by its first 200 bytes, more than any name has.
func closest(key string, list []string) string {
	key = key[:min(len(key), 200)]
	best, distance := "", -1
	for _, name := range list {
		if d := levenshtein.ComputeDistance(key, name); distance < 0 || d < distance {
			best, distance = name, d
		}
	}
	return best
}
