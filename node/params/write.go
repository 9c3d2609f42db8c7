package params

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"guidedpolicysearch/node/rcl"
)

var nodeKey = regexp.MustCompile(`^/([A-Za-z0-9_]+/)*([A-Za-z0-9_]+|\*\*)$`)

// WriteYAML writes all parameters with their present values as a ROS 2 parameter file for the
// node (a fully qualified name, or "/**"), each under a comment with its description. Reading
// it back gives equal values. ROS has no form for an empty sequence: an empty array stands as
// a comment only. A string that YAML or rcl cannot hold (not UTF-8, or with a NUL) is an error.
func (s *Set) WriteYAML(w io.Writer, nodeName string) error {
	if !nodeKey.MatchString(nodeName) {
		return fmt.Errorf("params: node %q, expected a fully qualified name: %w", nodeName, ErrInvalid)
	}
	out := bufio.NewWriter(w)
	fmt.Fprintf(out, "%s:\n  ros__parameters:", nodeName)
	if !s.anyWritten() {
		fmt.Fprint(out, " {}")
	}
	fmt.Fprintln(out)
	var open []string // the maps around the line before
	for _, p := range s.parameters {
		v := p.value()
		if err := writable(v); err != nil {
			return fmt.Errorf("params: %s: %w", p.Name, err)
		}
		parts := strings.Split(p.Name, ".")
		maps, last := parts[:len(parts)-1], parts[len(parts)-1]
		indent := func(n int) string { return strings.Repeat("  ", n+2) }
		if !hasForm(v) {
			fmt.Fprintf(out, "%s# %s is empty, which has no form in ROS. %s\n", indent(0), p.Name, p.comment())
			continue
		}
		same := 0
		for same < len(maps) && same < len(open) && maps[same] == open[same] {
			same++
		}
		for i := same; i < len(maps); i++ {
			fmt.Fprintf(out, "%s%s:\n", indent(i), maps[i])
		}
		open = maps
		fmt.Fprintf(out, "%s# %s\n", indent(len(maps)), p.comment())
		fmt.Fprintf(out, "%s%s: %s\n", indent(len(maps)), last, v)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("params: cannot write the parameters of %s: %w", nodeName, err)
	}
	return nil
}

// hasForm tells whether rcl can read the value at all.
func hasForm(v rcl.Value) bool {
	return v.Type != rcl.NotSet && (v.Type < rcl.ByteArray || v.Len() > 0)
}

func (s *Set) anyWritten() bool {
	for _, p := range s.parameters {
		if hasForm(p.value()) {
			return true
		}
	}
	return false
}

func writable(v rcl.Value) error {
	for _, s := range append([]string{v.Str}, v.Strs...) {
		if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return fmt.Errorf("string %q, expected UTF-8 without NUL: %w", s, ErrInvalid)
		}
	}
	return nil
}

// comment is the description with what the value must be.
func (p *parameter) comment() string {
	return strings.TrimSuffix(p.Description, ".") + ". Type " + p.expected() + "."
}
