package pyyaml

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"
)

// What PyYAML 6.0 with Python 3.11 gives: repr of the value, "syntax" for a ParserError, "error"
// for any other; and an error where a value contains itself.
func TestLoad(t *testing.T) {
	for text, want := range map[string]string{
		"": "None", "~": "None", "null": "None", "# only": "None", "---": "None",
		"yes": "True", "Off": "False", "TRUE": "True", "y": "'y'", "n": "'n'", "tRUE": "'tRUE'",
		"1": "1", "+12": "12", "-0": "0", "0x1F": "31", "017": "15", "0o17": "'0o17'", "0b101": "5", "1_000": "1000",
		"1:30": "90", "-1:30:00": "-5400", "19:99": "'19:99'", "08": "'08'", "0_": "0", "0b_": "error", "9223372036854775808": "9223372036854775808",
		"1.5": "1.5", "1.": "1.0", ".5": "0.5", "-.5": "'-.5'", "+.inf": "inf", "-.INF": "-inf", ".NaN": "nan", "1e3": "'1e3'",
		"1.0e3": "'1.0e3'", "1.5e+3": "1500.0", "1.0e+400": "inf", "1:30.5": "90.5", "1.0e-400": "0.0", "inf": "'inf'",
		"2001-12-14":                         "datetime.date(2001, 12, 14)",
		"2001-12-14 10:00:00":                "datetime.datetime(2001, 12, 14, 10, 0)",
		"2001-12-14t21:59:43.10-05:00":       "datetime.datetime(2001, 12, 14, 21, 59, 43, 100000, tzinfo=datetime.timezone(datetime.timedelta(days=-1, seconds=68400)))",
		"2001-12-14 1:00:05 Z":               "datetime.datetime(2001, 12, 14, 1, 0, 5, tzinfo=datetime.timezone.utc)",
		"2001-13-14":                         "error",
		"2001-1-1":                           "'2001-1-1'",
		"'a''b'":                             `"a'b"`,
		`"\x41\n"`:                           `'A\n'`,
		"a: b":                               "{'a': 'b'}",
		"{1: a, true: b, 1.0: c}":            "{1: 'c'}",
		"{a: 1, a: 2}":                       "{'a': 2}",
		"[1, 'x', null, [a], {b: 1.0}]":      "[1, 'x', None, ['a'], {'b': 1.0}]",
		"[]":                                 "[]",
		"- 1\n- - 2":                         "[1, [2]]",
		"!!set {a}":                          "{'a'}",
		"!!set {}":                           "set()",
		"!!omap [a: 1]":                      "[('a', 1)]",
		"!!pairs [a: 1, a: 2]":               "[('a', 1), ('a', 2)]",
		"!!binary aGk=":                      "b'hi'",
		"!!binary 'aG  k='":                  "b'hi'",
		"!!binary a":                         "error",
		"!!str 1":                            "'1'",
		"!!int '5'":                          "5",
		"!!int x":                            "error",
		"!!float 1":                          "1.0",
		"!!bool x":                           "error",
		"!!null x":                           "None",
		"!!foo 1":                            "error",
		"!foo 1":                             "error",
		"!!str [1]":                          "error",
		"=":                                  "error",
		"<<":                                 "error",
		"{=: 1}":                             "{'=': 1}",
		"{a: &x {b: 1}, c: {<<: *x, d: 2}}":  "{'a': {'b': 1}, 'c': {'b': 1, 'd': 2}}",
		"{<<: [{a: 1}, {a: 2, b: 3}], c: 4}": "{'a': 1, 'b': 3, 'c': 4}",
		"{<<: 1}":                            "error",
		"{[a]: 1}":                           "error",
		"[&a 1, &a 2]":                       "error",
		"[&a 1, *a]":                         "[1, 1]",
		"&a [*a]":                            "error",
		"*x":                                 "error",
		"1\n---\n2":                          "error",
		"[1, 2":                              "syntax",
		"[1] 2":                              "syntax",
		"]":                                  "syntax",
		", x":                                "syntax",
		"%x":                                 "syntax",
		"{a: 1":                              "syntax",
		"a: b: c":                            "error",
		"'x":                                 "error",
		"@x":                                 "error",
		"\t1":                                "error",
		"a\tb":                               "error",
		"[1,\t2]":                            "error",
		"'a\tb'":                             `'a\tb'`,
		"é\u00a0日\U0001F600\u200b":           `'é\xa0日😀\u200b'`,
		"a\x00":                              "error",
	} {
		v, err := Load(text)
		got := v.Repr()
		switch {
		case errors.Is(err, ErrSyntax) && errors.Is(err, ErrInvalid):
			got = "syntax"
		case errors.Is(err, ErrInvalid):
			got = "error"
		case err != nil:
			t.Errorf("%q: %v wraps no sentinel", text, err)
		}
		if got != want {
			t.Errorf("%q: got %s (%v), want %s", text, got, err, want)
		}
	}
}

