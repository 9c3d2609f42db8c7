package onnx_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/onnx"
)

// random returns a network with random numbers, the normalisation's of float32 like the others.
func random(t testing.TB, seed uint64, cfg nn.Config) *nn.Network {
	t.Helper()
	n, err := nn.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(seed, 1))
	normals := func(n int, deviation float64) []float64 {
		out := make([]float64, n)
		for i := range out {
			out[i] = float64(float32(deviation * rng.NormFloat64()))
		}
		return out
	}
	for i, in := range cfg.Sizes[:len(cfg.Sizes)-1] {
		out := cfg.Sizes[i+1]
		n.SetLayer(i, normals(out*in, 1/math.Sqrt(float64(in))), normals(out, 0.1))
	}
	n.SetNormalisation(normals(cfg.Sizes[0], 1), normals(cfg.Sizes[0], 0.5))
	return n
}

// networks are those that the tests export.
func networks(t testing.TB) map[string]*nn.Network {
	plain := random(t, 3, nn.Config{Sizes: []int{7, 10, 3}, Hidden: nn.Tanh})
	plain.SetNormalisation([]float64{1, 1, 1, 1, 1, 1, 1}, make([]float64, 7))
	zeros := random(t, 4, nn.Config{Sizes: []int{2, 3, 2}, Hidden: nn.ReLU})
	negative := math.Copysign(0, -1)
	zeros.SetLayer(0, []float64{negative, 0, 1, negative, 0, 2}, []float64{negative, 0, 1})
	zeros.SetNormalisation([]float64{negative, 1}, []float64{negative, negative})
	return map[string]*nn.Network{
		"relu":       random(t, 1, nn.Config{Sizes: []int{26, 64, 64, 7}, Hidden: nn.ReLU}),
		"tanh":       random(t, 2, nn.Config{Sizes: []int{14, 40, 40, 40, 2}, Hidden: nn.Tanh}),
		"mixed":      random(t, 7, nn.Config{Sizes: []int{9, 20, 16, 12, 3}, Activations: []nn.Activation{nn.ReLU, nn.Tanh, nn.ReLU}}),
		"plain":      plain,
		"signs of 0": zeros,
		"one layer":  random(t, 5, nn.Config{Sizes: []int{5, 4}, Hidden: nn.ReLU}),
		"one number": random(t, 6, nn.Config{Sizes: []int{1, 1, 1}, Hidden: nn.ReLU}),
	}
}

// bits returns all numbers of a network, so that NaN and -0 compare too.
func bits(n *nn.Network) []uint64 {
	scale, bias := n.Normalisation()
	all := slices.Concat(scale, bias)
	for i := range n.Layers() {
		weights, bias := n.Layer(i)
		all = append(append(all, weights...), bias...)
	}
	out := make([]uint64, len(all))
	for i, v := range all {
		out[i] = math.Float64bits(v)
	}
	return out
}

func TestRoundTripKeepsEveryBit(t *testing.T) {
	for name, n := range networks(t) {
		t.Run(name, func(t *testing.T) {
			dO, dU := n.Dims()
			meta := onnx.Meta{
				Producer: "gps", ProducerVersion: "1.2", Description: "reaches, “quickly”",
				ObservationNames: names("x,\"", dO), ActionNames: names("torque é", dU),
				Properties: map[string]string{"task": "reach", "empty": ""},
			}
			data, err := onnx.Encode(n, meta)
			if err != nil {
				t.Fatal(err)
			}
			back, metaBack, err := onnx.Decode(data)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(back.Config().Sizes, n.Config().Sizes) || back.Config().Hidden != n.Config().Hidden || !slices.Equal(back.Config().Activations, n.Config().Activations) {
				t.Errorf("the network became %+v of %+v", back.Config(), n.Config())
			}
			if !slices.Equal(bits(back), bits(n)) {
				t.Error("numbers changed")
			}
			if got, want := text(t, metaBack), text(t, meta); got != want {
				t.Errorf("the description became %s of %s", got, want)
			}
			if again, err := onnx.Encode(back, metaBack); err != nil || !bytes.Equal(again, data) {
				t.Errorf("writing it again gives other bytes, or %v", err)
			}
		})
	}
}

func names(prefix string, n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = prefix + string(rune('a'+i))
	}
	return out
}

