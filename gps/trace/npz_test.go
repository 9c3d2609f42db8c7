package trace_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"guidedpolicysearch/internal/pythontest"
)

// example has an array of every kind.
func example(t *testing.T) []byte {
	t.Helper()
	r := newRecorder(t, 1<<20, "*")
	s := r.Scope()
	s.Log("number", math.Pi)
	s.In("search").At("pass", 7).Array("kl", []float64{1, -2, math.Inf(1), math.NaN(), 0, 1e-300}, 1, 2, 3)
	s.Array("none", nil, 0, 4)
	s.Int("n", -3)
	s.Ints("list", []int{1, 2, math.MaxInt64, 4}, 2, 2)
	s.Bool("yes", true)
	s.Texts("texts", []string{"a", "", "größer 𝔸"})
	s.Texts("no_texts", nil)
	for i := range 70 { // headers of all lengths
		s.Array(strings.Repeat("n", i+1), make([]float64, i+1), i+1)
	}
	var b bytes.Buffer
	if err := r.WriteNPZ(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFormat reads the file by the format's description.
func TestFormat(t *testing.T) {
	data := example(t)
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, ".npy") || file.Method != zip.Store {
			t.Errorf("%s with method %d, want .npy, stored", file.Name, file.Method)
		}
		r, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r) // checks the sum
		if err != nil {
			t.Fatal(err)
		}
		if string(b[:8]) != "\x93NUMPY\x01\x00" {
			t.Fatalf("%s begins with %q", file.Name, b[:8])
		}
		n := int(binary.LittleEndian.Uint16(b[8:]))
		if (10+n)%64 != 0 || b[9+n] != '\n' {
			t.Errorf("%s: header of %d bytes that ends in %q, want a multiple of 64 and a newline", file.Name, 10+n, b[9+n])
		}
		head, body := strings.TrimRight(string(b[10:10+n]), " \n"), b[10+n:]
		want := map[string]string{
			"number.npy":            "{'descr': '<f8', 'fortran_order': False, 'shape': (), }",
			"search/pass_07/kl.npy": "{'descr': '<f8', 'fortran_order': False, 'shape': (1,2,3,), }",
			"list.npy":              "{'descr': '<i8', 'fortran_order': False, 'shape': (2,2,), }",
			"texts.npy":             "{'descr': '<U8', 'fortran_order': False, 'shape': (3,), }",
		}[file.Name]
		if want != "" && head != want {
			t.Errorf("%s has header %s, want %s", file.Name, head, want)
		}
		found[file.Name] = true
		switch file.Name {
		case "search/pass_07/kl.npy":
			for i, v := range []float64{1, -2, math.Inf(1), math.NaN(), 0, 1e-300} {
				if got := math.Float64frombits(binary.LittleEndian.Uint64(body[8*i:])); got != v && !(got != got && v != v) {
					t.Errorf("kl[%d] is %v, want %v", i, got, v)
				}
			}
		case "list.npy":
			if got := int64(binary.LittleEndian.Uint64(body[16:])); got != math.MaxInt64 || len(body) != 32 {
				t.Errorf("list[1, 0] is %d of %d bytes", got, len(body))
			}
		case "texts.npy":
			if len(body) != 3*8*4 || binary.LittleEndian.Uint32(body[2*32+4*7:]) != '𝔸' {
				t.Errorf("texts are %q", body)
			}
		}
	}
	if len(found) != 78 {
		t.Errorf("%d arrays, want 78", len(found))
	}
}

// TestNumPy opens the file with NumPy.
func TestNumPy(t *testing.T) {
	python := pythontest.With(t, "numpy")
	path := filepath.Join(t.TempDir(), "example.npz")
	if err := os.WriteFile(path, example(t), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(python, "-c", `
import sys, numpy
with numpy.load(sys.argv[1]) as z:
    a = z["search/pass_07/kl"]
    print(len(z.files), a.shape, a.dtype, a.ravel().tolist(), z["number"], z["number"].shape, z["none"].shape, z["n"], z["yes"])
    print(z["list"].tolist(), z["list"].dtype, z["texts"].tolist(), z["no_texts"].shape, z["no_texts"].dtype)
    for i in range(1, 70):
        assert z["n" * (i + 1)].shape == (i + 1,)
`, path).CombinedOutput()
	want := "78 (1, 2, 3) float64 [1.0, -2.0, inf, nan, 0.0, 1e-300] 3.141592653589793 () (0, 4) -3 1\n" +
		"[[1, 2], [9223372036854775807, 4]] int64 ['a', '', 'größer 𝔸'] (0,) <U1\n"
	if err != nil || string(out) != want {
		t.Errorf("numpy says %v\n%s\nwant\n%s", err, out, want)
	}
}

// failing fails after some bytes.
type failing struct{ left int }

var errFull = errors.New("no space left")

func (f *failing) Write(p []byte) (int, error) {
	if f.left -= len(p); f.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestFullDisk(t *testing.T) {
	r := newRecorder(t, 1<<20, "*")
	for i := range 5 {
		r.Scope().Array(fmt.Sprint("array_", i), make([]float64, 20_000))
	}
	for _, room := range []int{0, 100, 400_000} {
		if err := r.WriteNPZ(&failing{room}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: error %v, want %v", room, err, errFull)
		}
	}
	if !slices.Contains(r.Names(), "array_4") {
		t.Error("a file that could not be written takes the arrays with it")
	}
}
