package policyfile_test

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"guidedpolicysearch/gps/lqg"
	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/onnx"
	"guidedpolicysearch/gps/policy"
	"guidedpolicysearch/node/policyfile"
)

var arm = policyfile.Layout{States: []string{"p1", "p2", "v1", "v2"}, Actions: []string{"j1", "j2"}, Step: 0.05, Steps: 30}

func network(t *testing.T, inputs int) *nn.Network {
	t.Helper()
	n, err := nn.New(nn.Config{Sizes: []int{inputs, 5, 2}, Hidden: nn.ReLU})
	if err != nil {
		t.Fatal(err)
	}
	n.Initialise(3)
	n.SetNormalisation(slices.Repeat([]float64{0.7}, inputs), slices.Repeat([]float64{-0.1}, inputs))
	return n
}

// file is a policy of 10 steps that sees v1 and p2.
func file(t *testing.T) *policy.File {
	t.Helper()
	p, err := policy.NewNetwork(network(t, 2), []int{2, 1}, 10, 4, []float64{1, 0, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	return &policy.File{Policy: p, StateNames: arm.States, ActionNames: arm.Actions, Step: arm.Step, Training: policy.Training{Algorithm: "mdgps", Rollouts: 7, MeanCost: []float64{3, 2}}}
}

func act(p policy.Policy) []float64 {
	u := make([]float64, 2)
	p.Act(u, []float64{0.3, -0.2, 1.5, 0.4}, 0, nil)
	return u
}

// A policy comes back from both kinds of file as the one that went in, for trials of another length.
func TestBothKinds(t *testing.T) {
	f := file(t)
	data, err := policyfile.Export(f)
	if err != nil {
		t.Fatal(err)
	}
	gps, model := filepath.Join(t.TempDir(), "p.gps"), filepath.Join(t.TempDir(), "p.onnx")
	if err := errors.Join(policy.Save(gps, f), os.WriteFile(model, data, 0o644)); err != nil {
		t.Fatal(err)
	}
	want := act(f.Policy)
	for _, path := range []string{gps, model} {
		back, err := policyfile.Load(path, arm)
		if err != nil {
			t.Fatal(err)
		}
		if T, dX, dU := back.Policy.Sizes(); T != 30 || dX != 4 || dU != 2 {
			t.Errorf("%s: T=%d dX=%d dU=%d", path, T, dX, dU)
		}
		for i, u := range act(back.Policy) {
			if math.Abs(u-want[i]) > 1e-6 {
				t.Errorf("%s: it acts %v, want %v", path, act(back.Policy), want)
			}
		}
		if back.Training.Rollouts != 7 || !slices.Equal(back.Training.MeanCost, []float64{3, 2}) {
			t.Errorf("%s: trained %+v", path, back.Training)
		}
		for _, other := range []struct {
			layout policyfile.Layout
			want   string
		}{
			{policyfile.Layout{States: []string{"p1", "q2", "v1", "v2"}, Actions: arm.Actions, Step: 0.05, Steps: 30}, "[p1, q2, v1, v2]"},
			{policyfile.Layout{States: arm.States, Actions: []string{"j2", "j1"}, Step: 0.05, Steps: 30}, "[j2, j1]"},
			{policyfile.Layout{States: arm.States, Actions: arm.Actions, Step: 0.01, Steps: 30}, "0.01 s"},
		} {
			if f, err := policyfile.Load(path, other.layout); !errors.Is(err, policy.ErrLayout) || !strings.Contains(err.Error(), other.want) || f != nil {
				t.Errorf("%s for %+v: %v", path, other.layout, err)
			}
		}
	}
	// ModelProto's field 8 is opset_import, whose field 2 is the version.
	for opset := -1; len(data) > 0; {
		number, kind, n := protowire.ConsumeTag(data)
		data = data[n:]
		if number != 8 {
			data = data[protowire.ConsumeFieldValue(number, kind, data):]
			continue
		}
		set, _ := protowire.ConsumeBytes(data)
		for len(set) > 0 && opset < 0 {
			field, kind, n := protowire.ConsumeTag(set)
			set = set[n:]
			if field == 2 {
				v, _ := protowire.ConsumeVarint(set)
				opset = int(v)
			}
			set = set[protowire.ConsumeFieldValue(field, kind, set):]
		}
		if opset != policyfile.Opset {
			t.Errorf("operator set %d, Opset is %d", opset, policyfile.Opset)
		}
		break
	}
}

// A model that was made elsewhere may name nothing: then it has to have the robot's sizes.
func TestModelWithoutNames(t *testing.T) {
	for _, c := range []struct {
		inputs int
		meta   onnx.Meta
		want   string // of an error
	}{
		{4, onnx.Meta{}, ""},
		{3, onnx.Meta{}, "sees 3 numbers"},
		{3, onnx.Meta{ObservationNames: []string{"v2", "p1", "p2"}}, ""},
		{3, onnx.Meta{ObservationNames: []string{"v2", "p1", "torso"}}, `has no "torso"`},
		{4, onnx.Meta{ActionNames: []string{"j1", "j3"}}, "[j1, j3]"},
		{4, onnx.Meta{Properties: map[string]string{"time_step_s": "soon"}}, "time_step_s"},
		{4, onnx.Meta{Properties: map[string]string{"time_step_s": "0.1"}}, "0.1 s"},
		{4, onnx.Meta{Properties: map[string]string{"gps_training": `{"rollouts": -1}`}}, "-1 rollouts"},
		{4, onnx.Meta{Properties: map[string]string{"gps_training": "much"}}, "gps_training"},
	} {
		data, err := onnx.Encode(network(t, c.inputs), c.meta)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "m.onnx")
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
		f, err := policyfile.Load(path, arm)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path)) || (f == nil) == (err == nil) {
			t.Errorf("%+v: %v, want %q", c.meta, err, c.want)
		}
	}
}

// What acts by the time step has as many steps as the trial, and no form in ONNX.
func TestControllers(t *testing.T) {
	c := lqg.NewController(10, 4, 2)
	for i := range 10 {
		copy(c.CholAt(i), []float64{1, 0, 0, 1})
	}
	f := &policy.File{Policy: c, StateNames: arm.States, ActionNames: arm.Actions, Step: arm.Step}
	path := filepath.Join(t.TempDir(), "c.gps")
	if err := policy.Save(path, f); err != nil {
		t.Fatal(err)
	}
	if _, err := policyfile.Load(path, arm); !errors.Is(err, policy.ErrLayout) || !strings.Contains(err.Error(), "10 time steps, a trial (steps) 30") {
		t.Error(err)
	}
	same := arm
	same.Steps = 10
	if _, err := policyfile.Load(path, same); err != nil {
		t.Error(err)
	}
	if _, err := policyfile.Export(f); !errors.Is(err, policyfile.ErrExport) {
		t.Error(err)
	}
	for _, path := range []string{"", t.TempDir(), filepath.Join(t.TempDir(), "none.onnx"), t.TempDir() + "/.onnx"} {
		if f, err := policyfile.Load(path, arm); err == nil || f != nil {
			t.Errorf("%q was read", path)
		}
	}
}
