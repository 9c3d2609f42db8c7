package params

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/node/rcl"
)

type algorithmConfig struct {
	KLStep     float64 `param:"kl_step" desc:"Trust region per step." unit:"nat" range:"[1e-6, 1e6]" takes:"trial"`
	Iterations int     `param:"iterations" desc:"Iterations to run." range:"[1, inf)"`
	Seed       uint64  `param:"seed" desc:"Seed of the noise."`
}

func (c algorithmConfig) Validate() error {
	if c.Iterations == 13 {
		return fmt.Errorf("checked: %w", FieldError{Key: "iterations", Problem: "expected another number"})
	}
	if c.Iterations == 14 {
		return errors.New("fourteen will not do")
	}
	return nil
}

type plantConfig struct {
	Kind   string    `param:"kind" desc:"Which plant." choices:"planar_arm|pendulum|cart_pole"`
	Joints []string  `param:"joints" desc:"Joint names."`
	Target []float64 `param:"target" desc:"Joint angles to reach." unit:"rad" range:"[-10, 10]" len:"joints"`
	Limits []float64 `param:"limits" desc:"Torque limits." unit:"N m" len:"joints,optional" finite:"false"`
	Gains  []int     `param:"gains" desc:"Small numbers."`
	Flags  []bool    `param:"flags" desc:"Switches."`
}

type config struct {
	UseSimTime bool            `param:"use_sim_time" desc:"Take time from /clock."`
	Timeout    time.Duration   `param:"timeout" desc:"Longest wait." range:"(0, 3600]" takes:"now"`
	Offset     int64           `param:"offset" desc:"An offset." range:"[-5, 5]"`
	Ratio      float64         `param:"ratio" desc:"Anything at all." finite:"false"`
	Label      string          `param:"label" desc:"Free text."`
	Fixed      string          `param:"fixed" desc:"Read only." takes:"never"`
	Stepped    float64         `param:"stepped" desc:"In steps." range:"[0.1, 1]" step:"0.25"`
	Even       []int           `param:"even" desc:"In steps." range:"[0, 5]" step:"2"`
	Algorithm  algorithmConfig `param:"algorithm"`
	Plant      plantConfig     `param:"plant"`
	Hidden     func()          `param:"-"`
	inner      int
}

func (c *config) Validate() error {
	if c.Offset == -4 {
		return FieldError{Key: "plant.target[1]", Problem: "is too far"}
	}
	if c.Offset == 3 && c.Plant.Kind == "pendulum" {
		return errors.Join(&FieldError{Key: "offset", Problem: "expected less than 3 with a pendulum"},
			FieldError{Key: "plant.kind", Problem: "expected planar_arm where the offset is 3"})
	}
	return nil
}

func newConfig() *config {
	return &config{Timeout: 500 * time.Millisecond, Stepped: 0.1, Even: []int{0}, Algorithm: algorithmConfig{KLStep: 1, Iterations: 10},
		Plant: plantConfig{Kind: "planar_arm", Joints: []string{"a", "b"}, Target: []float64{1, 2}}}
}

