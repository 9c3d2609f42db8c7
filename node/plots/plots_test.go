package plots

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
)

func arm() *LearningCurve {
	c := &LearningCurve{Title: "planar arm, seed 7", ReferenceName: "reference",
		Reference: []float64{445, 245, 93.9, 56.8, 42.6, 35.0, 30.3, 27.1, 24.7, 22.8}}
	for i, r := range c.Reference {
		mean := r * math.Pow(0.9, float64(i+1))
		c.Points = append(c.Points, Point{Iteration: i + 1, Mean: mean, Best: 0.8 * mean, Worst: 1.3 * mean, Error: 0.8 / float64(i*i+1)})
	}
	return c
}

// count returns how many pixels of rows y0 to y1 have about a colour.
func count(m image.Image, want color.NRGBA, y0, y1 int) int {
	n := 0
	for y := y0; y < y1; y++ {
		for x := range width {
			c := color.NRGBAModel.Convert(m.At(x, y)).(color.NRGBA)
			if near(c.R, want.R) && near(c.G, want.G) && near(c.B, want.B) {
				n++
			}
		}
	}
	return n
}

func near(a, b uint8) bool { return math.Abs(float64(a)-float64(b)) < 8 }

func render(t *testing.T, c *LearningCurve) image.Image {
	t.Helper()
	return decoded(t, c.WritePNG)
}

// decoded returns the picture that write makes, which has to have the usual size in pixels.
func decoded(t *testing.T, write func(io.Writer) error) image.Image {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b); err != nil {
		t.Fatal(err)
	}
	m, err := png.Decode(&b)
	if err != nil {
		t.Fatal(err)
	}
	if size := m.Bounds().Size(); size.X != width || size.Y != height {
		t.Fatalf("size is %v, want %d x %d", size, width, height)
	}
	return m
}

func TestPanels(t *testing.T) {
	unknown, narrow, bare := arm(), arm(), arm()
	for i := range unknown.Points {
		unknown.Points[i].Error = math.NaN()
		bare.Points[i].Best = math.Inf(1)
		narrow.Points[i].Mean, narrow.Points[i].Best, narrow.Points[i].Worst = 20, 19, 22
	}
	bare.Reference = nil
	narrow.Reference = nil
	first := arm()
	first.Points, first.Reference = first.Points[:1], nil
	for name, c := range map[string]struct {
		curve                     *LearningCurve
		band, dashes, errorsBelow bool
	}{
		"all":       {arm(), true, true, true},
		"no error":  {unknown, true, true, false},
		"linear":    {narrow, true, false, true},
		"bare":      {bare, false, false, true},
		"one point": {first, false, false, true},
	} {
		m := render(t, c.curve)
		if count(m, blue, 0, height) < 50 {
			t.Errorf("%s: no mean curve", name)
		}
		if got := count(m, band, 0, height) > 2000; got != c.band {
			t.Errorf("%s: band drawn is %v, want %v", name, got, c.band)
		}
		// Labels are black; their soft edges make a little grey everywhere.
		if got := count(m, grey, 100, 480) > 300; got != c.dashes {
			t.Errorf("%s: reference drawn is %v, want %v", name, got, c.dashes)
		}
		if got := count(m, green, 2*height/3, height) > 50; got != c.errorsBelow {
			t.Errorf("%s: error drawn below is %v, want %v", name, got, c.errorsBelow)
		}
	}
}

func TestNothing(t *testing.T) {
	for _, c := range []*LearningCurve{{}, {Points: []Point{{Iteration: 1, Mean: math.NaN()}}, Reference: []float64{1, 2}}} {
		if err := c.WritePNG(&bytes.Buffer{}); !errors.Is(err, ErrNothing) {
			t.Errorf("error is %v, want ErrNothing", err)
		}
	}
}

func TestSave(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "learning.png")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := arm().Save(path); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := png.Decode(bytes.NewReader(data)); err != nil {
		t.Error(err)
	}
	if err := arm().Save(filepath.Join(dir, "none", "learning.png")); err == nil {
		t.Error("no error for a folder that does not exist")
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%d files left (%v), want 1", len(entries), err)
	}
}

func TestTicks(t *testing.T) {
	labels := func(lo, hi float64) string {
		var out []string
		for _, m := range (logTicks{}).Ticks(math.Log10(lo), math.Log10(hi)) {
			if m.Label != "" {
				out = append(out, m.Label)
			}
		}
		return fmt.Sprint(out)
	}
	if got := labels(4, 450); got != "[5 10 20 50 100 200]" {
		t.Errorf("labels are %s", got)
	}
	if got := labels(1e-3, 1e6); got != "[0.001 0.01 0.1 1 10 100 1000 10000 100000 1e+06]" {
		t.Errorf("labels are %s", got)
	}
	for _, c := range []struct{ last, first, step, n int }{{10, 1, 1, 10}, {30, 2, 2, 15}, {1000, 50, 50, 20}} {
		ticks := (iterationTicks{}).Ticks(0.75, float64(c.last)+0.25)
		if len(ticks) != c.n || ticks[0].Value != float64(c.first) || ticks[1].Value-ticks[0].Value != float64(c.step) {
			t.Errorf("%d iterations: %d ticks from %v", c.last, len(ticks), ticks[0].Value)
		}
	}
}
