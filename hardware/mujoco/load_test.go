//go:build cgo && !nomujoco

package mujoco

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

const rod = `<body name="rod"><joint name="j" axis="0 1 0"/><geom size="0.1 0.2" type="capsule"/></body>`

func TestModelsThatDoNotLoad(t *testing.T) {
	world := func(bodies, actuators string) string {
		return "<mujoco>\n<worldbody>" + bodies + "</worldbody>\n<actuator>" + actuators + "</actuator>\n</mujoco>"
	}
	const motor = `<motor name="m" joint="j"/>`
	if err := loadError(world(rod, motor), Config{}); err != nil {
		t.Fatalf("what the others are derived from does not load: %v", err)
	}
	t.Chdir(t.TempDir()) // where MuJoCo would write its log
	timed := func(timestep string) string {
		return strings.Replace(world(rod, motor), "<worldbody>", "\n<option timestep=\""+timestep+"\"/><worldbody>", 1)
	}
	for _, c := range []struct {
		name, mjcf, want string
		joints           []string
	}{
		{name: "empty", mjcf: "", want: "model.xml is empty"},
		{name: "blank", mjcf: " \n", want: "model.xml"},
		{name: "text", mjcf: "hello", want: "model.xml"},
		{name: "binary", mjcf: "\x00\x01\x02\xff", want: "model.xml"},
		{name: "cut off", mjcf: "<mujoco>\n<worldbody>", want: "line 2"},
		{name: "mismatched", mjcf: "<mujoco>\n<worldbody>\n</mujoco>", want: "line 3"},
		{name: "another root", mjcf: "<robot/>", want: "robot"},
		{name: "unknown element", mjcf: "<mujoco>\n\n<wrldbody/></mujoco>", want: "line 3"},
		{name: "unknown attribute", mjcf: world(`<body nam="a"/>`, ""), want: "line 2"},
		{name: "not a number", mjcf: world(strings.Replace(rod, "0.1 0.2", "wide", 1), motor), want: "line 2"},
		{name: "too few numbers", mjcf: world(strings.Replace(rod, "0 1 0", "1 0", 1), motor), want: "line 2"},
		{name: "zero axis", mjcf: world(strings.Replace(rod, "0 1 0", "0 0 0", 1), motor), want: "axis"},
		{name: "NaN", mjcf: world(strings.Replace(rod, "0.1 0.2", "nan nan", 1), motor), want: "model.xml"},
		{name: "no mass", mjcf: world(`<body><joint name="j"/></body>`, motor), want: "mass"},
		{name: "name twice", mjcf: world(rod+strings.Replace(rod, `"j"`, `"k"`, 1), motor), want: "repeated name"},
		{name: "actuator of nothing", mjcf: world(rod, `<motor joint="k"/>`), want: "k"},
		{name: "no timestep", mjcf: timed("0"), want: `line 3: <option timestep="0">: want a finite number of seconds > 0: write one such as 0.002`},
		{name: "negative timestep", mjcf: timed("-1"), want: `line 3: <option timestep="-1">: want a finite`},
		{name: "timestep that is not a number", mjcf: timed(" nan "), want: `line 3: <option timestep=" nan ">: want a finite`},
		{name: "infinite timestep", mjcf: timed("inf"), want: `line 3: <option timestep="inf">: want a finite`},
		{name: "word for a timestep", mjcf: timed("short"), want: "timestep"},
		{name: "no robot", mjcf: world(rod, ""), want: "<motor>"},
		{name: "no body", mjcf: "<mujoco/>", want: "<motor>"},
		{name: "unknown joint", mjcf: world(rod, motor), joints: []string{"j", "k"}, want: `no joint "k"; there are j`},
		{name: "joint without motor", mjcf: world(rod, ""), joints: []string{"j"}, want: "0 actuators"},
		{name: "two motors", mjcf: world(rod, motor+`<motor joint="j"/>`), want: "2 actuators"},
		{name: "servo", mjcf: world(rod, `<position name="servo" joint="j"/>`), want: `"servo" of joint "j" is no <motor>`},
		{name: "velocity servo", mjcf: world(rod, `<velocity joint="j"/>`), want: "no <motor>"},
		{name: "filter", mjcf: world(rod, `<general joint="j" dyntype="filter" dynprm="0.1"/>`), want: "no <motor>"},
		{name: "no gear", mjcf: world(rod, `<motor joint="j" gear="0"/>`), want: "gear"},
		{name: "one-sided range", mjcf: world(rod, `<motor joint="j" ctrlrange="1 2" ctrllimited="true"/>`), want: "around 0"},
		{name: "ball joint", mjcf: world(strings.Replace(rod, `axis=`, `type="ball" axis=`, 1), motor), want: "hinge or slide"},
		{name: "too many contacts", mjcf: `<mujoco><size nconmax="2000000000"/></mujoco>`, want: "nconmax"},
		{name: "too large a stack", mjcf: "<mujoco>\n<size nstack=\"1e15\"/></mujoco>", want: "line 2"},
		{name: "contacts beyond memory", mjcf: strings.Replace(world(`<geom type="plane" size="1 1 1"/><body pos="0 0 0.1"><joint name="j" type="slide" axis="0 0 1"/><geom type="box" size="0.2 0.2 0.2"/></body>`, motor),
			"<worldbody>", `<size nconmax="1" njmax="50"/><worldbody>`, 1), want: "contact"},
		{name: "large texture", mjcf: `<mujoco><asset><texture name="t" type="2d" builtin="flat" width="200000" height="200000"/></asset></mujoco>`, want: "width"},
		{name: "too many parts", mjcf: world(`<body><composite type="grid" count="5000 5000 1" spacing="1"/></body>`, ""), want: "count"},
		{name: "mesh from outside", mjcf: `<mujoco><asset><mesh file="../../secret.stl"/></asset></mujoco>`, want: "below the folder"},
		{name: "mesh that is not there", mjcf: "<mujoco>\n<asset>\n<mesh file=\"hand.stl\"/></asset></mujoco>", want: "model.xml, line 3: open hand.stl"},
		{name: "include that is not there", mjcf: "<mujoco>\n<include file=\"arm.xml\"/></mujoco>", want: "line 2: <include>: open arm.xml"},
		{name: "include by an absolute path", mjcf: `<mujoco><include file="/etc/passwd"/></mujoco>`, want: "<include>"},
		{name: "includes itself", mjcf: `<mujoco><include file="model.xml"/></mujoco>`, want: "model.xml"},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := loadError(c.mjcf, Config{Joints: c.joints})
			if !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "model.xml") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant ErrModel with model.xml and %q", err, c.want)
			}
			if err != nil && (strings.Contains(err.Error(), "\n") || len(err.Error()) > 1500) {
				t.Errorf("%q: want one line", err)
			}
		})
	}
	if left, err := filepath.Glob("*"); left != nil || err != nil {
		t.Errorf("MuJoCo left %v, %v", left, err)
	}
}

