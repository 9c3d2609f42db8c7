package simrobot

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
)

// counted is a point that has an object with it: one that moves by 1 in each time step, and
// goes back to 0.
type counted struct {
	Simulator
	place float64
}

func (c *counted) SensorSize(name string) (int, error) {
	switch name {
	case "place":
		return 1, nil
	case "shadow":
		return 2, nil
	}
	return 0, fmt.Errorf("no sensor %q", name)
}

func (c *counted) ReadSensor(dst []float64, name string) error {
	dst[0] = c.place
	if name == "shadow" {
		dst[1] = -c.place
	}
	return nil
}

func (c *counted) ResetObjects() error {
	c.place = 0
	return nil
}

func (c *counted) Step(u []float64) error {
	c.place++
	return c.Simulator.Step(u)
}

// TestSensors: they are of the moment of the joints' measurement, in the order asked for, and
// objects go back before the next time step.
func TestSensors(t *testing.T) {
	c := still(1)
	c.Scene.Sensors = []string{"shadow", "place"}
	c.StateLatency = time.Duration(2 * step)
	plant, err := c.Simulator()
	if err != nil {
		t.Fatal(err)
	}
	r, err := newRobot(c, &counted{Simulator: plant})
	if err != nil {
		t.Fatal(err)
	}
	want := func(reading *Reading, place float64) {
		t.Helper()
		if got := reading.Sensors; !slices.Equal(got, []float64{place, -place, place}) {
			t.Errorf("sensors %v, want %v twice", got, place)
		}
		if !slices.Equal(r.Sensor(reading, 0), reading.Sensors[:2]) || !slices.Equal(r.Sensor(reading, 1), reading.Sensors[2:]) {
			t.Error("a sensor has numbers of another")
		}
	}
	want(await(t, r), 0)
	for _, place := range []float64{0, 0, 1, 2} {
		want(exchange(t, r, []float64{0}), place)
	}
	if !r.ResetObjects() {
		t.Error("there are no objects")
	}
	for _, place := range []float64{3, 4, 1, 2} { // what was measured before comes out first
		want(exchange(t, r, []float64{0}), place)
	}
	if open(t, still(1)).ResetObjects() {
		t.Error("an arm alone has objects")
	}
	c.Scene.Sensors = []string{"smell"}
	if _, err := newRobot(c, &counted{Simulator: plant}); err == nil {
		t.Error("a sensor that is not there was taken")
	}
}

// TestPusher pushes an object of a MuJoCo scene away, and has it put back while the arm stays
// where it is.
func TestPusher(t *testing.T) {
	if !mujoco.Built {
		t.Skip("needs a build with MuJoCo: cgo, libmujoco-dev, and no tag nomujoco")
	}
	c := sized(PlantConfig{Type: "mujoco"}, 3)
	c.InitialPosition = []float64{-1.2, 1.2, 0.6}
	c.Scene = SceneConfig{Model: models.URI("planar_pusher.xml"), Sensors: []string{"object_velocity", "object_position"}}
	r := open(t, c)
	object := func(reading *Reading) []float64 { return slices.Clone(r.Sensor(reading, 1)) }
	reading := await(t, r)
	if !slices.Equal(reading.Position, c.InitialPosition) {
		t.Fatalf("the arm begins at %v, want %v", reading.Position, c.InitialPosition)
	}
	place := object(reading)
	u := make([]float64, 3)
	for k := range 150 {
		// The fingertip goes towards the object and beyond.
		for i, goal := range []float64{-1.2 + 0.006*float64(k), 1.6, 0.6} {
			u[i] = 20*(goal-reading.Position[i]) - 2*reading.Velocity[i]
		}
		reading = exchange(t, r, u)
	}
	moved := object(reading)
	if math.Hypot(moved[0]-place[0], moved[1]-place[1]) < 0.02 {
		t.Fatalf("the object went from %v to %v, want it pushed", place, moved)
	}
	before := slices.Clone(reading.Position)
	r.ResetObjects()
	reading = exchange(t, r, []float64{0, 0, 0})
	if back := object(reading); math.Hypot(back[0]-place[0], back[1]-place[1]) > 1e-3 {
		t.Errorf("the object is put back to %v, want %v", back, place)
	}
	for i, q := range reading.Position {
		if math.Abs(q-before[i]) > 0.05 {
			t.Errorf("joint %d went from %v to %v when the object was put back", i+1, before[i], q)
		}
	}
}
