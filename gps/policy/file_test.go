package policy_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/gob"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/policy"
)

var (
	stateNames  = []string{"shoulder position", "elbow <position>", "v1", "v2", "tip"}
	actionNames = []string{"a", "b", "c"}
)

func file(p policy.Policy) *policy.File {
	rate := 0.9
	return &policy.File{Policy: p, StateNames: stateNames, ActionNames: actionNames, Step: 0.05,
		Training: policy.Training{Algorithm: "mdgps", Iterations: 2, Rollouts: 40, Conditions: 4, Seed: math.MaxUint64, MeanCost: []float64{17.25, 0.1}, SuccessRate: &rate}}
}

func TestFilesGivePoliciesBack(t *testing.T) {
	for name, p := range policies(t) {
		path := filepath.Join(t.TempDir(), "a*b.policy")
		f := file(p)
		if err := policy.Save(path, f); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		got, err := policy.Load(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if reflect.TypeOf(got.Policy) != reflect.TypeOf(p) || !slices.Equal(trial(got.Policy, 5), trial(p, 5)) {
			t.Errorf("%s: acts otherwise", name)
		}
		T, dX, dU := got.Policy.Sizes()
		if T != steps || dX != states || dU != actions {
			t.Errorf("%s: T=%d dX=%d dU=%d", name, T, dX, dU)
		}
		got.Policy, f.Policy = nil, nil
		if !reflect.DeepEqual(got, f) {
			t.Errorf("%s: %+v, want %+v", name, got, f)
		}
		if n, ok := p.(*policy.Network); ok {
			for i, j := range n.Observation() {
				if got.ObservationNames[i] != stateNames[j] {
					t.Errorf("%s: observes %q", name, got.ObservationNames)
				}
			}
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 1 {
			t.Errorf("%s: the folder has %v, %v", name, entries, err)
		}
	}
}

// small is the whole file of a network of few numbers.
func small(t testing.TB) []byte {
	t.Helper()
	net, err := nn.New(nn.Config{Sizes: []int{1, 1}, Hidden: nn.ReLU})
	if err != nil {
		t.Fatal(err)
	}
	p, err := policy.NewNetwork(net, []int{1}, 2, 2, []float64{1})
	if err != nil {
		t.Fatal(err)
	}
	f := &policy.File{Policy: p, StateNames: []string{"x", "v"}, ActionNames: []string{"u"}, Step: 0.01}
	return written(t, f)
}

func written(t testing.TB, f *policy.File) []byte {
	t.Helper()
	whole, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return whole
}

func TestDamageIsSeenAtEveryByte(t *testing.T) {
	whole := small(t)
	if _, err := policy.Decode(whole); err != nil {
		t.Fatal(err)
	}
	refused := func(what string, at int, content []byte) {
		t.Helper()
		f, err := policy.Decode(content)
		if f != nil || !errors.Is(err, policy.ErrDamaged) && !errors.Is(err, policy.ErrVersion) {
			t.Fatalf("%s at %d of %d: %v, %v", what, at, len(whole), f, err)
		}
	}
	for i := range whole {
		refused("cut", i, whole[:i])
		for bit := range 8 {
			flipped := slices.Clone(whole)
			flipped[i] ^= 1 << bit
			refused("flip", i, flipped)
		}
	}
	refused("more", len(whole), append(slices.Clone(whole), 0))
}

// sealed returns a file with a true checksum around any payload.
func sealed(version int, payload []byte) []byte {
	sum := sha256.Sum256(payload)
	return append(fmt.Appendf(nil, "GPSPOLICY %d %d %s\n", version, len(payload), hex.EncodeToString(sum[:])), payload...)
}

func payload(description string, numbers ...float64) []byte {
	b := []byte(description + "\n")
	for _, v := range numbers {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return b
}

const (
	head   = `{"kind":"%s","steps":%d,"state_size":%d,"action_size":%d,"states":["x"],"actions":["u"],"time_step":0.1,"training":{"algorithm":"","iterations":0,"rollouts":0,"conditions":0,"seed":0,"mean_cost":null}%s}`
	turns  = `,"observations":["x"],"observed":[0],"sizes":[1,1,1,1],"activations":["relu","tanh"]`
	layers = `,"observations":["x"],"observed":[0],"sizes":[1,1],"activation":"relu"`
)

func TestLoadRefuses(t *testing.T) {
	line := func(kind string, T, dX, dU int, more string) string { return fmt.Sprintf(head, kind, T, dX, dU, more) }
	nan := math.NaN()
	linear := line("linear", 1, 1, 1, "")
	for name, c := range map[string]struct {
		payload []byte
		want    error // nil: it is fine
		say     string
	}{
		"nothing wrong":      {payload(linear, 1, 2, 3), nil, ""},
		"a network":          {payload(line("network", 1, 1, 1, layers), 1, 0, 2, 3), nil, ""},
		"a nearest":          {payload(line("nearest", 1, 1, 1, `,"controllers":1,"features":[0]`), 1, 2, 3, 4), nil, ""},
		"a mixture":          {payload(line("mixture", 1, 1, 1, `,"controllers":1,"features":[0]`), 1, 2, 3, 0, 0, 1), nil, ""},
		"NaN gain":           {payload(linear, nan, 2, 3), lqg.ErrNotFinite, "gain"},
		"NaN weight":         {payload(line("network", 1, 1, 1, layers), 1, 0, nan, 3), nn.ErrNumber, "weight (0, 0) of layer 0"},
		"weight for float32": {payload(line("network", 1, 1, 1, layers), 1, 0, 1e300, 3), nn.ErrNumber, "layer 0"},
		"NaN scale":          {payload(line("network", 1, 1, 1, layers), nan, 0, 2, 3), nn.ErrNumber, "input 0"},
		"NaN start":          {payload(line("nearest", 1, 1, 1, `,"controllers":1,"features":[0]`), 1, 2, 3, nan), policy.ErrInvalid, "start 0"},
		"negative factor":    {payload(line("mixture", 1, 1, 1, `,"controllers":1,"features":[0]`), 1, 2, 3, 0, 0, -1), policy.ErrInvalid, "diagonal"},
		"zero covariance":    {payload(linear, 1, 2, 0), lqg.ErrIndefinite, ""},
		"no description":     {nil, policy.ErrDamaged, "description"},
		"no JSON":            {payload("hello"), policy.ErrDamaged, "description"},
		"two descriptions":   {payload(linear+linear, 1, 2, 3), policy.ErrDamaged, "follows"},
		"unknown field":      {payload(line("linear", 1, 1, 1, `,"colour":"red"`), 1, 2, 3), policy.ErrDamaged, "colour"},
		"other type":         {payload(`{"kind":7}`), policy.ErrDamaged, "kind"},
		"unknown kind":       {payload(line("oracle", 1, 1, 1, ""), 1), policy.ErrDamaged, "oracle"},
		"part of a number":   {append(payload(linear, 1, 2, 3), 0), policy.ErrDamaged, "multiple of 8"},
		"too few numbers":    {payload(linear, 1, 2), policy.ErrDamaged, "has 3 numbers by its description, the file 2"},
		"too many numbers":   {payload(linear, 1, 2, 3, 4), policy.ErrDamaged, "the file 4"},
		"no steps":           {payload(line("linear", 0, 1, 1, "")), policy.ErrDamaged, "0 steps"},
		"steps beyond all":   {payload(line("linear", math.MaxInt, 1, 1, ""), 1, 2, 3), policy.ErrDamaged, "1 to 1000000"},
		"most steps":         {payload(line("linear", 1000000, 4096, 4096, ""), 1, 2, 3), policy.ErrDamaged, "the file 3"},
		"states beyond all":  {payload(line("linear", 1, 1<<40, 1, ""), 1, 2, 3), policy.ErrDamaged, "entries"},
		"negative actions":   {payload(line("linear", 1, 1, -1, ""), 1, 2, 3), policy.ErrDamaged, "-1 actions"},
		"two states":         {payload(line("linear", 1, 2, 1, ""), 1, 2, 3, 4), policy.ErrDamaged, "1 state names for 2"},
		"two actions":        {payload(line("linear", 1, 1, 2, ""), 1, 1, 2, 2, 1, 0, 0, 1), policy.ErrInvalid, "action names"},
		"controllers":        {payload(line("nearest", 1, 1, 1, `,"controllers":1000000000,"features":[0]`), 1, 2, 3, 4), policy.ErrDamaged, "1 to 4096"},
		"no controllers":     {payload(line("mixture", 1, 1, 1, `,"features":[0]`), 1), policy.ErrDamaged, "0 controllers"},
		"no feature":         {payload(line("mixture", 1, 1, 1, `,"controllers":1`), 1, 2, 3, 0), policy.ErrInvalid, "no feature"},
		"many features":      {payload(line("mixture", 1, 1, 1, `,"controllers":1,"features":[0,0]`), 1), policy.ErrDamaged, "2 features"},
		"feature beyond":     {payload(line("nearest", 1, 1, 1, `,"controllers":1,"features":[1]`), 1, 2, 3, 4), policy.ErrInvalid, "entry 1"},
		"huge layers":        {payload(line("network", 1, 1, 1, strings.Replace(layers, "[1,1]", "[1,4096,4096,1]", 1)), 1, 0, 2, 3), policy.ErrDamaged, "by its description"},
		"layer beyond all":   {payload(line("network", 1, 1, 1, strings.Replace(layers, "[1,1]", "[1,1000000000,1]", 1)), 1, 0, 2, 3), policy.ErrDamaged, "sizes[1]"},
		"other activation":   {payload(line("network", 1, 1, 1, strings.Replace(layers, "relu", "sine", 1)), 1, 0, 2, 3), policy.ErrDamaged, "sine"},
		"other inputs":       {payload(line("network", 1, 1, 1, strings.Replace(layers, "[1,1]", "[2,1]", 1)), 1, 0, 2, 3), policy.ErrDamaged, "2 inputs"},
		"observed beyond":    {payload(line("network", 1, 1, 1, strings.Replace(layers, "[0]", "[1]", 1)), 1, 0, 2, 3), policy.ErrInvalid, "entry 1"},
		"other observations": {payload(line("network", 1, 1, 1, strings.Replace(layers, `["x"]`, `["y"]`, 1)), 1, 0, 2, 3), policy.ErrDamaged, "observations"},
		"no training":        {payload(`{"kind":"linear","steps":1,"state_size":1,"action_size":1,"states":["x"],"actions":["u"],"time_step":0.1}`, 1, 2, 3), policy.ErrDamaged, "training"},
		"negative rollouts":  {payload(strings.Replace(linear, `"rollouts":0`, `"rollouts":-1`, 1), 1, 2, 3), policy.ErrInvalid, "-1 rollouts"},
		"no time step":       {payload(strings.Replace(linear, "0.1", "0", 1), 1, 2, 3), policy.ErrInvalid, "time step is 0"},
	} {
		f, err := policy.Decode(sealed(1, c.payload))
		if !errors.Is(err, c.want) || (f == nil) != (err != nil) || c.want != nil && !has(err, c.say) {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
	for _, version := range []int{0, 3} {
		if _, err := policy.Decode(sealed(version, payload(linear, 1, 2, 3))); !errors.Is(err, policy.ErrVersion) || !has(err, fmt.Sprintf("version %d, this program reads 1 to 2", version)) {
			t.Errorf("version %d: %v", version, err)
		}
	}
	if _, err := policy.Decode(sealed(2, payload(linear, 1, 2, 3))); !errors.Is(err, policy.ErrDamaged) || !has(err, "what version 1 is for") {
		t.Errorf("version 2 of a linear policy: %v", err)
	}
	if _, err := policy.Decode([]byte("GPSPOLICY 1 9223372036854775807 00\n")); !errors.Is(err, policy.ErrDamaged) {
		t.Errorf("a lying size: %v", err)
	}
	for _, other := range []string{"GPSPOLICY +1 ", "GPSPOLICY  1 ", "GPSPOLICY 01 "} {
		whole := sealed(1, payload(linear, 1, 2, 3))
		if _, err := policy.Decode(bytes.Replace(whole, []byte("GPSPOLICY 1 "), []byte(other), 1)); !errors.Is(err, policy.ErrDamaged) {
			t.Errorf("%q: %v", other, err)
		}
	}
	if _, err := policy.Decode(bytes.Repeat([]byte("x"), 100000)); !errors.Is(err, policy.ErrDamaged) || len(err.Error()) > 400 {
		t.Errorf("no header: %v", err)
	}
	path := filepath.Join(t.TempDir(), "cut")
	if err := os.WriteFile(path, small(t)[:200], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := policy.Load(path); !errors.Is(err, policy.ErrDamaged) || !has(err, path) {
		t.Errorf("cut on disk: %v", err)
	}
	if _, err := policy.Load(filepath.Join(t.TempDir(), "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	if _, err := policy.Load(t.TempDir()); !errors.Is(err, policy.ErrDamaged) || !has(err, "regular") {
		t.Errorf("a folder: %v", err)
	}
}

func TestSaveRefuses(t *testing.T) {
	rng := source(40)
	good := controller(rng)
	bad := good.Clone()
	bad.Bias[3] = math.NaN()
	over := 1.5
	for name, c := range map[string]struct {
		change func(f *policy.File)
		want   error
	}{
		"no policy":    {func(f *policy.File) { f.Policy = nil }, policy.ErrInvalid},
		"NaN":          {func(f *policy.File) { f.Policy = bad }, lqg.ErrNotFinite},
		"stranger":     {func(f *policy.File) { f.Policy = wrapped{good} }, policy.ErrInvalid},
		"few states":   {func(f *policy.File) { f.StateNames = stateNames[1:] }, policy.ErrInvalid},
		"few actions":  {func(f *policy.File) { f.ActionNames = nil }, policy.ErrInvalid},
		"no name":      {func(f *policy.File) { f.ActionNames = []string{"a", "", "c"} }, policy.ErrInvalid},
		"same names":   {func(f *policy.File) { f.ActionNames = []string{"a", "b", "a"} }, policy.ErrInvalid},
		"no UTF-8":     {func(f *policy.File) { f.ActionNames = []string{"a", "b", "\xff"} }, policy.ErrInvalid},
		"time step":    {func(f *policy.File) { f.Step = math.Inf(1) }, policy.ErrInvalid},
		"success rate": {func(f *policy.File) { f.Training.SuccessRate = &over }, policy.ErrInvalid},
		"mean cost":    {func(f *policy.File) { f.Training.MeanCost[1] = math.NaN() }, policy.ErrInvalid},
		"iterations":   {func(f *policy.File) { f.Training.Iterations = -1 }, policy.ErrInvalid},
	} {
		f := file(good)
		c.change(f)
		path := filepath.Join(t.TempDir(), "p")
		if err := policy.Save(path, f); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: a file was written", name)
		}
	}
	// What is there stays where writing fails.
	path := filepath.Join(t.TempDir(), "p")
	if err := os.MkdirAll(filepath.Join(path, "full"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := policy.Save(path, file(good)); err == nil {
		t.Error("a folder was overwritten")
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left over: %v", entries)
	}
	if err := policy.Save(filepath.Join(path, "none", "p"), file(good)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}

type wrapped struct{ *lqg.Controller }

func TestSuits(t *testing.T) {
	f := file(controller(source(41)))
	if err := f.Suits(slices.Clone(stateNames), slices.Clone(actionNames), 1/20.0*(1+1e-9)); err != nil {
		t.Error(err)
	}
	swapped := slices.Clone(stateNames)
	swapped[0], swapped[1] = swapped[1], swapped[0]
	for name, c := range map[string]struct {
		states, actions []string
		step            float64
		say             []string
	}{
		"other order": {swapped, actionNames, 0.05, []string{"states [shoulder position, elbow <position>, v1", "robot [elbow <position>, shoulder position, v1"}},
		"fewer":       {stateNames, actionNames[:2], 0.05, []string{"actions [a, b, c]", "robot [a, b]"}},
		"other step":  {stateNames, actionNames, 0.02, []string{"0.05 s", "0.02 s"}},
		"NaN step":    {stateNames, actionNames, math.NaN(), []string{"NaN"}},
	} {
		err := f.Suits(c.states, c.actions, c.step)
		if !errors.Is(err, policy.ErrLayout) {
			t.Errorf("%s: %v", name, err)
		}
		for _, w := range c.say {
			if !has(err, w) {
				t.Errorf("%s: %v, want %q in it", name, err, w)
			}
		}
	}
}

func TestNetworkThroughGob(t *testing.T) {
	rng := source(42)
	p := network(t, rng, nn.Tanh, []int{2, 0, 1}, factor(rng, actions))
	type state struct{ Policy *policy.Network }
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(state{p}); err != nil {
		t.Fatal(err)
	}
	whole := b.Bytes()
	var got state
	if err := gob.NewDecoder(bytes.NewReader(whole)).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(trial(got.Policy, 1), trial(p, 1)) {
		t.Error("acts otherwise")
	}
	raw, err := p.MarshalBinary()
	if err != nil {
		t.Fatal(err)
	}
	if err := got.Policy.UnmarshalBinary(raw[:len(raw)-8]); !errors.Is(err, policy.ErrDamaged) || !slices.Equal(trial(got.Policy, 1), trial(p, 1)) {
		t.Errorf("cut: %v", err)
	}
	if err := got.Policy.UnmarshalBinary(payload(fmt.Sprintf(head, "linear", 1, 1, 1, ""), 1, 2, 3)); !errors.Is(err, policy.ErrDamaged) {
		t.Errorf("a linear policy: %v", err)
	}
}

// A network whose layers have different activations takes a file of version 2; all others stay as
// programs before that version read them.
func TestVersionOfActivations(t *testing.T) {
	net, err := nn.New(nn.Config{Sizes: []int{states, 4, 3, actions}, Activations: []nn.Activation{nn.ReLU, nn.Tanh}})
	if err != nil {
		t.Fatal(err)
	}
	net.Initialise(3)
	p, err := policy.NewNetwork(net, nil, steps, states, nil)
	if err != nil {
		t.Fatal(err)
	}
	content := written(t, file(p))
	if !bytes.HasPrefix(content, []byte("GPSPOLICY 2 ")) || !bytes.Contains(content, []byte(`"activations":["relu","tanh"]`)) || bytes.Contains(content, []byte(`"activation":`)) {
		t.Errorf("the file begins with %.600q", content)
	}
	got, err := policy.Decode(content)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got.Policy.(*policy.Network).Net().Config(), net.Config()) || !slices.Equal(trial(got.Policy, 5), trial(p, 5)) {
		t.Errorf("the policy came back as %+v", got.Policy.(*policy.Network).Net().Config())
	}
	var state bytes.Buffer
	back := new(policy.Network)
	if err := gob.NewEncoder(&state).Encode(p); err != nil {
		t.Fatal(err)
	}
	if err := gob.NewDecoder(&state).Decode(back); err != nil || !slices.Equal(trial(back, 5), trial(p, 5)) {
		t.Errorf("through a checkpoint: %v", err)
	}
	_, rest, _ := bytes.Cut(content, []byte("\n"))
	if _, err := policy.Decode(sealed(1, rest)); !errors.Is(err, policy.ErrDamaged) || !has(err, "what version 2 is for") {
		t.Errorf("as version 1: %v", err)
	}
	for name, p := range policies(t) {
		if content := written(t, file(p)); !bytes.HasPrefix(content, []byte("GPSPOLICY 1 ")) {
			t.Errorf("%s: the file begins with %.20q", name, content)
		}
	}
}

func FuzzLoad(f *testing.F) {
	for _, p := range policies(f) {
		_, content, _ := bytes.Cut(written(f, file(p)), []byte("\n"))
		f.Add(content)
	}
	_, content, _ := bytes.Cut(small(f), []byte("\n"))
	f.Add(content)
	f.Add(payload(fmt.Sprintf(head, "network", 1, 1, 1, layers), 1, 0, 2, 3))
	f.Add(payload(fmt.Sprintf(head, "network", 1, 1, 1, turns), 1, 0, 2, 3, 0.5, -1, 1, 0))
	f.Add(payload(fmt.Sprintf(head, "network", 1, 1, 1, strings.Replace(turns, `["relu","tanh"]`, "[]", 1)), 1, 0, 2, 3))
	f.Add(payload(fmt.Sprintf(head, "linear", math.MaxInt, math.MaxInt, math.MaxInt, ""), 1, 0, 2, 3))
	f.Fuzz(func(t *testing.T, content []byte) {
		version := 1
		if bytes.Contains(content, []byte(`"activations"`)) {
			version = 2
		}
		got, err := policy.Decode(sealed(version, content))
		if (got == nil) != (err != nil) {
			t.Fatalf("%v with %v", got, err)
		}
		if err != nil {
			return
		}
		// What was accepted is written again, to act alike.
		T, dX, dU := got.Policy.Sizes()
		again, err := policy.Decode(written(t, got))
		if err != nil {
			t.Fatal(err)
		}
		x, e, u, v := make([]float64, dX), make([]float64, dU), make([]float64, dU), make([]float64, dU)
		for i := range x {
			x[i] = float64(i) - 1.5
		}
		for i := range e {
			e[i] = 1 - float64(i)
		}
		for _, at := range []int{0, T - 1} {
			got.Policy.Act(u, x, at, e)
			again.Policy.Act(v, x, at, e)
			for i := range u {
				if math.Float64bits(u[i]) != math.Float64bits(v[i]) && !(math.IsNaN(u[i]) && math.IsNaN(v[i])) {
					t.Fatalf("action %v, again %v", u, v)
				}
			}
		}
	})
}