// TestUnstableModel has a model that MuJoCo warns of when it tries it.
func TestUnstableModel(t *testing.T) {
	mjcf := `<mujoco><worldbody>` + strings.Replace(rod, "<geom", `<inertial pos="0 0 1e9" mass="1e-9" diaginertia="1e-9 1e-9 1e-9"/><geom`, 1) + `</worldbody><actuator><motor joint="j"/></actuator></mujoco>`
	s, err := Load(fstest.MapFS{"m.xml": {Data: []byte(mjcf)}}, "m.xml", Config{})
	if err != nil {
		if !errors.Is(err, ErrModel) {
			t.Errorf("%v, want ErrModel", err)
		}
		return
	}
	defer s.Close()
	for range 1000 {
		if err := s.Step([]float64{1e12}); err != nil {
			if !errors.Is(err, ErrDiverged) {
				t.Errorf("%v, want ErrDiverged", err)
			}
			return
		}
		if !finite(s.Positions()[0]) {
			t.Fatal("a position that is not finite came without an error")
		}
	}
}

// TestFilesOfAModel reads a model of several files, in folders, with comments that are no XML.
func TestFilesOfAModel(t *testing.T) {
	tetrahedron := "v 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nf 1 3 2\nf 1 2 4\nf 1 4 3\nf 2 3 4\n"
	files := fstest.MapFS{
		"robots/arm.xml": {Data: []byte(`<?xml version="1.0" encoding="latin1"?><!-- -- <include file="none.xml"/> ---->
<mujoco><include file="parts/Looks.xml"/><worldbody><body><joint name="j"/><geom type="mesh" mesh="rock"/></body></worldbody>
<include file="motors.xml"/></mujoco>`)},
		"robots/parts/Looks.xml":   {Data: []byte(`<mujocoinclude><compiler meshdir="meshes"/><asset><mesh name="rock" file="rock.obj"/></asset></mujocoinclude>`)},
		"robots/motors.xml":        {Data: []byte(`<mujocoinclude><actuator><motor joint="j" gear="2"/></actuator></mujocoinclude>`)},
		"robots/meshes/rock.obj":   {Data: []byte(tetrahedron)},
		"robots/meshes/unused.obj": {Data: []byte("not read")},
	}
	check := func(where string, s *Simulator, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", where, err)
		}
		defer s.Close()
		if !slices.Equal(s.JointNames(), []string{"j"}) || !math.IsInf(s.EffortLimits()[0], 1) {
			t.Errorf("%s: joints %v with limits %v", where, s.JointNames(), s.EffortLimits())
		}
		mass := make([]float64, 1)
		must(t, s.MassMatrix(mass))
		if mass[0] < 1 {
			t.Errorf("%s: the inertia is %g, want that of a mesh of 167 kg", where, mass[0])
		}
	}
	s, err := Load(files, "robots/arm.xml", Config{})
	check("in memory", s, err)
	dir := t.TempDir()
	for name, f := range files {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, f.Data, 0o644))
	}
	s, err = Load(os.DirFS(filepath.Join(dir, "robots")), "arm.xml", Config{})
	check("in a folder", s, err)
	files["robots/motors.xml"].Data = []byte("<mujocoinclude>\n<actuator>\n<motr/></actuator></mujocoinclude>")
	if _, err := Load(files, "robots/arm.xml", Config{}); !errors.Is(err, ErrModel) || !strings.Contains(err.Error(), "motr") || !strings.Contains(err.Error(), "included file: Looks.xml, motors.xml") {
		t.Errorf("%v, want an error that says that it is in an included file", err)
	}
}

// TestErrorsOfManyThreads has models that fail to load, and simulations that fail, at one time.
func TestErrorsOfManyThreads(t *testing.T) {
	done := make(chan error)
	for i := range 8 {
		go func() {
			for range 20 {
				if i%2 == 0 {
					if err := loadError("<mujoco>\n<nothing/></mujoco>", Config{}); err == nil || !strings.Contains(err.Error(), "nothing") {
						done <- err
						return
					}
					continue
				}
				s, err := Load(fstest.MapFS{"m.xml": {Data: []byte(scene)}}, "m.xml", Config{})
				if err != nil {
					done <- err
					return
				}
				if err = s.SetState([]float64{0, 0, 1e12, 0}); err == nil {
					if err = s.Step([]float64{0, 0}); errors.Is(err, ErrDiverged) {
						err = nil
					}
				}
				s.Close()
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 8 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
