package rcl

import (
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
)

func parseText(t testing.TB, text string, args ...string) (*Args, error) {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile("a.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return Parse(append([]string{"--ros-args", "--params-file", "a.yaml"}, args...))
}

func TestFileErrorsSayWhere(t *testing.T) {
	big := strings.Repeat("# comment\n", maxFileSize/10+1)
	deep := "/**:\n  ros__parameters:\n    p: " + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1)
	many := "/**:\n  ros__parameters:\n" + strings.Repeat("    p: 1\n", maxParameters+1)
	long := "/**:\n  ros__parameters:\n" + strings.Repeat("    ", 1) + strings.Repeat("a.", 400) + "b:\n" +
		"      " + strings.Repeat("a.", 400) + "b:\n        " + strings.Repeat("a.", 400) + "b:\n          " +
		strings.Repeat("a.", 400) + "b:\n            " + strings.Repeat("a.", 400) + "b:\n              " +
		strings.Repeat("a.", 400) + "b: 1\n"
	var nodes strings.Builder
	for i := range maxNodes + 1 {
		nodes.WriteString("n" + strings.Repeat("x", i%200) + string(rune('a'+i/200)) + ": {ros__parameters: {}}\n")
	}
	for _, c := range []struct{ name, text, place, problem string }{
		{"syntax", "/**:\n  ros__parameters:\n    p: a: b\n", "a.yaml:3", "not valid YAML: mapping values are not allowed"},
		{"unquoted text", "/**:\n  ros__parameters:\n    p: (t > 1 ? 2 : 3)\n", "a.yaml:3", "must be quoted"},
		{"no ros__parameters", "node:\n  p: 1\n", "a.yaml:2:6", "expected ros__parameters: with the parameters below it"},
		{"no node", "ros__parameters:\n  p: 1\n", "a.yaml:1:1", "without a node name above it"},
		{"sequence of nodes", "- node\n", "a.yaml:1:1", "a sequence where a key was expected"},
		{"sequence under a node", "node: [1]\n", "a.yaml:1:7", `a sequence under "node"`},
		{"value for the parameters", "/**:\n  ros__parameters: 5\n", "a.yaml:2:20", "expected a map of parameters"},
		{"alias", "/**:\n  ros__parameters:\n    a: &x 1\n    b: *x\n", "a.yaml:4:8", "have no aliases"},
		{"undefined alias", "/**:\n  ros__parameters:\n    b: *x\n", "a.yaml", "unknown anchor 'x'"},
		{"no value", "/**:\n  ros__parameters:\n    gain:\n", "a.yaml:3:", "gain has no value"},
		{"mixed sequence", "/**:\n  ros__parameters:\n    p: [1.0, 2]\n", "a.yaml:3:14", "p: integer in a sequence that began with double"},
		{"empty key", "/**:\n  ros__parameters:\n    '': 1\n", "a.yaml:3:5", "an empty key"},
		{"bad node key", "/a b:\n  ros__parameters: {p: 1}\n", "a.yaml:2:3", `node key "/a b"`},
		{"too large", big, "a.yaml", "larger than 1048576 bytes"},
		{"too deep", deep, "a.yaml:3:", "nested too deep, expected at most 1000 levels"},
		{"too many", many, "a.yaml:10003:5", "more than 10000 parameters"},
		{"too long", long, "a.yaml:8:", "parameter name longer than 4096 bytes"},
		{"too many nodes", nodes.String(), "a.yaml:1001:", "more than 1000 node keys"},
		{"control character", "/**:\n  ros__parameters:\n    p: \x01\n", "a.yaml", "control characters are not allowed"},
		{"not UTF-8", "/**:\n  ros__parameters:\n    p: \xff\n", "a.yaml", "invalid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseText(t, c.text)
			var source *SourceError
			if !errors.As(err, &source) || !errors.Is(err, ErrParameters) {
				t.Fatalf("got %v", err)
			}
			if got := err.Error(); !strings.HasPrefix(got, c.place) || !strings.Contains(got, c.problem) {
				t.Errorf("got %.300q, want %s ... %s", got, c.place, c.problem)
			}
		})
	}
}

