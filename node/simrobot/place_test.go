package simrobot

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"guidedpolicysearch/msgs/guided_policy_search_msgs"
	"guidedpolicysearch/node/rostype"
	"guidedpolicysearch/node/transport"
)

// TestPlace puts robots that had other lives, one with an object, to the same place: from there on
// they read the same, through noise, latency and losses. The first reading is of the place.
func TestPlace(t *testing.T) {
	c := still(2)
	c.Scene.Sensors = []string{"place"}
	c.PositionNoise, c.VelocityNoise, c.StampJitter = []float64{1e-3, 1e-3}, []float64{1e-2, 1e-2}, time.Millisecond
	c.StateLatency, c.CommandLatency, c.StateLoss, c.CommandLoss = time.Duration(3*step), time.Duration(2*step), 0.2, 0.3
	at := []float64{0.7, -0.4}
	life := func(steps int, effort float64, seed uint64) (readings []Reading) {
		plant, err := c.Simulator()
		if err != nil {
			t.Fatal(err)
		}
		r, err := newRobot(c, &counted{Simulator: plant})
		if err != nil {
			t.Fatal(err)
		}
		await(t, r)
		for range steps {
			exchange(t, r, []float64{effort, -effort})
		}
		if err := r.Place(at, seed); err != nil {
			t.Fatal(err)
		}
		var first int64
		for k := range 60 {
			reading := exchange(t, r, []float64{0.1 * float64(k), 0.2})
			if k == 0 {
				first = reading.Stamp
				for i, q := range at {
					if math.Abs(reading.Position[i]-q) > 6e-3 || math.Abs(reading.Velocity[i]) > 6e-2 || reading.Sensors[0] != 0 {
						t.Errorf("it reads %+v where it was placed at %v", reading, at)
					}
				}
			}
			copied := Reading{Stamp: reading.Stamp - first, Position: slices.Clone(reading.Position), Velocity: slices.Clone(reading.Velocity), Sensors: slices.Clone(reading.Sensors)}
			readings = append(readings, copied)
		}
		return readings
	}
	same := func(a, b []Reading) bool {
		return slices.EqualFunc(a, b, func(a, b Reading) bool {
			return a.Stamp == b.Stamp && slices.Equal(a.Position, b.Position) && slices.Equal(a.Velocity, b.Velocity) && slices.Equal(a.Sensors, b.Sensors)
		})
	}
	want := life(1, 0, 9)
	for _, steps := range []int{2, 7, 40} {
		if !same(life(steps, 2, 9), want) {
			t.Errorf("after %d time steps elsewhere it reads otherwise", steps)
		}
	}
	if same(life(1, 0, 10), want) {
		t.Error("another seed gives the same noise")
	}
}

func TestPlaceRefuses(t *testing.T) {
	r := open(t, still(2))
	for _, c := range []struct {
		position []float64
		want     string
	}{
		{[]float64{1}, "1 positions, expected 2"},
		{[]float64{1, 2, 3}, "3 positions, expected 2"},
		{[]float64{1, math.NaN()}, "NaN for joint"},
		{[]float64{math.Inf(1), 0}, "+Inf for joint"},
	} {
		if err := r.Place(c.position, 1); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%v: %v, want %q", c.position, err, c.want)
		}
	}
	if r.placement.due {
		t.Error("it will be placed all the same")
	}
}

// TestPlaceService asks for it as a service.
func TestPlaceService(t *testing.T) {
	b := newBus(t)
	d := b.driver(still(1))
	client, err := b.outside.Client("/sim_robot/place", rostype.Of(new(guided_policy_search_msgs.PlaceRobot)), transport.ServiceQoS())
	if err != nil {
		t.Fatal(err)
	}
	ask := func(request []byte) (answer guided_policy_search_msgs.PlaceRobot_Response) {
		t.Helper()
		response, err := client.Call(t.Context(), request)
		if err == nil {
			err = answer.UnmarshalCDR(response)
		}
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	place := func(position ...float64) []byte {
		return (&guided_policy_search_msgs.PlaceRobot_Request{Position: position, Seed: 3}).AppendCDR(nil)
	}
	if a := ask(place(1, 2)); a.Success || !strings.Contains(a.Message, "2 positions, expected 1") || d.robot.placement.due {
		t.Errorf("%+v, want a refusal", a)
	}
	if a := ask([]byte{0, 1, 0, 0, 9}); a.Success || a.Message == "" {
		t.Errorf("%+v for half a request", a)
	}
	if a := ask(place(0.25)); !a.Success || a.Message != "" {
		t.Errorf("%+v, want success", a)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	await(t, d.robot)
	if reading, err := d.robot.Exchange([]float64{5}); err != nil || reading.Position[0] != 0.25 || reading.Velocity[0] != 0 {
		t.Errorf("it is at %+v, want 0.25 at rest: %v", reading, err)
	}
}
