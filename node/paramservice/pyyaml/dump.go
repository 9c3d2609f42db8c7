package pyyaml

import (
	"encoding/base64"
	"sort"
	"strings"
	"unicode/utf8"
)

// Dump writes a value as yaml.dump does with default_flow_style=False: block style, keys
// sorted, lines folded after 80 characters, ASCII only. The keys of dicts must be strings, and
// the top a dict or a list; tuples, sets and dates are not written.
func Dump(v Value) string {
	e := emitter{indention: true, whitespace: true}
	e.node(v, -2, false)
	e.newLine(0)
	return e.out.String()
}

const (
	width      = 80  // a line is folded at the first space after it
	longestKey = 122 // characters of a key that is written "key: value"
)

// emitter writes the text. Columns count characters.
type emitter struct {
	out        strings.Builder
	column     int
	whitespace bool // the last character was white space
	indention  bool // nothing but indentation and indicators is on the line
}

func (e *emitter) write(s string) {
	e.out.WriteString(s)
	e.column += utf8.RuneCountInString(s)
}

func (e *emitter) breakLine() {
	e.out.WriteByte('\n')
	e.column, e.whitespace, e.indention = 0, true, true
}

// newLine goes to a column, on a new line unless this one is empty so far.
func (e *emitter) newLine(indent int) {
	if !e.indention || e.column > indent || e.column == indent && !e.whitespace {
		e.breakLine()
	}
	if e.column < indent {
		e.whitespace = true
		e.write(strings.Repeat(" ", indent-e.column))
	}
}

// indicator writes punctuation, with a space before it where one is needed.
func (e *emitter) indicator(s string, space, indention bool) {
	if space && !e.whitespace {
		s = " " + s
	}
	e.whitespace = false
	e.indention = e.indention && indention
	e.write(s)
}

// node writes a value; indent is the column of the collection around it. inMap: as the value
// of a key.
func (e *emitter) node(v Value, indent int, inMap bool) {
	switch {
	case v.Kind == Dict && len(v.Dict) > 0:
		e.dict(v.Dict, indent+2)
	case v.Kind == Dict:
		e.flow("{", "}")
	case v.Kind == List && len(v.Items) > 0:
		// A list that is the value of a key is not indented.
		at := indent + 2
		if inMap && !e.indention {
			at = indent
		}
		for _, x := range v.Items {
			e.newLine(at)
			e.indicator("-", true, true)
			e.node(x, at, false)
		}
	case v.Kind == List:
		e.flow("[", "]")
	default:
		e.scalar(v, indent+2, false)
	}
}

func (e *emitter) flow(open, end string) {
	e.indicator(open, true, false)
	e.whitespace = true
	e.indicator(end, false, false)
}

func (e *emitter) dict(entries []Entry, indent int) {
	sorted := append([]Entry(nil), entries...)
	sort.SliceStable(sorted, func(i, j int) bool { return sorted[i].Key.Text < sorted[j].Key.Text })
	for _, entry := range sorted {
		e.newLine(indent)
		if key := analyze(entry.Key.Text); !key.empty && !key.lines && utf8.RuneCountInString(entry.Key.Text) <= longestKey {
			e.scalar(entry.Key, indent+2, true)
			e.indicator(":", false, false)
		} else {
			e.indicator("?", true, true)
			e.scalar(entry.Key, indent+2, false)
			e.newLine(indent)
			e.indicator(":", true, true)
		}
		e.node(entry.Value, indent, true)
	}
}

// scalar writes with further lines at indent; a key is never folded.
func (e *emitter) scalar(v Value, indent int, key bool) {
	text := plainText(v)
	switch a := analyze(text); {
	case v.Kind == Bytes:
		e.literal(v.Text, indent)
	case v.Kind != String || a.plain && resolvePlain(text) == tagString && !(key && a.empty):
		e.plain(text, indent, !key)
	case a.single && !(key && a.lines):
		e.singleQuoted([]rune(text), indent, !key)
	default:
		e.doubleQuoted([]rune(text), indent, !key)
	}
}

// plainText is the text of a scalar without quotes.
func plainText(v Value) string {
	switch v.Kind {
	case None:
		return "null"
	case Bool:
		return strings.ToLower(v.Repr())
	case Float:
		switch s := FloatRepr(v.Float); s {
		case "nan", "inf":
			return "." + s
		case "-inf":
			return "-.inf"
		default:
			if !strings.Contains(s, ".") {
				s = strings.Replace(s, "e", ".0e", 1) // or it would read as a string
			}
			return s
		}
	}
	return v.Str()
}

// literal writes bytes as !!binary, in lines of 76 characters.
func (e *emitter) literal(data string, indent int) {
	e.indicator("!!binary", true, false)
	if data == "" {
		e.indicator(`""`, true, false)
		return
	}
	e.indicator("|", true, false)
	text := base64.StdEncoding.EncodeToString([]byte(data))
	for len(text) > 0 {
		n := min(76, len(text))
		e.breakLine()
		e.newLine(indent)
		e.write(text[:n])
		text = text[n:]
	}
	e.whitespace, e.indention = false, false
	e.breakLine()
}
