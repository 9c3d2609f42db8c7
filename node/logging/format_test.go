package logging

import (
	"strings"
	"testing"
)

var sample = line{stamp: 1_700_000_000_000_000_042, severity: Warn, name: "ns.gps", message: "a {name} of 5 %", file: "/src/a.go", function: "(*node).run", number: 17}

func TestFormat(t *testing.T) {
	for _, c := range []struct{ format, want string }{
		{DefaultFormat, "[WARN] [1700000000.000000042] [ns.gps]: a {name} of 5 %"},
		{"", ""},
		{"{time_as_nanoseconds}|{file_name}:{line_number} {function_name}", "1700000000000000042|/src/a.go:17 (*node).run"},
		{"{{severity}}", "{WARN}"},
		{"{nothing} {} {name", "{nothing} {} {name"},
		{"}{name}{", "}ns.gps{"},
		{"{name {severity}", "{name WARN"},
		{"{message}{message}", "a {name} of 5 %a {name} of 5 %"},
		{`\n{name}`, `\nns.gps`},
		{"{Name}{ name}", "{Name}{ name}"},
		{strings.Repeat("x", maxFormat-1) + "{name}", strings.Repeat("x", maxFormat-1) + "{"},
	} {
		if got := string(parseFormat(c.format).append(nil, &sample)); got != c.want {
			t.Errorf("format %.80q: got %.80q, want %.80q", c.format, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	for _, c := range []struct {
		ns                   int64
		seconds, nanoseconds string
	}{
		{0, "0000000000.000000000", "0000000000000000000"},
		{1, "0000000000.000000001", "0000000000000000001"},
		{-1_500_000_000, "-0000000001.500000000", "-0000000001500000000"},
		{9_223_372_036_854_775_807, "9223372036.854775807", "9223372036854775807"},
		{-9_223_372_036_854_775_808, "-9223372036.854775808", "-9223372036854775808"},
	} {
		if got := string(appendSeconds(nil, c.ns)); got != c.seconds {
			t.Errorf("%d: got %s, want %s", c.ns, got, c.seconds)
		}
		if got := string(appendNanoseconds(nil, c.ns)); got != c.nanoseconds {
			t.Errorf("%d: got %s, want %s", c.ns, got, c.nanoseconds)
		}
	}
}

// FuzzFormat holds the parsed form to a substitution from left to right, one token at a time.
func FuzzFormat(f *testing.F) {
	for _, s := range []string{DefaultFormat, "{{name}}", "{", "}{", "{message}{line_number}{time}"} {
		f.Add(s)
	}
	tokens := []string{"severity", "name", "message", "function_name", "file_name", "time", "time_as_nanoseconds", "line_number"}
	f.Fuzz(func(t *testing.T, text string) {
		got := string(parseFormat(text).append(nil, &sample))
		var want strings.Builder
		rest := text[:min(len(text), maxFormat)]
	next:
		for rest != "" {
			for _, name := range tokens {
				if after, ok := strings.CutPrefix(rest, "{"+name+"}"); ok {
					want.Write(token(name)(nil, &sample))
					rest = after
					continue next
				}
			}
			want.WriteByte(rest[0])
			rest = rest[1:]
		}
		if got != want.String() {
			t.Errorf("format %q: got %q, want %q", text, got, want.String())
		}
	})
}
