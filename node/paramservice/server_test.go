package paramservice

import (
	"context"
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"guidedpolicysearch/msgs"
	"guidedpolicysearch/msgs/rcl_interfaces"
	"guidedpolicysearch/node/params"
	"guidedpolicysearch/node/rcl"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
	"guidedpolicysearch/node/transport/mem"
)

type armConfig struct {
	UseSimTime bool          `param:"use_sim_time" desc:"Take time from /clock." takes:"never"`
	Timeout    time.Duration `param:"timeout" desc:"Longest wait." range:"(0, 3600]" takes:"now"`
	Gain       float64       `param:"gain" desc:"How stiff" unit:"N m/rad" range:"[0, 10]" step:"0.5" takes:"trial"`
	Count      int           `param:"count" desc:"How many." range:"[1, inf)"`
	Small      int           `param:"small" desc:"A few." range:"[-5, 5)" takes:"now"`
	Rate       float64       `param:"rate" desc:"How fast." range:"(0, inf)" takes:"now"`
	Kind       string        `param:"kind" desc:"Which." choices:"arm|cart" takes:"now"`
	Log        string        `param:"log" desc:"A file." path:"true" takes:"now"`
	Arm        jointConfig   `param:"arm"`
}

type jointConfig struct {
	Joints []string  `param:"joints" desc:"Names." takes:"now"`
	Low    []float64 `param:"low" desc:"Lower limits." unit:"rad" range:"[-10, 10]" len:"joints" takes:"now"`
	High   []float64 `param:"high" desc:"Upper limits." unit:"rad" range:"[-10, 10]" len:"joints,optional" takes:"now"`
	Any    float64   `param:"any.at" desc:"Anything." finite:"false" takes:"now"`
}

func (c jointConfig) Validate() error {
	for i := range c.High {
		if c.Low[i] > c.High[i] {
			return params.FieldError{Key: "low", Problem: "expected at most arm.high"}
		}
	}
	return nil
}

func newArmConfig() *armConfig {
	return &armConfig{Timeout: time.Second, Gain: 1, Count: 3, Rate: 1, Kind: "arm",
		Arm: jointConfig{Joints: []string{"a", "b"}, Low: []float64{-1, -1}}}
}

// fixture is a node with a Server and another one that calls it and hears its events.
type fixture struct {
	cfg    *armConfig
	server *Server
	client *Client
	events chan rcl_interfaces.ParameterEvent

	mu      sync.Mutex
	allow   error
	changes []Change
}

const patience = 30 * time.Second

