package harness

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestQuantile(t *testing.T) {
	hundred := make([]uint32, 100)
	for i := range hundred {
		hundred[i] = uint32(i + 1)
	}
	for _, c := range []struct {
		sorted []uint32
		q      float64
		want   float64
	}{
		{[]uint32{7}, 0.5, 7},
		{[]uint32{7}, 0.99, 7},
		{[]uint32{1, 2}, 0.5, 1},
		{[]uint32{1, 2}, 0.51, 2},
		{hundred, 0.5, 50},
		{hundred, 0.99, 99},
		{hundred, 0.999, 100},
		{hundred, 1, 100},
	} {
		if got := Quantile(c.sorted, c.q); got != c.want {
			t.Errorf("quantile %v of %d times is %v, want %v", c.q, len(c.sorted), got, c.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		v    []float64
		want float64
	}{{[]float64{3}, 3}, {[]float64{9, 1, 2}, 2}, {[]float64{9, 1, 2, 4}, 3}} {
		if got := Median(c.v); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.v, got, c.want)
		}
	}
}

func TestCheck(t *testing.T) {
	good := Range{Name: "rate", Value: 5, Least: 1, Most: 5}
	if err := Check(good, good); err != nil {
		t.Error(err)
	}
	for _, value := range []int{0, 6} {
		bad := good
		bad.Value = value
		if err := Check(good, bad); err == nil || !strings.Contains(err.Error(), "-rate is") || !strings.Contains(err.Error(), "expected 1 to 5") {
			t.Errorf("%d: %v", value, err)
		}
	}
}

func TestSave(t *testing.T) {
	if err := Save("", 1); err != nil {
		t.Error(err)
	}
	path := filepath.Join(t.TempDir(), "outcome.json")
	if err := Save(path, map[string]int{"rows": 2}); err != nil {
		t.Fatal(err)
	}
	if data, err := os.ReadFile(path); err != nil || string(data) != "{\n  \"rows\": 2\n}\n" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestField(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status")
	if err := os.WriteFile(path, []byte("Name:\tx\nVmRSS:\t  12 kB\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"VmRSS": "12 kB", "Vm": "none"} {
		if got := Field(path, name, "none"); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if got := Field(path+"x", "VmRSS", "none"); got != "none" {
		t.Errorf("no file: %q", got)
	}
	if m := Describe(); m.Cores != runtime.NumCPU() || m.Processor == "" || m.Kernel == "" || !strings.Contains(m.String(), m.Go) {
		t.Errorf("%+v", m)
	}
}

func TestBuildSaysWhatFailed(t *testing.T) {
	b, err := NewBuild(".")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Go(t.Context(), "p", "./nothing"); err == nil || !strings.Contains(err.Error(), "nothing") || !strings.Contains(err.Error(), "make deps") {
		t.Errorf("error %v", err)
	}
	if err := b.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(b.Dir); !os.IsNotExist(err) {
		t.Errorf("the folder is there: %v", err)
	}
}

// answering is a process that answers each line with what a script prints.
func answering(t *testing.T, script string) *Process {
	t.Helper()
	p, err := Start(t.Context(), "shell", nil, "/bin/sh", "-c", script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestAsk(t *testing.T) {
	times := []uint32{7, 1 << 30}
	var data strings.Builder
	for range 2 {
		if err := binary.Write(&data, binary.NativeEndian, times); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "times")
	if err := os.WriteFile(path, []byte(data.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	p := answering(t, `echo ready; echo started >&2; while read -r line; do echo "2 ${#line}"; cat '`+path+`'; done`)
	if err := p.Ready(); err != nil {
		t.Fatal(err)
	}
	for _, request := range []string{"a", "bcd"} {
		counts, lists, err := p.Ask(request, 2, 2)
		if err != nil || !slices.Equal(counts, []int{2, len(request)}) || len(lists) != 2 || !slices.Equal(lists[0], times) || !slices.Equal(lists[1], times) {
			t.Errorf("%s: %v, %v, %v", request, counts, lists, err)
		}
	}
	for range 2 {
		if said := p.Close(); !slices.Equal(said, []string{"started"}) {
			t.Errorf("it said %q", said)
		}
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for script, want := range map[string]string{
		`echo no space >&2`:        "no space",
		`read x`:                   "it ended",
		`read x; echo many`:        "expected counts",
		`read x; echo -3 1`:        "expected counts",
		`read x; echo 3`:           "expected 2 counts",
		`read x; echo 999999999 1`: "of at most",
		`read x; echo 3 1; echo`:   "unexpected EOF",
	} {
		if _, _, err := answering(t, script).Ask("go", 2, 1); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "shell: ") {
			t.Errorf("%s: %v, want %q", script, err, want)
		}
	}
	if err := answering(t, "echo started").Ready(); err == nil || !strings.Contains(err.Error(), `said "started\n", expected ready`) {
		t.Errorf("not ready: %v", err)
	}
}
