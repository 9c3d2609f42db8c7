package logging

import (
	"fmt"
	"strconv"
	"strings"
)

// DefaultFormat is the format of lines where RCUTILS_CONSOLE_OUTPUT_FORMAT does not say
// another.
const DefaultFormat = "[{severity}] [{time}] [{name}]: {message}"

// maxFormat is the length in bytes to which rcutils cuts a format.
const maxFormat = 2047

// format is a parsed line format: text and tokens in turns.
type format []piece

// piece is a text, or a token in its place.
type piece struct {
	text  string
	token func(dst []byte, l *line) []byte // nil for a text
}

// token returns how a token is written, nil for one that rcutils does not know.
func token(name string) func([]byte, *line) []byte {
	switch name {
	case "severity":
		return func(dst []byte, l *line) []byte { return append(dst, l.severity.String()...) }
	case "name":
		return func(dst []byte, l *line) []byte { return append(dst, l.name...) }
	case "message":
		return func(dst []byte, l *line) []byte { return append(dst, l.message...) }
	case "function_name":
		return func(dst []byte, l *line) []byte { return append(dst, l.function...) }
	case "file_name":
		return func(dst []byte, l *line) []byte { return append(dst, l.file...) }
	case "time":
		return func(dst []byte, l *line) []byte { return appendSeconds(dst, l.stamp) }
	case "time_as_nanoseconds":
		return func(dst []byte, l *line) []byte { return appendNanoseconds(dst, l.stamp) }
	case "line_number":
		return func(dst []byte, l *line) []byte { return strconv.AppendInt(dst, int64(l.number), 10) }
	}
	return nil
}

// parseFormat reads a format as rcutils does: what is not a known token in braces is text.
func parseFormat(text string) format {
	text = text[:min(len(text), maxFormat)]
	var f format
	from := 0 // of the text that is not in f yet
	for i := 0; i < len(text); i++ {
		if text[i] != '{' {
			continue
		}
		length := strings.IndexByte(text[i:], '}')
		if length < 0 {
			break
		}
		write := token(text[i+1 : i+length])
		if write == nil {
			continue
		}
		f = append(f, piece{text: text[from:i]}, piece{token: write})
		i += length
		from = i + 1
	}
	return append(f, piece{text: text[from:]})
}

// append writes a line without its end.
func (f format) append(dst []byte, l *line) []byte {
	for _, p := range f {
		if p.token != nil {
			dst = p.token(dst, l)
		} else {
			dst = append(dst, p.text...)
		}
	}
	return dst
}

// appendSeconds writes seconds with at least ten digits and nine decimals.
func appendSeconds(dst []byte, ns int64) []byte {
	magnitude := uint64(ns)
	if ns < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	return fmt.Appendf(dst, "%010d.%09d", magnitude/1e9, magnitude%1e9)
}

// appendNanoseconds writes nanoseconds with at least 19 digits.
func appendNanoseconds(dst []byte, ns int64) []byte {
	magnitude := uint64(ns)
	if ns < 0 {
		dst = append(dst, '-')
		magnitude = -magnitude
	}
	return fmt.Appendf(dst, "%019d", magnitude)
}