func TestMissingFile(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, path := range []string{"missing.yaml", ".", ""} {
		_, err := ReadParamsFile(path)
		if !errors.Is(err, ErrParameters) || !strings.Contains(err.Error(), "cannot read the parameter file") {
			t.Errorf("%q: %v", path, err)
		}
	}
	if _, err := ReadParamsFile("missing.yaml"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%v does not wrap the cause", err)
	}
}

func TestArgumentErrorsSayWhich(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-p", "gain=1"}, "command line: -p gain=1: expected '.' or ':=' at byte 4 of [node:]name:=value"},
		{[]string{"-p", "gain:="}, "command line: -p gain:=: expected a value at byte 6 of [node:]name:=value"},
		{[]string{"-p", "gain:=[1"}, "command line: -p gain:=[1: not valid YAML"},
		{[]string{"-p", "gain:={a: 1}"}, "a map or an alias as value"},
		{[]string{"-p", "text:=(t > 1 ? 2 : 3)"}, "must be quoted"},
		{[]string{"-r", "a=b"}, `command line: -r a=b: remap rule "a=b"`},
		{[]string{"--params-file"}, "command line: --params-file: the last argument, expected a file after it"},
		{[]string{"--log-level", "loud"}, "one of unset, debug"},
	} {
		_, err := Parse(append([]string{"--ros-args"}, c.args...))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: got %v, want %q", c.args, err, c.want)
		}
	}
	a, err := Parse([]string{"--ros-args", "--wrong", "-e", "bad", "--log-config-file", "x"})
	if err != nil {
		t.Fatal(err)
	}
	err = a.Check()
	if !errors.Is(err, ErrArguments) || strings.Count(err.Error(), "\n") != 2 ||
		!strings.Contains(err.Error(), "command line: --wrong: unknown ROS argument") {
		t.Errorf("Check: %v", err)
	}
}