func declare(t testing.TB, cfg any) *Set {
	t.Helper()
	s, err := Declare(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// overridesOf parses a parameter file, written as a.yaml in a new working directory, and
// further arguments.
func overridesOf(t testing.TB, text string, args ...string) []rcl.Override {
	t.Helper()
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.WriteFile("a.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	a, err := rcl.Parse(append([]string{"--ros-args", "--params-file", "a.yaml"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	overrides, err := a.Overrides("/node")
	if err != nil {
		t.Fatal(err)
	}
	return overrides
}

func TestApply(t *testing.T) {
	cfg := newConfig()
	s := declare(t, cfg)
	err := s.Apply(overridesOf(t, `/**:
  ros__parameters:
    use_sim_time: true
    timeout: 2
    offset: -5
    ratio: .inf
    label: 'on'
    qos_overrides./parameter_events.publisher.depth: 1000
    algorithm:
      kl_step: 3
      iterations: 5
      seed: 9007199254740993
    plant:
      kind: pendulum
      joints: [x]
      target: [2]
      gains: [1, -2]
      flags: [true, false]
      limits: [.inf]
`, "-p", "offset:=4"))
	if err != nil {
		t.Fatal(err)
	}
	want := &config{UseSimTime: true, Timeout: 2 * time.Second, Offset: 4, Ratio: math.Inf(1), Label: "on", Stepped: 0.1, Even: []int{0},
		Algorithm: algorithmConfig{KLStep: 3, Iterations: 5, Seed: 9007199254740993},
		Plant: plantConfig{Kind: "pendulum", Joints: []string{"x"}, Target: []float64{2}, Gains: []int{1, -2},
			Flags: []bool{true, false}, Limits: []float64{math.Inf(1)}}}
	if !reflect.DeepEqual(cfg, want) {
		t.Errorf("got %+v\nwant %+v", cfg, want)
	}
	if got := s.Source("offset").String(); got != "command line: -p offset:=4" {
		t.Errorf("source of offset: %s", got)
	}
	if got := s.Source("algorithm.kl_step").String(); got != "a.yaml:10:16" {
		t.Errorf("source of kl_step: %s", got)
	}
}

func TestMistakes(t *testing.T) {
	const head = "/**:\n  ros__parameters:\n    "
	for _, c := range []struct {
		name, text string
		args       []string
		want       []string // exact lines, or parts of the lines in order where they begin with ~
	}{
		{"unknown", "algorithm.kl_stp: 1.0", nil,
			[]string{"a.yaml:3:23: algorithm.kl_stp: got double 1.0, but there is no such parameter; the nearest is algorithm.kl_step"}},
		{"unknown, last part nearly known", "klstep: 1.0", nil, []string{"~the nearest is algorithm.kl_step"}},
		{"unknown, last part known", "kl_step: 1.0", nil, []string{"~the nearest is algorithm.kl_step"}},
		{"unknown, command line", "offset: 1", []string{"-p", "ofset:=2"},
			[]string{"command line: -p ofset:=2: ofset: got integer 2, but there is no such parameter; the nearest is offset"}},
		{"type", "algorithm: {kl_step: abc}", nil,
			[]string{"a.yaml:3:26: algorithm.kl_step: got string \"abc\", expected double in [1e-06, 1e+06] (unit nat)"}},
		{"double for integer", "offset: 1.0", nil, []string{"a.yaml:3:13: offset: got double 1.0, expected integer in [-5, 5]"}},
		{"string for bool", "use_sim_time: yes", nil, nil},
		{"range", "algorithm: {kl_step: 1e-7}", nil, []string{"~kl_step: got double 1e-07, expected double in [1e-06, 1e+06] (unit nat)"}},
		{"open range", "timeout: 0.0", nil, []string{"~timeout: got double 0.0, expected double in (0, 3600] (unit s)"}},
		{"negative unsigned", "algorithm.seed: -1", nil, []string{"~algorithm.seed: got integer -1, expected an integer of at least 0"}},
		{"nan", "algorithm.kl_step: .nan", nil, []string{"~expected a finite double"}},
		{"inf in array", "plant.target: [1.0, .inf]", nil, []string{"~element 1 is +Inf, expected a finite double_array"}},
		{"element out of range", "plant.target: [1.0, 11.0]", nil, []string{"~element 1 is 11, expected double_array each in [-10, 10] (unit rad), as many as plant.joints"}},
		{"steps", "stepped: 0.2", nil, []string{"a.yaml:3:14: stepped: got double 0.2, expected double in [0.1, 1] in steps of 0.25"}},
		{"step", "stepped: 0.35", nil, nil},
		{"last step", "stepped: 1.0", nil, nil},
		{"element's step", "even: [0, 2, 5, 3]", nil, []string{"~element 3 is 3, expected integer_array each in [0, 5] in steps of 2"}},
		{"choices", "plant.kind: pendulun", nil,
			[]string{`~got string "pendulun", expected string one of planar_arm, pendulum, cart_pole (the nearest is pendulum)`}},
		{"length", "plant.target: [1.0]", nil, []string{"a.yaml:3:19: plant.target: has 1 elements, expected 2, as plant.joints has"}},
		{"length by the other", "plant.joints: [a, b, c]", nil, []string{"a.yaml:3:19: plant.target: has 2 elements, expected 3, as plant.joints has"}},
		{"repeated", "offset: 1\n    offset: 2", nil, []string{"a.yaml:4:13: offset: given twice in one file, first at a.yaml:3:13; expected once"}},
		{"repeated in a map", "algorithm:\n      iterations: 1\n      iterations: 2", nil, []string{"~given twice in one file"}},
		{"lost by type", "algorithm.kl_step: 1", []string{"-p", "algorithm.kl_step:=0.5"},
			[]string{"command line: -p algorithm.kl_step:=0.5: algorithm.kl_step: got double 0.5, which ROS drops because integer 1 was given at a.yaml:3:24; write both as the same type"}},
		{"inner Validate", "algorithm.iterations: 13", nil, []string{"a.yaml:3:27: algorithm.iterations: got integer 13, expected another number"}},
		{"Validate without a key", "algorithm.iterations: 14", nil, []string{"a.yaml: algorithm: fourteen will not do"}},
		{"outer Validate", "offset: 3\n    plant.kind: pendulum", nil,
			[]string{"a.yaml:3:13: offset: got integer 3, expected less than 3 with a pendulum",
				"a.yaml:4:17: plant.kind: got string \"pendulum\", expected planar_arm where the offset is 3"}},
		{"Validate of an element", "offset: -4\n    plant.target: [1.0, 2.0]", nil,
			[]string{"a.yaml:4:19: plant.target: got double_array [1.0, 2.0], element 1 is too far"}},
		{"all at once", "offset: 9\n    nothing: 1\n    label: 4", nil, []string{"~offset", "~nothing", "~label: got integer 4, expected string"}},
		{"number for text", "label: 4.5", nil, []string{`a.yaml:3:12: label: got double 4.5, expected string; if a text is meant, write '4.5' in quotes (in a shell: "'4.5'")`}},
		{"numbers for texts", "plant.joints: [1, 2]", nil, []string{`~got integer_array [1, 2], expected string_array; if texts are meant, write each in quotes`}},
		{"list for text", "label: [1]", nil, []string{"a.yaml:3:12: label: got integer_array [1], expected string"}},
		{"number for choice", "plant.kind: 4", nil, []string{"a.yaml:3:17: plant.kind: got integer 4, expected string one of planar_arm, pendulum, cart_pole"}},
		{"odd key", `"a b\nc": 1`, nil, []string{`~"a b\nc": got`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, before := newConfig(), newConfig()
			err := declare(t, cfg).Apply(overridesOf(t, head+c.text+"\n", c.args...))
			if c.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			if !errors.Is(err, ErrInvalid) {
				t.Fatalf("got %v, want mistakes", err)
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Fatalf("got %d lines, want %d:\n%v", len(lines), len(c.want), err)
			}
			for i, want := range c.want {
				if part, ok := strings.CutPrefix(want, "~"); ok && strings.Contains(lines[i], part) || lines[i] == want {
					continue
				}
				t.Errorf("got  %s\nwant %s", lines[i], want)
			}
			if !reflect.DeepEqual(cfg, before) {
				t.Errorf("changed in spite of mistakes: %+v", cfg)
			}
		})
	}
}

// Relative paths are those of the file's folder, and on the command line of the working
// folder.
func TestPath(t *testing.T) {
	type files struct {
		Log    string   `param:"log" desc:"A file." path:"true"`
		Inputs []string `param:"inputs" desc:"Files." path:"true"`
		Plain  string   `param:"plain" desc:"Text."`
	}
	dir := t.TempDir()
	t.Chdir(dir)
	if err := os.Mkdir("sub", 0o777); err != nil {
		t.Fatal(err)
	}
	text := "/**:\n  ros__parameters:\n    log: ../log.txt\n    plain: x.txt\n    inputs: [a.csv, /b.csv]\n"
	if err := os.WriteFile("sub/a.yaml", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want files
	}{
		{nil, files{Log: filepath.Join(dir, "log.txt"), Inputs: []string{filepath.Join(dir, "sub/a.csv"), "/b.csv"}, Plain: "x.txt"}},
		{[]string{"-p", "log:=y/log.txt", "-p", "inputs:=[c.csv]"}, files{Log: filepath.Join(dir, "y/log.txt"), Inputs: []string{filepath.Join(dir, "c.csv")}, Plain: "x.txt"}},
		{[]string{"-p", "log:=package://arm/log.txt"}, files{Log: "package://arm/log.txt", Inputs: []string{filepath.Join(dir, "sub/a.csv"), "/b.csv"}, Plain: "x.txt"}},
		{[]string{"-p", "log:=''"}, files{Inputs: []string{filepath.Join(dir, "sub/a.csv"), "/b.csv"}, Plain: "x.txt"}},
	} {
		args, err := rcl.Parse(append([]string{"--ros-args", "--params-file", "sub/a.yaml"}, c.args...))
		if err != nil {
			t.Fatal(err)
		}
		overrides, err := args.Overrides("/node")
		if err != nil {
			t.Fatal(err)
		}
		var got files
		if err := declare(t, &got).Apply(overrides); err != nil || !reflect.DeepEqual(got, c.want) {
			t.Errorf("%v: got %+v, %v, want %+v", c.args, got, err, c.want)
		}
	}
}

func TestManyMistakesAreBounded(t *testing.T) {
	var list []rcl.Override
	for i := range 1000 {
		list = append(list, rcl.Override{Name: fmt.Sprintf("k%d", i), Value: rcl.Value{Type: rcl.Integer}})
	}
	err := declare(t, newConfig()).Apply(list)
	if n := strings.Count(err.Error(), "\n"); n != maxMistakes-1 || !strings.Contains(err.Error(), "950 more") {
		t.Errorf("%d lines: %v", n+1, err)
	}
}

func TestRepeatedFilesAreNoRepetition(t *testing.T) {
	overrides := overridesOf(t, "/**:\n  ros__parameters: {offset: 1}\n", "--params-file", "a.yaml")
	if err := declare(t, newConfig()).Apply(overrides); err != nil {
		t.Error(err)
	}
}

func TestDeclareRefuses(t *testing.T) {
	for want, cfg := range map[string]any{
		"pointer to a struct":      config{},
		"pointer to a struct, nil": (*config)(nil),
		"no param tag":             &struct{ A int }{},
		"unknown tag \"rnge\"": &struct {
			A int `param:"a" desc:"d" rnge:"[0, 1]"`
		}{},
		"there twice": &struct {
			A int `param:"a" desc:"d" desc:"e"`
		}{},
		"desc": &struct {
			A int `param:"a"`
		}{},
		"letters, digits": &struct {
			A int `param:"a-b" desc:"d"`
		}{},
		"type int8": &struct {
			A int8 `param:"a" desc:"d"`
		}{},
		"type map": &struct {
			A map[string]int `param:"a" desc:"d"`
		}{},
		"slice of bool": &struct {
			A [][]int `param:"a" desc:"d"`
		}{},
		"range \"0, 1\"": &struct {
			A int `param:"a" desc:"d" range:"0, 1"`
		}{},
		"range \"[2, 1]\"": &struct {
			A int `param:"a" desc:"d" range:"[2, 1]"`
		}{},
		"a range on string": &struct {
			A string `param:"a" desc:"d" range:"[0, 1]"`
		}{},
		"choices on integer": &struct {
			A int `param:"a" desc:"d" choices:"a|b"`
		}{},
		"default: expected integer in [1, 2]": &struct {
			A int `param:"a" desc:"d" range:"[1, 2]"`
		}{},
		"default: expected string one of": &struct {
			A string `param:"a" desc:"d" choices:"x|y"`
		}{},
		"a range that includes both": &struct {
			A float64 `param:"a" desc:"d" range:"(0, 1]" step:"0.5"`
		}{},
		"expected a positive number": &struct {
			A int `param:"a" desc:"d" range:"[0, 1]" step:"0.5"`
		}{},
		"takes \"later\"": &struct {
			A int `param:"a" desc:"d" takes:"later"`
		}{},
		"finite \"true\"": &struct {
			A float64 `param:"a" desc:"d" finite:"true"`
		}{},
		"path \"true\" on integer": &struct {
			A int `param:"a" desc:"d" path:"true"`
		}{},
		"path \"yes\"": &struct {
			A string `param:"a" desc:"d" path:"yes"`
		}{},
		"declared twice": &struct {
			A int `param:"a" desc:"d"`
			B int `param:"a" desc:"d"`
		}{},
		"prefix of a.b": &struct {
			A int `param:"a" desc:"d"`
			B int `param:"a.b" desc:"d"`
		}{},
		"another array parameter": &struct {
			A []int `param:"a" desc:"d" len:"b"`
		}{},
		"not exported": &struct {
			a int `param:"a" desc:"d"`
		}{a: 1},
		"above the largest ROS integer": &struct {
			A uint64 `param:"a" desc:"d"`
		}{A: math.MaxUint64},
		"the param tag only": &struct {
			A struct{} `param:"a" desc:"d"`
		}{},
	} {
		_, err := Declare(cfg)
		want, _, _ = strings.Cut(want, ", nil")
		if !errors.Is(err, ErrDeclaration) || !strings.Contains(err.Error(), want) {
			t.Errorf("%T: got %v, want %q", cfg, err, want)
		}
	}
}

func TestTagSyntax(t *testing.T) {
	for _, tag := range []reflect.StructTag{`desc`, `param:a`, `param:"a`, `param: "a"`, `param:"a" desc:"\z"`} {
		if tags, err := parseTags(tag); err == nil {
			t.Errorf("%q: got %q, want an error", tag, tags)
		}
	}
}

func TestEmbedded(t *testing.T) {
	type base struct {
		A int `param:"a" desc:"d"`
	}
	cfg := &struct {
		base
		B []int64 `param:"b" desc:"d"`
	}{}
	s := declare(t, cfg)
	if got := s.Names(); !reflect.DeepEqual(got, []string{"a", "b"}) {
		t.Errorf("names %q", got)
	}
	if err := errors.Join(s.Set("a", "3"), s.Set("b", "[4, 5]")); err != nil || cfg.A != 3 || len(cfg.B) != 2 {
		t.Errorf("%v, %+v", err, cfg)
	}
}

func TestDescribe(t *testing.T) {
	s := declare(t, newConfig())
	got := s.Describe("algorithm.kl_step")
	want := Descriptor{Name: "algorithm.kl_step", Type: rcl.Double, Description: "Trust region per step.", Unit: "nat",
		Range: &Range{Min: 1e-6, Max: 1e6}, Finite: true, Default: rcl.Value{Type: rcl.Double, Double: 1}, Takes: AtTrial}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if d := s.Describe("label"); d.ReadOnly || d.Takes != AtStart {
		t.Errorf("label: %+v", d)
	}
	if d := s.Describe("fixed"); !d.ReadOnly || d.Takes != Never {
		t.Errorf("fixed: %+v", d)
	}
	if d := s.Describe("timeout"); d.Unit != "s" || d.Default.Double != 0.5 || d.ReadOnly {
		t.Errorf("timeout: %+v", d)
	}
	if d := s.Describe("plant.target"); d.Length != "plant.joints" {
		t.Errorf("plant.target: %+v", d)
	}
	if d := s.Describe("nothing"); d.Name != "" || s.Value("nothing").Type != rcl.NotSet {
		t.Errorf("nothing: %+v", d)
	}
}

func TestSet(t *testing.T) {
	cfg := newConfig()
	s := declare(t, cfg)
	for name, text := range map[string]string{"algorithm.kl_step": "2", "label": "'7'", "timeout": "0.25", "plant.target": "[3, 4]"} {
		if err := s.Set(name, text); err != nil {
			t.Error(err)
		}
	}
	if cfg.Algorithm.KLStep != 2 || cfg.Label != "7" || cfg.Timeout != 250*time.Millisecond || cfg.Plant.Target[1] != 4 {
		t.Errorf("got %+v", cfg)
	}
	for text, want := range map[string]string{
		"label":                  "expected name=value",
		"=3":                     "expected name=value",
		"label=":                 "no value",
		"offset=[1":              "not valid YAML",
		"offset=x":               "got string \"x\", expected integer",
		"plant.target=[]":        "no value",
		"offset={a: 1}":          "a map or an alias",
		"plant.target=[1, a]":    "one type throughout",
		"algorithm.iteratons=3":  "the nearest is algorithm.iterations",
		"offset=# only comments": "no value",
	} {
		o, err := ParseAssignment(text)
		if err == nil {
			err = s.Apply([]rcl.Override{o})
		}
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "command line: --set "+text) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestRange(t *testing.T) {
	for _, c := range []struct {
		text    string
		in, out []float64
	}{
		{"[0, 1]", []float64{0, 1, 0.5}, []float64{-0.1, 1.1, math.NaN(), math.Inf(1)}},
		{"(0, 1)", []float64{0.5}, []float64{0, 1}},
		{"(0, inf)", []float64{1e300}, []float64{0, math.Inf(1)}},
		{"[-inf, 0]", []float64{math.Inf(-1), 0}, []float64{1}},
	} {
		r, err := parseRange(c.text)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range c.in {
			if !r.Contains(x) {
				t.Errorf("%v is not in %s", x, c.text)
			}
		}
		for _, x := range c.out {
			if r.Contains(x) {
				t.Errorf("%v is in %s", x, c.text)
			}
		}
	}
}

// everything has a field of each type, for the way out and back.
type everything struct {
	Bool     bool          `param:"y" desc:"A key that YAML 1.1 takes for a bool."`
	Int      int           `param:"deep.er.int" desc:"d"`
	Uint     uint64        `param:"deep.er.uint" desc:"d" unit:"1"`
	Double   float64       `param:"deep.double" desc:"d" finite:"false" range:"[-inf, inf]"`
	String   string        `param:"string" desc:"d"`
	Duration time.Duration `param:"duration" desc:"d"`
	Doubles  []float64     `param:"deep.doubles" desc:"d" finite:"false"`
	Ints     []int         `param:"ints" desc:"d"`
	Strings  []string      `param:"strings" desc:"d"`
	Bools    []bool        `param:"bools" desc:"d"`
}

// readBack writes cfg, reads it into a new struct and says what differs.
func readBack(t *testing.T, cfg *everything) error {
	t.Helper()
	s := declare(t, cfg)
	path := filepath.Join(t.TempDir(), "a.yaml")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	err = s.WriteYAML(f, "/ns/node")
	f.Close()
	if err != nil {
		return err
	}
	text, _ := os.ReadFile(path)
	entries, err := rcl.ReadParamsFile(path)
	if err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	if len(entries) != 1 || entries[0].Key != "/ns/node" {
		return fmt.Errorf("read %+v", entries)
	}
	got := &everything{}
	back := declare(t, got)
	if err := back.Apply(entries[0].Overrides); err != nil {
		return fmt.Errorf("%w\n%s", err, text)
	}
	for _, name := range s.Names() {
		if !s.Value(name).Equal(back.Value(name)) {
			return fmt.Errorf("%s: wrote %s, read %s\n%s", name, s.Value(name), back.Value(name), text)
		}
	}
	return nil
}

func TestWriteYAML(t *testing.T) {
	s := declare(t, newConfig())
	var b strings.Builder
	if err := s.WriteYAML(&b, "/guided_policy_search"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"/guided_policy_search:\n  ros__parameters:\n    # Take time from /clock. Type bool.\n    use_sim_time: false\n",
		"    algorithm:\n      # Trust region per step. Type double in [1e-06, 1e+06] (unit nat).\n      kl_step: 1.0\n",
		"      target: [1.0, 2.0]\n",
		"    # plant.limits is empty, which has no form in ROS. Torque limits. Type double_array (unit N m), as many as plant.joints.\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("lacks %q:\n%s", want, b.String())
		}
	}
	for _, node := range []string{"", "node", "/a b", "/x:\n"} {
		if err := s.WriteYAML(&b, node); !errors.Is(err, ErrInvalid) {
			t.Errorf("node %q: %v", node, err)
		}
	}
	if err := readBack(t, &everything{String: "a\x00b"}); !errors.Is(err, ErrInvalid) {
		t.Errorf("NUL: %v", err)
	}
	var empty strings.Builder
	if err := declare(t, &struct{}{}).WriteYAML(&empty, "/**"); err != nil || empty.String() != "/**:\n  ros__parameters: {}\n" {
		t.Errorf("nothing declared: %q, %v", empty.String(), err)
	}
}

func FuzzWriteYAML(f *testing.F) {
	f.Add(true, 1, uint64(2), 0.5, "text", int64(1e9))
	f.Add(false, math.MinInt64, uint64(math.MaxInt64), math.SmallestNonzeroFloat64, "", int64(-1))
	f.Add(false, -1, uint64(0), math.NaN(), "true", int64(123456789))
	f.Add(false, 0, uint64(0), math.Inf(-1), "a: b # c\n\r\t'\"\\ \u0085\u2028\ufeff🤖\x7f\x01", int64(0))
	f.Add(true, 0, uint64(0), -0.0, "0x10", int64(3599999999999))
	f.Add(true, 0, uint64(0), 1e300, "<<", int64(1))
	f.Fuzz(func(t *testing.T, b bool, i int, u uint64, x float64, s string, d int64) {
		s = strings.ToValidUTF8(strings.ReplaceAll(s, "\x00", ""), "?")
		cfg := &everything{Bool: b, Int: i, Uint: u >> 1, Double: x, String: s, Duration: time.Duration(d % (1 << 52)),
			Doubles: []float64{x, -x, 1}, Ints: []int{i}, Strings: []string{s, "1", "~"}, Bools: []bool{b, !b}}
		if err := readBack(t, cfg); err != nil {
			t.Error(err)
		}
	})
}

// A copy of the struct stays as it is when parameters are set.
func TestCopyIsASnapshot(t *testing.T) {
	cfg := newConfig()
	s := declare(t, cfg)
	before := *cfg
	for _, text := range []string{"plant.target=[3, 4]", "even=[2]", "algorithm.kl_step=2"} {
		o, err := ParseAssignment(text)
		if err == nil {
			err = s.Apply([]rcl.Override{o})
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if before.Plant.Target[0] != 1 || before.Even[0] != 0 || before.Algorithm.KLStep != 1 || cfg.Plant.Target[0] != 3 {
		t.Errorf("before %+v, now %+v", before, cfg)
	}
}