func text(t *testing.T, meta onnx.Meta) string {
	t.Helper()
	out, err := json.Marshal(meta)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func TestAMetaOfNothingStaysOne(t *testing.T) {
	data, err := onnx.Encode(networks(t)["plain"], onnx.Meta{})
	if err != nil {
		t.Fatal(err)
	}
	if _, meta, err := onnx.Decode(data); err != nil || text(t, meta) != text(t, onnx.Meta{}) {
		t.Errorf("it became %+v, %v", meta, err)
	}
}

func TestEncodeRefuses(t *testing.T) {
	set := func(change func(n *nn.Network)) *nn.Network {
		n := random(t, 1, nn.Config{Sizes: []int{2, 3, 2}, Hidden: nn.Tanh})
		change(n)
		return n
	}
	good := set(func(*nn.Network) {})
	for name, c := range map[string]struct {
		network *nn.Network
		meta    onnx.Meta
		is      error
		says    []string
	}{
		"NaN weight":           {set(func(n *nn.Network) { n.SetLayer(1, []float64{1, 2, 3, 4, math.NaN(), 6}, []float64{1, 2}) }), onnx.Meta{}, onnx.ErrNotFinite, []string{"layer 1", "(1, 1)"}},
		"weight over float32":  {set(func(n *nn.Network) { n.SetLayer(1, []float64{1, 2, 3, 4, 5, 6}, []float64{1, 1e39}) }), onnx.Meta{}, onnx.ErrNotFinite, []string{"bias 1 of layer 1"}},
		"scale over float32":   {set(func(n *nn.Network) { n.SetNormalisation([]float64{1, 1e39}, []float64{0, 0}) }), onnx.Meta{}, onnx.ErrNotFinite, []string{"element 1", "normalisation.scale", "1e+39"}},
		"NaN normalisation":    {set(func(n *nn.Network) { n.SetNormalisation([]float64{1, 1}, []float64{0, math.NaN()}) }), onnx.Meta{}, onnx.ErrNotFinite, []string{"input 1"}},
		"too few names":        {good, onnx.Meta{ObservationNames: []string{"a"}}, onnx.ErrMeta, []string{"observation_names", "1 names", "2 inputs"}},
		"too many names":       {good, onnx.Meta{ActionNames: []string{"a", "b", "c"}}, onnx.ErrMeta, []string{"action_names", "3 names", "2 outputs"}},
		"empty name":           {good, onnx.Meta{ActionNames: []string{"a", ""}}, onnx.ErrMeta, []string{"action_names[1]"}},
		"name twice":           {good, onnx.Meta{ActionNames: []string{"a", "a"}}, onnx.ErrMeta, []string{"action_names", `"a" at 0 and at 1`}},
		"names as a property":  {good, onnx.Meta{Properties: map[string]string{"action_names": "x"}}, onnx.ErrMeta, []string{"action_names"}},
		"text that is no text": {good, onnx.Meta{Producer: "\xff"}, onnx.ErrMeta, []string{"UTF-8"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := onnx.Encode(c.network, c.meta)
			refused(t, err, c.is, c.says)
		})
	}
}

func refused(t *testing.T, err, is error, says []string) {
	t.Helper()
	if !errors.Is(err, is) {
		t.Fatalf("the error is %v, expected one of %v", err, is)
	}
	for _, text := range says {
		if !strings.Contains(err.Error(), text) {
			t.Errorf("the error %q does not say %q", err, text)
		}
	}
}

// foreign is a model of another exporter, with what that computes of some observations.
type foreign struct {
	model                 []byte
	Shape                 []int
	Type                  string
	Observations, Actions [][]float64
}

func foreigns(t testing.TB) map[string]foreign {
	t.Helper()
	paths, err := filepath.Glob("testdata/*.onnx")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no models in testdata: %v", err)
	}
	all := map[string]foreign{}
	for _, path := range paths {
		var f foreign
		text, err := os.ReadFile(strings.TrimSuffix(path, "onnx") + "json")
		if err == nil {
			err = json.Unmarshal(text, &f)
		}
		if err == nil {
			f.model, err = os.ReadFile(path)
		}
		if err != nil {
			t.Fatal(err)
		}
		all[filepath.Base(path)] = f
	}
	return all
}

func TestForeignModelsActAsWhereTheyWereMade(t *testing.T) {
	for name, f := range foreigns(t) {
		t.Run(name, func(t *testing.T) {
			n, meta, err := onnx.Decode(f.model)
			if err != nil {
				t.Fatal(err)
			}
			if meta.Producer != "pytorch" {
				t.Errorf("the producer is %q", meta.Producer)
			}
			for i, o := range f.Observations {
				near(t, act(n, o), f.Actions[i])
			}
		})
	}
}

func act(n *nn.Network, observation []float64) []float64 {
	_, dU := n.Dims()
	action := make([]float64, dU)
	n.NewWorkspace().Forward(action, observation)
	return action
}

// near holds numbers to 1e-5 of each other, and returns the largest difference.
func near(t *testing.T, got, want []float64) (largest float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d numbers, expected %d", len(got), len(want))
	}
	for i := range got {
		difference := math.Abs(got[i] - want[i])
		if !(difference <= 1e-5) {
			t.Fatalf("number %d is %v, expected %v", i, got[i], want[i])
		}
		largest = max(largest, difference)
	}
	return largest
}

// TestEveryTruncationIsRefused holds too that no prefix is taken for a smaller model.
func TestEveryTruncationIsRefused(t *testing.T) {
	for name, f := range foreigns(t) {
		whole, _, err := onnx.Decode(f.model)
		if err != nil {
			t.Fatal(err)
		}
		for n := range len(f.model) {
			back, _, err := onnx.Decode(f.model[:n])
			if err == nil && !slices.Equal(bits(back), bits(whole)) {
				t.Fatalf("%s: the first %d of %d bytes are read as another network", name, n, len(f.model))
			}
			if err != nil && !errors.Is(err, onnx.ErrMalformed) {
				t.Fatalf("%s: the first %d of %d bytes: %v, expected %v", name, n, len(f.model), err, onnx.ErrMalformed)
			}
		}
	}
}
