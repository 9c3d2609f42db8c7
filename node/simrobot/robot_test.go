package simrobot

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"guidedpolicysearch/hardware/models"
	"guidedpolicysearch/hardware/mujoco"
	"guidedpolicysearch/node/params"
)

// plants are configurations of all plants in lock step, each with a time step of 10 ms.
func plants() map[string]Config {
	all := map[string]Config{}
	for name, plant := range map[string]PlantConfig{
		"planar_arm":  {Type: "planar_arm", Lengths: []float64{0.5, 0.5}, Masses: []float64{1, 1}, Damping: []float64{0.5, 0.5}, Gravity: 9.81},
		"pendulum":    {Type: "pendulum", Lengths: []float64{1}, Masses: []float64{1}, Damping: []float64{0.1}, Gravity: 9.81},
		"cart_pole":   {Type: "cart_pole", Lengths: []float64{0.9}, Masses: []float64{1, 0.2}, Damping: []float64{0.1, 0.02}, Gravity: 9.81},
		"point_mass":  {Type: "point_mass", Masses: []float64{2}, Damping: []float64{0.3}},
		"coupled_arm": {Type: "coupled_arm"},
	} {
		joints := map[string]int{"pendulum": 1, "coupled_arm": 7}[name]
		if joints == 0 {
			joints = 2
		}
		all[name] = sized(plant, joints)
	}
	if mujoco.Built {
		arm := sized(PlantConfig{Type: "mujoco"}, 7)
		arm.Scene = SceneConfig{Model: models.URI("arm7.xml"), Sensors: []string{"tool_position"}}
		pusher := sized(PlantConfig{Type: "mujoco"}, 3)
		pusher.Scene = SceneConfig{Model: models.URI("planar_pusher.xml"), Sensors: []string{"object_angle", "object_position"}}
		all["mujoco arm"], all["mujoco pusher"] = arm, pusher
	}
	return all
}

func sized(plant PlantConfig, joints int) Config {
	c := DefaultConfig()
	c.TimeStep, c.Substeps, c.Plant, c.Joints, c.InitialPosition = 0.01, 2, plant, nil, nil
	for i := range joints {
		c.Joints = append(c.Joints, "joint"+string(rune('1'+i)))
		c.InitialPosition = append(c.InitialPosition, 0.1*float64(i+1))
	}
	return c
}

