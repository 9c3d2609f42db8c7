package plots

import (
	"errors"
	"image/color"
	"io"
	"math"
	"path/filepath"
	"testing"
)

// The best descent is drawn in its colour, the others and the reference in theirs, if they
// are there.
func TestDescents(t *testing.T) {
	d := &Descents{Title: "swing-up", Costs: [][]float64{{400, 200, 150}, {400, 120, 100}, {math.NaN(), math.NaN()}}, Best: 1, Reference: 99, ReferenceName: "best known"}
	m := decoded(t, d.WritePNG)
	for name, c := range map[string]color.NRGBA{"best": blue, "others": band, "reference": grey} {
		if n := count(m, c, 0, height); n < 200 {
			t.Errorf("%s: %d pixels", name, n)
		}
	}
	alone := &Descents{Costs: [][]float64{{400, 3, 2, 1}}, Reference: math.NaN()} // logarithmic
	if with, without := count(m, band, 0, height), count(decoded(t, alone.WritePNG), band, 0, height); with < without+500 {
		t.Errorf("%d pixels with other descents, %d without", with, without) // the best's edges are pale too
	}
	if err := (&Descents{Costs: [][]float64{{math.NaN()}, nil}, Reference: math.NaN()}).WritePNG(io.Discard); !errors.Is(err, ErrNothing) {
		t.Errorf("%v, want ErrNothing", err)
	}
	if err := d.Save(filepath.Join(t.TempDir(), "curve.png")); err != nil {
		t.Error(err)
	}
	if err := d.Save(filepath.Join(t.TempDir(), "missing", "curve.png")); err == nil {
		t.Error("saved in a folder that is not there")
	}
}

// Every panel holds its lines; limits are dashed on both sides.
func TestTrajectory(t *testing.T) {
	wave := make([]float64, 50)
	for i := range wave {
		wave[i] = math.Sin(float64(i) / 8)
	}
	picture := func(limit float64) *Trajectory {
		return &Trajectory{Title: "pendulum", TimeStep: 0.05, Panels: []TrajectoryPanel{
			{Label: "position (rad)", Series: []Series{{Name: "joint1", Values: wave}, {Name: "joint2", Values: wave[:25]}}},
			{Label: "effort (N m)", Series: []Series{{Name: "joint1", Values: wave[:49], Limit: limit, Held: true}}},
		}}
	}
	free, bounded := decoded(t, picture(0).WritePNG), decoded(t, picture(0.8).WritePNG)
	for y := 0; y < height; y += height / 2 {
		if n := count(free, blue, y, y+height/2); n < 200 {
			t.Errorf("%d pixels of the line from row %d on", n, y)
		}
	}
	if n := count(free, green, 0, height/2); n < 100 {
		t.Errorf("%d pixels of the second joint", n)
	}
	if without, with := count(free, grey, height/2, height), count(bounded, grey, height/2, height); with < without+200 {
		t.Errorf("%d grey pixels without limits, %d with", without, with)
	}
	if n := count(decoded(t, picture(math.Inf(1)).WritePNG), grey, height/2, height); n != count(free, grey, height/2, height) {
		t.Error("an infinite limit is drawn")
	}
	for name, p := range map[string]*Trajectory{"no panel": {}, "one value": {Panels: []TrajectoryPanel{{Series: []Series{{Values: wave[:1]}}}}}} {
		if err := p.WritePNG(io.Discard); !errors.Is(err, ErrNothing) {
			t.Errorf("%s: %v, want ErrNothing", name, err)
		}
	}
}
