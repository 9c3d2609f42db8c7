package idl

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Value is a constant or default value: the one field that belongs to its type is set.
type Value struct {
	Bool   bool
	Int    int64
	Uint   uint64
	Float  float64
	String string
}

// parseValue reads one literal of type t.
func parseValue(t Primitive, s string) (v Value, err error) {
	switch t {
	case Bool:
		switch strings.ToLower(s) {
		case "true", "1":
			v.Bool = true
		case "false", "0":
		default:
			return v, fmt.Errorf("%q is no bool, want true or false", s)
		}
	case Int8, Int16, Int32, Int64:
		v.Int, err = strconv.ParseInt(s, 0, bits(t))
	case Uint8, Uint16, Uint32, Uint64:
		v.Uint, err = strconv.ParseUint(s, 0, bits(t))
	case Float32, Float64:
		v.Float, err = strconv.ParseFloat(s, bits(t))
		if err == nil && (math.IsInf(v.Float, 0) || math.IsNaN(v.Float)) {
			return v, fmt.Errorf("%q is not finite", s)
		}
	case String:
		v.String, err = parseString(s)
	}
	if err != nil {
		return v, fmt.Errorf("%q is no %s: %w", s, t, err)
	}
	return v, nil
}

// bits returns the size of a number.
func bits(t Primitive) int {
	n, _ := strconv.Atoi(strings.TrimLeft(string(t), "uintfloa"))
	return n
}

// parseString reads a string in either quote, or bare.
func parseString(s string) (string, error) {
	if s == "" || (s[0] != '"' && s[0] != '\'') {
		return s, nil
	}
	quote := s[0]
	if len(s) < 2 || s[len(s)-1] != quote {
		return "", fmt.Errorf("missing closing %c", quote)
	}
	var b strings.Builder
	for rest := s[1 : len(s)-1]; rest != ""; {
		if rest[0] == quote {
			return "", fmt.Errorf("text after the closing %c", quote)
		}
		r, multibyte, tail, err := strconv.UnquoteChar(rest, quote)
		if err != nil {
			return "", fmt.Errorf("bad escape at %q", rest)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		rest = tail
	}
	return b.String(), nil
}

// parseValues reads "[a, b]" as elements of type t.
func parseValues(t Primitive, s string) ([]Value, error) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return nil, fmt.Errorf("%q is no list, want [a, b, ...]", s)
	}
	values := []Value{}
	for rest := strings.TrimSpace(s[1 : len(s)-1]); rest != ""; {
		end := scan(rest, ",")
		v, err := parseValue(t, strings.TrimSpace(rest[:end]))
		if err != nil {
			return nil, err
		}
		values = append(values, v)
		rest = strings.TrimSpace(strings.TrimPrefix(rest[end:], ","))
	}
	return values, nil
}

// scan returns the index of the first of the stop bytes outside quotes, or len(s). A
// quote opens only at the start of a word, so that apostrophes in bare text do not.
func scan(s, stop string) int {
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quote != 0 && c == '\\':
			i++
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case (c == '"' || c == '\'') && (i == 0 || strings.IndexByte(" \t=[,", s[i-1]) >= 0):
			quote = c
		case strings.IndexByte(stop, c) >= 0:
			return i
		}
	}
	return len(s)
}
