package trajectory

import (
	"errors"
	"io"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"
)

var joints = []string{"shoulder", "arm.elbow"}

const sample = `arm.elbow.position, time,shoulder.position,shoulder.velocity,arm.elbow.velocity
-1,0.0,1,10,-10

-2,0.1,2e0, 20 ,-20
"-3",0.25,3,30,-30
`

func TestReadCSV(t *testing.T) {
	want := &Trajectory{Time: []float64{0, 0.1, 0.25}, Position: []float64{1, -1, 2, -2, 3, -3}, Velocity: []float64{10, -10, 20, -20, 30, -30}}
	for name, text := range map[string]string{"plain": sample, "BOM and CRLF": "\ufeff" + strings.ReplaceAll(sample, "\n", "\r\n")} {
		got, err := ReadCSV(strings.NewReader(text), joints)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, want)
		}
	}
	got, err := ReadCSV(strings.NewReader("time,a.position,a.effort\n0,1,2\n1,3,4"), []string{"a"})
	if err != nil || !reflect.DeepEqual(got, &Trajectory{Time: []float64{0, 1}, Position: []float64{1, 3}, Effort: []float64{2, 4}}) {
		t.Errorf("with efforts: %+v, %v", got, err)
	}
}

func TestReadCSVErrors(t *testing.T) {
	one := func(rows string) string { return "time,a.position\n" + rows }
	for _, c := range []struct{ name, text, want string }{
		{"empty", "", "empty"},
		{"header only", one(""), "0 rows"},
		{"one row", one("0,1\n"), "1 rows"},
		{"text", one("0,1\n1,fast\n"), `line 3 column 3: "fast" in column a.position`},
		{"nothing", one("0,1\n1,\n"), "line 3 column 3: \"\""},
		{"NaN", one("0,1\n1,NaN\n"), "line 3 column 3"},
		{"infinite", one("0,1\n1,1e999\n"), "line 3 column 3"},
		{"equal stamps", one("0,1\n0.5,2\n0.5,3\n"), "line 4 column 1: time is 0.5 s, need more than"},
		{"falling stamps", one("0,1\n-1,2\n"), "line 3 column 1"},
		{"short row", one("0,1\n1\n"), "line 3 has 1 values, need 2"},
		{"long row", one("0,1\n1,2,3\n"), "line 3 has 3 values, need 2"},
		{"quote", one("0,1\n1,\"2\n"), "line"},
		{"no time", "a.position\n1\n2\n", "no column time"},
		{"no position", "time,a.velocity\n0,1\n1,2\n", "no column a.position"},
		{"unknown", "time,a.position,a.torque\n", `line 1 column 17: column "a.torque"`},
		{"other joint", "time,a.position,b.position\n", `column "b.position"`},
		{"twice", "time,a.position,a.position\n", "twice"},
		{"no header", "0,1\n1,2\n", `column "0"`},
	} {
		_, err := ReadCSV(strings.NewReader(c.text), []string{"a"})
		if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	_, err := ReadCSV(strings.NewReader("time,shoulder.position,arm.elbow.position,shoulder.effort\n"), joints)
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "arm.elbow.effort: the effort of all joints or of none is needed") {
		t.Errorf("half of the efforts: %v", err)
	}
	broken := errors.New("disk")
	if _, err := ReadCSV(io.MultiReader(strings.NewReader(one("0,1\n")), iotest.ErrReader(broken)), []string{"a"}); !errors.Is(err, broken) {
		t.Errorf("a reader that breaks off: %v", err)
	}
}

// endless is a file that never ends.
type endless struct{ text string }

func (e endless) Read(p []byte) (int, error) { return copy(p, e.text), nil }

func TestReadCSVIsBounded(t *testing.T) {
	rows := io.MultiReader(strings.NewReader("time,a.position\n"), &counting{})
	if _, err := ReadCSV(rows, []string{"a"}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "rows") {
		t.Errorf("endless rows: %v", err)
	}
	blank := io.MultiReader(strings.NewReader("time,a.position\n"), endless{strings.Repeat("\n", 4096)})
	if _, err := ReadCSV(blank, []string{"a"}); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "bytes") {
		t.Errorf("endless blank lines: %v", err)
	}
}

// counting writes rows 1,0 2,0 3,0 ... of equal length.
type counting struct{ n int }

func (c *counting) Read(p []byte) (int, error) {
	const width = 10
	i := 0
	for ; i+width <= len(p); i += width {
		c.n++
		copy(p[i:], "0000000,0\n")
		for k, v := i+6, c.n; v > 0; k, v = k-1, v/10 {
			p[k] = byte('0' + v%10)
		}
	}
	return i, nil
}

func FuzzReadCSV(f *testing.F) {
	f.Add(sample)
	f.Add("time,shoulder.position,arm.elbow.position,shoulder.effort,arm.elbow.effort\n0,1,2,3,4\n1,2,3,4,5\n")
	f.Add("time,shoulder.position,arm.elbow.position\n0,1,2\n0,1,2\n")
	f.Add("\ufefftime,\"shoulder.position\n\",x")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ReadCSV(strings.NewReader(text), joints)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Fatalf("error %v, want ErrFormat", err)
			}
			return
		}
		n := len(got.Time)
		if n < 2 || len(got.Position) != 2*n || got.Velocity != nil && len(got.Velocity) != 2*n || got.Effort != nil && len(got.Effort) != 2*n {
			t.Fatalf("%d rows, %d positions, %d velocities, %d efforts", n, len(got.Position), len(got.Velocity), len(got.Effort))
		}
		for _, part := range [][]float64{got.Time, got.Position, got.Velocity, got.Effort} {
			for _, v := range part {
				if math.IsNaN(v) || math.IsInf(v, 0) {
					t.Fatalf("value %v", v)
				}
			}
		}
		for i := 1; i < n; i++ {
			if got.Time[i] <= got.Time[i-1] {
				t.Fatalf("stamps %v", got.Time)
			}
		}
	})
}
