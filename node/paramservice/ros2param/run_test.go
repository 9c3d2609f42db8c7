package ros2param

import (
	"bytes"
	"context"
	"errors"
	"os"
	"strings"
	"testing"

	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/paramservice"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/dds/ddstest"
	"guidedpolicysearch/node/transport/mem"
)

type config struct {
	Gain   float64   `param:"gain" desc:"How stiff." unit:"N m/rad" range:"[0, 10]" step:"0.5" takes:"now"`
	Count  int       `param:"arm.count" desc:"How many." range:"[1, 9]" takes:"now"`
	Joints []string  `param:"arm.joints" desc:"Names." takes:"now"`
	Wide   []float64 `param:"arm.wide" desc:"Anything." finite:"false" takes:"now"`
	Fixed  bool      `param:"fixed" desc:"Stays." takes:"never"`
}

// serve opens the node /lab/arm with declared parameters.
func serve(t *testing.T, n paramservice.Transport) {
	t.Helper()
	set, err := params.Declare(&config{Gain: 1, Count: 2, Joints: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	s, err := paramservice.New(n, paramservice.DeclaredConfig{Set: set, Config: paramservice.Config{
		Node: rcl.NodeName{Name: "arm", Namespace: "/lab"}, Now: func() int64 { return 0 }}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
}

func onBus(t *testing.T, bus *mem.Bus, name, namespace string) *mem.Node {
	t.Helper()
	n, err := bus.Open(transport.Options{Name: name, Namespace: namespace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

type run struct {
	args   string // "|" for a space inside an argument
	status int
	stdout string
	stderr string // part of it
}

var runs = []run{
	{"list /lab/arm", 0, "  arm.count\n  arm.joints\n  arm.wide\n  fixed\n  gain\n", ""},
	{"list lab/arm --param-prefixes arm gain", 0, "  arm.count\n  arm.joints\n  arm.wide\n  gain\n", ""},
	{"list /lab/arm --filter a --param-type", 0, "  arm.count (type: integer)\n  arm.joints (type: string array)\n  arm.wide (type: double array)\n", ""},
	{"list /lab/arm --filter .*ix --json", 0, `[
  {
    "node": "/lab/arm",
    "name": "fixed",
    "type": "boolean",
    "description": "Stays. Can be set at start only.",
    "read_only": true
  }
]
`, ""},
	{"list /lab/arm --filter (", 2, "", "gps param list: error: argument --filter"},
	{"describe /lab/arm gain fixed arm.count", 0, `Parameter name: gain
  Type: double
  Description: How stiff. Unit: N m/rad. A change takes effect at once.
  Constraints:
    Min value: 0.0
    Max value: 10.0
    Step: 0.5
    Additional constraints: finite
Parameter name: fixed
  Type: boolean
  Description: Stays. Can be set at start only.
  Constraints:
    Read only: true
Parameter name: arm.count
  Type: integer
  Description: How many. A change takes effect at once.
  Constraints:
    Min value: 1
    Max value: 9
`, ""},
	{"describe /lab/arm gain nothing", 0, "", ""},
	{"describe /lab/arm", 2, "", "required: parameter_names"},
	{"get /lab/arm nothing", 1, "", "Parameter not set"},
	{"get /lab/arm gain --json", 0, "{\n  \"node\": \"/lab/arm\",\n  \"name\": \"gain\",\n  \"type\": \"double\",\n  \"value\": 1\n}\n", ""},
	{"get /lab/arm arm.wide", 0, "Double values are: array('d')\n", ""},
	{"set /lab/arm gain 2.5", 0, "Set parameter successful\n", ""},
	{"set /lab/arm arm.wide [1.0,|.nan]", 0, "Set parameter successful\n", ""},
	{"set /lab/arm gain 3", 0, "", "Setting parameter failed: wrong parameter type: parameter 'gain' is of type double"},
	{"set /lab/arm gain 2.6", 0, "", "Setting parameter failed: gain: got double 2.6, expected double in [0, 10] in steps of 0.5"},
	{"set /lab/arm gain {a:|1}", 1, "", "is of type dict in YAML"},
	{"delete /lab/arm gain", 0, "", "Deleting parameter failed: parameter 'gain' cannot be deleted"},
	{"load /lab/arm nothing.yaml", 1, "", "nothing.yaml"},
	{"load /lab/arm new.yaml", 0, "Set parameter arm.count successful\n", "Set parameter fixed failed: parameter 'fixed' cannot be set because it is read-only"},
	{"dump /lab/arm", 0, `/lab/arm:
  ros__parameters:
    arm:
      count: 3
      joints:
      - a
      - b
      wide:
      - 1.0
      - .nan
    fixed: false
    gain: 2.5

`, ""},
	{"dump /lab/arm --output-dir nowhere", 1, "", "'nowhere' is not a valid directory"},
	{"dump /lab/arm --output-dir out", 0, "Saving to:  out/lab__arm.yaml\n", "deprecated"},
	{"get /lab/arm gain --include-hidden-nodes --no-daemon -s --hide", 0, "2.5\n", ""},
}

func (c run) check(t *testing.T, env func(stdout, stderr *bytes.Buffer) Environment) {
	t.Helper()
	args := strings.Fields(c.args)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "|", " ")
	}
	var stdout, stderr bytes.Buffer
	status, err := Run(context.Background(), env(&stdout, &stderr), args[0], args[1:])
	if err != nil || status != c.status || stdout.String() != c.stdout || !strings.Contains(stderr.String(), c.stderr) ||
		c.stderr == "" && stderr.Len() > 0 {
		t.Errorf("%s: status %d, %v\n%s%s\nwant %d\n%s%s", c.args, status, err, stdout.String(), stderr.String(), c.status, c.stdout, c.stderr)
	}
}

func inFolder(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	text := "/**:\n  ros__parameters: {arm: {count: 2}, fixed: true}\n/lab/arm:\n  ros__parameters:\n    arm: {count: 3}\n"
	if err := errors.Join(os.WriteFile("new.yaml", []byte(text), 0o666), os.Mkdir("out", 0o777)); err != nil {
		t.Fatal(err)
	}
}

func TestRun(t *testing.T) {
	inFolder(t)
	var bus mem.Bus
	serve(t, onBus(t, &bus, "arm", "/lab"))
	for _, c := range runs {
		c.check(t, func(stdout, stderr *bytes.Buffer) Environment { return tool(&bus, stdout, stderr) })
	}
}

func TestRunOverDDS(t *testing.T) {
	inFolder(t)
	domain := ddstest.Domain(t)
	serve(t, ddstest.Open(t, domain, "arm", func(o *transport.Options) { o.Namespace = "/lab" }))
	for _, c := range runs {
		c.check(t, func(stdout, stderr *bytes.Buffer) Environment {
			env := tool(nil, stdout, stderr)
			env.Open = func() (Node, error) { return ddstest.Open(t, domain, "_tool", nil), nil }
			return env
		})
	}
}

// Nodes without the services, and hidden ones, are not listed.
func TestListOfAllNodes(t *testing.T) {
	var bus mem.Bus
	serve(t, onBus(t, &bus, "arm", "/lab"))
	onBus(t, &bus, "silent", "")
	target(t, &bus, nil)
	target(t, &bus, []string{"-r", "__node:=_hidden"})
	target(t, &bus, []string{"-r", "__ns:=/a"})
	heads := func(args ...string) string {
		var stdout, stderr bytes.Buffer
		status, err := Run(context.Background(), tool(&bus, &stdout, &stderr), "list", append(args, "--spin-time", "0"))
		if status != 0 || err != nil || stderr.Len() > 0 {
			t.Error(status, err, stderr.String())
		}
		var names []string
		for _, line := range strings.Split(stdout.String(), "\n") {
			if strings.HasSuffix(line, ":") {
				names = append(names, strings.TrimSuffix(line, ":"))
			}
		}
		return strings.Join(names, " ")
	}
	if got := heads(); got != "/lab/arm /target /a/target" {
		t.Error(got)
	}
	if got := heads("--include-hidden-nodes"); got != "/_hidden /lab/arm /target /a/target" {
		t.Error(got)
	}
	if got := heads("--param-prefixes", "arm"); got != "/lab/arm" {
		t.Error(got)
	}
}

func TestNodeNotFound(t *testing.T) {
	var bus mem.Bus
	for _, args := range []string{"get /nothing x", "set nothing x 1", "delete /nothing x", "describe /nothing x", "dump /nothing", "load /nothing f", "list /nothing", "get /_tool x"} {
		run{args + " --spin-time 0.01", 1, "", "Node not found\n"}.check(t,
			func(stdout, stderr *bytes.Buffer) Environment { return tool(&bus, stdout, stderr) })
	}
	var stdout, stderr bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if status, err := Run(ctx, tool(&bus, &stdout, &stderr), "get", []string{"/nothing", "x"}); status == 0 || !errors.Is(err, context.Canceled) {
		t.Error(status, err)
	}
	if status, err := Run(context.Background(), tool(&bus, &stdout, &stderr), "get", []string{"-h", "/nothing"}); status != 0 || !errors.Is(err, ErrHelp) {
		t.Error(status, err)
	}
	if status, _ := Run(context.Background(), tool(&bus, &stdout, &stderr), "got", nil); status != 2 || !strings.Contains(stderr.String(), `"got"`) {
		t.Error(status, stderr.String())
	}
	failing := Environment{Stdout: &stdout, Stderr: &stderr, Open: func() (Node, error) { return nil, errors.New("no network") }}
	if status, _ := Run(context.Background(), failing, "get", []string{"/nothing", "x"}); status != 1 || !strings.Contains(stderr.String(), "no network") {
		t.Error(status, stderr.String())
	}
}

// What argparse of Python 3.11 makes of arguments.
func TestArguments(t *testing.T) {
	options := append([]option{
		{[]string{"--several"}, many, func(a *arguments, v []string) error { a.prefixes = v; return nil }},
		{[]string{"--spice"}, 0, ignore},
	}, common...)
	for _, c := range []struct{ args, want string }{
		{"a b", "a b"},
		{"a -1 ", "a -1"},
		{"a -.5", "a -.5"},
		{"a -x", "required: two"},
		{"a --foo b", "unrecognized arguments: --foo"},
		{"a b c", "unrecognized arguments: c"},
		{"--no-d a b", "a b"},
		{"--sp a b", "ambiguous option: --sp could match --spice, --spin-time"},
		{"--spin 3 a b", "a b"},
		{"--spin-time=3 a b", "a b"},
		{"--spin-time x a b", "argument --spin-time: invalid value"},
		{"a b --spin-time", "argument --spin-time: expected an argument"},
		{"--no-daemon=3 a b", "ignored explicit argument"},
		{"a -- -x", "a -x"},
		{"-- a -x", "a -x"},
		{"a -|1", "a - 1"},
		{"a -", "a -"},
		{"a b --several c d", "a b"},
		{"a b --several", "expected an argument"},
		{"a", "required: two"},
		{"", "required: one, two"},
	} {
		args := strings.Fields(c.args)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "|", " ")
		}
		a, err := parse(args, options, []positional{{name: "one"}, {name: "two"}})
		if err != nil {
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q: %v, want %s", c.args, err, c.want)
			}
			continue
		}
		if got := strings.Join(a.positionals, " "); got != c.want {
			t.Errorf("%q: got %q, want %s", c.args, got, c.want)
		}
	}
}

func FuzzParseValue(f *testing.F) {
	for _, text := range []string{"1", "[1, 2.0]", "yes", "[true, 1]", "{a: 1}", "[1", "99999999999999999999"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := ParseValue(text)
		if err != nil {
			if !errors.Is(err, ErrValue) {
				t.Error(err)
			}
			return
		}
		if v.Type == rcl.NotSet {
			t.Error("no value and no error")
		}
		shown(v)
	})
}

func FuzzParametersFile(f *testing.F) {
	f.Add("/**:\n  ros__parameters: {a: 1, b: {c: [x, 'y']}}\n/n:\n  ros__parameters: [[a, 2], xy]\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, err := assignments(text, "/n", true)
		for _, a := range list {
			if err != nil || a.Value.Type == rcl.NotSet {
				t.Errorf("%+v, %v", a, err)
			}
		}
	})
}