func open(t testing.TB, c Config) *Robot {
	t.Helper()
	r, err := NewRobot(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

// motion is what a plant does without a driver: its states from the initial one on, under
// efforts that are held for one time step each.
func motion(t testing.TB, c Config, efforts [][]float64) (positions, velocities [][]float64) {
	t.Helper()
	s, err := c.NewSimulator()
	if err != nil {
		t.Fatal(err)
	}
	defer closePlant(s)
	note := func() {
		positions, velocities = append(positions, slices.Clone(s.Positions())), append(velocities, slices.Clone(s.Velocities()))
	}
	note()
	for _, u := range efforts {
		if err := s.Step(u); err != nil {
			t.Fatal(err)
		}
		note()
	}
	return positions, velocities
}

// efforts are random, n of them; before the first there are some of zero.
func efforts(t testing.TB, c Config, zeros, n int) [][]float64 {
	t.Helper()
	s, err := c.NewSimulator()
	if err != nil {
		t.Fatal(err)
	}
	defer closePlant(s)
	_, nU := s.Dims()
	rng := rand.New(rand.NewPCG(8, 9))
	list := make([][]float64, zeros+n)
	for k := range list {
		list[k] = make([]float64, nU)
		for i := range list[k] {
			if k >= zeros {
				list[k][i] = 4 * (rng.Float64() - 0.5)
			}
		}
	}
	return list
}

func wantReading(t *testing.T, r *Reading, stamp int64, position, velocity []float64) {
	t.Helper()
	if r.Stamp != stamp || !slices.Equal(r.Position, position) || !slices.Equal(r.Velocity, velocity) {
		t.Fatalf("at %d: position %v, velocity %v; want at %d: %v, %v", r.Stamp, r.Position, r.Velocity, stamp, position, velocity)
	}
}

// await returns the first reading.
func await(t testing.TB, r *Robot) *Reading {
	t.Helper()
	reading, err := r.Await()
	if err != nil {
		t.Fatal(err)
	}
	return reading
}

func exchange(t testing.TB, r *Robot, u []float64) *Reading {
	t.Helper()
	reading, err := r.Exchange(u)
	if err != nil {
		t.Fatal(err)
	}
	return reading
}

const step = int64(10 * time.Millisecond)

// TestPlain: where nothing is asked of the driver, readings are the plant's states, bit by bit.
func TestPlain(t *testing.T) {
	for name, c := range plants() {
		t.Run(name, func(t *testing.T) {
			u := efforts(t, c, 0, 40)
			position, velocity := motion(t, c, u)
			r := open(t, c)
			wantReading(t, await(t, r), 0, position[0], velocity[0])
			for k := range u {
				wantReading(t, exchange(t, r, u[k]), int64(k+1)*step, position[k+1], velocity[k+1])
			}
		})
	}
}

// TestRateAndLatency: with joint states every k-th time step, late by s time steps, and
// commands late by d: each reading is the plant's state of s time steps ago, under efforts
// that each act d time steps after they were given.
func TestRateAndLatency(t *testing.T) {
	for name, c := range plants() {
		for _, v := range []struct{ k, s, d int }{{1, 0, 0}, {4, 0, 0}, {1, 3, 0}, {1, 0, 2}, {1, 5, 5}, {3, 6, 1}, {3, 7, 4}, {4, 2, 11}} {
			c.StateRate = 100 / float64(v.k)
			if v.k == 1 {
				c.StateRate = 0
			}
			c.StateLatency, c.CommandLatency = time.Duration(int64(v.s)*step), time.Duration(int64(v.d)*step)
			r := open(t, c)
			given := efforts(t, c, 0, 12)
			// Readings are measured at the multiples of k and come out s time steps later; until
			// the first one comes out after the start, there is no command, and brakes hold the arm.
			first := v.s % v.k
			zero := make([]float64, len(given[0]))
			var u [][]float64
			for range v.d {
				u = append(u, zero)
			}
			for _, g := range given {
				for range v.k {
					u = append(u, g)
				}
			}
			position, velocity := motion(t, c, u)
			for range first {
				position, velocity = slices.Insert(position, 0, position[0]), slices.Insert(velocity, 0, velocity[0])
			}
			before := v.s / v.k * v.k // time steps between the first measurement and the start
			reading := await(t, r)
			for n := range given {
				at := n*v.k - before // when it was measured
				wantReading(t, reading, int64(n*v.k)*step, position[max(at, 0)], velocity[max(at, 0)])
				if now := r.now(); now != int64(first+n*v.k)*step {
					t.Fatalf("%s %+v: reading %d comes out at %d ns, want time step %d", name, v, n, now, first+n*v.k)
				}
				reading = exchange(t, r, given[n])
			}
		}
	}
}

// still is a point that does not move.
func still(joints int) Config {
	c := sized(PlantConfig{Type: "planar_arm", Lengths: make([]float64, joints), Masses: make([]float64, joints), Damping: make([]float64, joints)}, joints)
	for i := range joints {
		c.Plant.Lengths[i], c.Plant.Masses[i], c.Plant.Damping[i] = 0.5, 1, 1
	}
	return c
}

// TestNoise holds the noise of an arm at rest to its standard deviations: n s^2 / sigma^2 is
// chi-square distributed with n degrees of freedom, of mean n and variance 2 n; the bound is
// five standard deviations. Neighbours are not correlated.
func TestNoise(t *testing.T) {
	c := still(2)
	c.PositionNoise, c.VelocityNoise = []float64{1e-3, 0}, []float64{0.02, 0.5}
	c.Seed = 3
	r := open(t, c)
	const n = 20_000
	errs := make([][]float64, 4)
	u := make([]float64, 2)
	for range n {
		reading := exchange(t, r, u)
		for i := range 2 {
			errs[i] = append(errs[i], reading.Position[i]-c.InitialPosition[i])
			errs[2+i] = append(errs[2+i], reading.Velocity[i])
		}
	}
	for i, sigma := range []float64{1e-3, 0, 0.02, 0.5} {
		if sigma == 0 {
			if slices.ContainsFunc(errs[i], func(v float64) bool { return v != 0 }) {
				t.Errorf("channel %d: noise without being asked for", i)
			}
			continue
		}
		sum, squares, lagged, across := 0.0, 0.0, 0.0, 0.0
		other := (i + 2) % 4 // the same joint's, of the other kind
		if i == 3 {
			other = 2
		}
		for k, v := range errs[i] {
			z := v / sigma
			sum, squares = sum+z, squares+z*z
			if k > 0 {
				lagged += z * errs[i][k-1] / sigma
			}
			across += z * errs[other][k] / []float64{1e-3, 0, 0.02, 0.5}[other]
		}
		if math.Abs(squares-n) > 5*math.Sqrt(2*n) || math.Abs(sum) > 5*math.Sqrt(n) || math.Abs(lagged) > 5*math.Sqrt(n) {
			t.Errorf("channel %d: sum of squares %.0f, sum %.0f, of neighbours' products %.0f; want %d, 0, 0 within five deviations", i, squares, sum, lagged, n)
		}
		if math.Abs(across) > 5*math.Sqrt(n) {
			t.Errorf("channels %d and %d are correlated: %.0f", i, other, across)
		}
	}
}

// TestNoiseStreams: what is drawn for one does not depend on what is drawn for another.
func TestNoiseStreams(t *testing.T) {
	c := still(1)
	c.VelocityNoise = []float64{1}
	alone := open(t, c)
	c.PositionNoise, c.StampJitter, c.CommandLoss = []float64{1}, time.Millisecond, 0.5
	both := open(t, c)
	for range 20 {
		if a, b := exchange(t, alone, []float64{0}), exchange(t, both, []float64{0}); a.Velocity[0] != b.Velocity[0] {
			t.Fatalf("velocity %v alone and %v beside other noise", a.Velocity[0], b.Velocity[0])
		}
	}
}

// TestEncoder: positions are whole counts, the nearest to the truth, and velocities the
// difference of two of them.
func TestEncoder(t *testing.T) {
	c := plants()["planar_arm"]
	c.EncoderResolution = []float64{2 * math.Pi / 4096, 0}
	c.Velocity, c.StateRate = VelocityDifference, 50
	r := open(t, c)
	given := efforts(t, c, 0, 50)
	var u [][]float64
	for _, g := range given {
		u = append(u, g, g)
	}
	position, _ := motion(t, c, u)
	reading := await(t, r)
	last := slices.Clone(reading.Position)
	if reading.Velocity[0] != 0 || reading.Velocity[1] != 0 {
		t.Errorf("velocity %v before there is a difference, want 0", reading.Velocity)
	}
	moved := false
	for n, g := range given {
		reading = exchange(t, r, g)
		truth := position[2*n+2]
		counts := reading.Position[0] / c.EncoderResolution[0]
		if math.Abs(counts-math.Round(counts)) > 1e-9 || math.Abs(reading.Position[0]-truth[0]) > c.EncoderResolution[0]/2*(1+1e-9) {
			t.Fatalf("position %v of %v: %v counts", reading.Position[0], truth[0], counts)
		}
		if reading.Position[1] != truth[1] {
			t.Fatalf("joint 2 has no encoder, and reads %v instead of %v", reading.Position[1], truth[1])
		}
		for i, q := range reading.Position {
			if want := (q - last[i]) / 0.02; math.Abs(reading.Velocity[i]-want) > 1e-9 {
				t.Fatalf("velocity %v, want %v", reading.Velocity[i], want)
			}
			moved = moved || q != last[i]
		}
		copy(last, reading.Position)
	}
	if !moved {
		t.Error("nothing moved")
	}
	c.Velocity = VelocityNone
	if got := await(t, open(t, c)); len(got.Velocity) != 0 {
		t.Errorf("velocities %v, want none", got.Velocity)
	}
}

// TestLosses: lost readings leave a gap in the stamps, in which the effort holds; a lost
// command leaves the one before in force. The rates are binomial, within five deviations.
func TestLosses(t *testing.T) {
	const n, loss = 4000, 0.3
	bound := 5 * math.Sqrt(n*loss*(1-loss))
	c := still(1)
	c.InitialPosition = []float64{0}
	c.StateLoss = loss
	r := open(t, c)
	last := await(t, r).Stamp
	gaps := 0
	for r.step < n {
		stamp := exchange(t, r, []float64{0}).Stamp
		if stamp <= last || stamp%step != 0 {
			t.Fatalf("stamp %d after %d", stamp, last)
		}
		gaps += int((stamp-last)/step) - 1
		last = stamp
	}
	if math.Abs(float64(gaps)-n*loss) > bound || r.losses.states < uint64(gaps) {
		t.Errorf("%d of %d joint states were lost (%d counted), want about %.0f", gaps, n, r.losses.states, n*loss)
	}
	c.StateLoss, c.StateLatency = 0.99, time.Duration(2*step)
	r = open(t, c)
	for k := range int64(3) { // what was measured before the start is there
		if stamp := await(t, r).Stamp; stamp != k*step {
			t.Errorf("the first readings have stamps %d, want 0, 10 and 20 ms", stamp)
		}
	}
	c.StateLoss, c.StateLatency, c.CommandLoss = 0, 0, loss
	r = open(t, c)
	kept, inForce := 0, 0.0
	for k := range n {
		u := float64(1 + k%7)
		exchange(t, r, []float64{u})
		switch r.effort[0] {
		case inForce:
			kept++
		case u:
		default:
			t.Fatalf("effort %v after the command %v and before it %v", r.effort[0], u, inForce)
		}
		inForce = r.effort[0]
	}
	// An accepted command may equal the one in force by chance, after 6 losses or more.
	if lost := float64(r.losses.commands); math.Abs(lost-n*loss) > bound || float64(kept) < lost || float64(kept) > lost+10 {
		t.Errorf("%v of %d commands were lost, and the effort was kept %d times, want about %.0f", lost, n, kept, n*loss)
	}
}

// TestJitter: stamps rise whatever the jitter, and a small one has its standard deviation.
func TestJitter(t *testing.T) {
	c := still(1)
	for _, jitter := range []time.Duration{100 * time.Microsecond, time.Second} {
		c.StampJitter = jitter
		r := open(t, c)
		const n = 5000
		last, squares := await(t, r).Stamp, 0.0
		for k := range n {
			stamp := exchange(t, r, []float64{0}).Stamp
			if stamp <= last {
				t.Fatalf("stamp %d after %d", stamp, last)
			}
			off := float64(stamp-int64(k+1)*step) / float64(jitter)
			squares, last = squares+off*off, stamp
		}
		if jitter < time.Millisecond && math.Abs(squares-n) > 5*math.Sqrt(2*n) {
			t.Errorf("sum of squares %.0f, want %d", squares, n)
		}
	}
}

// everything asks all of the driver at once.
func everything(c Config) Config {
	for range c.Joints {
		c.PositionNoise = append(c.PositionNoise, 1e-3)
		c.VelocityNoise = append(c.VelocityNoise, 1e-2)
		c.EncoderResolution = append(c.EncoderResolution, 1e-4)
	}
	c.StateRate, c.StateLatency, c.CommandLatency = 50, time.Duration(3*step), time.Duration(2*step)
	c.StateLoss, c.CommandLoss, c.StampJitter, c.Seed = 0.1, 0.2, time.Millisecond, 7
	c.StateOrder = append([]string{"gripper"}, c.Joints...)
	slices.Reverse(c.StateOrder)
	return c
}

// TestSeed: one seed gives the same bits, another one others.
func TestSeed(t *testing.T) {
	for name, c := range plants() {
		c = everything(c)
		u := efforts(t, c, 0, 30)
		run := func(seed uint64) (all []float64) {
			c.Seed = seed
			r := open(t, c)
			await(t, r)
			for _, v := range u {
				reading := exchange(t, r, v)
				all = append(append(append(append(all, float64(reading.Stamp)), reading.Position...), reading.Velocity...), reading.Sensors...)
			}
			return all
		}
		one := run(1)
		if !slices.Equal(one, run(1)) {
			t.Errorf("%s: two runs of one seed differ", name)
		}
		if slices.Equal(one, run(2)) {
			t.Errorf("%s: runs of two seeds are the same", name)
		}
	}
}

// TestExchangeDoesNotAllocate.
func TestExchangeDoesNotAllocate(t *testing.T) {
	for name, c := range plants() {
		c = everything(c)
		r := open(t, c)
		u := efforts(t, c, 0, 1)[0]
		clear(u)
		if n := testing.AllocsPerRun(50, func() { exchange(t, r, u) }); n != 0 {
			t.Errorf("%s: %v allocations, want 0", name, n)
		}
	}
}

// TestCommandsAtAnyTime compares what is in force in each time step with all commands that
// ever came, sorted by when they are due, however many there are and whenever they come.
func TestCommandsAtAnyTime(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		c := still(1)
		c.LockStep, c.CommandLatency = false, time.Duration(rng.Int64N(5*step))
		r := open(t, c)
		type given struct {
			due, effort float64
		}
		var all []given
		at, number := int64(0), 0.0
		for r.step < 50 {
			over := r.now() + step
			for at += rng.Int64N(2 * step); at < over; at += rng.Int64N(step) {
				number++
				r.take([]float64{number}, at)
				all = append(all, given{float64(at + int64(c.CommandLatency)), number})
			}
			want := 0.0
			for _, g := range all {
				if g.due < float64(over) {
					want = g.effort
				}
			}
			r.apply()
			if r.effort[0] != want {
				t.Fatalf("latency %v, time step %d: effort %v, want %v", c.CommandLatency, r.step, r.effort[0], want)
			}
			if err := r.advance(); err != nil {
				t.Fatal(err)
			}
			for r.arrived(r.now()) != nil {
			}
		}
		// Floods: from times that are over, and that have not come yet.
		for k := range r.step {
			r.take([]float64{1}, k*step)
		}
		for range 1000 {
			r.take([]float64{1}, rng.Int64N(1e15))
		}
	}
}

// TestMistakes: each is blamed on its parameter.
func TestMistakes(t *testing.T) {
	arm := still(2)
	for _, c := range []struct {
		key    string
		change func(*Config)
	}{
		{"state_rate", func(c *Config) { c.StateRate = 60 }},
		{"state_rate", func(c *Config) { c.StateRate = 200 }},
		{"state_rate", func(c *Config) { c.StateRate = 1e-300 }},
		{"state_order", func(c *Config) { c.StateOrder = []string{"joint1"} }},
		{"state_order", func(c *Config) { c.StateOrder = []string{"joint1", "joint2", "joint1"} }},
		{"state_order", func(c *Config) { c.StateOrder = []string{"joint1", "joint2", ""} }},
		{"position_noise", func(c *Config) { c.PositionNoise = []float64{1} }},
		{"velocity_noise", func(c *Config) { c.VelocityNoise = []float64{1, 2, 3} }},
		{"velocity_noise", func(c *Config) { c.VelocityNoise, c.Velocity = []float64{1, 2}, VelocityNone }},
		{"encoder_resolution", func(c *Config) { c.EncoderResolution = []float64{1} }},
		{"state_latency", func(c *Config) { c.StateLatency = 15 * time.Millisecond }},
		{"command_latency", func(c *Config) { c.CommandLatency = time.Nanosecond }},
		{"command_latency", func(c *Config) { c.TimeStep, c.CommandLatency = 1e-6, time.Second }},
		{"time_step", func(c *Config) { c.TimeStep = 1e-12 }},
		{"stamps", func(c *Config) { c.Stamps = SystemTime }},
		{"stamps", func(c *Config) { c.Stamps, c.LockStep, c.RealTimeFactor = SystemTime, false, 2 }},
		{"plant.model", func(c *Config) { c.Scene.Model = "arm.xml" }},
		{"plant.sensors", func(c *Config) { c.Scene.Sensors = []string{"object"} }},
		{"plant.model", func(c *Config) { c.Plant.Type = "mujoco" }},
		{"plant.model", func(c *Config) { c.Plant.Type, c.Scene.Model = "mujoco", "nowhere.xml" }},
		{"plant.model", func(c *Config) { c.Plant.Type, c.Scene.Model = "mujoco", models.URI("planar_pusher.urdf") }},
		{"plant.model", func(c *Config) {
			c.Plant.Type, c.Scene.Model, c.Joints = "mujoco", models.URI("planar_pusher.xml"), []string{"joint1", "elbow"}
		}},
		{"plant.sensors", func(c *Config) {
			c.Plant.Type, c.Scene = "mujoco", SceneConfig{Model: models.URI("planar_pusher.xml"), Sensors: []string{"objekt"}}
		}},
		{"plant.max_effort", func(c *Config) {
			c.Plant.Type, c.Scene.Model, c.Plant.MaxEffort = "mujoco", models.URI("planar_pusher.xml"), []float64{1, 1}
		}},
		{"initial_position", func(c *Config) { c.InitialPosition = []float64{1} }},
	} {
		cfg := arm
		c.change(&cfg)
		key := c.key
		if cfg.Plant.Type == mujocoType && !mujoco.Built {
			key = "plant.type"
		}
		err := cfg.Validate()
		var field params.FieldError
		if !errors.As(err, &field) || field.Key != key {
			t.Errorf("%+v: %v, want %s blamed", cfg.DriverConfig, err, key)
		}
	}
	if err := arm.Validate(); err != nil {
		t.Error(err)
	}
}
