package rcl

import (
	"math"
	"math/big"
	"strconv"
	"strings"
)

// typeScalar finds the type of a YAML scalar as rcl_yaml_param_parser 5.3 does (get_value in
// parse.c): a quoted one is a string; else bool by a fixed list, then what C's strtoll with
// base 0 takes whole, then what strtod takes whole, without ERANGE; the rest are strings.
// YAML tags have no say.
func typeScalar(text string, quoted bool) Value {
	if quoted {
		return Value{Type: String, Str: text}
	}
	switch text {
	case "Y", "y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON":
		return Value{Type: Bool, Bool: true}
	case "N", "n", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF":
		return Value{Type: Bool, Bool: false}
	case ".nan", ".NaN", ".NAN":
		return Value{Type: Double, Double: math.NaN()}
	case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF":
		return Value{Type: Double, Double: math.Inf(1)}
	case "-.inf", "-.Inf", "-.INF":
		return Value{Type: Double, Double: math.Inf(-1)}
	}
	if i, ok := parseInteger(text); ok {
		return Value{Type: Integer, Int: i}
	}
	if x, ok := parseDouble(text); ok {
		return Value{Type: Double, Double: x}
	}
	return Value{Type: String, Str: text}
}

// parseInteger takes what strtoll(text, &end, 0) takes with end at the end of text.
func parseInteger(text string) (int64, bool) {
	sign, s := splitSign(text)
	base := 10
	switch {
	case len(s) > 2 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X'):
		base, s = 16, s[2:]
	case len(s) > 1 && s[0] == '0':
		base, s = 8, s[1:]
	}
	if s == "" || s[0] == '+' || s[0] == '-' || strings.Contains(s, "_") {
		return 0, false
	}
	i, err := strconv.ParseInt(sign+s, base, 64)
	return i, err == nil
}

// parseDouble takes what strtod(text, &end) takes with end at the end of text and no ERANGE:
// neither overflow nor a subnormal or zero result that is not exact.
func parseDouble(text string) (float64, bool) {
	sign, s := splitSign(text)
	switch lower := strings.ToLower(s); {
	case lower == "nan", strings.HasPrefix(lower, "nan(") && isNaNSequence(lower[4:]):
		return math.NaN(), true
	case lower == "inf", lower == "infinity":
		if sign == "-" {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	}
	kind := numberKind(s)
	if kind == notANumber {
		return 0, false
	}
	if kind == hexWithoutExponent {
		s += "p0" // strconv wants an exponent, C does not
	}
	x, err := strconv.ParseFloat(sign+s, 64)
	if err != nil {
		return 0, false
	}
	if math.Abs(x) < smallestNormal && !isExact(s, math.Abs(x)) {
		return 0, false
	}
	return x, true
}

// splitSign drops leading white space as C does and splits one sign off.
func splitSign(s string) (sign, rest string) {
	s = strings.TrimLeft(s, " \t\n\v\f\r")
	if s != "" && (s[0] == '+' || s[0] == '-') {
		return s[:1], s[1:]
	}
	return "", s
}

func isNaNSequence(s string) bool {
	n := len(s)
	if n == 0 || s[n-1] != ')' {
		return false
	}
	for i := 0; i < n-1; i++ {
		if c := s[i]; !isAlphanumeric(c) && c != '_' {
			return false
		}
	}
	return true
}

type numberForm int

const (
	notANumber numberForm = iota
	decimal
	hexWithExponent
	hexWithoutExponent
)

// numberKind checks the grammar of C's strtod for an unsigned finite number.
func numberKind(s string) numberForm {
	isDigit, exponent, kind := isDecimalDigit, byte('e'), decimal
	if len(s) > 1 && s[0] == '0' && (s[1] == 'x' || s[1] == 'X') {
		isDigit, exponent, kind, s = isHexDigit, 'p', hexWithoutExponent, s[2:]
	}
	digits, i := 0, 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		digits++
	}
	if i < len(s) && s[i] == '.' {
		for i++; i < len(s) && isDigit(s[i]); i++ {
			digits++
		}
	}
	if digits == 0 {
		return notANumber
	}
	if i == len(s) {
		return kind
	}
	if s[i]|0x20 != exponent {
		return notANumber
	}
	i++
	if i < len(s) && (s[i] == '+' || s[i] == '-') {
		i++
	}
	if i == len(s) {
		return notANumber
	}
	for ; i < len(s); i++ {
		if !isDecimalDigit(s[i]) {
			return notANumber
		}
	}
	if kind == hexWithoutExponent {
		return hexWithExponent
	}
	return decimal
}

// isExact tells whether the unsigned number s, which rounds to the zero or subnormal x, is x.
func isExact(s string, x float64) bool {
	if x == 0 {
		mantissa := strings.TrimPrefix(strings.ToLower(s), "0x")
		if i := strings.IndexAny(mantissa, "p"); i >= 0 {
			mantissa = mantissa[:i]
		} else if i := strings.IndexAny(mantissa, "e"); i >= 0 && !strings.HasPrefix(strings.ToLower(s), "0x") {
			mantissa = mantissa[:i]
		}
		return strings.Trim(mantissa, "0.") == ""
	}
	if len(s) > 1200 { // more digits than any subnormal has
		return false
	}
	exact, ok := new(big.Rat).SetString(s)
	return ok && exact.Cmp(new(big.Rat).SetFloat64(x)) == 0
}

func isDecimalDigit(c byte) bool { return c >= '0' && c <= '9' }

func isHexDigit(c byte) bool {
	return isDecimalDigit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func isAlphanumeric(c byte) bool {
	return isDecimalDigit(c) || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