func TestOverridesSayWhatIsLost(t *testing.T) {
	a, err := parseText(t, `/**:
  ros__parameters:
    gain: 1
    rate: 5
    rate: 6
/node:
  ros__parameters:
    gain: 2
`, "-p", "gain:=0.5", "-p", "gain:=3", "-p", "new:=x")
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Overrides("/node")
	if err != nil {
		t.Fatal(err)
	}
	integer := func(i int64) Value { return Value{Type: Integer, Int: i} }
	at := func(line, column int) Position { return Position{File: "a.yaml", Line: line, Column: column} }
	want := []Override{
		{Name: "gain", Value: integer(2), Source: at(8, 11),
			Shadowed: []Assignment{{integer(3), Position{Argument: "-p gain:=3"}}}},
		{Name: "rate", Value: integer(6), Source: at(5, 11), Wildcard: true, Repeated: []Position{at(4, 11)}},
		{Name: "new", Value: Value{Type: String, Str: "x"}, Source: Position{Argument: "-p new:=x"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	other, err := a.Overrides("/other")
	if err != nil || len(other) != 3 || other[0].Value.Int != 3 {
		t.Errorf("/other: %+v, %v", other, err)
	}

	a, err = parseText(t, "/**: {ros__parameters: {gain: 1}}\n", "-p", "gain:=0.5")
	if err != nil {
		t.Fatal(err)
	}
	got, err = a.Overrides("/node")
	lost := []Assignment{{Value{Type: Double, Double: 0.5}, Position{Argument: "-p gain:=0.5"}}}
	if err != nil || len(got) != 1 || !reflect.DeepEqual(got[0].Ignored, lost) {
		t.Errorf("got %+v, %v, want %+v ignored", got, err, lost)
	}
}

func TestOverridesLeaveOutWhatHasNoValue(t *testing.T) {
	a, err := parseText(t, "/**:\n  ros__parameters:\n    a: []\n    use_sim_time: 1\n    b: 2\n")
	if err != nil {
		t.Fatal(err)
	}
	got, err := a.Overrides("/node")
	if len(got) != 1 || got[0].Name != "b" || !errors.Is(err, ErrParameters) {
		t.Fatalf("got %+v, %v", got, err)
	}
	for _, want := range []string{"a.yaml", "a has no value", "a.yaml:4:19: use_sim_time: got integer 1, expected bool"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %q", err, want)
		}
	}
}

func TestReadParamsFile(t *testing.T) {
	t.Chdir(t.TempDir())
	text := "/**:\n  ros__parameters: {a: 1}\nns:\n  talker:\n    ros__parameters:\n      b: [u, v]\n"
	if err := os.WriteFile("a.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	got, err := ReadParamsFile("a.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Key != "/**" || got[1].Key != "ns/talker" || got[1].Source.Line != 5 ||
		got[1].Overrides[0].Source.String() != "a.yaml:6:10" || got[1].Overrides[0].Value.Strs[1] != "v" {
		t.Errorf("got %+v", got)
	}
}

func TestUnmatchedNodeKeys(t *testing.T) {
	a, err := parseText(t, `/**: {ros__parameters: {a: 1}}
/guided_policy_serch:
  ros__parameters: {a: 1}
guided_policy_search: {ros__parameters: {a: 1}}
/other/*: {ros__parameters: {a: 1}}
/*/**: {ros__parameters: {a: 1}}
/**/sim_robot: {ros__parameters: {a: 1}}
/arm1/*/sim_robot: {ros__parameters: {a: 1}}
'/**/sim_robt': {ros__parameters: {a: 1}}
'*/*/sim_robots/**/guided_policy': {ros__parameters: {a: 1}}
`, "-p", "simrobot:b:=1")
	if err != nil {
		t.Fatal(err)
	}
	got := a.UnmatchedNodeKeys("/sim_robot", "/guided_policy_search")
	want := []UnmatchedKey{
		{"/guided_policy_serch", Position{File: "a.yaml", Line: 3, Column: 3}, "/guided_policy_search"},
		{"/**/sim_robt", Position{File: "a.yaml", Line: 9, Column: 18}, "/sim_robot"},
		{"*/*/sim_robots/**/guided_policy", Position{File: "a.yaml", Line: 10, Column: 37}, "/guided_policy_search"},
		{"simrobot", Position{Argument: "-p simrobot:b:=1"}, "/sim_robot"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTypeScalar(t *testing.T) {
	double := func(x float64) Value { return Value{Type: Double, Double: x} }
	integer := func(i int64) Value { return Value{Type: Integer, Int: i} }
	str := func(s string) Value { return Value{Type: String, Str: s} }
	// What the vectors leave open, by the C standard and glibc's strtoll and strtod.
	for text, want := range map[string]Value{
		"08":                       double(8), // no octal, so strtod has it
		"0x8p":                     str("0x8p"),
		"0x.8":                     double(0.5),
		"0x1.":                     double(1),
		"0x.":                      str("0x."),
		"-0X1P-1":                  double(-0.5),
		"  7":                      integer(7),
		"7 ":                       str("7 "),
		"\n-1.5":                   double(-1.5),
		"1e+":                      str("1e+"),
		".e1":                      str(".e1"),
		"nan(a_1)":                 double(math.NaN()),
		"nan(":                     str("nan("),
		"-INFinity":                double(math.Inf(-1)),
		"infinit":                  str("infinit"),
		"0e-999":                   double(0),
		"0x0p-9999":                double(0),
		"0x1p-1074":                double(math.SmallestNonzeroFloat64), // exact: no ERANGE
		"0x1.8p-1074":              str("0x1.8p-1074"),
		"2.2250738585072014e-308":  double(0x1p-1022),
		"1e-310":                   str("1e-310"),
		"1_0.5":                    str("1_0.5"),
		"- 1":                      str("- 1"),
		"--1":                      str("--1"),
		"+":                        str("+"),
		"":                         str(""),
		strings.Repeat("9", 5000):  str(strings.Repeat("9", 5000)),
		"1e99999999999999999999":   str("1e99999999999999999999"),
		"0.0e99999999999999999999": double(0),
	} {
		if got := typeScalar(text, false); !got.Equal(want) {
			t.Errorf("%.40q: got %s %s, want %s %s", text, got.Type, got, want.Type, want)
		}
	}
}

func TestLexemes(t *testing.T) {
	// From the transition table in rcl's lexer.c: a broken lexeme swallows the byte that broke it.
	for text, want := range map[string]struct {
		kind   lexeme
		length int
	}{
		"":             {endOfText, 0},
		"ab1_c__d":     {token, 6},
		"_a":           {token, 2},
		"_":            {token, 1},
		"__node:=x":    {nodeWord, 6},
		"__name":       {nodeWord, 6},
		"__ns":         {namespaceWord, 4},
		"__nx":         {noLexeme, 4},
		"__nods":       {noLexeme, 6},
		"__no":         {noLexeme, 4},
		"__":           {noLexeme, 2},
		"__x":          {noLexeme, 3},
		"~/a":          {tildeSlash, 2},
		"~a":           {noLexeme, 2},
		"~":            {noLexeme, 1},
		`\3`:           {backReference, 2},
		`\0`:           {noLexeme, 2},
		"rostopic://a": {urlTopic, 11},
		"rostopic:/a":  {token, 8},
		"rosservice:/": {token, 10},
		"rosservice//": {token, 10},
		"ros":          {token, 3},
		":=":           {separator, 2},
		":a":           {colon, 1},
		"***":          {wildcardMulti, 2},
		"*a":           {wildcardSingle, 1},
		"1a":           {noLexeme, 1},
		"\xc3\xbc":     {noLexeme, 1},
	} {
		if kind, n := nextLexeme(text); kind != want.kind || n != want.length {
			t.Errorf("%q: got %d of %d bytes, want %+v", text, kind, n, want)
		}
	}
}

func TestMatchNodeKey(t *testing.T) {
	for _, c := range []struct {
		key, fqn string
		want     bool
	}{
		{"/**", "/a/b", true}, {"/*", "/a", true}, {"/*", "/a/b", false}, {"a", "/a", true},
		{"/a/**/c", "/a/c", true}, {"/a/**/c", "/a/b/b/c", true}, {"/a/**/c", "/a/b", false},
		{"**/c", "/a/b/c", true}, {"/**/**", "/a", true}, {"/a", "/a/b", false}, {"/a/b", "/a", false},
	} {
		if got := matchNodeKey(c.key, c.fqn); got != c.want {
			t.Errorf("%s for %s: %v", c.key, c.fqn, got)
		}
	}
	// Exponential in a backtracking matcher.
	if matchNodeKey(strings.Repeat("/**/a", 200), strings.Repeat("/a", 100)+"/b") {
		t.Error("matched")
	}
}

func TestVersionDirective(t *testing.T) {
	for text, ok := range map[string]bool{
		"%YAML 1.2\n---\n/**: {ros__parameters: {p: 1}}\n":     true,
		"# c\n%YAML 1.2 # c\n--- {}\n":                         true,
		"--- {}\n...\n%YAML 1.2\n---\n{}\n":                    true,
		"%YAML 1.3\n--- {}\n":                                  false,
		"/**:\n  ros__parameters:\n    p: |\n     %YAML 1.2\n": true,
	} {
		var s store
		if err := s.readText([]byte(text), Position{File: "a"}); (err == nil) != ok {
			t.Errorf("%q: %v", text, err)
		}
		if strings.Contains(text, "p: |") && s.nodes[0].entries[0].winner().Value.Str != "%YAML 1.2\n" {
			t.Errorf("%q: read %+v", text, s.nodes[0].entries[0].winner())
		}
	}
}

func TestWithNode(t *testing.T) {
	global, err := Parse([]string{"--ros-args", "-r", "a:=global", "-p", "p:=1", "-p", "q:=1"})
	if err != nil {
		t.Fatal(err)
	}
	local, err := Parse([]string{"--ros-args", "-r", "a:=local", "-p", "p:=text"})
	if err != nil {
		t.Fatal(err)
	}
	both := global.WithNode(local)
	node, err := both.Node("n", "/")
	if err != nil {
		t.Fatal(err)
	}
	if topic, err := both.ResolveTopic(node, "a"); err != nil || topic != "/local" {
		t.Errorf("%s, %v", topic, err)
	}
	if o, err := both.Overrides("/n"); err != nil || len(o) != 2 || o[0].Value.Str != "text" {
		t.Errorf("%+v, %v", o, err)
	}
	if o, err := global.Overrides("/n"); err != nil || o[0].Value.Int != 1 {
		t.Errorf("the global arguments changed: %+v, %v", o, err)
	}
}