func open(t testing.TB, b *mem.Bus, name string) *mem.Node {
	t.Helper()
	n, err := b.Open(transport.Options{Name: name, Namespace: "/lab"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	return n
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	var bus mem.Bus
	f := &fixture{cfg: newArmConfig(), events: make(chan rcl_interfaces.ParameterEvent, 5000)}
	other := open(t, &bus, "tool")
	qos := transport.ParameterServiceQoS()
	_, err := other.Subscribe("/parameter_events", rostype.Of(&rcl_interfaces.ParameterEvent{}), qos, func(payload []byte, _ transport.Info) {
		var e rcl_interfaces.ParameterEvent
		if err := e.UnmarshalCDR(payload); err != nil {
			t.Error(err)
		}
		f.events <- e
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	set, err := params.Declare(f.cfg)
	if err != nil {
		t.Fatal(err)
	}
	f.server, err = New(open(t, &bus, "arm"), DeclaredConfig{
		Config: Config{Node: rcl.NodeName{Name: "arm", Namespace: "/lab"}, Now: func() int64 { return 12_000_000_034 }},
		Set:    set,
		Allow: func(_ string, takes params.Takes) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			if takes == params.AtStart {
				return f.allow
			}
			return nil
		},
		Changed: func(c []Change) {
			f.server.Do(func() {}) // the lock is free
			f.mu.Lock()
			defer f.mu.Unlock()
			f.changes = append(f.changes, c...)
		}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.server.Close() })
	f.client = NewClient(other, "/lab/arm")
	return f
}

func (f *fixture) event(t testing.TB) rcl_interfaces.ParameterEvent {
	t.Helper()
	select {
	case e := <-f.events:
		return e
	case <-time.After(patience):
		t.Fatal("no event")
		panic("")
	}
}

func call(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func double(x float64) rcl.Value     { return rcl.Value{Type: rcl.Double, Double: x} }
func integer(i int64) rcl.Value      { return rcl.Value{Type: rcl.Integer, Int: i} }
func text(s string) rcl.Value        { return rcl.Value{Type: rcl.String, Str: s} }
func doubles(x ...float64) rcl.Value { return rcl.Value{Type: rcl.DoubleArray, Doubles: x} }
func texts(s ...string) rcl.Value    { return rcl.Value{Type: rcl.StringArray, Strs: s} }

func TestStartEvent(t *testing.T) {
	f := newFixture(t)
	e := f.event(t)
	if e.Node != "/lab/arm" || e.Stamp.Sec != 12 || e.Stamp.Nanosec != 34 || len(e.NewParameters) != 12 || len(e.ChangedParameters) != 0 {
		t.Errorf("got %+v", e)
	}
	if p := e.NewParameters[1]; p.Name != "arm.high" || p.Value.Type != uint8(rcl.DoubleArray) {
		t.Errorf("second: %+v", p)
	}
}

func TestGetAndTypes(t *testing.T) {
	f := newFixture(t)
	names := []string{"gain", "timeout", "arm.joints", "arm.high", "gain"}
	got, err := f.client.Get(call(t), names...)
	want := []rcl.Value{double(1), double(1), texts("a", "b"), doubles(), double(1)}
	if err != nil || len(got) != len(want) {
		t.Fatal(got, err)
	}
	for i := range want {
		if !got[i].Equal(want[i]) {
			t.Errorf("%s: got %v, want %v", names[i], got[i], want[i])
		}
	}
	types, err := f.client.Types(call(t), names...)
	if err != nil || !reflect.DeepEqual(types, []rcl.Type{rcl.Double, rcl.Double, rcl.StringArray, rcl.DoubleArray, rcl.Double}) {
		t.Error(types, err)
	}
	// As in rclcpp one name that is not declared empties the answer.
	for _, names := range [][]string{{"gain", "nothing"}, {""}, {strings.Repeat("x", 1<<20)}, make([]string, maxNames+1)} {
		values, err1 := f.client.Get(call(t), names...)
		types, err2 := f.client.Types(call(t), names...)
		descriptors, err3 := f.client.Describe(call(t), names...)
		if err := errors.Join(err1, err2, err3); err != nil || len(values)+len(types)+len(descriptors) > 0 {
			t.Error(values, types, descriptors, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	f := newFixture(t)
	want := []rcl_interfaces.ParameterDescriptor{
		{Name: "use_sim_time", Type: 1, Description: "Take time from /clock. Can be set at start only.", ReadOnly: true},
		{Name: "timeout", Type: 3, Description: "Longest wait. Unit: s. A change takes effect at once.", AdditionalConstraints: "greater than 0; finite",
			FloatingPointRange: []rcl_interfaces.FloatingPointRange{{FromValue: 0, ToValue: 3600}}},
		{Name: "gain", Type: 3, Description: "How stiff. Unit: N m/rad. A change takes effect at the next trial.", AdditionalConstraints: "finite",
			FloatingPointRange: []rcl_interfaces.FloatingPointRange{{FromValue: 0, ToValue: 10, Step: 0.5}}},
		{Name: "count", Type: 2, Description: "How many. Takes effect when the node is configured: can be set while it is unconfigured.", AdditionalConstraints: "at least 1"},
		{Name: "small", Type: 2, Description: "A few. A change takes effect at once.", AdditionalConstraints: "less than 5",
			IntegerRange: []rcl_interfaces.IntegerRange{{FromValue: -5, ToValue: 4}}},
		// rqt_reconfigure cannot show a range without an end.
		{Name: "rate", Type: 3, Description: "How fast. A change takes effect at once.", AdditionalConstraints: "greater than 0; finite"},
		{Name: "kind", Type: 4, Description: "Which. A change takes effect at once.", AdditionalConstraints: "one of arm, cart"},
		{Name: "log", Type: 4, Description: "A file. A change takes effect at once.", AdditionalConstraints: "a path, absolute or from the node's working folder"},
		{Name: "arm.low", Type: 8, Description: "Lower limits. Unit: rad. A change takes effect at once.",
			AdditionalConstraints: "each element in [-10, 10]; each element finite; as many elements as arm.joints"},
		{Name: "arm.high", Type: 8, Description: "Upper limits. Unit: rad. A change takes effect at once.",
			AdditionalConstraints: "each element in [-10, 10]; each element finite; as many elements as arm.joints, or none"},
		{Name: "arm.any.at", Type: 3, Description: "Anything. A change takes effect at once."},
	}
	for _, w := range want {
		got, err := f.client.Describe(call(t), w.Name)
		if err != nil || len(got) != 1 {
			t.Fatal(w.Name, got, err)
		}
		if fmt.Sprintf("%+v", got[0]) != fmt.Sprintf("%+v", w) {
			t.Errorf("got  %+v\nwant %+v", got[0], w)
		}
	}
}

func TestSet(t *testing.T) {
	f := newFixture(t)
	f.event(t)
	long := strings.Repeat("x", 1<<20)
	nan := math.NaN()
	for _, c := range []struct {
		name  string
		value rcl.Value
		want  string // part of the reason, "" for success
	}{
		{"gain", double(2.5), ""},
		{"gain", double(2.5), ""},
		{"timeout", double(0.25), ""},
		{"small", integer(4), ""},
		{"kind", text("cart"), ""},
		{"arm.low", doubles(-2, -3), ""},
		{"arm.high", doubles(2, 3), ""},
		{"arm.high", doubles(), ""},
		{"arm.any.at", double(nan), ""},
		{"count", integer(5), ""},
		{"gain", double(11), "gain: got double 11.0, expected double in [0, 10] in steps of 0.5 (unit N m/rad)"},
		{"gain", double(0.3), "in steps of 0.5"},
		{"gain", double(nan), "expected a finite double"},
		{"gain", double(math.Inf(1)), "expected a finite double"},
		{"gain", integer(2), "wrong parameter type: parameter 'gain' is of type double, setting it to integer is not allowed; write 2.0"},
		{"gain", rcl.Value{}, "parameter 'gain' cannot be deleted"},
		{"gain", rcl.Value{Type: 77}, "setting it to type 77 is not allowed"},
		{"gain", rcl.Value{Type: rcl.ByteArray, Bytes: []byte{1}}, "setting it to byte_array"},
		{"timeout", double(0), "timeout: got double 0.0, expected double in (0, 3600] (unit s)"},
		{"small", integer(5), "small: got integer 5, expected integer in [-5, 5)"},
		{"small", integer(math.MinInt64), "expected integer in [-5, 5)"},
		{"kind", text("crat"), "the nearest is cart"},
		{"kind", text(long[:1000000]), "expected string one of"},
		{"log", text(long + long), "a value of more than 1048576 bytes"},
		{"log", text("\xff"), "not UTF-8"},
		{"log", text("a\x00b"), "NUL"},
		{"arm.low", doubles(1), "arm.low: has 1 elements, expected 2, as arm.joints has"},
		{"arm.low", doubles(), "expected at least one element"},
		{"arm.low", doubles(1, 11), "element 1 is 11, expected"},
		{"arm.joints", texts("a"), "arm.low: has 2 elements, expected 1"},
		{"use_sim_time", rcl.Value{Type: rcl.Bool, Bool: true}, "read-only"},
		{"gian", double(1), `parameter "gian" cannot be set because it was not declared; the nearest is gain`},
		{long, double(1), "was not declared"},
		{"", double(1), "name is empty"},
		{"qos_overrides./x.depth", integer(1), "was not declared"},
	} {
		before := *f.cfg
		results, err := f.client.Set(call(t), []Assignment{{c.name, c.value}})
		if err != nil {
			t.Fatal(err)
		}
		r := results[0]
		if r.Successful != (c.want == "") || !strings.Contains(r.Reason, c.want) || len(r.Reason) > 1000 {
			t.Errorf("%.20s to %.40s: got %+v, want %q", c.name, c.value, r, c.want)
		}
		if c.want != "" {
			f.server.Do(func() {
				if fmt.Sprint(before) != fmt.Sprint(*f.cfg) {
					t.Errorf("%.20s: refused, but now %+v", c.name, *f.cfg)
				}
			})
			continue
		}
		e := f.event(t)
		if len(e.ChangedParameters) != 1 || e.ChangedParameters[0].Name != c.name || !FromMessage(&e.ChangedParameters[0].Value).Equal(c.value) {
			t.Errorf("%s: event %+v", c.name, e)
		}
	}
	if len(f.events) > 0 {
		t.Errorf("an event of what was refused: %+v", <-f.events)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var names []string
	for _, c := range f.changes {
		names = append(names, c.Name)
	}
	// gain once only: the second time it did not differ.
	if want := []string{"gain", "timeout", "small", "kind", "arm.low", "arm.high", "arm.high", "arm.any.at", "count"}; !reflect.DeepEqual(names, want) {
		t.Errorf("changed %q, want %q", names, want)
	}
	if c := f.changes[0]; !c.Old.Equal(double(1)) || !c.New.Equal(double(2.5)) {
		t.Errorf("first change %+v", c)
	}
}

func TestSetAtomically(t *testing.T) {
	f := newFixture(t)
	f.event(t)
	snapshot := *f.cfg
	// Neither of them alone would do.
	both := []Assignment{{"arm.joints", texts("c")}, {"arm.low", doubles(5)}}
	for _, a := range both {
		if r, err := f.client.Set(call(t), []Assignment{a}); err != nil || r[0].Successful {
			t.Fatal(r, err)
		}
	}
	if r, err := f.client.SetAtomically(call(t), both); err != nil || !r.Successful {
		t.Fatal(r, err)
	}
	if e := f.event(t); len(e.ChangedParameters) != 2 {
		t.Errorf("event %+v", e)
	}
	if len(f.changes) != 2 || f.cfg.Arm.Low[0] != 5 || snapshot.Arm.Low[0] != -1 {
		t.Errorf("changes %+v, now %+v, before %+v", f.changes, f.cfg, snapshot)
	}
	for want, list := range map[string][]Assignment{
		"expected at most arm.high":           {{"gain", double(3)}, {"arm.high", doubles(4)}},
		"expected integer in [-5, 5)":         {{"gain", double(3)}, {"small", integer(9)}},
		"not declared":                        {{"gain", double(3)}, {"nothing", integer(9)}},
		"name is empty":                       {{"gain", double(3)}, {"", integer(9)}},
		"1001 parameters in one request, exp": make([]Assignment, maxSets+1),
	} {
		if r, err := f.client.SetAtomically(call(t), list); err != nil || r.Successful || !strings.Contains(r.Reason, want) {
			t.Errorf("got %+v, %v, want %q", r, err, want)
		}
	}
	if f.cfg.Gain != 1 || len(f.events) > 0 {
		t.Errorf("gain %v, %d events", f.cfg.Gain, len(f.events))
	}
	// An empty list succeeds and is announced, as with rclcpp.
	if r, err := f.client.SetAtomically(call(t), nil); err != nil || !r.Successful {
		t.Error(r, err)
	}
	if e := f.event(t); len(e.ChangedParameters)+len(e.NewParameters) != 0 {
		t.Errorf("event %+v", e)
	}
}

func TestAllowRefuses(t *testing.T) {
	f := newFixture(t)
	f.mu.Lock()
	f.allow = errors.New("count takes effect when the node is configured; it is active")
	f.mu.Unlock()
	r, err := f.client.Set(call(t), []Assignment{{"count", integer(7)}, {"gain", double(2)}})
	if err != nil || r[0].Successful || r[0].Reason != f.allow.Error() || !r[1].Successful || f.cfg.Count != 3 {
		t.Errorf("%+v, %v", r, err)
	}
}

// The program sets as clients do, and all is told in the order it was set.
func TestSetByTheProgram(t *testing.T) {
	f := newFixture(t)
	f.event(t)
	const n = 200
	var both sync.WaitGroup
	both.Add(1)
	go func() {
		defer both.Done()
		for i := range n {
			if err := f.server.Set([]Assignment{{"small", integer(int64(i%9) - 5)}, {"arm.any.at", double(float64(i))}}); err != nil {
				t.Error(err)
			}
		}
	}()
	for i := range n {
		if _, err := f.client.Set(call(t), []Assignment{{"arm.any.at", double(-1 - float64(i))}, {"unknown", integer(1)}}); err != nil {
			t.Fatal(err)
		}
	}
	both.Wait()
	if err := f.server.Set([]Assignment{{"small", integer(77)}}); err == nil {
		t.Error("set what is out of range")
	}
	var announced []float64
	for len(announced) < 2*n {
		for _, p := range f.event(t).ChangedParameters {
			if p.Name == "arm.any.at" {
				announced = append(announced, p.Value.DoubleValue)
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	var told []float64
	for _, c := range f.changes {
		if c.Name == "arm.any.at" {
			told = append(told, c.New.Double)
		}
	}
	told = slices.DeleteFunc(told, func(x float64) bool { return x == 0 }) // what was there at first
	announced = slices.DeleteFunc(announced, func(x float64) bool { return x == 0 })
	if !slices.Equal(told, announced) || announced[len(announced)-1] != f.cfg.Arm.Any {
		t.Errorf("told %v\nannounced %v\nnow %v", told, announced, f.cfg.Arm.Any)
	}
}

// A flood of names is answered in full, in bounded time.
func TestFlood(t *testing.T) {
	f := newFixture(t)
	list := make([]Assignment, 100_000)
	for i := range list {
		list[i] = Assignment{Name: fmt.Sprintf("name%d", i), Value: double(1)}
	}
	list[3] = Assignment{Name: "gain", Value: double(2)}
	r, err := f.client.Set(call(t), list)
	if err != nil || len(r) != len(list) {
		t.Fatal(len(r), err)
	}
	good := 0
	for i := range r {
		if r[i].Successful {
			good++
		} else if r[i].Reason == "" {
			t.Fatalf("%d has no reason", i)
		}
	}
	if good != 1 || f.cfg.Gain != 2 {
		t.Errorf("%d set, gain %v", good, f.cfg.Gain)
	}
}

func TestMalformedRequestsAreCounted(t *testing.T) {
	f := newFixture(t)
	dropped := func([]byte) error { t.Error("answered"); return nil }
	handlers := []transport.ServiceHandler{f.server.getParameters, f.server.getParameterTypes, f.server.describeParameters,
		f.server.listParameters, f.server.setParameters, f.server.setParametersAtomically}
	for _, h := range handlers {
		h([]byte{0, 1, 0, 0, 255, 255, 255, 255}, dropped)
		h([]byte{0, 1, 0, 0, 2, 0, 0, 0, 1}, dropped)
	}
	if n := f.server.Malformed(); n != uint64(2*len(handlers)) {
		t.Errorf("%d counted", n)
	}
}

func FuzzRequests(f *testing.F) {
	for i, m := range []msgs.Message{
		&rcl_interfaces.GetParameters_Request{Names: []string{"gain"}},
		&rcl_interfaces.ListParameters_Request{Prefixes: []string{"arm"}, Depth: 2},
		&rcl_interfaces.SetParameters_Request{Parameters: []rcl_interfaces.Parameter{{Name: "gain", Value: ToMessage(double(2))}}},
		&rcl_interfaces.SetParameters_Request{Parameters: []rcl_interfaces.Parameter{{Name: "arm.low", Value: ToMessage(doubles(2, math.NaN()))}}},
	} {
		f.Add(uint8(i), m.AppendCDR(nil))
	}
	fix := newFixture(f)
	handlers := []transport.ServiceHandler{fix.server.getParameters, fix.server.listParameters, fix.server.setParameters,
		fix.server.setParametersAtomically, fix.server.getParameterTypes, fix.server.describeParameters}
	f.Fuzz(func(t *testing.T, which uint8, request []byte) {
		before := fix.server.Malformed()
		answers := 0
		handlers[int(which)%len(handlers)](request, func(response []byte) error {
			answers++
			return transport.CheckPayload(response, transport.DefaultMaxPayload)
		})
		if answers+int(fix.server.Malformed()-before) != 1 {
			t.Errorf("%d answers", answers)
		}
		for len(fix.events) > 0 {
			<-fix.events
		}
		if c := fix.cfg; !(c.Gain >= 0 && c.Gain <= 10) || len(c.Arm.Low) != len(c.Arm.Joints) {
			t.Errorf("now %+v", c)
		}
	})
}

func TestList(t *testing.T) {
	names := []string{"a", "a.b", "a.b.c", "a.b.c.d", "ab.c", "z"}
	for _, c := range []struct {
		prefixes []string
		depth    uint64
		names    string
		found    string
	}{
		{nil, 0, "a a.b a.b.c a.b.c.d ab.c z", "a a.b a.b.c ab"},
		{nil, 1, "a z", ""},
		{nil, 2, "a a.b ab.c z", "a ab"},
		{[]string{"a"}, 0, "a a.b a.b.c a.b.c.d", "a a.b a.b.c"},
		{[]string{"a"}, 1, "a", ""},
		{[]string{"a"}, 2, "a a.b", "a"},
		{[]string{"a.b", "z"}, 2, "a.b a.b.c z", "a a.b"},
		{[]string{"a."}, 0, "", ""},
		{[]string{""}, 0, "", ""},
		{[]string{"nothing"}, 0, "", ""},
	} {
		got := list(names, c.prefixes, c.depth)
		if strings.Join(got.Names, " ") != c.names || strings.Join(got.Prefixes, " ") != c.found {
			t.Errorf("%q depth %d: got %q %q, want %q %q", c.prefixes, c.depth, got.Names, got.Prefixes, c.names, c.found)
		}
	}
	f := newFixture(t)
	got, err := f.client.List(call(t), []string{"arm"}, 2)
	if err != nil || strings.Join(got, " ") != "arm.high arm.joints arm.low" {
		t.Error(got, err)
	}
}

// Names are remapped as those of other services are.
func TestResolvedNames(t *testing.T) {
	args, err := rcl.Parse([]string{"--ros-args", "-r", "~/set_parameters:=/elsewhere", "-r", "/parameter_events:=/told"})
	if err != nil {
		t.Fatal(err)
	}
	var bus mem.Bus
	node, tool := open(t, &bus, "arm"), open(t, &bus, "tool")
	name := rcl.NodeName{Name: "arm", Namespace: "/lab"}
	set, err := params.Declare(newArmConfig())
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(node, DeclaredConfig{Set: set, Config: Config{Node: name, Now: func() int64 { return -1 },
		ResolveService: func(n string) (string, error) { return args.ResolveService(name, n) },
		ResolveTopic:   func(n string) (string, error) { return args.ResolveTopic(name, n) }}})
	if err != nil {
		t.Fatal(err)
	}
	g, err := tool.Graph()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range g.Services {
		names = append(names, s.Name)
	}
	want := []string{"/elsewhere", "/lab/arm/describe_parameters", "/lab/arm/get_parameter_types", "/lab/arm/get_parameters",
		"/lab/arm/list_parameters", "/lab/arm/set_parameters_atomically"}
	if !reflect.DeepEqual(names, want) || g.Publishers("/told") != 1 {
		t.Errorf("services %q, want %q", names, want)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
	if g, _ := tool.Graph(); len(g.Services)+g.Publishers("/told") != 0 {
		t.Errorf("after Close: %+v", g)
	}
	node.Close()
	if s, err := New(node, DeclaredConfig{Set: set, Config: Config{Node: name, Now: func() int64 { return 0 }}}); s != nil || !errors.Is(err, transport.ErrClosed) {
		t.Errorf("on a closed node: %v, %v", s, err)
	}
}
