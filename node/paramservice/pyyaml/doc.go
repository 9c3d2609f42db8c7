// Package pyyaml reads and writes YAML as Python's PyYAML 6 does with safe_load and dump, and
// writes values as Python's str and repr do: what `ros2 param` takes on its command line, and
// what it prints, is defined by them.
//
// It differs from YAML 1.2 and from rcl's own reading (package rcl): yes and off are bools, y is
// a string, 1e3 is a string, 1:30 is 90, 2001-12-14 is a date.
//
// The text is taken apart by yaml.v3, which looks one token further ahead. So of two mistakes in
// one text it may see the other (",'" is a syntax error to one and an open quote to the other),
// and it refuses "?" as a value in brackets.
package pyyaml
