package expression

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"guidedpolicysearch/gps/autodiff"
)

// Parameters of a compiled program, in this order.
const (
	// TimeStep is t, from 0.
	TimeStep = iota
	// Steps is T.
	Steps
	parameters
)

// Scope says what names a text may use.
type Scope struct {
	// States and Actions name the elements of x and u; as many as there are elements.
	// An empty name leaves an element to x[i] or u[i].
	States, Actions []string
}

// function is an operation under the name that texts call it by.
type function struct {
	op  autodiff.Op
	max int // most arguments, the fewest are the operation's; 0 for the same
}

// variadic marks a function of any number of arguments.
const variadic = 1 << 20

var functions = map[string]function{
	"sqrt": {op: autodiff.OpSqrt}, "exp": {op: autodiff.OpExp}, "log": {op: autodiff.OpLog},
	"sin": {op: autodiff.OpSin}, "cos": {op: autodiff.OpCos}, "tan": {op: autodiff.OpTan},
	"asin": {op: autodiff.OpAsin}, "acos": {op: autodiff.OpAcos}, "atan": {op: autodiff.OpAtan},
	"atan2": {op: autodiff.OpAtan2}, "sinh": {op: autodiff.OpSinh}, "cosh": {op: autodiff.OpCosh},
	"tanh": {op: autodiff.OpTanh}, "log_cosh": {op: autodiff.OpLogCosh}, "abs": {op: autodiff.OpAbs},
	"min": {op: autodiff.OpMin, max: variadic}, "max": {op: autodiff.OpMax, max: variadic},
	"pow": {op: autodiff.OpPow},
}

// smoothAbs is the one function that is more than one operation.
const smoothAbs = "smooth_abs"

// reserved cannot name an element.
var reserved = []string{"t", "T", "pi", "true", "false", "nil", "let", "if", "else", "not", "and", "or", "in",
	"matches", "contains", "startsWith", "endsWith", smoothAbs}

// isReserved says if a name has another meaning.
func isReserved(name string) bool {
	_, isFunction := functions[name]
	return isFunction || slices.Contains(reserved, name)
}

// isName says if s is a letter or _ and then letters, digits and _, all of ASCII.
func isName(s string) bool {
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != ""
}

// index returns the element of y = [x; u] by its name.
func (s Scope) index() (map[string]int, error) {
	if len(s.States) == 0 || len(s.Actions) == 0 {
		return nil, fmt.Errorf("%w: %d states and %d actions, want at least 1 of each", ErrInvalid, len(s.States), len(s.Actions))
	}
	known := map[string]int{}
	for i, name := range slices.Concat(s.States, s.Actions) {
		if name == "" {
			continue
		}
		list, k := "states", i
		if i >= len(s.States) {
			list, k = "actions", i-len(s.States)
		}
		if !isName(name) {
			return nil, fmt.Errorf("%w: %s[%d] is named %q, want a letter or _ and then letters, digits and _", ErrInvalid, list, k, name)
		}
		if isReserved(name) {
			return nil, fmt.Errorf("%w: %s[%d] is named %q, which has a meaning of its own; want another name", ErrInvalid, list, k, name)
		}
		if _, twice := known[name]; twice {
			return nil, fmt.Errorf("%w: %s[%d] is named %q as an element before it, want a name of its own", ErrInvalid, list, k, name)
		}
		known[name] = i
	}
	return known, nil
}

// constants says, of the names in lower case that other languages have for numbers, what
// to write here.
var constants = map[string]string{
	"e": "want exp(1), and exp(x) for e^x", "π": "want pi",
	"inf": noInfinity, "infinity": noInfinity,
	"nan": "which is no number a cost may have; want an expression that is finite for every state and action",
}

const noInfinity = "which no cost may be: it has to be finite for every state and action; want a large number such as 1e6, or a penalty that grows"

// nearest returns the candidate with the fewest changes to a name, upper or lower case
// counting half, the first in the alphabet among equals; "" where even that would change
// more than a third of the letters, or the only one.
func nearest(name string, candidates []string) string {
	slices.Sort(candidates)
	name = name[:min(len(name), 100)]
	best, distance := "", 0
	for _, c := range candidates {
		d := levenshtein.ComputeDistance(name, c) + levenshtein.ComputeDistance(strings.ToLower(name), strings.ToLower(c))
		if letters := max(utf8.RuneCountInString(name), utf8.RuneCountInString(c)); (best == "" || d < distance) && d <= max(2, 2*letters/3) && (letters > 1 || d < 2) {
			best, distance = c, d
		}
	}
	return best
}

// enumerate lists names, the first of many.
func enumerate(names []string) string {
	const most = 24
	if len(names) > most {
		return fmt.Sprintf("one of %s and %d others", strings.Join(names[:most], ", "), len(names)-most)
	}
	return "one of " + strings.Join(names, ", ")
}
