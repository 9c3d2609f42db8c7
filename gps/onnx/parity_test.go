package onnx_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"guidedpolicysearch/gps/nn"
	"guidedpolicysearch/gps/onnx"
)

// runtimeFolder is where scripts/install_onnxruntime.sh puts ONNX Runtime.
const runtimeFolder = "../../.build/onnxruntime"

// observationCount is how many observations each policy is compared on.
const observationCount = 1000

// judged is a model, the shape and element type of one input, and the network that ought to
// compute the same.
type judged struct {
	name    string
	model   []byte
	shape   []int
	element string
	network *nn.Network
}

// TestONNXRuntimeAgrees holds what is exported, and what was made elsewhere or put together by
// hand and is read, to what ONNX Runtime computes.
func TestONNXRuntimeAgrees(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skipf("needs ONNX Runtime, and node with npm for it: %v", err)
	}
	if _, err := os.Stat(filepath.Join(runtimeFolder, "node_modules/onnxruntime-node")); err != nil {
		t.Skipf("needs ONNX Runtime: run scripts/install_onnxruntime.sh (%v)", err)
	}
	var all []judged
	for name, n := range networks(t) {
		model, err := onnx.Encode(n, onnx.Meta{Producer: "gps", Description: "a test"})
		if err != nil {
			t.Fatal(err)
		}
		dO, _ := n.Dims()
		all = append(all, judged{"exported: " + name, model, []int{observationCount, dO}, "float32", n})
	}
	for name, f := range foreigns(t) {
		n, _, err := onnx.Decode(f.model)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		shape := f.Shape
		if len(shape) == 2 {
			shape = []int{observationCount, shape[1]}
		}
		all = append(all, judged{name, f.model, shape, f.Type, n})
	}
	for name, m := range accepted() {
		n, _, err := onnx.Decode(m.encoded())
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all = append(all, judged{"by hand: " + name, m.encoded(), m.input(observationCount), m.element(), n})
	}
	slices.SortFunc(all, func(a, b judged) int { return bytes.Compare([]byte(a.name), []byte(b.name)) })
	compare(t, node, all)
}

// compare lets one process of ONNX Runtime run all models on random observations.
func compare(t *testing.T, node string, all []judged) {
	type job struct {
		Model        string `json:"model"`
		Observations string `json:"observations"`
		Actions      string `json:"actions"`
		Shape        []int  `json:"shape"`
		Type         string `json:"type"`
	}
	folder := t.TempDir()
	var jobs []job
	observations := make([][]float64, len(all))
	rng := rand.New(rand.NewPCG(11, 1))
	for i, j := range all {
		path := filepath.Join(folder, string(rune('A'+i)))
		dO, _ := j.network.Dims()
		observations[i] = make([]float64, observationCount*dO)
		for k := range observations[i] {
			observations[i][k] = float64(float32(rng.NormFloat64()))
		}
		for file, content := range map[string][]byte{path + ".onnx": j.model, path + ".in": packed(observations[i], j.element)} {
			if err := os.WriteFile(file, content, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		jobs = append(jobs, job{path + ".onnx", path + ".in", path + ".out", j.shape, j.element})
	}
	input, err := json.Marshal(jobs)
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(node, "testdata/onnxruntime/run.js", runtimeFolder)
	c.Stdin = bytes.NewReader(input)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", c, err, out)
	}
	for i, j := range all {
		t.Run(j.name, func(t *testing.T) {
			content, err := os.ReadFile(jobs[i].Actions)
			if err != nil {
				t.Fatal(err)
			}
			dO, dU := j.network.Dims()
			want := unpacked(content, j.element)
			if len(want) != observationCount*dU {
				t.Fatalf("ONNX Runtime gives %d numbers for %d observations, expected %d for each", len(want), observationCount, dU)
			}
			largest := 0.
			for n := range observationCount {
				largest = max(largest, near(t, act(j.network, observations[i][n*dO:][:dO]), want[n*dU:][:dU]))
			}
			t.Logf("%d observations: the largest difference is %.2g", observationCount, largest)
		})
	}
}

// packed returns numbers as an array of an element type.
func packed(numbers []float64, element string) []byte {
	var out []byte
	for _, v := range numbers {
		if element == "float32" {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(v)))
		} else {
			out = binary.LittleEndian.AppendUint64(out, math.Float64bits(v))
		}
	}
	return out
}

func unpacked(data []byte, element string) []float64 {
	size := map[string]int{"float32": 4, "float64": 8}[element]
	out := make([]float64, len(data)/size)
	for i := range out {
		if size == 4 {
			out[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:])))
		} else {
			out[i] = math.Float64frombits(binary.LittleEndian.Uint64(data[8*i:]))
		}
	}
	return out
}
