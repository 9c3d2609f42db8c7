package pyyaml

import (
	"fmt"
	"strings"
)

// analysis says in which styles a text can be written.
type analysis struct {
	empty, lines  bool // has no characters; has line breaks
	plain, single bool // without quotes, in single quotes
}

func isBreak(r rune) bool { return r == '\n' || r == 0x85 || r == 0x2028 || r == 0x2029 }

func isSpace(r rune) bool { return r == 0 || r == ' ' || r == '\t' || r == '\r' || isBreak(r) }

// analyze looks at a text outside of flow collections.
func analyze(text string) analysis {
	if text == "" {
		return analysis{empty: true, plain: true, single: true}
	}
	runes := []rune(text)
	a := analysis{plain: true, single: true}
	if strings.HasPrefix(text, "---") || strings.HasPrefix(text, "...") {
		a.plain = false
	}
	last := len(runes) - 1
	for i, r := range runes {
		spaceFollows := i == last || isSpace(runes[i+1])
		switch {
		case i == 0 && strings.ContainsRune("#,[]{}&*!|>'\"%@`", r),
			i == 0 && strings.ContainsRune("?-", r) && spaceFollows,
			r == ':' && spaceFollows,
			r == '#' && i > 0 && isSpace(runes[i-1]):
			a.plain = false
		}
		if isBreak(r) {
			a.lines, a.plain = true, false
		}
		if r != '\n' && (r < 0x20 || r > 0x7e) {
			a.plain, a.single = false, false
		}
		if (r == ' ' || isBreak(r)) && (i == 0 || i == last) {
			a.plain = false
		}
		if i > 0 && r == ' ' && isBreak(runes[i-1]) || i > 0 && isBreak(r) && runes[i-1] == ' ' {
			a.plain, a.single = false, false
		}
	}
	return a
}

// plain writes one line, folded where fold says so at single spaces.
func (e *emitter) plain(text string, indent int, fold bool) {
	if text == "" {
		return
	}
	if !e.whitespace {
		e.write(" ")
	}
	e.whitespace, e.indention = false, false
	for text != "" {
		word := text[:len(text)-len(strings.TrimLeft(text, " "))]
		switch {
		case word == "":
			word, _, _ = strings.Cut(text, " ")
			e.write(word)
		case len(word) == 1 && fold && e.column > width:
			e.newLine(indent)
			e.whitespace, e.indention = false, false
		default:
			e.write(word)
		}
		text = text[len(word):]
	}
}

// singleQuoted doubles quotes, and line breaks, of which one is folded to a space.
func (e *emitter) singleQuoted(text []rune, indent int, fold bool) {
	e.indicator("'", true, false)
	for i := 0; i < len(text); {
		n := i
		switch r := text[i]; {
		case r == ' ':
			for n < len(text) && text[n] == ' ' {
				n++
			}
			if n == i+1 && e.column > width && fold && i != 0 && n != len(text) {
				e.newLine(indent)
			} else {
				e.write(string(text[i:n]))
			}
		case isBreak(r):
			if r == '\n' {
				e.breakLine()
			}
			for n < len(text) && isBreak(text[n]) {
				e.breakLine()
				n++
			}
			e.newLine(indent)
		case r == '\'':
			e.write("''")
			n++
		default:
			for n < len(text) && text[n] != ' ' && text[n] != '\'' && !isBreak(text[n]) {
				n++
			}
			e.write(string(text[i:n]))
		}
		i = n
	}
	e.whitespace = false
	e.indicator("'", false, false)
}

var escapes = map[rune]string{0: "0", 7: "a", 8: "b", 9: "t", '\n': "n", 0xb: "v", 0xc: "f", '\r': "r", 0x1b: "e",
	'"': `"`, '\\': `\`, 0x85: "N", 0xa0: "_", 0x2028: "L", 0x2029: "P"}

func escape(r rune) string {
	if s, ok := escapes[r]; ok {
		return `\` + s
	}
	switch {
	case r <= 0xff:
		return fmt.Sprintf(`\x%02X`, r)
	case r <= 0xffff:
		return fmt.Sprintf(`\u%04X`, r)
	}
	return fmt.Sprintf(`\U%08X`, r)
}

// doubleQuoted folds, with a backslash, at spaces and after escapes.
func (e *emitter) doubleQuoted(text []rune, indent int, fold bool) {
	e.indicator(`"`, true, false)
	start := 0 // what is not yet written
	for i := 0; i <= len(text); i++ {
		isPlain := i < len(text) && text[i] >= ' ' && text[i] <= '~' && text[i] != '"' && text[i] != '\\'
		if !isPlain {
			e.write(string(text[start:i]))
			start = i
			if i < len(text) {
				e.write(escape(text[i]))
				start = i + 1
			}
		}
		if 0 < i && i < len(text)-1 && (text[i] == ' ' || start >= i) && e.column+(i-start) > width && fold {
			if start < i {
				e.write(string(text[start:i]))
				start = i
			}
			e.write(`\`)
			e.newLine(indent)
			e.whitespace, e.indention = false, false
			if text[start] == ' ' {
				e.write(`\`)
			}
		}
	}
	e.indicator(`"`, false, false)
}
