//go:build cgo && !nomujoco

package mujoco

/*
#cgo LDFLAGS: -lmujoco
#cgo CFLAGS: -Wall
#cgo noescape plant_step
#cgo nocallback plant_step
#cgo noescape plant_set
#cgo nocallback plant_set
#cgo noescape plant_reset
#cgo nocallback plant_reset
#include <stdlib.h>
#include "physics.h"
*/
import "C"

import (
	"fmt"
	"io/fs"
	"path"
	"runtime"
	"strings"
	"sync"
	"unsafe"
)

// Built says if this program has MuJoCo.
const Built = true

// Simulator carries a model's state through time. It owns workspace: one goroutine at a time.
type Simulator struct {
	plant    *C.struct_plant // nil after Close
	cleanup  runtime.Cleanup
	model    string // its file, for errors
	joints   []string
	limits   []float64 // nU
	sensors  []Sensor
	state    []float64 // [q; dq], 2 nQ
	effort   []float64 // a step's action, nU
	mass     []float64 // workspace of MassMatrix, the model's nv x nv
	timeStep float64
	looked   bool // the plant's copy to look at is up to date
}

// loading holds loads to one at a time, as MuJoCo keeps the latest document for itself; the
// first one puts MuJoCo's error handlers in place.
var (
	loading  sync.Mutex
	handlers sync.Once
)

// Load reads the MJCF model called name in fsys, with the files that it includes and its meshes
// and textures, which have paths relative to its folder and below it. The simulator is in the
// state that Reset gives. An error wraps ErrModel and names file and line, or ErrConfig.
// MuJoCo's warnings are errors.
func Load(fsys fs.FS, name string, c Config) (*Simulator, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	files, err := readSources(fsys, name)
	if err != nil {
		return nil, err
	}
	plant, err := compile(name, files)
	if err != nil {
		return nil, err
	}
	s := &Simulator{plant: plant, model: name}
	if err := s.describe(c); err != nil {
		C.plant_free(plant)
		return nil, err
	}
	s.cleanup = runtime.AddCleanup(s, func(p *C.struct_plant) { C.plant_free(p) }, plant)
	if err := s.Reset(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// compile has MuJoCo make a model of the files, of which the first is the main one.
func compile(name string, files []source) (*C.struct_plant, error) {
	loading.Lock()
	defer loading.Unlock()
	handlers.Do(func() { C.install_handlers() })
	var message [C.MESSAGE_SIZE]C.char
	failed := func() error {
		oneLine := strings.Join(strings.Fields(C.GoString(&message[0])), " ")
		return fmt.Errorf("%w: %s: %s", ErrModel, name, where(oneLine, files))
	}
	virtual := C.files_new()
	if virtual == nil {
		return nil, fmt.Errorf("%w: %s: out of memory", ErrModel, name)
	}
	defer C.files_free(virtual)
	for _, f := range files {
		text := C.CString(f.name)
		room := C.files_add(virtual, text, C.int(len(f.data)), &message[0])
		C.free(unsafe.Pointer(text))
		if room == nil {
			return nil, failed()
		}
		copy(unsafe.Slice((*byte)(room), len(f.data)), f.data)
	}
	text := C.CString(path.Base(name))
	defer C.free(unsafe.Pointer(text))
	plant := C.plant_load(virtual, text, &message[0])
	if plant == nil {
		return nil, failed()
	}
	return plant, nil
}

// Close gives back MuJoCo's memory; what was not closed is given back by the garbage
// collector. Positions, Velocities and State keep the last values; Step and what looks at the
// model return ErrClosed. A second Close does nothing.
func (s *Simulator) Close() {
	if s.plant == nil {
		return
	}
	s.cleanup.Stop()
	C.plant_free(s.plant)
	s.plant = nil
}

// JointNames returns the robot's joints, nQ; the caller must not change them.
func (s *Simulator) JointNames() []string { return s.joints }

// Dims returns the number of the robot's joints and of actions, which are the same.
func (s *Simulator) Dims() (nQ, nU int) { return len(s.joints), len(s.joints) }

// TimeStep returns the time in s that one Step takes.
func (s *Simulator) TimeStep() float64 { return s.timeStep }

// EffortLimits returns the largest torque or force that the motors give in both directions,
// nU: +Inf without a ctrlrange or forcerange. The caller must not change them.
func (s *Simulator) EffortLimits() []float64 { return s.limits }

// Positions returns q, nQ, as a view that the next Step changes.
func (s *Simulator) Positions() []float64 { return s.state[:len(s.joints):len(s.joints)] }

// Velocities returns dq, nQ, as a view that the next Step changes.
func (s *Simulator) Velocities() []float64 { return s.state[len(s.joints):] }

// State writes [q; dq], 2 nQ, to dst.
func (s *Simulator) State(dst []float64) {
	checkLen("state", dst, len(s.state))
	copy(dst, s.state)
}

// SetState sets [q; dq], 2 nQ, and leaves the objects where they are. A value that is not
// finite gives an error wrapping ErrNotFinite and leaves the state as it was. What follows
// depends on the state alone, not on the steps before.
func (s *Simulator) SetState(x []float64) error {
	checkLen("state", x, len(s.state))
	if s.plant == nil {
		return ErrClosed
	}
	for i, v := range x {
		if !finite(v) {
			return fmt.Errorf("%w: %s is %v", ErrNotFinite, s.component(i), v)
		}
	}
	copy(s.state, x)
	C.plant_set(s.plant, number(s.state))
	s.looked = false
	runtime.KeepAlive(s)
	return nil
}

// Reset takes the whole model, robot and objects, to its keyframe "home", or to its initial
// position at rest if it has none.
func (s *Simulator) Reset() error {
	if s.plant == nil {
		return ErrClosed
	}
	s.looked = false
	return s.outcome(C.plant_reset(s.plant, number(s.state)))
}

// Step holds the action u, nU, clipped to the motors' ranges, for one time step. It does not
// allocate. An action that is not finite gives an error wrapping ErrNotFinite, a motion too
// wild for the model's timestep one wrapping ErrDiverged, more contacts than there is memory
// for one wrapping ErrEngine; all leave the state as it was.
func (s *Simulator) Step(u []float64) error {
	checkLen("action", u, len(s.effort))
	if s.plant == nil {
		return ErrClosed
	}
	for i, v := range u {
		if !finite(v) {
			return fmt.Errorf("%w: action of joint %s is %v", ErrNotFinite, s.joints[i], v)
		}
	}
	copy(s.effort, u)
	s.looked = false
	return s.outcome(C.plant_step(s.plant, number(s.effort), number(s.state)))
}

// outcome returns the error of an enum outcome. It comes last in a method: until then the
// plant must live.
func (s *Simulator) outcome(code C.int) error {
	defer runtime.KeepAlive(s)
	if code == C.OUTCOME_OK {
		return nil
	}
	kind := ErrEngine
	if code == C.OUTCOME_DIVERGED {
		kind = ErrDiverged
	}
	return fmt.Errorf("%w: %s: %s", kind, s.model, C.GoString(&s.plant.message[0]))
}

// component names element i of the state.
func (s *Simulator) component(i int) string {
	if n := len(s.joints); i >= n {
		return "velocity of " + s.joints[i-n]
	}
	return "position of " + s.joints[i]
}

// number returns the first of the numbers, for C.
func number(v []float64) *C.double { return (*C.double)(unsafe.Pointer(unsafe.SliceData(v))) }