// Aliases inside aliases stand for more than any memory holds.
func TestAliasesAreBounded(t *testing.T) {
	text := "[&a [x,x,x,x,x,x,x,x,x,x]"
	for c := 'b'; c < 'k'; c++ {
		text += ", &" + string(c) + " [" + strings.TrimSuffix(strings.Repeat("*"+string(c-1)+",", 10), ",") + "]"
	}
	if _, err := Load(text + "]"); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
	if _, err := Load(strings.Repeat("[", 2000) + strings.Repeat("]", 2000)); !errors.Is(err, ErrInvalid) {
		t.Error(err)
	}
}

func TestFloatRepr(t *testing.T) {
	for x, want := range map[float64]string{0: "0.0", 1e15: "1000000000000000.0", 1e16: "1e+16", 1e22: "1e+22", 123.456: "123.456",
		0.0001: "0.0001", 0.00001: "1e-05", 1.5e-7: "1.5e-07", math.MaxFloat64: "1.7976931348623157e+308", 5e-324: "5e-324"} {
		if got := FloatRepr(x); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if got := FloatRepr(math.Copysign(0, -1)); got != "-0.0" {
		t.Error(got)
	}
}

func text(s string) Value           { return Value{Kind: String, Text: s} }
func entry(k string, v Value) Entry { return Entry{text(k), v} }

// What yaml.dump of PyYAML 6.0 gives.
func TestDump(t *testing.T) {
	words := strings.Repeat("word ", 20) + "end"
	v := Value{Kind: Dict, Dict: []Entry{
		entry("z", Value{}), entry("b", Value{Kind: Bool, Bool: true}), entry("i", Value{Kind: Int, Int: big.NewInt(-7)}),
		entry("f", Value{Kind: Float, Float: 1e22}), entry("n", Value{Kind: Float, Float: math.NaN()}),
		entry("on", text("off")), entry("empty", text("")), entry("long", text(words)), entry("long single", text("'"+words)),
		entry("long double", text("\t"+words)), entry("lines", text("a\n\nb")), entry("", text(" x")),
		entry("bytes", Value{Kind: Bytes, Text: strings.Repeat("x", 60)}), entry("none", Value{Kind: List}), entry("map", Value{Kind: Dict}),
		entry("list", Value{Kind: List, Items: []Value{text("- a"), {Kind: List, Items: []Value{text("b")}}, {Kind: Dict, Dict: []Entry{entry("c", text("d"))}}}}),
		entry(strings.Repeat("k", 123), text("#")),
	}}
	want := `? ''
: ' x'
b: true
bytes: !!binary |
  eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4
  eHh4
empty: ''
f: 1.0e+22
i: -7
? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk
: '#'
lines: 'a


  b'
list:
- '- a'
- - b
- c: d
long: word word word word word word word word word word word word word word word word
  word word word word end
long double: "\tword word word word word word word word word word word word word word\
  \ word word word word word word end"
long single: '''word word word word word word word word word word word word word word
  word word word word word word end'
map: {}
n: .nan
none: []
'on': 'off'
z: null
`
	if got := Dump(v); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func FuzzLoad(f *testing.F) {
	for _, text := range []string{"1", "[a, 'b', \"c\"]", "{a: {b: 1.5}}", "- 2001-12-14", "&a [*a]", "!!set {a}", "a: &x {<<: *x}", "[1, 2", "\t"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := Load(text)
		if err != nil {
			if !errors.Is(err, ErrInvalid) {
				t.Error(err)
			}
			return
		}
		v.Str()
	})
}

// FuzzDump: what is dumped is read again as it was.
func FuzzDump(f *testing.F) {
	f.Add("key", "text", 1.5, []byte("x"))
	f.Add("on", "a\n b", 1e-7, []byte{})
	f.Add("", " it's \"x\" # y: z ", math.Inf(-1), []byte{0, 255})
	f.Fuzz(func(t *testing.T, key, s string, x float64, data []byte) {
		key, s = strings.ToValidUTF8(key, "?"), strings.ToValidUTF8(s, "?")
		if strings.ContainsAny(key+s, "\ufeff\ufffe\uffff") {
			return // yaml.v3 reads less than PyYAML writes
		}
		v := Value{Kind: Dict, Dict: []Entry{entry(key, Value{Kind: List, Items: []Value{text(s), {Kind: Float, Float: x}, {Kind: Bytes, Text: string(data)}}})}}
		written := Dump(v)
		got, err := Load(written)
		if err != nil || got.Repr() != v.Repr() {
			t.Errorf("%s\n%v\n%s\n%s", written, err, got.Repr(), v.Repr())
		}
	})
}
